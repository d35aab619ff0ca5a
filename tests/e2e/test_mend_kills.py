"""Mending is killed, doubled, or beside a run: all of a sheet is in, or nothing, and each is told what happened."""
import os
import random
import time

import pytest

import program
import shapes
import sheets
from servers import wait_for

EVERY = 20  # each so many records one is a reject
ROWS = 3000


class Spoiled:
    """2021 with a reject in every twentieth record."""

    def __init__(self, destination, site, importer, made_years, tmp_path):
        self.destination, self.importer, self.folder = destination, importer, tmp_path
        self.good = shapes.plain_of(made_years(ROWS, seed=9, final_newline="yes")).rstrip(b"\n").split(b"\n")
        lines = list(self.good)
        for number in range(EVERY, ROWS + 1, EVERY):
            lines[number] = b"one more," + lines[number]
        site.put(2021, shapes.pack(b"\n".join(lines) + b"\n"))
        importer.run_well("--years", "2021", "--chunk-rows", "70", "--max-rejects", "50%")
        self.rows = sheets.read(importer.call("history", "--rejects", "--csv", "--to", destination.to).out)
        self.left = sorted(self.rows)

    def sheet(self, numbers):
        path = self.folder / f"sheet-{numbers[0]}.csv"
        path.write_bytes(sheets.written(sheets.mended(self.rows[number], self.good[number]) for number in numbers))
        return path

    def mended(self):
        """How many are, after asserting that everything agrees on it."""
        ask = self.destination.query
        mended = [n for n, in ask(f"SELECT record FROM {self.destination.prefix}mended ORDER BY 1")]
        rejects = [n for n, in ask("SELECT record FROM {reject} ORDER BY 1")]
        assert sorted(mended + rejects) == self.left
        rows = ROWS - len(rejects)
        assert self.destination.fingerprint(2021)[0] == self.destination.fingerprint(2021)[3] == rows
        assert ask("SELECT rows, rejects FROM {source}") == [(rows, len(rejects))]
        assert ask("SELECT sum(rows), sum(rejects) FROM {chunk}") == [(rows, len(rejects))]
        self.destination.tiles()
        return mended

    def settled(self):
        """A killed client's session may be at work yet."""
        if self.destination.kind == "postgres":
            wait_for(lambda: self.destination.query(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
                " usename = 'importer'") == [(0,)], 20, "the killed client's session")

    def all_or_nothing(self, numbers, before):
        """After a kill: whatever is in, the same again makes it whole. How many were in."""
        self.settled()
        after = self.mended()
        assert after in (before, sorted(before + numbers)), (numbers, after)
        result = self.importer.call("mend", self.sheet(numbers))
        assert result.code == (program.ALL if after == before else program.REFUSED), str(result)
        assert self.mended() == sorted(before + numbers)
        return len(after) - len(before)


@pytest.fixture
def spoiled(destination, site, make_import, made_years, tmp_path):
    return Spoiled(destination, site, make_import(destination), made_years, tmp_path)


def moments(spoiled, numbers):
    """(system call, which of them): some of each that a mend makes, the first and the last ones among them."""
    log = spoiled.folder / "calls"
    calls = ("sendto", "pwrite64") if spoiled.destination.kind == "postgres" else ("pwrite64", "fdatasync", "unlink")
    wrapper = ["strace", "-f", "-qq", "-o", log, "-e", "trace=" + ",".join(calls)]
    result = spoiled.importer.with_(wrapper=wrapper).call("mend", spoiled.sheet(numbers))
    assert result.code == 0, str(result)
    lines = log.read_text(errors="replace").splitlines()
    for call in calls:
        count = sum(f" {call}(" in line for line in lines)
        yield from ((call, when) for when in sorted({1 + (count - 1) * part // 4 for part in range(5)}))


def test_killed_at_a_system_call(spoiled):
    """Wherever it writes: into the destination, into the ledger, to the server."""
    left, before, outcomes = spoiled.left[3:], spoiled.left[:3], []
    for call, when in moments(spoiled, before):
        numbers, left = left[:3], left[3:]
        wrapper = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}",
                   "-e", f"inject={call}:signal=KILL:when={when}"]
        result = spoiled.importer.with_(wrapper=wrapper).call("mend", spoiled.sheet(numbers))
        if result.code == 0:
            assert spoiled.mended() == sorted(before + numbers)
        else:
            assert result.code == -9, str(result)
            outcomes.append(spoiled.all_or_nothing(numbers, before))
        before += numbers
    print(outcomes)
    assert 0 in outcomes and 3 in outcomes, f"no kill fell before, or none after the commit: {outcomes}"
    assert spoiled.importer.call("history", "--verify").code == 0


def test_killed_at_random_moments(spoiled):
    rng = random.Random(os.environ.get("KILLS_SEED", "4"))
    left, before = list(spoiled.left), []
    first = spoiled.importer.call("mend", spoiled.sheet(left[:20]))
    assert first.code == 0, str(first)
    before, left = left[:20], left[20:]
    for _ in range(6):
        numbers, left = left[:20], left[20:]
        process = spoiled.importer.start(spoiled.sheet(numbers), command="mend")
        time.sleep(rng.uniform(0, first.seconds))
        if spoiled.importer.kill(process).code == 0:
            assert spoiled.mended() == sorted(before + numbers)
        else:
            spoiled.all_or_nothing(numbers, before)
        before = sorted(before + numbers)


def test_two_at_once(spoiled, make_import):
    """Two hosts, each with a state folder of its own: the fence lets one through, the other says who it was."""
    other = make_import(spoiled.destination)
    sheet = spoiled.sheet(spoiled.left)
    both = [one.start(sheet, command="mend") for one in (spoiled.importer, other)]
    results = [one.finish(process) for one, process in zip((spoiled.importer, other), both)]
    assert spoiled.mended() == spoiled.left
    assert sorted(result.code for result in results)[0] == program.ALL, results
    late = max(results, key=lambda result: result.code)
    assert late.code in (program.NONE, program.REFUSED), results
    assert "nothing was mended" in late.err or "taken" in late.err, results
    assert "mended already" in late.err or f"pid {both[results.index(late) - 1].pid}" in late.err, results


def test_beside_a_run(spoiled, site, make_import, made_years):
    site.put(2022, made_years(60_000, year=2022))
    importer, destination = spoiled.importer, spoiled.destination
    run = importer.start("--years", "2022", "--chunk-rows", "50", "--loaders", "1")
    already = destination.committed()
    wait_for(lambda: destination.committed() > already, 30, "the run's first chunk")
    result = importer.call("mend", spoiled.sheet(spoiled.left))
    assert result.code == program.NONE and "another run is going on" in result.err, str(result)
    assert f"pid {run.pid}" in result.err, str(result)
    assert destination.count(2021) == ROWS - len(spoiled.left)

    # From another host the state folder's lock is not seen: the fence is taken, and the run ends.
    result = make_import(destination).call("mend", spoiled.sheet(spoiled.left))
    assert result.code == program.ALL, str(result)
    ended = importer.finish(run)
    assert ended.code == program.NONE and "taken" in ended.said and "pid" in ended.said, str(ended)
    importer.run_well("--years", "2022", "--chunk-rows", "3000")
    assert destination.counts() == {2021: ROWS, 2022: 60_000}
