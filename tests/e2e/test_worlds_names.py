"""Names that need quoting, and how a staging database comes to be."""
import pytest

import program

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
