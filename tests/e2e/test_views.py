"""dvf_sale and dvf_price_m2: what they show of the real data, and that they stand in nobody's way."""
import contextlib
import json
import sqlite3

import pytest

import program
import sales
from sqlite_slots import Pair

VIEWS = ("dvf_sale", "dvf_price_m2")
ALL_SALES = f"SELECT {', '.join(sales.COLUMNS)} FROM dvf_sale"
PRICES = "SELECT source_year, code_commune, type_local, nombre_ventes, prix_m2_median, prix_m2_moyen FROM dvf_price_m2"


def works(destination):
    """Whether both views show what dvf holds now."""
    rows, = destination.query("SELECT sum(nombre_lignes) FROM dvf_sale")[0]
    assert int(rows or 0) == destination.query("SELECT count(*) FROM dvf")[0][0]
    sold, = destination.query("SELECT count(*) FROM (SELECT DISTINCT source_year, id_mutation FROM dvf) AS sold")[0]
    assert destination.query("SELECT count(*) FROM dvf_sale")[0][0] == sold
    return destination.query("SELECT count(*) FROM dvf_price_m2")[0][0]


# --- what they show

@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_every_sale_of_the_real_data(real, real_years, kind):
    destination = real(kind)
    wanted = {}
    for year, path in real_years.items():
        wanted.update({(year, mutation): row for mutation, row in sales.sales(year, path).items()})
    found = {(row[0], row[1]): row for row in destination.query(ALL_SALES)}
    assert len(found) == len(wanted) == 7954
    wrong = [(sales.comparable(found.get(key, ())), sales.comparable(row)) for key, row in wanted.items()
             if sales.comparable(found.get(key, ())) != sales.comparable(row)]
    assert wrong == []
    prices = {(year, commune, type_): (count, float(median), float(mean))
              for year, commune, type_, count, median, mean in destination.query(PRICES)}
    expected = sales.prices(wanted.values())
    assert prices.keys() == expected.keys() and len(prices) > 100
    for key, (count, median, mean) in expected.items():
        assert prices[key] == (count, pytest.approx(float(median), abs=0.006), pytest.approx(float(mean), abs=0.006))


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_sales_that_say_why(real, kind):
    """One of each kind that adding up rows gets wrong."""
    destination = real(kind)

    def of(mutation, *columns):
        return tuple(float(value) if value is not None else None for value in destination.query(
            f"SELECT {', '.join(columns)} FROM dvf_sale WHERE id_mutation = '{mutation}'")[0])

    # a house and two outbuildings that are alike, each on two pieces of land: six rows
    assert of("2016-471", "nombre_maisons", "nombre_dependances", "surface_reelle_bati", "nombre_lignes")[:3] == (1, 2, 115)
    # one house that is in two parts of the deed
    assert of("2020-1741", "valeur_fonciere", "nombre_maisons", "surface_logements") == (506750, 1, 214)
    # two flats alike on two pieces: four rows, two flats
    assert of("2020-1580", "nombre_appartements", "surface_logements", "nombre_lignes") == (2, 90, 4)
    # no price is told
    without, = destination.query("SELECT count(*) FROM dvf_sale WHERE valeur_fonciere IS NULL")[0]
    assert without == 27


def test_only_the_year_that_is_asked_for_is_read(real):
    """A condition on source_year or id_mutation goes down to dvf."""
    plan = real("postgres").query("EXPLAIN (FORMAT json, COSTS off) SELECT * FROM dvf_sale"
                                  " WHERE source_year = 2020 AND id_mutation = '2020-1741'")[0][0]
    assert "dvf_2020_" in json.dumps(plan) and "dvf_2023_" not in json.dumps(plan)
    plan = real("postgres").query("EXPLAIN (FORMAT json, COSTS off) SELECT * FROM dvf_price_m2"
                                  " WHERE source_year = 2020")[0][0]
    assert "dvf_2020_" in json.dumps(plan) and "dvf_2023_" not in json.dumps(plan)


