"""What people build on dvf that would keep a year from being replaced: it is named, with its remedy, before
anything is loaded; and once the remedy was applied, the same command does it."""
import contextlib
import re
import time

import pytest

import program
from servers import wait_for

ROWS = 5000
NOT_OURS = "public.dvf exists and is not the partitioned table this importer makes"


def year_table(database, year=2021):
    """The table of a year that the importer made and that dvf serves."""
    return database.query("SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition"
                          f" AND c.relname LIKE 'dvf\\_{year}\\_%'")[0][0]


def by_owner(database, statement):
    """As the role that owns the database: what it makes is no superuser's business."""
    with contextlib.closing(database.server.connect(database.name, "importer")) as connection, \
            connection.cursor() as cursor:
        cursor.execute(statement)


def loaded_nothing(database, before):
    """No chunk and no table came since."""
    return database.committed() == before and database.leftovers() == []


# name: (SQL that puts it in the way, words of the message, SQL that is the remedy); {table}: of year 2021
ON_A_YEAR = {
    "view": ("CREATE VIEW recent AS SELECT * FROM {table}",
             ["view recent is built on {table}", "build it on public.dvf with a condition on source_year"],
             "DROP VIEW recent; CREATE VIEW recent AS SELECT * FROM dvf WHERE source_year = 2021"),
    "materialized view": ("CREATE MATERIALIZED VIEW recent AS SELECT count(*) FROM {table}",
                          ["materialized view recent is built on {table}"], "DROP MATERIALIZED VIEW recent"),
    "function": ("CREATE FUNCTION how_many() RETURNS bigint LANGUAGE sql"
                 " BEGIN ATOMIC SELECT count(*) FROM {table}; END",
                 ["function how_many() is built on {table}"], "DROP FUNCTION how_many()"),
    "foreign key": ("ALTER TABLE {table} ADD PRIMARY KEY (source_row);"
                    "CREATE TABLE remark (sale integer CONSTRAINT of_sale REFERENCES {table}, words text)",
                    ["foreign key of_sale of remark refers to {table}",
                     "ALTER TABLE remark DROP CONSTRAINT of_sale"],
                    "ALTER TABLE remark DROP CONSTRAINT of_sale"),
    "foreign key to dvf": ("ALTER TABLE dvf ADD PRIMARY KEY (source_year, source_row);"
                           "CREATE TABLE remark (y smallint, r integer, words text,"
                           " CONSTRAINT of_sale FOREIGN KEY (y, r) REFERENCES dvf);"
                           "INSERT INTO remark VALUES (2021, 1, 'cheap')",
                           ["foreign key of_sale of remark refers to dvf, whose rows are replaced with their year",
                            "ALTER TABLE remark DROP CONSTRAINT of_sale"],
                           "ALTER TABLE remark DROP CONSTRAINT of_sale"),
    "foreign key of a partitioned table": (
        "ALTER TABLE {table} ADD PRIMARY KEY (source_row);"
        "CREATE TABLE remark (sale integer, words text, CONSTRAINT of_sale FOREIGN KEY (sale) REFERENCES {table})"
        " PARTITION BY RANGE (sale); CREATE TABLE remark_1 PARTITION OF remark FOR VALUES FROM (0) TO (100)",
        ["foreign key of_sale of remark refers to {table}", "ALTER TABLE remark DROP CONSTRAINT of_sale"],
        "ALTER TABLE remark DROP CONSTRAINT of_sale"),
    "default partition": ("CREATE TABLE others PARTITION OF dvf DEFAULT",
                          ["public.dvf has a default partition, others",
                           "ALTER TABLE public.dvf DETACH PARTITION others"],
                          "ALTER TABLE dvf DETACH PARTITION others"),
    "column": ("ALTER TABLE dvf ADD COLUMN seen_by text; UPDATE dvf SET seen_by = '';"
               "ALTER TABLE dvf ALTER COLUMN seen_by SET NOT NULL",
               ["column seen_by of public.dvf was added as NOT NULL without a default",
                "ALTER TABLE public.dvf ALTER COLUMN seen_by DROP NOT NULL"],
               "ALTER TABLE dvf ALTER COLUMN seen_by DROP NOT NULL"),
    "type": ("ALTER TABLE dvf ALTER lot1_surface_carrez TYPE double precision",
             ["column lot1_surface_carrez of public.dvf is double precision, and this importer writes numeric(12,2)",
              "ALTER TABLE public.dvf ALTER COLUMN lot1_surface_carrez TYPE numeric(12,2)"],
             "ALTER TABLE dvf ALTER lot1_surface_carrez TYPE numeric(12,2)"),
}


