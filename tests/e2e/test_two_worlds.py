"""Two states of the world at once: a destination that is copied, restored, renamed or replaced is told by its identity,
never by its name; and one state folder serves several destinations, as one destination several state folders."""
import os
import shutil
import subprocess

import program
import servers
from servers import wait_for

ROWS = 4000


def uuid_of(destination):
    return str(destination.query("SELECT uuid FROM {destination}")[0][0])


def test_one_state_folder_two_destinations(make_destination, site, make_import, made_years):
    """What one of them has says nothing of the other; the download is shared."""
    path = site.put(2021, made_years(ROWS))
    first, second = make_destination("postgres"), make_destination("sqlite")
    importer = make_import(first)
    importer.run_well("--years", "2021")
    site.requests()
    other = importer.with_(to=second.to)
    other.run_well("--years", "2021")
    assert [request.sent for request in site.requests() if request.status == 200] == [], "it has the spool"
    assert first.differences(2021, path) == second.differences(2021, path) == []
    shown = importer.call("status", "--to", first.to).out
    assert shown.count("published") == 1
    for one in (importer, other):
        assert "unchanged" in one.run_well("--years", "2021").out
    site.put(2021, made_years(ROWS + 1, seed=2))
    other.run_well("--years", "2021")
    assert (first.count(2021), second.count(2021)) == (ROWS, ROWS + 1)
    importer.run_well("--years", "2021")
    assert first.count(2021) == ROWS + 1
    assert importer.call("history", "--verify").code == program.ALL


def test_two_state_folders_one_destination(destination, site, make_import, made_years):
    """One after the other: each takes the witness's word."""
    path = site.put(2021, made_years(ROWS))
    one, other = make_import(destination), make_import(destination)
    one.run_well("--years", "2021")
    chunks = destination.chunks()
    assert "unchanged" in other.run_well("--years", "2021").out
    site.put(2022, made_years(ROWS, year=2022))
    other.run_well("--years", "2021,2022")
    assert "unchanged" in one.run_well("--years", "2021,2022").out
    assert chunks <= destination.chunks()
    assert destination.differences(2021, path) == []
    assert "year found published" in one.call("history").out


def test_copied_database_is_another(database, postgres, site, make_import, made_years):
    """createdb -T: the same rows, the same bookkeeping, and yet not the destination that we know."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    twin = program.PostgresDestination(postgres, database.name + "_twin")
    postgres.sql(f"CREATE DATABASE {twin.name} TEMPLATE {database.name} OWNER importer")
    try:
        assert uuid_of(twin) == uuid_of(database)
        copied = importer.with_(to=twin.to).run_well("--years", "2021")
        assert "unchanged" in copied.out, "its witness came along"
        assert uuid_of(twin) != uuid_of(database)
        assert importer.call("history").out.count("destination first seen") == 2
        site.put(2021, made_years(ROWS + 2, seed=3))
        importer.with_(to=twin.to).run_well("--years", "2021")
        assert (database.count(2021), twin.count(2021)) == (ROWS, ROWS + 2)
        importer.run_well("--years", "2021")
        assert database.count(2021) == ROWS + 2
    finally:
        postgres.sql(f"DROP DATABASE {twin.name} WITH (FORCE)")


def test_restored_dump_is_another(database, postgres, make_database, site, make_import, made_years):
    """An older state of the same database, brought back under its name."""
    postgres.needs_pg_dump()
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    was = uuid_of(database)
    reach = ["-h", postgres.folder, "-p", str(postgres.port), "-U", "postgres"]
    dump = subprocess.run([servers.Postgres.tool("pg_dump"), *reach, database.name], check=True, capture_output=True)
    site.put(2021, made_years(ROWS + 1, seed=2))
    importer.run_well("--years", "2021")
    postgres.sql(f"DROP DATABASE {database.name} WITH (FORCE)")
    postgres.sql(f"CREATE DATABASE {database.name} OWNER importer TEMPLATE template0")
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", *reach, database.name], input=dump.stdout, check=True,
                   stdout=subprocess.DEVNULL)
    assert database.count(2021) == ROWS
    importer.run_well("--years", "2021")
    assert database.count(2021) == ROWS + 1
    assert uuid_of(database) != was


def test_database_renamed_under_a_running_import(database, postgres, site, make_import, made_years):
    """Another database gets its name meanwhile: nothing of the import may land there."""
    site.put(2021, made_years(60_000))
    importer = make_import(database)
    away = program.PostgresDestination(postgres, database.name + "_away")
    postgres.sql(f"CREATE DATABASE {away.name} OWNER importer")
    process = importer.start("--years", "2021", "--loaders", "1", "--chunk-rows", "500")
    wait_for(lambda: database.committed() > 500, 30, "the first chunks")
    for _ in range(50):
        try:
            postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         f" WHERE datname = '{database.name}'")
            postgres.sql(f"ALTER DATABASE {database.name} RENAME TO {database.name}_moving;"
                         f"ALTER DATABASE {away.name} RENAME TO {database.name};"
                         f"ALTER DATABASE {database.name}_moving RENAME TO {away.name}")
            break
        except Exception as problem:  # a session that came back in between
            assert "being accessed" in str(problem)
    try:
        ended = importer.finish(process)
        assert ended.code == program.NONE, str(ended)
        assert "another than the one this run began with" in ended.err and "run again" in ended.err, str(ended)
        assert postgres.sql("SELECT to_regnamespace('dvf_import')", database.name) == [(None,)]
        assert away.counts() == {}, "half a year is seen by nobody"
        importer.run_well("--years", "2021")
        assert database.count(2021) == 60_000
        importer.with_(to=away.to).run_well("--years", "2021")
        assert away.fingerprint(2021) == database.fingerprint(2021)
    finally:
        postgres.sql(f"DROP DATABASE {away.name} WITH (FORCE)")


def test_copied_file_is_another(make_destination, tmp_path, site, make_import, made_years):
    site.put(2021, made_years(ROWS))
    first = make_destination("sqlite")
    importer = make_import(first)
    importer.run_well("--years", "2021")
    twin = program.SqliteDestination(tmp_path / "twin.sqlite")
    shutil.copyfile(first.path, twin.path)
    assert "unchanged" in importer.with_(to=twin.to).run_well("--years", "2021").out
    assert uuid_of(twin) != uuid_of(first)


def test_file_replaced_under_a_running_import(make_destination, site, make_import, made_years):
    path = site.put(2021, made_years(60_000))
    destination = make_destination("sqlite")
    importer = make_import(destination)
    process = importer.start("--years", "2021", "--chunk-rows", "500")
    wait_for(lambda: destination.committed() > 500, 30, "the first chunks")
    os.rename(destination.path, destination.path + ".away")
    ended = importer.finish(process)
    assert ended.code == program.NONE, str(ended)
    assert "removed" in ended.err and "run again" in ended.err, str(ended)
    importer.run_well("--years", "2021")
    assert destination.differences(2021, path) == []
