"""health: 0 while a run gets on or when the last one ended well, 1 otherwise; one line says why."""
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import time

import pytest

import ledgers
import program
from servers import wait_for


def health(importer, within=2):
    result = importer.call("health", "--within", str(within))
    assert len(result.out.splitlines()) == 1 and result.err == "", str(result)
    return result


def expect(importer, code, words, within=2):
    result = health(importer, within)
    assert result.code == code and words in result.out, str(result)
    return result


@pytest.mark.sanitize
def test_before_during_and_after(site, make_destination, make_import, made_years):
    site.put(2021, made_years(200_000))
    importer = make_import(make_destination("sqlite"))
    expect(importer, 1, "nothing was imported with this --state yet")
    process = importer.start("--years", "2021", "--chunk-rows", "200")
    ledgers.stop_in_loading(importer, process)
    result = expect(importer, 1, "nothing has moved: 2021 loading", within=1)
    assert 0.9 < result.seconds < 30 * program.SLOW
    looking = importer.start("--within", "20", command="health")
    os.kill(process.pid, signal.SIGCONT)
    assert importer.finish(looking).code == 0
    importer.kill(process)
    expect(importer, 1, "was killed and none goes on: dvf-import run does")
    importer.run_well("--years", "2021")
    expect(importer, 0, "ended well")


def test_a_slow_download_is_progress_and_a_stuck_one_is_not(site, make_destination, make_import, made_years):
    site.slow_down("50k")
    site.put(2021, made_years(200_000))
    importer = make_import(make_destination("sqlite"), part="slow")
    process = importer.start("--years", "2021")
    wait_for(lambda: "fetching" in health(importer).out, 60, "the download")
    expect(importer, 0, "2021 fetching", within=10)
    os.kill(site.process.pid, signal.SIGSTOP)
    try:
        # What was on its way arrives first.
        wait_for(lambda: health(importer).code == 1, 30, "health to see that nothing comes")
    finally:
        os.kill(site.process.pid, signal.SIGCONT)
    process.terminate()
    assert importer.finish(process).code == program.INTERRUPTED
    expect(importer, 1, "exit code 75 (stopped)")


@contextlib.contextmanager
def held_up(database, statement, level="READ COMMITTED"):
    """A transaction of somebody else that has done something and stays open."""
    reader = database.server.connect(database.name)
    reader.autocommit = False
    reader.set_session(isolation_level=level)
    with contextlib.closing(reader), reader.cursor() as cursor:
        cursor.execute(statement)
        yield reader


