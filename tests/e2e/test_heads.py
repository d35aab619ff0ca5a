"""A history that proves itself: what destinations were told of it finds out who rewrites, cuts or replaces it."""
import json
import os
import shutil
import sqlite3

import pytest

import ledgers
import program
from servers import wait_for


def heads(destination):
    """(chain, number, hash, why), oldest first."""
    return destination.query(f"SELECT chain, number, hash, why FROM {destination.prefix}history ORDER BY position")


def verify(importer, destination=None, *more):
    to = ["--to", destination.to] if destination else []
    return importer.call("history", "--verify", *to, *more)


def holds(importer, destination, *wanted):
    result = verify(importer, destination)
    assert result.code == program.ALL, str(result)
    assert "NOT WHOLE" not in result.out
    for words in wanted:
        assert words in result.out, str(result)
    return result


def fails(importer, destination, *wanted):
    result = verify(importer, destination)
    assert result.code == program.NONE and len(result.lines) == 1, str(result)
    for words in wanted:
        assert words in result.out, str(result)
    return result


@pytest.fixture
def imported(destination, site, make_import, made_years):
    """One year in, once."""
    site.put(2021, made_years(100))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    return importer


@pytest.mark.sanitize
def test_what_is_told_and_verified(destination, imported):
    told = heads(destination)
    chain = {chain for chain, _, _, _ in told}
    assert len(chain) == 1
    assert [why for _, _, _, why in told] == ["destination taken", "year published", "run ended"]
    written = {event["number"]: event["hash"] for event in ledgers.events(imported)}
    assert all(written[number] == digest for _, number, digest, _ in told)
    assert told[-1][1] == max(written)
    holds(imported, destination, "3 heads, 3 of them ours", "can forge both")
    result = verify(imported, destination, "--json")
    said = json.loads(result.out)
    assert result.code == 0 and said["schema"] == 1 and said["whole"] is True
    assert said["events"] == len(written) and said["heads"] == 3 and said["problems"] == []
    assert said["newest_head"]["number"] == max(written) and said["newest_head"]["why"] == "run ended"
    assert said["destination"]["uuid"]


