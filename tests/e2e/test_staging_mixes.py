"""Staging and promote under circumstances that are nobody's plan: default years, other ways to name the database, two
hosts at once, a stop in the middle, an ETag that changes alone."""
import os
import random
import signal
import time
import urllib.parse

import program
import servers

ROWS = 3000
REFRESH = ["--staging", "--promote", "--drain", "0"]


def test_default_years(destination, importer, site, made_years):
    """Nobody asked for the years that the site does not have."""
    site.put(2023, made_years(ROWS, year=2023))
    site.put(2024, made_years(ROWS, year=2024))
    first = importer.run_well(*REFRESH)
    assert "2 of 2 years are in" in first.out and "out of service" in first.out, str(first)
    assert destination.counts() == {2023: ROWS, 2024: ROWS}
    assert "not promoted: live serves all of it already" in importer.run_well(*REFRESH).out
    site.take_away(2023)
    site.put(2025, made_years(ROWS + 1, year=2025))
    importer.run_well(*REFRESH)
    assert destination.counts() == {2023: ROWS, 2024: ROWS, 2025: ROWS + 1}


def test_source_has_nothing_any_more(destination, importer, site, made_years):
    site.put(2023, made_years(ROWS, year=2023))
    importer.run_well(*REFRESH)
    site.take_away(2023)
    gone = importer.run_well(*REFRESH)
    assert "not promoted" in gone.out and destination.counts() == {2023: ROWS}
    assert not destination.slot("staging").exists()


def test_etag_changes_and_the_bytes_do_not(destination, importer, site, made_years):
    """The same bytes under another ETag: nothing new."""
    path = made_years(ROWS, year=2023)
    site.put(2023, path)
    importer.run_well("--years", "2023")
    site.put(2023, path)
    same = importer.run_well("--years", "2023", *REFRESH)
    assert "not promoted" in same.out and destination.counts() == {2023: ROWS}, str(same)
    assert not destination.slot("staging").exists()


def test_two_hosts_load_staging_at_once(destination, importer, make_import, site, made_years):
    """The newer one goes on; whoever is left or comes again finishes; live has it once."""
    site.put(2022, made_years(20_000, year=2022))
    site.put(2023, made_years(20_000, year=2023))
    other = make_import(destination)
    one, two = (host.start("--years", "2022,2023", "--staging") for host in (importer, other))
    results = [importer.finish(one), other.finish(two)]
    assert all(result.code in (program.ALL, program.SOME, program.NONE) for result in results), str(results)
    assert any(result.code == program.ALL or "taken" in result.err for result in results), str(results)
    importer.run_well("--years", "2022,2023", *REFRESH)
    assert destination.counts() == {2022: 20_000, 2023: 20_000}
    assert importer.call("history", "--verify", "--to", destination.to).code == program.ALL


def test_asked_to_stop_anywhere(destination, importer, site, made_years):
    site.put(2022, made_years(20_000, year=2022))
    importer.run_well("--years", "2022")
    site.put(2023, made_years(20_000, year=2023))
    rng = random.Random(7)
    for _ in range(6):
        process = importer.start("--years", "2022,2023", *REFRESH)
        time.sleep(rng.uniform(0.02, 0.9))
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        result = importer.finish(process)
        assert time.monotonic() - begun < 5 * program.SLOW
        assert result.code in (program.INTERRUPTED, program.ALL, -signal.SIGTERM), str(result)
    importer.run_well("--years", "2022,2023", *REFRESH)
    assert destination.counts() == {2022: 20_000, 2023: 20_000}


def ways_to_say(database):
    password = urllib.parse.quote(servers.PASSWORD, safe="")
    yield {"DATABASE_URL": f"postgresql:///{database.name}?host={database.server.folder}&port={database.server.port}"
                           "&user=importer"}
    yield {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(database.server.port), "POSTGRES_USER": "importer",
           "POSTGRES_PASSWORD": servers.PASSWORD, "POSTGRES_DB": database.name}
    yield {"DATABASE_URL": f"postgresql://importer:{password}@127.0.0.1:{database.server.port}",
           "PGDATABASE": database.name}


def test_ways_to_name_the_database(database, make_import, site, made_years):
    """A socket, the parts, PGDATABASE: staging and previous are found beside whatever is meant."""
    database.server.sql("ALTER ROLE importer CREATEDB; GRANT pg_signal_backend TO importer")
    importer = make_import(database)
    for turn, environment in enumerate(ways_to_say(database)):
        site.put(2023, made_years(ROWS + turn, year=2023, seed=turn + 1))
        said = importer.with_(to=None, environment=environment, state=os.path.join(importer.home, f"state-{turn}"))
        said.run_well("--years", "2023", *REFRESH)
        assert database.counts() == {2023: ROWS + turn}
        for command in (["verify"], ["history", "--verify"], ["promote", "--dry-run"]):
            assert said.call(*command).code == program.ALL
    reverted = said.call("revert", "--drain", "0")
    assert reverted.code == program.ALL and database.counts() == {2023: ROWS + 1}, str(reverted)
    database.drop_slots()