@pytest.mark.parametrize("name", ON_A_YEAR)
def test_what_was_built_on_a_year(database, site, make_import, made_years, name):
    """A new edition comes, and something stands on the table of the old one."""
    put, words, remedy = ON_A_YEAR[name]
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    table = year_table(database)
    by_owner(database, put.format(table=table))
    before = database.committed()
    site.put(2021, made_years(ROWS + 10, seed=2))
    refused = importer.run("--years", "2021")
    assert refused.code == program.NONE, str(refused)
    checked = importer.call("check", "--years", "2021")
    assert checked.code == program.REFUSED, str(checked)
    for word in words:
        assert word.format(table=table) in refused.said, str(refused)
        assert word.format(table=table) in checked.out, str(checked)
    assert len(re.findall("^fail ", checked.out, re.MULTILINE)) == 1, str(checked)
    assert loaded_nothing(database, before)
    assert database.count(2021) == ROWS, "the old edition is to serve meanwhile"
    by_owner(database, remedy)
    importer.run_well("--years", "2021")
    assert database.fingerprint(2021)[:4] == (ROWS + 10, 1, ROWS + 10, ROWS + 10)
    assert importer.call("check", "--years", "2021").code == program.ALL


def test_partition_for_two_years(database, site, make_import, made_years):
    site.put(2020, made_years(ROWS, 2020))
    importer = make_import(database)
    importer.run_well("--years", "2020")
    before = database.committed()
    by_owner(database, "CREATE TABLE two_years PARTITION OF dvf FOR VALUES IN (2021, 2022)")
    site.put(2021, made_years(ROWS))
    refused = importer.run("--years", "2021")
    assert refused.code == program.NONE, str(refused)
    assert "two_years holds year 2021 but was not made by this importer" in refused.said, str(refused)
    assert "ALTER TABLE public.dvf DETACH PARTITION two_years" in refused.said, str(refused)
    assert loaded_nothing(database, before)
    checked = importer.call("check", "--years", "2021")
    assert checked.code == program.REFUSED, str(checked)
    assert "ALTER TABLE public.dvf DETACH PARTITION two_years" in checked.out, str(checked)
    by_owner(database, "ALTER TABLE dvf DETACH PARTITION two_years")
    importer.run_well("--years", "2020,2021")
    assert database.counts() == {2020: ROWS, 2021: ROWS}


def attach_own(database, name="my2021", year=2021):
    """A person's own partition of dvf for a year, with three rows."""
    by_owner(database, f"CREATE TABLE {name} PARTITION OF dvf FOR VALUES IN ({year});"
                       f"INSERT INTO dvf SELECT (jsonb_populate_record(d, '{{\"source_year\": {year}}}')).*"
                       " FROM dvf d WHERE source_year = 2020 AND source_row <= 3")
    assert database.count(year) == 3


@pytest.mark.parametrize("setting", ["on", "off"])
def test_own_partition_whatever_backslashes_mean(database, site, make_import, made_years, setting):
    """With standard_conforming_strings = off a backslash in a literal is an escape."""
    for year in (2020, 2021):
        site.put(year, made_years(ROWS, year))
    importer = make_import(database)
    importer.run_well("--years", "2020")
    attach_own(database)
    database.server.sql(f"ALTER DATABASE {database.name} SET standard_conforming_strings = {setting}")
    before = database.committed()
    refused = importer.run("--years", "2021")
    assert refused.code == program.NONE and database.count(2021) == 3, str(refused)
    assert "my2021 holds year 2021 but was not made by this importer" in refused.said, str(refused)
    assert loaded_nothing(database, before)
    by_owner(database, "ALTER TABLE dvf DETACH PARTITION my2021")
    importer.run_well("--years", "2020,2021")
    assert database.counts() == {2020: ROWS, 2021: ROWS}