def test_words_about_every_table_and_column(real):
    mute = real("postgres").query(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        f" WHERE c.relname IN {('dvf', *VIEWS, *program.BOOKKEEPING)} AND c.relkind IN ('r', 'p', 'v')"
        " AND n.nspname IN ('public', 'dvf_import') AND (obj_description(c.oid, 'pg_class') IS NULL"
        " OR col_description(c.oid, a.attnum) IS NULL)")
    assert mute == []


# --- they stand in nobody's way

def test_a_new_edition_and_a_year_more(destination, site, make_import, made_years):
    site.put(2021, made_years(500))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    works(destination)
    site.put(2021, made_years(600, seed=2))
    site.put(2022, made_years(300, 2022))
    assert importer.call("check", "--years", "2021-2022").code == program.ALL
    result = importer.run_well("--years", "2021-2022")
    assert "views" not in result.err, str(result)
    assert destination.counts() == {2021: 600, 2022: 300}
    works(destination)


def test_made_again_when_they_were_dropped(destination, site, make_import, made_years):
    """Also in a destination that an older version made."""
    site.put(2021, made_years(500))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    destination.query("DROP VIEW dvf_price_m2", missing=[])
    destination.query("DROP VIEW dvf_sale", missing=[])
    importer.run_well("--years", "2021")
    works(destination)


def test_dvf_was_dropped_or_renamed(database, site, make_import, made_years):
    site.put(2021, made_years(500))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    database.query("DROP TABLE dvf CASCADE")
    importer.run_well("--years", "2021")
    works(database)
    database.query("ALTER TABLE dvf RENAME TO old")  # the views go with it
    site.put(2021, made_years(600, seed=2))
    importer.run_well("--years", "2021")
    works(database)
    database.query("DROP TABLE old")


@pytest.mark.parametrize("statement", [
    "CREATE TABLE dvf_sale (mine integer)", "CREATE VIEW dvf_price_m2 AS SELECT 1 AS mine",
    "CREATE VIEW DVF_SALE AS SELECT 1 AS mine", "CREATE TABLE Dvf_Price_M2 (mine integer)"])
def test_names_that_people_use_stay_theirs(destination, site, make_import, made_years, statement):
    site.put(2021, made_years(500))
    importer = make_import(destination)
    if destination.kind == "sqlite":
        importer.run_well("--years", "2021")
        destination.query("DROP VIEW dvf_price_m2", missing=[])
        destination.query("DROP VIEW dvf_sale", missing=[])
    destination.query(statement, missing=[])
    result = importer.run_well("--years", "2021")
    assert "views" not in result.err, str(result)
    assert destination.count(2021) == 500
    name = statement.split()[2]
    other, = [view for view in VIEWS if view != name.lower()]
    destination.query(f"SELECT mine FROM {name}")
    with pytest.raises(Exception, match="no such table|does not exist"):
        destination.query(f"SELECT * FROM {other}")


def test_an_index_of_that_name_stays_theirs(destination, site, make_import, made_years):
    site.put(2021, made_years(500))
    importer = make_import(destination)
    if destination.kind == "sqlite":
        importer.run_well("--years", "2021")
        destination.query("DROP VIEW dvf_price_m2")
        destination.query("DROP VIEW dvf_sale")
    destination.query("CREATE TABLE of_people (mine integer)", missing=[])
    destination.query("CREATE INDEX DVF_sale ON of_people (mine)")
    importer.run_well("--years", "2021")
    site.put(2021, made_years(600, seed=2))
    result = importer.run_well("--years", "2021")
    assert "views" not in result.err, str(result)
    assert destination.count(2021) == 600
    for view in VIEWS:
        with pytest.raises(Exception, match="no such table|does not exist|dvf_sale.* is an index|cannot open"):
            destination.query(f"SELECT * FROM {view}")


def test_a_view_that_cannot_be_made_keeps_nothing_from_going_on(database, site, make_import, made_years):
    site.put(2021, made_years(500))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    database.query("ALTER VIEW dvf_sale RENAME COLUMN nombre_lignes TO lignes;"
                   "COMMENT ON VIEW dvf_sale IS 'made by dvf-import, version 0'")
    site.put(2021, made_years(600, seed=2))
    result = importer.run_well("--years", "2021")
    assert "the views dvf_sale and dvf_price_m2 could not be made, the next run tries again:" in result.err, str(result)
    assert database.count(2021) == 600


