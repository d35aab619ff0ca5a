"""run --staging: what goes into staging, what live keeps serving meanwhile, and when there is nothing to stage."""
import hashlib
import re

import pytest

import program

ROWS = 3000


class Staging:
    """The staging side of a destination."""

    def __init__(self, live):
        self.live = live
        self.there = live.slot("staging")

    def exists(self):
        return self.there.exists()


@pytest.fixture
def staging(destination):
    made = Staging(destination)
    yield made
    destination.drop_slots()


@pytest.fixture
def importer(destination, make_import):
    if destination.kind == "postgres":
        destination.server.sql("ALTER ROLE importer CREATEDB")
    yield make_import(destination)
    if destination.kind == "postgres":
        destination.server.sql("ALTER ROLE importer NOCREATEDB")


def editions(destination):
    return dict(destination.query("SELECT year, sha256 FROM {source} WHERE stage = 'published'", missing=[]))


def test_staging_beside_live(destination, staging, importer, site, made_years):
    """Live at one edition; a new one and another year go into staging; live is left alone."""
    site.put(2021, made_years(ROWS, year=2021))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022")
    before = {year: destination.fingerprint(year) for year in (2021, 2022)}
    site.put(2022, made_years(ROWS + 7, year=2022, seed=2))
    site.put(2023, made_years(ROWS + 9, year=2023))
    staged = importer.run_well("--years", "2022,2023", "--staging")
    assert "copied" in staged.out, "2021 is what live serves: " + staged.out
    assert staging.there.counts() == {2021: ROWS, 2022: ROWS + 7, 2023: ROWS + 9}
    assert {year: destination.fingerprint(year) for year in (2021, 2022)} == before
    assert destination.counts() == {2021: ROWS, 2022: ROWS}
    assert staging.there.fingerprint(2021) == before[2021]
    assert staging.there.differences(2022, made_years(ROWS + 7, year=2022, seed=2)) == []
    staging.there.tiles()
    again = importer.run_well("--years", "2022,2023", "--staging")
    assert again.out.count("unchanged") == 3, again.out


def test_nothing_new_makes_nothing(destination, staging, importer, site, made_years):
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021")
    nothing = importer.run_well("--years", "2021", "--staging")
    assert "unchanged" in nothing.out
    assert not staging.exists()


def test_first_import_into_staging(destination, staging, importer, site, made_years):
    """There is no live table yet. What the log says it loads into is staging."""
    site.put(2021, made_years(ROWS, year=2021))
    said = importer.run_well("--years", "2021", "--staging").err
    assert re.search(r"importing into \S+ \(staging\), state in ", said), said
    assert staging.there.counts() == {2021: ROWS}
    assert destination.counts() == {}


def test_year_that_left_the_site_is_copied(destination, staging, importer, site, made_years):
    site.put(2021, made_years(ROWS, year=2021))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022")
    site.take_away(2021)
    site.put(2022, made_years(ROWS + 1, year=2022, seed=3))
    importer.run_well("--years", "2022", "--staging")
    assert staging.there.counts() == {2021: ROWS, 2022: ROWS + 1}
    assert editions(staging.there)[2021] == editions(destination)[2021]
    assert {row[1:] for row in staging.there.chunks() if editions(destination)[2021] in row[0]} == \
        {row[1:] for row in destination.chunks() if editions(destination)[2021] in row[0]}


def test_year_whose_columns_were_altered_is_not_copied(make_destination, make_import, site, made_years):
    """Only PostgreSQL's columns have a type. Binary COPY would put a real's bits into an integer."""
    destination = make_destination("postgres")
    destination.server.sql("ALTER ROLE importer CREATEDB")
    importer, there = make_import(destination), destination.slot("staging")
    try:
        site.put(2021, made_years(ROWS, year=2021))
        importer.run_well("--years", "2021")
        destination.query("DROP VIEW dvf_price_m2, dvf_sale; ALTER TABLE dvf ALTER nombre_lots TYPE real")
        site.put(2022, made_years(ROWS, year=2022))
        refused = importer.run("--years", "2021,2022", "--staging")
        assert refused.code == program.SOME, str(refused)
        assert "column nombre_lots of public.dvf is real, and this importer writes integer" in refused.said, str(refused)
        assert there.counts() == {2022: ROWS}
        destination.query("ALTER TABLE dvf ALTER nombre_lots TYPE integer")
        importer.run_well("--years", "2021,2022", "--staging")
        assert there.fingerprint(2021) == destination.fingerprint(2021)
    finally:
        destination.server.sql("ALTER ROLE importer NOCREATEDB")
        destination.drop_slots()