def test_own_partition_attached_while_a_year_is_loaded(database, site, make_import, made_years):
    """After the look for obstacles, and before the year is published."""
    for year in (2020, 2021):
        site.put(year, made_years(ROWS, year))
    importer = make_import(database)
    importer.run_well("--years", "2020")
    with contextlib.closing(database.server.connect(database.name)) as reader, reader.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        process = importer.start("--years", "2021", "--snapshot-wait", "60")
        wait_for(lambda: database.stages(2021) == ["ready"], 30, "the year to be ready")
        attach_own(database)
    refused = importer.finish(process)
    assert refused.code == program.NONE, str(refused)
    assert "my2021 holds year 2021 but was not made by this importer" in refused.said, str(refused)
    assert "ALTER TABLE public.dvf DETACH PARTITION public.my2021" in refused.said, str(refused)
    assert database.count(2021) == 3 and database.stages(2021) == ["ready"]
    by_owner(database, "ALTER TABLE dvf DETACH PARTITION my2021")
    before = database.committed()
    importer.run_well("--years", "2021")
    assert database.count(2021) == ROWS and database.committed() == before, "it was loaded already"


def test_own_table_attached_for_two_years(database, site, make_import, made_years):
    """The table has the importer's name, and somebody attached it for a second year besides."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    table = year_table(database)
    by_owner(database, f"ALTER TABLE dvf DETACH PARTITION {table};"
                       f"ALTER TABLE {table} DROP CONSTRAINT source_year_is;"
                       f"ALTER TABLE dvf ATTACH PARTITION {table} FOR VALUES IN (2021, 2022)")
    before = database.committed()
    site.put(2021, made_years(ROWS + 10, seed=2))
    refused = importer.run("--years", "2021")
    assert refused.code == program.NONE, str(refused)
    assert f"{table} holds several years" in refused.said, str(refused)
    assert f"ALTER TABLE public.dvf DETACH PARTITION {table}" in refused.said, str(refused)
    assert loaded_nothing(database, before)
    by_owner(database, f"ALTER TABLE dvf DETACH PARTITION {table}")
    importer.run_well("--years", "2021")
    assert database.counts() == {2021: ROWS + 10}


def test_identity_column(database, site, make_import, made_years):
    """Up to PostgreSQL 16 a table that has one can be attached; only a table without years can be given one there."""
    importer, newer = make_import(database), database.server.version() >= 17
    site.put(2021, made_years(ROWS))
    if newer:
        importer.run_well("--years", "2021")
    else:
        importer.run("--years", "2030")  # makes dvf
    by_owner(database, "ALTER TABLE dvf ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY")
    if newer:
        before = database.committed()
        site.put(2021, made_years(ROWS + 10, seed=2))
        refused = importer.run("--years", "2021")
        checked = importer.call("check", "--years", "2021")
        assert refused.code == program.NONE and checked.code == program.REFUSED, f"{refused}{checked}"
        for said in (refused.said, checked.out):
            assert "column id of public.dvf is an identity column" in said, said
        assert loaded_nothing(database, before) and database.count(2021) == ROWS
        remedy = re.search(r"ALTER TABLE public\.dvf ALTER COLUMN id DROP IDENTITY; .* SET DEFAULT nextval\(.*?\)", checked.out)
        by_owner(database, remedy.group(0))
    importer.run_well("--years", "2021")
    rows = ROWS + 10 if newer else ROWS
    assert database.query("SELECT count(DISTINCT id), count(*) FROM dvf") == [(rows, rows)]
    assert importer.call("check", "--years", "2021").code == program.ALL


def remedies(checked):
    """The statements that check names for columns, as it says them."""
    return re.findall(r"(?:DROP VIEW [^;]+; )?ALTER TABLE public\.dvf ALTER COLUMN .*? TYPE .*", checked.out)


def test_columns_of_types_of_the_same_size(database, site, make_import, made_years):
    """Binary COPY would put an integer's bits into a real, and a double's into a bigint. The remedy as it is said
    works, though the views have been made again meanwhile."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    by_owner(database, "DROP VIEW dvf_price_m2, dvf_sale; ALTER TABLE dvf ALTER nombre_lots TYPE real,"
                       " ALTER longitude TYPE bigint USING longitude::bigint, ALTER numero_disposition TYPE varchar(40), ALTER id_parcelle TYPE bytea USING id_parcelle::bytea,"
                       " ALTER lot5_surface_carrez TYPE numeric(12,1), ALTER source_row TYPE bigint")
    before = database.committed()
    path = site.put(2021, made_years(ROWS + 10, seed=2))
    refused = importer.run("--years", "2021")
    assert refused.code == program.NONE, str(refused)
    assert "column numero_disposition of public.dvf is character varying(40), and this importer writes text" in refused.said
    assert loaded_nothing(database, before) and database.stages(2021) == ["published"]
    by_owner(database, "DROP VIEW IF EXISTS dvf_price_m2, dvf_sale")
    importer.run("--years", "2021")  # makes the views again where it can
    checked = importer.call("check", "--years", "2021")
    assert checked.code == program.REFUSED, str(checked)
    said = remedies(checked)
    assert len(said) == 6, str(checked)
    for statement in said:
        if "DROP VIEW" in statement:
            statement = statement.replace("DROP VIEW", "DROP VIEW IF EXISTS")  # a remedy before it has
        by_owner(database, statement.replace("id_parcelle::text", "convert_from(id_parcelle, 'UTF8')"))
    importer.run_well("--years", "2021")
    assert database.differences(2021, path) == [] and database.rejects() == []
    assert database.query("SELECT collname FROM pg_attribute a JOIN pg_collation c ON c.oid = attcollation WHERE attrelid ="
                          " 'dvf'::regclass AND attname = 'numero_disposition'") == [("C",)], "as it was made"


