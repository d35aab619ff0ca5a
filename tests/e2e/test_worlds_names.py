"""Names that need quoting, and how a staging database comes to be."""
import contextlib
import os
import signal
import threading

import pytest

import program
import servers

ROWS = 500
REFRESH = ["--years", "2021", "--staging", "--promote", "--drain", "0"]


@pytest.fixture
def live(make_database, postgres):
    postgres.sql("ALTER ROLE importer CREATEDB; GRANT pg_signal_backend TO importer")
    yield (database := make_database())
    database.drop_slots()


def test_schema_that_needs_quotes(live, make_import, site, made_years):
    """dvf lies in the first schema of the search_path, in live and after staging, promote and revert."""
    schema = 'My "Données"'
    quoted = '"' + schema.replace('"', '""') + '"'
    live.query(f"CREATE SCHEMA {quoted} AUTHORIZATION importer")
    live.server.sql(f"ALTER DATABASE {live.name} SET search_path TO {quoted}, public")
    importer = make_import(live)
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021")
    site.put(2021, made_years(ROWS + 1, year=2021, seed=2))
    importer.run_well(*REFRESH)
    for rows, command in ((ROWS + 1, "verify"), (ROWS, "revert"), (ROWS + 1, "promote")):
        result = importer.call(command, *([] if command == "verify" else ["--drain", "0"]))
        assert result.code == program.ALL, str(result)
        assert live.counts() == {2021: rows}
    assert live.query("SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                      " WHERE relname = 'dvf'") == [(schema,)]


@contextlib.contextmanager
def held_checkpointer(server):
    """CREATE DATABASE by copied files writes the new name down, then waits for a checkpoint."""
    for pid in servers.children_of(server.process.pid):
        if "checkpointer" in servers.title_of(pid):
            break
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def waits_in(server, statement, event):
    return bool(server.sql(f"SELECT 1 FROM pg_stat_activity WHERE query LIKE '{statement}%'"
                           f" AND wait_event = '{event}'"))


def test_staging_that_is_being_made(live, make_import, site, made_years):
    """By the server process of a run that was killed: the name is taken, and not to be seen yet."""
    server, importer = live.server, make_import(live)
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021")
    site.put(2021, made_years(ROWS + 1, year=2021, seed=2))
    other = threading.Thread(target=server.sql, args=(
        f"CREATE DATABASE {live.name}_staging OWNER importer TEMPLATE template0 {server.file_copy()}",))
    with held_checkpointer(server):
        other.start()
        servers.wait_for(lambda: waits_in(server, "CREATE DATABASE", "CheckpointStart"), 10, "the other one")
        process = importer.start(*REFRESH)
        servers.wait_for(lambda: waits_in(server, "CREATE DATABASE", "transactionid"), 10, "ours")
    other.join()
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert live.counts() == {2021: ROWS + 1}


def test_nowhere_to_make_staging_from(postgres, make_import, site, made_years):
    """Live is not there, and nothing else lets us in: not a matter of CREATEDB, which the role has."""
    postgres.sql("ALTER ROLE importer CREATEDB; REVOKE CONNECT ON DATABASE postgres, template1 FROM public")
    try:
        site.put(2021, made_years(ROWS, year=2021))
        refused = make_import(program.PostgresDestination(postgres, "not_there")).run("--years", "2021", "--staging")
        assert refused.code == program.REFUSED, str(refused)
        assert "GRANT CONNECT ON DATABASE postgres" in refused.err and "CREATEDB" not in refused.err
    finally:
        postgres.sql("GRANT CONNECT ON DATABASE postgres, template1 TO public")