def test_views_of_a_newer_program_stay_as_they_are(database, site, make_import, made_years):
    """Its version is a number: 10 is not 1. So is an older one, of which both are made again."""
    site.put(2021, made_years(500))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    definition = database.query("SELECT pg_get_viewdef('dvf_sale'::regclass)")
    for version, changed in ((2, True), (10, True), (0, False)):
        database.query("DROP VIEW IF EXISTS dvf_price_m2; CREATE OR REPLACE VIEW dvf_sale AS"
                       f" {definition[0][0].rstrip(';')} LIMIT 3; ALTER VIEW dvf_sale OWNER TO importer;"
                       f" COMMENT ON VIEW dvf_sale IS 'Sales. made by dvf-import, version {version}, which replaces it'")
        importer.run_well("--years", "2021")
        assert (database.query("SELECT pg_get_viewdef('dvf_sale'::regclass)") != definition) is changed, version
        assert (database.query("SELECT to_regclass('dvf_price_m2')") == [(None,)]) is changed, version
    works(database)


def test_views_of_a_newer_program_stay_in_sqlite_too(make_destination, site, make_import, made_years):
    site.put(2021, made_years(500))
    file = make_destination("sqlite")
    importer = make_import(file)
    importer.run_well("--years", "2021")
    for version, changed in ((2, True), (10, True), (0, False)):
        theirs = f"CREATE VIEW dvf_sale AS /* made by dvf-import, version {version} */ SELECT 1 AS nombre_lignes"
        with contextlib.closing(sqlite3.connect(file.path)) as connection:
            connection.executescript(f"DROP VIEW IF EXISTS dvf_price_m2; DROP VIEW dvf_sale; {theirs}")
        importer.run_well("--years", "2021")
        views = dict(file.query("SELECT name, sql FROM sqlite_master WHERE name IN ('dvf_sale', 'dvf_price_m2')"))
        assert (views["dvf_sale"] == theirs) is changed and ("dvf_price_m2" not in views) is changed, version
    works(file)


def test_policies_on_dvf_hold_in_the_views(database, site, make_import, made_years):
    """Also in views of a server that knew no security_invoker; where it is not known, there are none."""
    site.put(2021, made_years(500))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    database.query("ALTER TABLE dvf ENABLE ROW LEVEL SECURITY;"
                   "CREATE POLICY few ON dvf FOR SELECT TO PUBLIC USING (source_row <= 10)")
    server = database.server
    if server.version() >= 15:
        database.query("ALTER VIEW dvf_sale RESET (security_invoker); ALTER VIEW dvf_price_m2 SET (security_invoker = false)")
        assert "row level security" not in importer.run_well("--years", "2021").err
        server.sql("DROP ROLE IF EXISTS reader; CREATE ROLE reader")
        server.sql("GRANT SELECT ON dvf, dvf_sale, dvf_price_m2 TO reader", database.name)
        try:
            for view, column in (("dvf_sale", "nombre_lignes"), ("dvf_price_m2", "nombre_ventes")):
                shown, = server.sql(f"SET ROLE reader; SELECT sum({column}) FROM {view}", database.name)[0]
                assert (shown or 0) <= 10, view
        finally:
            server.sql("DROP OWNED BY reader", database.name)
            server.sql("DROP ROLE reader")
    else:
        database.query("DROP VIEW dvf_price_m2, dvf_sale")
        said = importer.run_well("--years", "2021").err
        assert said.count("dvf_sale and dvf_price_m2 are not made") == 1, said
        assert database.query("SELECT to_regclass('dvf_sale'), to_regclass('dvf_price_m2')") == [(None, None)]
        database.query("ALTER TABLE dvf DISABLE ROW LEVEL SECURITY")
        importer.run_well("--years", "2021")
        works(database)