@pytest.mark.parametrize("stage", ["indexing", "publishing"])
def test_a_stage_that_counts_nothing_is_progress(database, site, make_import, made_years, stage):
    site.put(2020, made_years(1000, 2020))
    site.put(2021, made_years(60_000))
    importer = make_import(database)
    importer.run_well("--years", "2020")
    process = importer.start("--years", "2021", "--chunk-rows", "500", "--snapshot-wait", "60")
    wait_for(lambda: database.committed() > 3000 or process.poll() is not None, 60, "the load")
    table = database.query("SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r'"
                           " AND c.relname LIKE 'dvf\\_2021\\_%'")[0][0]
    how = ((f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE",) if stage == "indexing"
           else ("SELECT count(*) FROM dvf", "REPEATABLE READ"))
    with held_up(database, *how):
        wait_for(lambda: f"2021 {stage}" in health(importer).out or process.poll() is not None, 60, stage)
        for _ in range(3):
            expect(importer, 0, f"2021 {stage}")
    assert importer.finish(process).code == program.ALL


def test_a_download_before_staging_is_there_is_progress(site, make_destination, make_import, made_years):
    """Nothing is made before something is to go into it; what comes is seen all the same."""
    site.slow_down("50k")
    site.put(2021, made_years(1000))
    importer = make_import(make_destination("sqlite"), part="slow")
    importer.run_well("--years", "2021")
    site.put(2021, made_years(100_000))
    process = importer.start("--years", "2021", "--staging")
    wait_for(lambda: "is at work" in importer.call("health", "--within", "1").out, 60, "the run")
    first = importer.start("--within", "8", command="health")
    assert importer.finish(first).code == 0
    with contextlib.closing(sqlite3.connect(ledgers.path_of(importer))) as ledger:
        seen = [ledger.execute("SELECT durable FROM part").fetchone()[0]]
        wait_for(lambda: ledger.execute("SELECT durable FROM part").fetchone()[0] > seen[0], 12, "more of it")
    importer.kill(process)


def test_what_keeps_runs_out_is_no_run(site, make_destination, make_import, made_years):
    site.put(2021, made_years(200_000))
    importer = make_import(make_destination("sqlite"))
    process = importer.start("--years", "2021", "--chunk-rows", "200")
    ledgers.stop_in_loading(importer, process)
    importer.kill(process)
    lock = pathlib.Path(importer.state or os.path.join(importer.home, "state"), "lock")
    with subprocess.Popen(importer.words("mend", ["-"]), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, cwd=importer.home) as mend:
        wait_for(lambda: f"pid {mend.pid} " in lock.read_text(), 60, "mend to have the lock")
        assert "or give this one its own --state" in importer.run("--years", "2021").said
        for command in (["clean"], ["promote"]):
            result = importer.call(*command)
            assert result.code == program.NONE and result.err.rstrip().endswith("): let it end"), str(result)
        expect(importer, 1, "was killed and none goes on")
        mend.kill()


def test_years_nobody_asked_for_are_not_shown(site, make_destination, make_import, made_years):
    """The default is seven years, of which the site has some: the others are no failures, here as in the report."""
    year = time.localtime().tm_year - 1
    site.put(year, made_years(100, year))
    importer = make_import(make_destination("sqlite"))
    importer.run_well()
    importer.run_well()
    years = json.loads(importer.call("status", "--json").out)["destinations"][0]["years"]
    assert [(one["year"], one["stage"]) for one in years] == [(year, "published")]
    assert years[0]["plain_done"] == years[0]["plain_size"] > years[0]["packed_done"] == years[0]["packed_size"] > 0


def test_a_year_that_is_missing(site, make_destination, make_import, made_years):
    site.put(2021, made_years(100))
    importer = make_import(make_destination("sqlite"))
    assert importer.run("--years", "2021,2022").code == program.SOME
    expect(importer, 1, "exit code 2 (partial)")
    importer.run_well("--years", "2021")
    expect(importer, 0, "every year asked for is in")


def test_it_keeps_no_run_from_starting(site, make_destination, make_import, made_years):
    """The lock is looked at, never taken."""
    site.put(2021, made_years(100))
    importer = make_import(make_destination("sqlite"))
    importer.run_well("--years", "2021")
    for _ in range(5):
        looking = [importer.start(command="health") for _ in range(3)]
        importer.run_well("--years", "2021")
        for one in looking:
            assert importer.finish(one).code in (0, 1)


@pytest.mark.parametrize("left", ["ended", "at work", "killed"])
def test_a_folder_that_may_only_be_read(open_place, site, make_destination, make_import, made_years, left):
    """As another user, who may write neither the ledger nor its log."""
    site.put(2021, made_years(300_000 if left == "at work" else 20_000))
    importer = make_import(make_destination("sqlite"), state=os.path.join(open_place, "state"))
    process = importer.start("--years", "2021", "--chunk-rows", "500")
    if left != "ended":
        wait_for(lambda: "loading" in importer.call("status").out, 60, "the load")
    if left == "killed":
        importer.kill(process)
    elif left == "ended":
        assert importer.finish(process).code == 0
    subprocess.run(["chmod", "-R", "a+rX", open_place], check=True)
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", os.path.join(open_place, "dvf-import"), "health",
                           "--state", importer.state], capture_output=True, text=True, timeout=60)
    assert {"ended": "ended well", "at work": "is at work", "killed": "was killed"}[left] in done.stdout, done
    assert done.returncode == (1 if left == "killed" else 0), done
    if process.poll() is None:
        importer.kill(process)


def stages_of(importer):
    return {year["year"]: year["stage"] for year in
            json.loads(importer.call("status", "--json").out)["destinations"][0]["years"]}


def test_what_is_served_stays_published_while_its_source_is_asked(site, make_destination, make_import, made_years):
    for year in (2020, 2021, 2022):
        site.put(year, made_years(100, year))
    importer = make_import(make_destination("sqlite"))
    importer.run_well("--years", "2021")
    os.kill(site.process.pid, signal.SIGSTOP)
    try:
        process = importer.start("--years", "2020-2022")
        wait_for(lambda: stages_of(importer).get(2020) == "fetching", 20, "the first year")
        assert stages_of(importer) == {2020: "fetching", 2021: "published", 2022: "waiting"}
        process.terminate()
        assert importer.finish(process).code == program.INTERRUPTED
        process = importer.start("--years", "2021")
        wait_for(lambda: "run 3 is at work" in health(importer, 60).out, 20, "the run")
        until = time.monotonic() + 2  # the stage of a year that is fetched is told every quarter of a second
        while time.monotonic() < until:
            assert stages_of(importer)[2021] == "published"
        process.terminate()
        assert importer.finish(process).code == program.INTERRUPTED
    finally:
        os.kill(site.process.pid, signal.SIGCONT)
    assert stages_of(importer) == {2020: "stopped", 2021: "published", 2022: "stopped"}


def test_why_a_run_could_not_begin_is_kept(make_destination, make_import):
    importer = make_import(make_destination("sqlite"))
    result = importer.run("--to", "sqlite:/nonexistent/dvf.sqlite", "--years", "2021")
    assert result.code == program.REFUSED, str(result)
    expect(importer, 1, "exit code 3 (refused): dvf-import history tells why")
    assert "the folder /nonexistent/" in ledgers.bodies(importer, "run ended")[0]["why"]
    assert "why=" in importer.call("history").out
