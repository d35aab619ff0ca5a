"""Databases that are not in UTF-8: refused before anything is made in them, with the remedy. And one whose collation is
French, which sorts as people do and loads as any other."""
import re

import psycopg2
import pytest

import program

REMEDY = "CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'"


@pytest.fixture
def make_odd_database(postgres, make_database):
    """make_odd_database(options): like make_database, from template0 with options of CREATE DATABASE."""
    def make(options):
        made = make_database()
        postgres.sql(f"DROP DATABASE {made.name}")
        try:
            postgres.sql(f"CREATE DATABASE {made.name} OWNER importer TEMPLATE template0 {options}")
        except psycopg2.Error:
            postgres.sql(f"CREATE DATABASE {made.name} OWNER importer")  # make_database drops it
            raise
        return made

    return make


def made_in(database):
    """Schemas and tables that are not the server's own."""
    return database.query("SELECT nspname FROM pg_namespace"
                          " WHERE nspname !~ '^pg_|^information_schema$|^public$' UNION ALL SELECT relname FROM pg_class WHERE oid >= 16384")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_not_in_utf8(make_odd_database, site, make_import, made_years, encoding):
    site.put(2021, made_years(500))
    database = make_odd_database(f"ENCODING '{encoding}' LOCALE 'C'")
    importer = make_import(database)
    for arguments in (("run", "--years", "2021"), ("check", "--years", "2021"), ("run", "--years", "2021", "--staging"),
                      ("check", "--years", "2021", "--staging")):
        result = importer.call(*arguments)
        assert result.code == program.REFUSED or (arguments[0] == "check" and result.code == program.NONE), str(result)
        assert f"encoding is {encoding}" in result.said and REMEDY in result.said, str(result)
        assert made_in(database) == []
        assert not database.slot("staging").exists()
    assert not [one for one in site.requests() if one.method == "GET"], "nothing is fetched for it"


def test_staging_made_by_hand(make_odd_database, postgres, site, make_import, made_years):
    """One that is not in UTF-8 is named, and not to be given to --to; the statement that check prints makes one like live."""
    site.put(2021, made_years(500))
    database = make_odd_database("ENCODING 'UTF8' LOCALE 'C'")
    importer, staging = make_import(database), database.name + "_staging"
    try:
        checked = importer.call("check", "--years", "2021", "--staging")
        assert checked.code == program.REFUSED, str(checked)
        statement = re.search(r"have it made: (CREATE DATABASE .*)", checked.out).group(1)
        assert staging in statement and "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'" in statement, statement
        assert statement.endswith(" OWNER importer"), statement
        postgres.sql(f"CREATE DATABASE {staging} OWNER importer TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        for command in ("run", "check"):
            refused = importer.call(command, "--years", "2021", "--staging")
            assert f"{staging}: the database's encoding is SQL_ASCII" in refused.said, str(refused)
            assert "drop it" in refused.said and "--to" not in refused.said, str(refused)
        postgres.sql(f"DROP DATABASE {staging}")
        postgres.sql(f"ALTER DATABASE {database.name} OWNER TO postgres")
        other = importer.call("check", "--years", "2021", "--staging").out
        assert re.search(r"have it made: (CREATE DATABASE .*)", other).group(1) == statement, other
        postgres.sql(statement)
        importer.run_well("--years", "2021", "--staging")
    finally:
        database.drop_slots()


def test_french_collation(make_odd_database, postgres, site, make_import, made_years):
    """By ICU, which needs no locale of the system: staging gets it too, codes are no language all the same."""
    try:
        database = make_odd_database("ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'fr-FR'")
    except psycopg2.Error as problem:
        pytest.skip(f"this server has no ICU collation for a database: {problem}")
    path = site.put(2021, made_years(20_000))
    importer = make_import(database)
    try:
        importer.run_well("--years", "2021")
        assert database.differences(2021, path) == []
        assert importer.call("verify", "--years", "2021").code == program.ALL
        assert database.query("SELECT max(x COLLATE \"default\") FROM unnest(ARRAY['zone', 'École']) x") == [("zone",)]
        collations = dict(database.query(
            "SELECT attname::text, collname::text FROM pg_attribute JOIN pg_collation c ON c.oid = attcollation"
            " WHERE attrelid = 'dvf'::regclass AND attname IN ('nom_commune', 'code_commune')"))
        assert collations == {"nom_commune": "default", "code_commune": "C"}
        site.put(2021, made_years(20_000, seed=2))
        postgres.sql("ALTER ROLE importer CREATEDB")
        importer.run_well("--years", "2021", "--staging", "--promote")
        locale = "SELECT to_jsonb(d) ->> 'datlocprovider', coalesce(to_jsonb(d) ->> 'datlocale',"\
                 f" to_jsonb(d) ->> 'daticulocale') FROM pg_database d WHERE datname = '{database.name}'"
        assert postgres.sql(locale) == [("i", "fr-FR")]
        assert importer.call("verify", "--years", "2021").code == program.ALL
    finally:
        postgres.sql("ALTER ROLE importer NOCREATEDB")
        database.drop_slots()
