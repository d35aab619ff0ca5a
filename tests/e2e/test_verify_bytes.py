"""verify: where it gets the file from, what it leaves alone, and what it costs."""
import contextlib
import json
import os
import re
import signal
import time

import pytest

import program
import shapes
from servers import wait_for
from test_verify import change

YEAR = 2021
MEMORY_MOST = 32 << 20


def spools(importer):
    folder = os.path.join(importer.state, "spool")
    return sorted(os.listdir(folder))


def own_files(importer):
    folder = os.path.join(importer.state, "verify")
    return [name for name in os.listdir(folder) if name != "lock"] if os.path.isdir(folder) else []


def verified(importer):
    """The bodies of the events that verify left in the history."""
    events = json.loads(importer.call("history", "--json").out)["events"]
    return [(event["year"], event["body"]) for event in events if event["kind"] == "year verified"]


@pytest.mark.sanitize
def test_cleaned_spool_is_fetched_again(destination, site, make_import, made_years):
    site.put(YEAR, made_years(600))
    importer = make_import(destination)
    importer.run_well("--years", YEAR)
    site.requests()
    assert importer.call("verify").code == program.ALL
    assert site.requests() == [], "the spool was there"
    assert importer.call("clean").code == 0 and spools(importer) == []
    before = destination.fingerprint(YEAR)
    result = importer.call("verify")
    assert result.code == program.ALL and "fetching" in result.said, str(result)
    assert [request.status for request in site.requests()] == [200, 200]
    assert spools(importer) == [] and own_files(importer) == []
    # without --source it is asked for where the destination says it came from
    assert importer.with_(source="").call("verify").code == program.ALL
    # a ledger that was lost is not needed, nor is a state folder
    os.unlink(os.path.join(importer.state, "state.sqlite"))
    assert importer.call("verify").code == program.ALL
    assert importer.with_(state=importer.state + "-other").call("verify").code == program.ALL
    assert destination.fingerprint(YEAR) == before


def test_edition_that_is_to_be_had_no_more(destination, site, make_import, made_years):
    site.put(YEAR, made_years(600))
    importer = make_import(destination)
    importer.run_well("--years", YEAR)
    importer.call("clean")
    other = shapes.plain_of(made_years(600))
    site.put(YEAR, shapes.pack(other, level=2))
    for words in ("has another edition now", "has that year no more"):
        if words == "has that year no more":
            site.take_away(YEAR)
        result = importer.call("verify")
        assert result.code == program.REFUSED, str(result)
        assert f"{YEAR}  not proved" in result.out and words in result.out and "--fast" in result.out, str(result)
        assert own_files(importer) == []
        fast = importer.call("verify", "--fast")
        assert fast.code == program.ALL and "not the file's SHA-256" in fast.out, str(fast)
    # the same length, other bytes: only the hash tells
    same_size = bytearray(open(made_years(600), "rb").read())
    same_size[4] ^= 1  # the time in gzip's header: any CRC still fits
    site.put(YEAR, bytes(same_size))
    result = importer.call("verify")
    assert result.code == program.REFUSED and "has another edition now" in result.out, str(result)
    assert [body["outcome"] for _, body in verified(importer)].count("not proved") == 3
    assert own_files(importer) == []