def test_dropped_year(destination, staging, importer, site, made_years):
    site.put(2021, made_years(ROWS, year=2021))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022")
    importer.run_well("--years", "2022", "--staging", "--drop-year", "2021")
    assert staging.there.counts() == {2022: ROWS}


def test_shrink_guard_compares_with_live(destination, staging, importer, site, made_years):
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021")
    site.put(2021, made_years(ROWS // 2, year=2021, seed=4))
    held = importer.run("--years", "2021", "--staging")
    assert held.code == program.REFUSED, str(held)
    assert "--allow-shrink" in held.said
    importer.run_well("--years", "2021", "--staging", "--allow-shrink")
    assert staging.there.counts() == {2021: ROWS // 2}


def test_strangers_database_is_refused(database, make_import, site, made_years):
    site.put(2021, made_years(ROWS, year=2021))
    name = database.name + "_staging"
    database.server.sql(f"CREATE DATABASE {name} OWNER importer")
    try:
        database.server.sql("CREATE TABLE precious (x int)", name)
        refused = make_import(database).run("--years", "2021", "--staging")
        assert refused.code == program.REFUSED, str(refused)
        assert "precious" in refused.err and "rename or drop it" in refused.err
    finally:
        database.server.sql(f"DROP DATABASE {name}")


def test_collation_and_path_of_live(postgres, make_import, site, made_years):
    """A live database with a locale and a search_path of its own."""
    name = "dvf_with_a_path"
    postgres.sql("ALTER ROLE importer CREATEDB")
    postgres.sql(f"CREATE DATABASE {name} OWNER importer TEMPLATE template0 LOCALE 'C'")
    live = program.PostgresDestination(postgres, name)
    there = program.PostgresDestination(postgres, name + "_staging")
    try:
        postgres.sql("CREATE SCHEMA homes AUTHORIZATION importer", name)
        postgres.sql(f"ALTER DATABASE {name} SET search_path TO homes, public")
        site.put(2021, made_years(ROWS, year=2021))
        importer = make_import(live)
        importer.run_well("--years", "2021")
        site.put(2021, made_years(ROWS + 1, year=2021, seed=5))
        importer.run_well("--years", "2021", "--staging")
        assert there.query("SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'dvf'") == [
            ("homes",)]
        assert len(set(postgres.sql("SELECT encoding, datcollate, datctype, datdba FROM pg_database"
                                    f" WHERE datname LIKE '{name}%'"))) == 1
    finally:
        for one in (name, name + "_staging"):
            postgres.sql(f"DROP DATABASE IF EXISTS {one} WITH (FORCE)")
        postgres.sql("ALTER ROLE importer NOCREATEDB")


def test_staging_of_a_role_that_is_read_only_by_default(database, make_import, site, made_years):
    """In every database, live's own among them; with a schema and a search_path that staging is to have, too."""
    server, name = database.server, database.name
    server.sql("CREATE SCHEMA homes AUTHORIZATION importer", name)
    server.sql(f"ALTER DATABASE {name} SET search_path TO homes; ALTER ROLE importer CREATEDB;"
               "ALTER ROLE importer SET default_transaction_read_only = on")
    try:
        importer = make_import(database)
        site.put(2021, made_years(ROWS, year=2021))
        importer.run_well("--years", "2021", "--staging")
        assert database.slot("staging").counts() == {2021: ROWS}
    finally:
        server.sql("ALTER ROLE importer NOCREATEDB; ALTER ROLE importer RESET default_transaction_read_only")
        database.drop_slots()


def test_long_name_is_refused(postgres, make_import, site, made_years):
    """The server would cut the staging name, and the load would fall into live."""
    name = "d" * 58
    postgres.sql(f"CREATE DATABASE {name} OWNER importer")
    try:
        site.put(2021, made_years(ROWS, year=2021))
        refused = make_import(program.PostgresDestination(postgres, name)).run("--years", "2021", "--staging")
        assert refused.code == program.REFUSED, str(refused)
        assert "shorter name" in refused.err
    finally:
        postgres.sql(f"DROP DATABASE {name}")


def hold(live, edition, year):
    """What a revert writes: an edition that live is not to get again by itself."""
    if live.kind == "sqlite":
        live.query("INSERT INTO {source} (year, sha256, table_name, stage, url, etag, last_modified, packed_size,"
                   f" layout_version, parser_version, why, under, begun_at) VALUES ({year}, '{edition}', '', 'held', 'http://x',"
                   " '', '', 1, 1, 1, 'reverted on a day; run --release loads it again', 'revert', '')")
        return
    live.query("INSERT INTO {source} (edition, year, sha256, url, etag, last_modified, packed_size, stage, why, under,"
               f" layout_version, parser_version, run) VALUES ('{year}-{edition}', {year}, '{edition}', 'http://x', '', '',"
               " 1, 'held', 'reverted on a day; run --release loads it again', 'revert', 1, 1, 'a test')")


def test_held_edition_does_not_come_back(destination, staging, importer, site, made_years):
    """After a revert: neither into live nor into staging, until it is released; something new goes on without it."""
    old, bad = made_years(ROWS, year=2021), made_years(ROWS + 5, year=2021, seed=6)
    site.put(2021, old)
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022")
    site.put(2021, bad)
    hold(destination, hashlib.sha256(open(bad, "rb").read()).hexdigest(), 2021)
    for words in ([], ["--staging"]):
        held = importer.run("--years", "2021,2022", *words)
        assert held.code == program.REFUSED, str(held)
        assert "reverted on a day" in held.said
        assert destination.counts() == {2021: ROWS, 2022: ROWS}
    site.put(2022, made_years(ROWS + 2, year=2022, seed=7))
    went_on = importer.run("--years", "2021,2022", "--staging")
    assert went_on.code == program.SOME, str(went_on)
    assert staging.there.counts() == {2021: ROWS, 2022: ROWS + 2}, "2021 as live has it"
    assert staging.there.fingerprint(2021) == destination.fingerprint(2021)
    importer.run_well("--years", "2021,2022", "--staging", "--release")
    assert staging.there.counts() == {2021: ROWS + 5, 2022: ROWS + 2}


def test_hold_outlives_another_edition(destination, importer, site, made_years):
    """Something else came and was refused: the edition that a revert holds is held still."""
    bad = made_years(ROWS + 5, year=2021, seed=6)
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021")
    hold(destination, hashlib.sha256(open(bad, "rb").read()).hexdigest(), 2021)
    site.put(2021, made_years(ROWS // 2, year=2021, seed=4))
    assert "--allow-shrink" in importer.run("--years", "2021").said
    site.put(2021, bad)
    held = importer.run("--years", "2021")
    assert "reverted on a day" in held.said, str(held)
    assert destination.counts() == {2021: ROWS}


def test_held_year_is_completed_by_a_later_run(destination, staging, importer, site, made_years):
    """What is new came in by an earlier run, which did not come to the held year: staging must not lack it for ever."""
    bad = made_years(ROWS + 5, year=2021, seed=6)
    site.put(2021, made_years(ROWS, year=2021))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022")
    site.put(2021, b"\x1f\x8b not gzip at all" + bytes(500))
    site.put(2022, made_years(ROWS + 2, year=2022, seed=7))
    assert importer.run("--years", "2021,2022", "--staging").code == program.SOME
    assert staging.there.counts() == {2022: ROWS + 2}
    site.put(2021, bad)
    hold(destination, hashlib.sha256(open(bad, "rb").read()).hexdigest(), 2021)
    held = importer.run("--years", "2021,2022", "--staging")
    assert "reverted on a day" in held.said, str(held)
    assert staging.there.counts() == {2021: ROWS, 2022: ROWS + 2}, "2021 as live has it: " + str(held)


def test_check_of_a_staging_that_is_to_be_made(database, make_import, site, made_years):
    site.put(2021, made_years(ROWS, year=2021))
    importer = make_import(database)
    checked = importer.call("check", "--staging", "--years", "2021")
    assert checked.code == program.REFUSED, str(checked)
    assert "ALTER ROLE importer CREATEDB" in checked.out
    refused = importer.run("--staging", "--years", "2021")
    assert refused.code == program.REFUSED and "CREATEDB" in refused.err, str(refused)
    database.server.sql("ALTER ROLE importer CREATEDB")
    try:
        checked = importer.call("check", "--staging", "--years", "2021")
        assert checked.code == program.ALL, str(checked)
    finally:
        database.server.sql("ALTER ROLE importer NOCREATEDB")
    assert not database.slot("staging").exists()


def test_status_of_staging(destination, staging, importer, site, made_years):
    """By the name it is asked for, before a promote and after a revert."""
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021")
    site.put(2021, made_years(ROWS + 1, year=2021, seed=8))
    importer.run_well("--years", "2021", "--staging")
    if destination.kind == "postgres":
        destination.server.sql("GRANT pg_signal_backend TO importer")
    for command in ("promote", "revert", None):
        live, there = importer.call("status"), importer.call("status", "--staging")
        if command != "revert":
            assert f" {ROWS} " in live.out and f" {ROWS + 1} " in there.out, str(live) + str(there)
        else:
            assert f" {ROWS + 1} " in live.out and "no year was imported" in there.out, str(live) + str(there)
        if command is not None:
            assert importer.call(command, "--drain", "0").code == program.ALL
    destination.drop_slots()