def test_a_run_that_is_refused_makes_no_views(database, site, make_import, made_years):
    """The tables are a newer program's: nothing of ours is written there."""
    site.put(2021, made_years(500))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    database.query("DROP VIEW dvf_price_m2, dvf_sale; COMMENT ON TABLE dvf IS NULL;"
                   "UPDATE dvf_import.destination SET schema_version = schema_version + 1")
    refused = importer.run("--years", "2021")
    assert refused.code == program.REFUSED and "made by a newer dvf-import" in refused.err, str(refused)
    assert database.query("SELECT to_regclass('dvf_sale'), to_regclass('dvf_price_m2'),"
                          " obj_description('dvf'::regclass)") == [(None, None, None)]


# --- promote

def test_promote_takes_them_along(swap):
    """Neither refused nor carried; rights on them go over, and what people built on them with --carry."""
    swap.server.needs_pg_dump()
    swap.server.sql("DROP ROLE IF EXISTS reader; CREATE ROLE reader")
    swap.by_owner("GRANT SELECT ON dvf, dvf_sale TO reader")
    result = swap.promote()
    assert "dvf_sale" not in result.out and "dvf_price_m2" not in result.out, str(result)
    works(swap.live)
    works(swap.previous)
    assert swap.live.query("SELECT has_table_privilege('reader', 'dvf_sale', 'SELECT'),"
                           " has_table_privilege('reader', 'dvf_price_m2', 'SELECT')") == [(True, False)]
    swap.revert()
    works(swap.live)
    swap.by_owner("CREATE VIEW dear AS SELECT * FROM dvf_sale WHERE valeur_fonciere > 200000")
    assert "1 object" in swap.promote(code=program.REFUSED).out
    swap.promote("--carry")
    assert swap.live.query("SELECT count(*) > 0 FROM dear") == [(True,)]
    works(swap.live)
    for database in swap.databases():
        swap.server.sql("DROP OWNED BY reader", database)
    swap.server.sql("DROP ROLE reader")


@pytest.mark.parametrize("without", ["live", "staging"])
def test_promote_with_a_side_that_an_older_version_made(swap, without):
    side = getattr(swap, without)
    side.query("DROP VIEW dvf_price_m2, dvf_sale")
    swap.promote()
    works(swap.live if without == "live" else swap.previous)


def test_an_index_of_postgis_is_carried(swap):
    """As DATA.md has it: the extension in both by a superuser, the index by --carry."""
    if not swap.server.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
        pytest.skip("needs PostGIS, which is not installed here")
    for database in (swap.name, swap.staging.name):
        swap.server.sql("CREATE EXTENSION postgis", database)
    swap.by_owner("CREATE INDEX ON dvf USING gist ((ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography))")
    swap.promote(code=program.REFUSED)
    swap.promote("--carry")
    assert swap.live.query("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gist%' AND tablename = 'dvf'") == [(1,)]


def test_a_reader_needs_rights_on_dvf_too(swap):
    """From PostgreSQL 15 on: so policies on dvf hold for who reads through the views."""
    if swap.server.version() < 15:
        pytest.skip("needs security_invoker, which came with PostgreSQL 15")
    swap.server.sql("DROP ROLE IF EXISTS reader; CREATE ROLE reader")
    try:
        swap.by_owner("GRANT SELECT ON dvf_sale TO reader")
        with pytest.raises(Exception, match="permission denied for table dvf"):
            swap.server.sql("SET ROLE reader; SELECT count(*) FROM dvf_sale", swap.name)
        swap.by_owner("GRANT SELECT ON dvf TO reader")
        assert swap.server.sql("SET ROLE reader; SELECT count(*) > 0 FROM dvf_sale", swap.name) == [(True,)]
    finally:
        swap.server.sql("DROP OWNED BY reader", swap.name)
        swap.server.sql("DROP ROLE reader")


def test_promote_of_files_takes_them_along(tmp_path, made_years, make_import):
    pair = Pair(tmp_path / "files", made_years, make_import)
    pair.load_both()
    pair.ask("SELECT count(*) FROM dvf_sale")
    result = pair.call_well("promote")
    assert "dvf_sale" not in result.said and "dvf_price_m2" not in result.said, str(result)
    assert pair.ask("SELECT sum(nombre_lignes) FROM dvf_sale") == [(pair.count(),)]
    pair.call_well("revert")
    assert pair.ask("SELECT sum(nombre_lignes) FROM dvf_sale") == [(pair.count(),)]