def test_spoiled_spool_is_not_used(destination, site, make_import, made_years):
    site.put(YEAR, made_years(600))
    importer = make_import(destination)
    importer.run_well("--years", YEAR)
    (name,) = spools(importer)
    spool = os.path.join(importer.state, "spool", name)
    with open(spool, "r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    spoiled = open(spool, "rb").read()
    result = importer.call("verify")
    assert result.code == program.ALL and "not what it was" in result.said, str(result)
    assert open(spool, "rb").read() == spoiled, "it is for run to put right"
    fast = importer.call("verify", "--fast")
    assert fast.code == program.NONE and "spool on this machine" in fast.out, str(fast)


def test_plain_file(destination, site, make_import, made_years):
    site.put(YEAR, shapes.plain_of(made_years(600)), "full.csv")
    importer = make_import(destination).with_(source=site.source(ending="full.csv"))
    importer.run_well("--years", YEAR)
    for _ in range(2):
        assert importer.call("verify").code == program.ALL
        importer.call("clean")


def test_years_and_exit_codes(destination, site, make_import, made_years):
    site.put(2020, made_years(300, 2020))
    site.put(YEAR, made_years(300))
    importer = make_import(destination)
    result = importer.call("verify", "--wait", "1")
    assert result.code == program.REFUSED and "nothing to verify" in result.said, str(result)
    importer.run_well("--years", f"2020,{YEAR}")
    result = importer.call("verify")
    assert re.findall(r"^(\d{4})  equal  300 rows", result.out, re.MULTILINE) == ["2020", "2021"], str(result)
    result = importer.call("verify", "--years", "2019,2020")
    assert result.code == program.REFUSED and "does not serve 2019" in result.out, str(result)
    assert "2020  equal" in result.out, str(result)
    change(destination, "UPDATE {table} SET nombre_lots = 99 WHERE source_year = 2020 AND source_row = 3")
    result = importer.call("verify", "--years", "2019-2021")
    assert result.code == program.NONE, "different is worse than not proved: " + str(result)
    assert "2021  equal" in result.out and "2020  different  1 difference" in result.out, str(result)
    outcomes = [(year, body["outcome"], body["differences"]) for year, body in verified(importer)]
    assert outcomes[-3:] == [(2019, "not proved", 0), (2020, "different", 1), (2021, "equal", 0)]
    assert importer.call("history", "--verify").code == 0


def test_server_that_is_not_there(make_import, database, site):
    importer = make_import(database).with_(to="postgresql://me@127.0.0.1:1/dvf")
    result = importer.call("verify", "--wait", "0")
    assert result.code == program.REFUSED and "cannot" in result.err, str(result)


def test_beside_a_running_import(destination, site, make_import, made_years):
    """It takes no fence and no lock that a run needs: both end well."""
    site.put(2020, made_years(3000, 2020))
    path = site.put(YEAR, made_years(40_000))
    importer = make_import(destination)
    importer.run_well("--years", "2020")
    process = importer.start("--years", YEAR, "--chunk-rows", "300")
    wait_for(lambda: destination.committed() > 4000 or process.poll() is not None, 60, "chunks to be in")
    assert process.poll() is None, "the run was too quick to be beside"
    result = importer.call("verify")
    assert result.code == program.ALL and "2020  equal  3000 rows" in result.out, str(result)
    assert importer.call("verify", "--fast", "--years", "2020").code == program.ALL
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert destination.differences(YEAR, path) == []
    assert importer.call("verify").code == program.ALL


def test_year_that_changes_while_it_is_read(database, site, make_import, made_years):
    """The bookkeeping has other counts at the end than at the start, as after a mend: it is read once more."""
    site.put(YEAR, made_years(300))
    importer = make_import(database)
    importer.run_well("--years", YEAR)
    waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database" \
              f" WHERE NOT granted AND datname = '{database.name}'"
    with contextlib.closing(database.server.connect(database.name)) as holder:
        with holder.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE dvf")
            process = importer.start(command="verify")
            wait_for(lambda: database.query(waiting)[0][0] > 0, 20, "verify to wait for the table")
            process.send_signal(signal.SIGTERM)
            assert importer.finish(process, 20).code == program.INTERRUPTED
            process = importer.start(command="verify")
            wait_for(lambda: database.query(waiting)[0][0] > 0, 20, "verify to wait for the table")
            cursor.execute("UPDATE dvf_import.source SET rejects = 1; COMMIT")
    result = importer.finish(process, 60)
    assert "was changed while it was read" in result.err and result.code == program.NONE, str(result)
    assert "says 300 rows and 1 rejects, the file has 300 and 0" in result.out, str(result)


def test_stop_and_kill(destination, site, make_import, made_years):
    site.put(YEAR, made_years(50_000))
    importer = make_import(destination)
    importer.run_well("--years", YEAR)
    process = importer.start(command="verify")
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    assert importer.finish(process, 10).code in (program.INTERRUPTED, -signal.SIGTERM)
    importer.call("clean")
    site_slow = importer.with_(source=site.source("slow"))
    process = site_slow.start(command="verify")
    wait_for(lambda: own_files(importer), 20, "a download")
    process.send_signal(signal.SIGINT)
    result = importer.finish(process, 10)
    assert result.code == program.INTERRUPTED and own_files(importer) == [], str(result)
    process = site_slow.start(command="verify")
    wait_for(lambda: own_files(importer), 20, "a download")
    importer.kill(process)
    assert own_files(importer) != []
    assert importer.call("verify").code == program.ALL
    assert own_files(importer) == [], "what a killed one left goes with the next"


def peak_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) << 10
    except (OSError, AttributeError):
        return 0


@pytest.mark.skipif("asan" in program.PATH, reason="a sanitizer's own memory would be measured")
def test_memory_does_not_grow_with_the_rows(destination, site, make_import, made_years):
    importer = make_import(destination)
    peaks = {}
    for year, rows in ((2020, 50_000), (YEAR, 200_000)):
        site.put(year, made_years(rows, year))
        importer.run_well("--years", year)
        process = importer.start("--years", str(year), "--memory-limit", "24M", command="verify")
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.01)
        result = importer.finish(process)
        assert result.code == program.ALL, str(result)
        print(f"{destination.kind}: {result.out.strip()}, peak {peak / (1 << 20):.1f} MiB")
        peaks[rows] = peak
    assert peaks[200_000] < MEMORY_MOST and peaks[200_000] < peaks[50_000] + (3 << 20), peaks
