"""run --staging --promote, killed at random moments: while staging is made, copied, loaded, published, promoted. Live is
wholly the old or the new all the time, and the same command finishes it. KILLS=50: the full proof."""
import os
import random
import time

import program

ROWS = 20_000
KILLS = int(os.environ.get("KILLS", "4"))
REFRESH = ["--years", "2021,2022,2023", "--staging", "--promote", "--drain", "0"]
OLD = {2021: ROWS, 2022: ROWS}
NEW = {2021: ROWS, 2022: ROWS + 1, 2023: ROWS + 2}


def put_old(site, made_years):
    site.put(2021, made_years(ROWS, year=2021))
    site.put(2022, made_years(ROWS, year=2022))


def put_new(site, made_years):
    site.put(2022, made_years(ROWS + 1, year=2022, seed=2))
    site.put(2023, made_years(ROWS + 2, year=2023))


def test_killed_at_random_moments(destination, importer, site, made_years):
    """Each turn has another edition of 2022; 2021 and 2023 are copied from live."""
    seed = int(os.environ.get("KILLS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"KILLS_SEED={seed}")
    rng = random.Random(seed)
    put_old(site, made_years)
    importer.run_well("--years", "2021,2022")
    put_new(site, made_years)
    begun = time.monotonic()
    importer.run_well(*REFRESH)
    whole = time.monotonic() - begun
    untouched = {year: destination.fingerprint(year) for year in (2021, 2023)}
    killed, turn = 0, 2
    before = NEW
    while killed < KILLS:
        after = {**NEW, 2022: ROWS + turn}
        path = made_years(ROWS + turn, year=2022, seed=turn + 1)
        site.put(2022, path)
        while True:  # killed again and again, until one gets through
            process = importer.start(*REFRESH)
            time.sleep(rng.uniform(0, whole))
            if process.poll() is not None:
                result = importer.finish(process)
                assert result.code == program.ALL, str(result)
                break
            importer.kill(process)
            killed += 1
            assert destination.counts() in (before, after)
        assert destination.counts() == after, str(result)
        assert destination.slot("previous").counts() == before
        before, turn = after, turn + 1
    print(f"{killed} kills")
    assert destination.differences(2022, path) == []
    assert {year: destination.fingerprint(year) for year in (2021, 2023)} == untouched
    assert importer.call("history", "--verify", "--to", destination.to).code == program.ALL


def test_server_crashes_while_a_year_is_copied(postgres_crash, make_database, site, make_import, made_years):
    postgres_crash.sql("ALTER ROLE importer CREATEDB")
    live = make_database(postgres_crash)
    importer = make_import(live)
    put_old(site, made_years)
    importer.run_well("--years", "2021,2022")
    put_new(site, made_years)
    rng = random.Random(1)
    for _ in range(3):
        process = importer.start(*REFRESH[:3], "--wait", "60")
        time.sleep(rng.uniform(0.2, 1.5))
        postgres_crash.crash()
        postgres_crash.start()
        importer.finish(process)
        assert live.counts() == OLD
    importer.run_well(*REFRESH)
    assert live.counts() == NEW
    assert importer.call("verify").code == program.ALL
    live.drop_slots()