def test_columns_of_types_that_take_the_same_bytes(database, site, make_import, made_years):
    """Nothing of a value is lost in them: they are nobody's business but their owner's."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    by_owner(database, "DROP VIEW dvf_price_m2, dvf_sale; CREATE DOMAIN town AS text CHECK (value <> '');"
                       "CREATE DOMAIN area AS numeric(14,2);"
                       "ALTER TABLE dvf ALTER code_postal TYPE varchar, ALTER nom_commune TYPE town, ALTER valeur_fonciere TYPE numeric,"
                       " ALTER surface_terrain TYPE numeric(16,4), ALTER surface_reelle_bati TYPE area")
    path = site.put(2021, made_years(ROWS + 10, seed=2))
    importer.run_well("--years", "2021")
    assert database.differences(2021, path) == [] and database.rejects() == []
    assert importer.call("check", "--years", "2021").code == program.ALL


@pytest.mark.parametrize("theirs", [
    "CREATE TABLE sale (price integer); CREATE VIEW dvf AS SELECT * FROM sale",
    "CREATE TABLE dvf (price integer)",
    "CREATE TABLE dvf (source_year smallint) PARTITION BY LIST (source_year)",
], ids=["view", "table", "other columns"])
def test_dvf_of_somebody_else(database, site, make_import, made_years, theirs):
    site.put(2021, made_years(ROWS))
    database.query(theirs)
    importer = make_import(database)
    refused = importer.run("--years", "2021")
    assert refused.code == program.NONE, str(refused)
    assert NOT_OURS in refused.said, str(refused)
    assert "RENAME TO" in refused.said, str(refused)
    assert loaded_nothing(database, 0)
    checked = importer.call("check", "--years", "2021")
    assert checked.code == program.REFUSED and "RENAME TO" in checked.out, str(checked)
    kind = "VIEW" if "VIEW" in theirs else "TABLE"
    database.query(f"ALTER {kind} dvf RENAME TO dvf_of_others")
    importer.run_well("--years", "2021")
    assert database.count(2021) == ROWS


@pytest.mark.parametrize("change, back", [
    ("ALTER TABLE dvf RENAME TO sales; CREATE VIEW dvf AS SELECT * FROM sales",
     "DROP VIEW dvf; ALTER TABLE sales RENAME TO dvf"),
    ("ALTER TABLE dvf RENAME TO sales; CREATE TABLE dvf AS TABLE sales",
     "DROP TABLE dvf; ALTER TABLE sales RENAME TO dvf"),
    ("ALTER TABLE dvf RENAME TO sales; CREATE TABLE dvf (LIKE sales) PARTITION BY LIST (code_departement)",
     "DROP TABLE dvf; ALTER TABLE sales RENAME TO dvf"),
], ids=["view", "table", "other key"])
def test_dvf_that_only_looks_like_ours(database, site, make_import, made_years, change, back):
    """Every column is there, so that only its kind tells that no year can be attached to it."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    before = database.committed()
    by_owner(database, change)
    site.put(2021, made_years(ROWS + 10, seed=2))
    refused = importer.run("--years", "2021")
    assert refused.code == program.NONE, str(refused)
    assert NOT_OURS in refused.said, str(refused)
    assert database.committed() == before
    assert importer.call("check", "--years", "2021").code == program.REFUSED
    by_owner(database, back)
    importer.run_well("--years", "2021")
    assert database.counts() == {2021: ROWS + 10}