def test_what_was_told_is_append_only(destination, imported):
    before = heads(destination)
    table = destination.prefix + "history"
    for statement in (f"UPDATE {table} SET hash = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(Exception, match="append-only"):
            if destination.kind == "sqlite":
                with destination.open() as connection:
                    connection.execute(statement)
            else:
                destination.server.sql(statement, destination.name)
    if destination.kind == "sqlite":
        with destination.open() as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    else:
        with pytest.raises(Exception, match="append-only"):
            destination.server.sql(f"TRUNCATE {table}", destination.name)
    assert heads(destination) == before


def change(forger):
    forger.do("UPDATE event SET body = replace(body, '\"rows\":100', '\"rows\":99') WHERE kind = 'year published'")


def drop(forger):
    forger.do("DELETE FROM event WHERE number = 3")


def swap(forger):
    forger.do("UPDATE event SET number = -3 WHERE number = 3")
    forger.do("UPDATE event SET number = 3 WHERE number = 4")
    forger.do("UPDATE event SET number = 4 WHERE number = -3")


def cut(forger):
    """The last event goes: the one the destination was told last."""
    forger.do("DELETE FROM event WHERE number = (SELECT max(number) FROM event)")
    forger.do("UPDATE sqlite_sequence SET seq = (SELECT max(number) FROM event) WHERE name = 'event'")


def replace_ledger(forger):
    forger.do("UPDATE event SET at = replace(at, 'T', ' ')")


def replace_with_new_chain(forger):
    replace_ledger(forger)
    forger.new_chain()


ATTACKS = {
    change: ["the ledger has", "was changed"],
    drop: ["is missing", "was changed"],
    swap: ["the ledger has", "was changed"],
    cut: ["is missing", "it was cut"],
    replace_ledger: ["event 2:", "another ledger stands in its place"],
    replace_with_new_chain: ["unknown history", "it published to this destination"],
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_forged_ledgers_are_found_out(attack, destination, imported):
    """Each forger computes all hashes anew, so that the chain alone holds."""
    told = heads(destination)
    holds(imported, destination)
    with ledgers.Forger(imported) as forger:
        attack(forger)
        forger.whole()
    alone = verify(imported)
    assert alone.code == program.ALL and "no destination was compared" in alone.out, str(alone)
    result = fails(imported, destination, *ATTACKS[attack])
    newest = told[-1]
    for fact in (newest[2], newest[3], f"event {newest[1]}"):
        assert fact in result.out, f"{fact} is not named\n{result}"
    said = json.loads(verify(imported, destination, "--json").out)
    assert said["whole"] is False and said["problems"]


@pytest.mark.parametrize("attack", [change, drop, swap], ids=lambda attack: attack.__name__)
def test_clumsy_forgers_are_found_by_the_chain(attack, destination, imported):
    with ledgers.Forger(imported) as forger:
        attack(forger)
    fails(imported, None, "the history does not hold: event", "no destination was compared")
    fails(imported, destination, "the history does not hold: event")


@pytest.mark.sanitize
def test_lost_ledger_goes_on_from_the_newest_head(destination, imported):
    last = heads(destination)[-1]
    shutil.rmtree(imported.state)
    result = imported.run_well("--years", "2021")
    assert "knows an earlier history" in result.err, str(result)
    named, = ledgers.bodies(imported, "history continues")
    assert (named["chain"], named["number"], named["hash"], named["told"]) == last
    holds(imported, destination, f"names it up to event {last[1]}")
    imported.run_well("--years", "2021")
    assert len(ledgers.bodies(imported, "history continues")) == 1, "named again"
    # the destination's word of the old history is held to what was named
    second = heads(destination)[-1]
    shutil.rmtree(imported.state)
    imported.run_well("--years", "2021")
    assert [named["chain"] for named in ledgers.bodies(imported, "history continues")] == [second[0]]
    assert [named["chain"] for named in ledgers.bodies(imported, "other history seen")] == [last[0]]
    holds(imported, destination)
    with ledgers.Forger(imported) as forger:
        forger.do("UPDATE event SET body = replace(body, ?, ?)", second[2], "0" * 64)
        forger.whole()
    fails(imported, destination, "one of the two was changed", second[2])


def test_damaged_ledger_goes_on_too(destination, imported):
    last = heads(destination)[-1]
    with open(ledgers.path_of(imported), "r+b") as file:
        file.write(b"nonsense" * 64)
    imported.run_well("--years", "2021")
    assert ledgers.kinds(imported)[0] == "state repaired"
    assert ledgers.bodies(imported, "history continues")[0]["hash"] == last[2]
    holds(imported, destination)


@pytest.mark.sanitize
def test_older_copy_put_back(destination, imported, tmp_path):
    copied = tmp_path / "copy.sqlite"
    ledgers.copy(imported, copied)
    imported.run_well("--years", "2021")
    last = heads(destination)[-1]
    ledgers.put_back(imported, copied)
    fails(imported, destination, f"event {last[1]} is missing", "an older copy of it was put back", last[2])
    result = imported.run_well("--years", "2021")
    assert "an older copy of the ledger was put back" in result.err, str(result)
    behind, = ledgers.bodies(imported, "history is behind")
    assert (behind["chain"], behind["number"], behind["hash"]) == last[:3]
    assert behind["begins"] != last[0]
    told = heads(destination)
    assert told[-1][0] == behind["begins"], "the history goes on under the old chain id"
    holds(imported, destination, "are lost: event", behind["chain"])
    imported.run_well("--years", "2021")
    assert len(ledgers.bodies(imported, "history is behind")) == 1, "named again"
    holds(imported, destination)
    with ledgers.Forger(imported) as forger:  # the new chain is held as the old one was
        cut(forger)
        forger.whole()
    fails(imported, destination, "is missing", "it was cut")


def test_older_copy_used_elsewhere_is_not_forgiven(make_destination, site, make_import, made_years, tmp_path):
    """Between being put back and meeting the first destination again it worked on another one."""
    site.put(2021, made_years(100))
    first, second = make_destination("sqlite"), make_destination("sqlite")
    importer = make_import(first)
    importer.run_well("--years", "2021")
    copied = tmp_path / "copy.sqlite"
    ledgers.copy(importer, copied)
    importer.run_well("--years", "2021")
    ledgers.put_back(importer, copied)
    importer.with_(to=second.to).run_well("--years", "2021")
    importer.run_well("--years", "2021")
    differs, = ledgers.bodies(importer, "history differs")
    assert differs["hash"] != differs["ours"] and differs["begins"]
    fails(importer, first, "was changed, or another ledger stands in its place")
    holds(importer, second)
    importer.run_well("--years", "2021")
    assert len(ledgers.bodies(importer, "history differs")) == 1, "named again"


@pytest.mark.sanitize
def test_two_state_folders_at_one_destination(destination, imported, make_import):
    other = make_import(destination)
    other.run_well("--years", "2021")
    assert len(ledgers.bodies(other, "history continues")) == 1
    holds(other, destination)
    holds(imported, destination, "began here after ours was last told")
    imported.run_well("--years", "2021")
    assert len(ledgers.bodies(imported, "other history seen")) == 1
    holds(imported, destination, "Its events are not in this ledger")
    holds(other, destination, "has gone on since")


def test_two_destinations_with_one_ledger(make_destination, site, make_import, made_years):
    site.put(2021, made_years(100))
    first, second = make_destination("postgres"), make_destination("sqlite")
    importer = make_import(first)
    importer.run_well("--years", "2021")
    importer.with_(to=second.to).run_well("--years", "2021")
    importer.run_well("--years", "2021")
    holds(importer, first)
    holds(importer, second, "come after that head: they agree with each other")
    assert {chain for chain, _, _, _ in heads(first)} == {chain for chain, _, _, _ in heads(second)}
    published = [event["body"]["destination"] for event in ledgers.events(importer)
                 if event["kind"] == "year published"]
    assert len(set(published)) == 2


def test_destination_that_was_made_to_forget(destination, imported):
    table = destination.prefix + "history"
    if destination.kind == "sqlite":
        with destination.open() as connection:
            for name in ("update", "delete", "replace"):
                connection.execute(f"DROP TRIGGER {table}_{name}")
            connection.execute(f"DELETE FROM {table}")
            connection.commit()
    else:
        destination.server.sql(f"DROP TABLE {table}", destination.name)  # as an older version's is
    fails(imported, destination, "told nothing of this history")
    imported.run_well("--years", "2021")
    holds(imported, destination)


def test_destination_that_cannot_be_reached(destination, imported, make_destination):
    gone = ("postgresql://importer@127.0.0.1:1/none" if destination.kind == "postgres"
            else f"sqlite:{imported.home}/none.sqlite")
    result = imported.call("history", "--verify", "--to", gone, "--wait", "0")
    assert result.code == program.ALL, str(result)
    assert "no destination was compared" in result.out and "would look the same" in result.out
    said = json.loads(imported.call("history", "--verify", "--to", gone, "--wait", "0", "--json").out)
    assert said["destination"] is None and said["newest_head"] is None and said["whole"] is True
    with ledgers.Forger(imported) as forger:
        drop(forger)
    result = imported.call("history", "--verify", "--to", gone, "--wait", "0")
    assert result.code == program.NONE, str(result)


def test_which_destination_is_compared(imported, destination):
    """--to, else the environment, else dvf.sqlite where it is called."""
    asked = imported.with_(environment={"DATABASE_URL": destination.to})
    assert "3 heads, 3 of them ours" in verify(asked).out
    assert "no destination was compared" in verify(imported).out
    if destination.kind == "sqlite":
        os.symlink(destination.path, os.path.join(imported.home, "dvf.sqlite"))
        assert "3 heads, 3 of them ours" in verify(imported).out
    wrong = imported.with_(environment={"POSTGRES_HOST": "h", "POSTGRES_PORT": "x"})
    assert verify(wrong).code == program.USAGE and wrong.call("history").code == program.ALL


def test_telling_that_fails_at_the_end_fails_nothing(destination, imported):
    table = destination.prefix + "history"
    if destination.kind == "sqlite":
        with destination.open() as connection:
            connection.execute(f"CREATE TRIGGER no BEFORE INSERT ON {table} WHEN NEW.why = 'run ended'"
                               " BEGIN SELECT RAISE(ABORT, 'not now'); END")
    else:
        destination.server.sql(f"ALTER TABLE {table} ADD CONSTRAINT no CHECK (why <> 'run ended') NOT VALID",
                               destination.name)
    before = heads(destination)
    result = imported.run_well("--years", "2021")
    assert "was not told how far the history goes (run ended)" in result.err, str(result)
    assert heads(destination) == before
    holds(imported, destination, "come after that head")


def test_head_is_told_after_the_ledger_is_on_disk(make_destination, site, make_import, made_years, tmp_path):
    """Else a power cut could leave a destination that knows more than the ledger."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    site.put(2021, made_years(100))
    destination = make_destination("sqlite")
    trace = tmp_path / "trace"
    importer = make_import(destination).with_(wrapper=[
        "strace", "-f", "-y", "-qq", "-e", "trace=fdatasync,fsync,pwrite64", "-o", str(trace)])
    importer.run_well("--years", "2021")
    lines = trace.read_text(errors="replace").splitlines()
    written = max(i for i, line in enumerate(lines) if "pwrite64" in line and "state.sqlite-wal>" in line)
    told = min(i for i, line in enumerate(lines) if i > written and "pwrite64" in line and "dvf.sqlite-wal>" in line)
    assert any("sync(" in line and "state.sqlite-wal>" in line for line in lines[written:told])


def test_killed_run_leaves_nothing_to_explain(destination, site, make_import, made_years):
    site.put(2021, made_years(60_000))
    importer = make_import(destination)
    words = ("--years", "2021", "--chunk-rows", "500")
    process = importer.start(*words)
    wait_for(lambda: destination.committed() > 5000 or process.poll() is not None, 60, "rows")
    importer.kill(process)
    holds(importer, destination)
    process = importer.start(*words)
    wait_for(lambda: destination.committed() > 20_000 or process.poll() is not None, 60, "rows")
    process.terminate()
    result = importer.finish(process)
    importer.run_well(*words)
    holds(importer, destination)
    loaded, = ledgers.bodies(importer, "year loaded")
    assert sum(rows for _, _, _, rows, _ in loaded["ranges"]) == 60_000 == loaded["rows"]
    assert result.code in (program.INTERRUPTED, program.ALL), str(result)
    if result.code == program.INTERRUPTED and loaded["rows_of_run"] < 40_000:
        stopped = ledgers.bodies(importer, "chunks loaded")[-1]
        assert 0 < stopped["rows"] < 60_000 and stopped["why"] and stopped["chunks_of_run"] > 0
        assert stopped["rows"] == sum(rows for _, _, _, rows, _ in stopped["ranges"])
        assert stopped["rows"] + loaded["rows_of_run"] == 60_000
