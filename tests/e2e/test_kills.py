"""Killed anywhere, the next run goes on exactly there."""
import os
import random
import signal
import time

import pytest

import program
from servers import wait_for

ROWS = 200_000
LESS_ROWS = 60_000  # where every value is compared
KILLS = int(os.environ.get("KILLS", "5"))
LOADERS = 2
CHUNK_ROWS = 3000
CHUNKS_IN_FLIGHT = 4 * LOADERS  # as many as the default memory allows in one transaction (stages/plan.c)


def interrupted_import(importer, destination, longest, rng):
    """Starts, kills at a random moment; what the witness said then, or None when the run was faster. Half of the
    moments are anywhere in time, half after a random number of rows: a load is the shorter part of a run."""
    process = importer.start("--years", "2021", "--loaders", LOADERS, "--chunk-rows", CHUNK_ROWS)
    if rng.random() < 0.5:
        time.sleep(rng.uniform(0, longest))
    else:
        rows = rng.uniform(0, ROWS)
        wait_for(lambda: destination.committed() >= rows or process.poll() is not None, 60, "rows")
    if process.poll() is not None:
        result = importer.finish(process)
        assert result.code == program.ALL, str(result)
        return None
    importer.kill(process)
    return destination.chunks()


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_kills_at_random_moments(kind, make_destination, site, make_import, made_years):
    """KILLS=50 is the full proof; the seed of the moments is printed when it fails."""
    seed = int(os.environ.get("KILLS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"KILLS_SEED={seed}")
    rng = random.Random(seed)
    path = site.put(2021, made_years(ROWS))
    uninterrupted = make_destination(kind)
    longest = make_import(uninterrupted).run_well(
        "--years", "2021", "--loaders", LOADERS, "--chunk-rows", CHUNK_ROWS).seconds
    whole = uninterrupted.fingerprint(2021)
    assert whole[:4] == (ROWS, 1, ROWS, ROWS)

    kills, loaded_before = 0, []
    while kills < KILLS:
        destination = make_destination(kind)
        importer = make_import(destination)
        known, here = set(), 0
        for _ in range(rng.choice([1, 1, 2, 3])):  # some are killed again before they could finish
            chunks = interrupted_import(importer, destination, longest, rng)
            if chunks is None:
                break
            kills, here = kills + 1, here + 1
            assert known <= chunks, "a chunk that was done is not any more"
            known = chunks
            loaded_before.append(sum(chunk[4] for chunk in chunks))
        result = importer.run_well("--years", "2021", "--loaders", LOADERS, "--chunk-rows", CHUNK_ROWS)
        assert destination.fingerprint(2021) == whole, (loaded_before, result)
        assert known <= destination.chunks(), "a chunk that was done was loaded again"
        destination.tiles()
        assert destination.leftovers() == []
        if kind == "postgres":
            again = destination.inserted() - ROWS
            assert again <= here * CHUNKS_IN_FLIGHT * CHUNK_ROWS, f"{again} rows were loaded again"
        history = importer.call("history", "--verify")
        assert history.code == 0, str(history)
    print("rows that were in at each kill:", loaded_before)
    assert any(0 < rows < ROWS for rows in loaded_before), "no kill came while rows were loaded"
    assert uninterrupted.differences(2021, path) == []


@pytest.mark.sanitize
def test_killed_in_the_middle(destination, site, make_import, made_years):
    path = site.put(2021, made_years(20_000))
    importer = make_import(destination)
    process = importer.start("--years", "2021", "--chunk-rows", "200", "--loaders", "3")
    wait_for(lambda: destination.committed() > 2000 or process.poll() is not None, 60, "chunks")
    importer.kill(process)
    before = destination.chunks()
    importer.run_well("--years", "2021", "--chunk-rows", "333", "--loaders", "2")
    assert before <= destination.chunks()
    assert destination.differences(2021, path) == []
    destination.tiles()


@pytest.mark.sanitize
@pytest.mark.threads
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop(destination, site, make_import, made_years, number):
    path = site.put(2021, made_years(LESS_ROWS))
    importer = make_import(destination)
    process = importer.start("--years", "2021", "--chunk-rows", "100")
    wait_for(lambda: destination.committed() > 0 or process.poll() is not None, 60, "the first chunk")
    process.send_signal(number)
    asked = time.monotonic()
    result = importer.finish(process, 30)
    assert result.code == program.INTERRUPTED, str(result)
    assert time.monotonic() - asked < 5 * program.SLOW
    assert destination.count(2021) == 0
    before = destination.chunks()
    importer.run_well("--years", "2021")
    assert before <= destination.chunks()
    assert destination.differences(2021, path) == []


def test_asked_to_stop_while_downloading(database, site, make_import, made_years):
    site.put(2021, made_years(ROWS))
    importer = make_import(database, "slow")
    process = importer.start("--years", "2021")
    wait_for(site.requests, 20, "a request")
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    result = importer.finish(process, 5)
    assert result.code == program.INTERRUPTED, str(result)
    importer.with_(source=site.source()).run_well("--years", "2021")
    assert database.count(2021) == ROWS


def chunks_then_kill(importer, destination, process, rows):
    wait_for(lambda: destination.committed() > rows or process.poll() is not None, 60, f"{rows} rows")
    assert process.poll() is None, str(importer.finish(process))
    importer.kill(process)
    return destination.chunks()


def test_ledger_deleted_in_between(destination, site, make_import, made_years):
    path = site.put(2021, made_years(LESS_ROWS))
    importer = make_import(destination)
    process = importer.start("--years", "2021", "--chunk-rows", "200")
    before = chunks_then_kill(importer, destination, process, 10_000)
    for name in os.listdir(importer.state):
        if name.startswith("state.sqlite"):
            os.unlink(os.path.join(importer.state, name))
    importer.run_well("--years", "2021")
    assert before <= destination.chunks(), "the witness was not believed"
    assert destination.differences(2021, path) == []
    destination.tiles()


def test_ledger_corrupted_in_between(destination, site, make_import, made_years):
    site.put(2021, made_years(LESS_ROWS))
    importer = make_import(destination)
    process = importer.start("--years", "2021", "--chunk-rows", "200")
    before = chunks_then_kill(importer, destination, process, 10_000)
    ledger = os.path.join(importer.state, "state.sqlite")
    for ending in ("-wal", "-shm"):
        if os.path.exists(ledger + ending):
            os.unlink(ledger + ending)
    with open(ledger, "r+b") as out:
        out.write(b"this was a ledger once " * 300)
    importer.run_well("--years", "2021")
    assert before <= destination.chunks(), "the witness was not believed"
    assert destination.fingerprint(2021)[:4] == (LESS_ROWS, 1, LESS_ROWS, LESS_ROWS)
    assert any(name.startswith("state.sqlite.broken-") for name in os.listdir(importer.state))
    assert importer.call("history", "--verify").code == 0


def test_destination_made_again_in_between(make_database, site, make_import, made_years):
    """Dropped and made again under the same name: the ledger must not believe that its rows are still there."""
    site.put(2021, made_years(5000))
    database = make_database()
    importer = make_import(database)
    importer.run_well("--years", "2021")
    database.server.sql(f"DROP DATABASE {database.name} WITH (FORCE)")
    database.server.sql(f"CREATE DATABASE {database.name} OWNER importer")
    importer.run_well("--years", "2021")
    assert database.count(2021) == 5000


def test_sqlite_file_deleted_in_between(make_destination, site, make_import, made_years):
    site.put(2021, made_years(5000))
    destination = make_destination("sqlite")
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    os.unlink(destination.path)
    importer.run_well("--years", "2021")
    assert destination.count(2021) == 5000


def test_two_runs_on_one_state_folder(destination, site, make_import, made_years):
    path = site.put(2021, made_years(30_000))
    importer = make_import(destination, "slow")
    first = importer.start("--years", "2021")
    wait_for(site.requests, 20, "the first run to ask")
    second = importer.run("--years", "2021", seconds=10)
    assert second.code in (program.NONE, program.REFUSED), str(second)
    assert len(second.lines) == 1 and importer.state in second.err, str(second)
    result = importer.finish(first)
    assert result.code == program.ALL, str(result)
    assert destination.differences(2021, path) == []