def test_dvf_of_another_owner(database, site, make_import, made_years):
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    before = database.committed()
    database.query("ALTER TABLE dvf OWNER TO postgres")
    site.put(2021, made_years(ROWS + 10, seed=2))
    refused = importer.run("--years", "2021")
    checked = importer.call("check", "--years", "2021")
    assert refused.code == program.NONE and checked.code == program.REFUSED, f"{refused}{checked}"
    for said in (refused.said, checked.out):
        assert "public.dvf belongs to postgres" in said, said
        assert "ALTER TABLE public.dvf OWNER TO importer" in said, said
    assert loaded_nothing(database, before)
    database.query("ALTER TABLE dvf OWNER TO importer")
    importer.run_well("--years", "2021")
    assert database.counts() == {2021: ROWS + 10}


@pytest.mark.parametrize("remedy", [
    "DROP TABLE {table}", "CREATE SCHEMA kept; ALTER TABLE {table} SET SCHEMA kept"], ids=["drop", "move"])
def test_detached_year(database, site, make_import, made_years, remedy):
    """The table that was detached has the name the year will get again."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    table = year_table(database)
    by_owner(database, f"ALTER TABLE dvf DETACH PARTITION {table}")
    refused = importer.run("--years", "2021")
    assert refused.code == program.NONE, str(refused)
    assert f"{table} is in the way" in refused.said and f"DROP TABLE {table}" in refused.said, str(refused)
    assert database.leftovers() == []
    by_owner(database, remedy.format(table=table))
    importer.run_well("--years", "2021")
    assert database.fingerprint(2021)[:4] == (ROWS, 1, ROWS, ROWS)


def test_dvf_locked_while_a_year_is_published(database, site, make_import, made_years):
    """Each try to lock dvf gives up after 2 s, so that readers do not queue for long; then again."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    site.put(2021, made_years(ROWS + 10, seed=2))
    holder = database.server.connect(database.name)
    with contextlib.closing(holder), holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE dvf IN ACCESS SHARE MODE")
        process = importer.start("--years", "2021")
        wait_for(lambda: "ready" in database.stages(2021), 30, "the new edition to be ready")
        time.sleep(5)
        assert process.poll() is None, str(importer.finish(process))
        by_owner(database, "SET lock_timeout = '2500ms'; SELECT count(*) FROM dvf")
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert database.counts() == {2021: ROWS + 10} and database.stages(2021) == ["published"]


def test_another_year_locked_while_one_is_published(database, site, make_import, made_years):
    """Only dvf itself and the year that changes are locked."""
    for year in (2021, 2022):
        site.put(year, made_years(ROWS, year))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    with contextlib.closing(database.server.connect(database.name)) as holder, holder.cursor() as cursor:
        cursor.execute(f"SET application_name = 'nosy'; BEGIN; LOCK TABLE {year_table(database)} IN ACCESS SHARE MODE")
        assert importer.run_well("--years", "2022").seconds < 20
        assert database.counts() == {2021: ROWS, 2022: ROWS}
