"""Indexes by several connections at once, and what makes a published year quick to read; PostgreSQL only."""
import contextlib
import re

import pytest

import program
from servers import pgbouncer, wait_for

ROWS = 5000

# Who makes an index is noted in the transaction that makes it.
NOTE = """
CREATE TABLE public.made (pid integer, statement text);
GRANT ALL ON public.made TO PUBLIC;
CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql SET search_path = public AS
  $$ BEGIN
       INSERT INTO made VALUES (pg_backend_pid(), current_query());
       PERFORM pg_sleep(0.1);
     END $$;
CREATE EVENT TRIGGER note ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.note()
"""


def visible(database):
    """{table: whether every page of it is known to be visible, and whether it has statistics}."""
    return {name: (pages > 0 and pages == seen, stats > 0) for name, pages, seen, stats in database.query(
        "SELECT c.relname, c.relpages, c.relallvisible, (SELECT count(*) FROM pg_stats s WHERE s.tablename = c.relname)"
        " FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = 'dvf'::regclass")}


@pytest.mark.parametrize("loaders", [1, 2, 4])
def test_several_connections_make_indexes(database, site, make_import, made_years, loaders):
    """Each index once, by as many connections as there are loaders."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    database.query(NOTE)
    importer.run_well("--years", "2021", "--loaders", str(loaders))
    made = [(pid, statement) for pid, statement in database.query("SELECT pid, statement FROM made")
            if "dvf_2021" in statement]
    assert len(made) == len({statement for _, statement in made}) == 6, made
    assert len({pid for pid, _ in made}) == loaders
    assert database.counts() == {2021: ROWS}


# What a sort may take, as one that makes an index has it.
MEMORY = """
CREATE TABLE public.given (pid integer, mib bigint); GRANT ALL ON public.given TO PUBLIC;
CREATE FUNCTION public.given() RETURNS event_trigger LANGUAGE plpgsql SET search_path = public, pg_catalog AS
  $$ BEGIN
       INSERT INTO given VALUES (pg_backend_pid(), pg_size_bytes(current_setting('maintenance_work_mem')) >> 20);
       PERFORM pg_sleep(0.3);
     END $$;
CREATE EVENT TRIGGER given ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.given()
"""


@pytest.mark.parametrize("setting, loaders, wanted", [
    ("64MB", 1, [256]), ("1GB", 1, [1024]), ("1GB", 2, [128] * 2), ("64MB", 8, [64] * 4)])
def test_memory_to_sort_in(database, site, make_import, made_years, setting, loaders, wanted):
    """256 MiB for all who sort at the same time; one alone keeps what the server gives where that is more."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    database.query(MEMORY)
    database.query(f"ALTER ROLE importer IN DATABASE {database.name} SET maintenance_work_mem = '{setting}'")
    site.put(2021, made_years(ROWS, seed=2))
    importer.run_well("--years", "2021", "--loaders", str(loaders))
    found = dict(database.query("SELECT pid, mib FROM given"))
    assert list(found.values()) == wanted, found


def indexes_of(database, year):
    """Definitions of a year's indexes, and whether each belongs to one of dvf's."""
    return dict(database.query(
        "SELECT substring(pg_get_indexdef(i.indexrelid) FROM ' USING (.*)$'), p.inhparent IS NOT NULL"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        f" LEFT JOIN pg_inherits p ON p.inhrelid = i.indexrelid WHERE c.relname LIKE 'dvf\\_{year}\\_%'"))


def begun_afresh(importer):
    return importer.call("history").out.count("edition begun afresh")


# Those who make an index of lower(...) begin with it at the same time.
TOGETHER = """
CREATE FUNCTION public.together() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN
       IF current_query() LIKE '%lower(%' THEN
         PERFORM pg_sleep(1.5 - extract(epoch FROM clock_timestamp()) % 1);
       END IF;
     END $$;
CREATE EVENT TRIGGER together ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.together()
"""


def test_indexes_that_would_get_one_name(database, site, make_import, made_years):
    """The server would call all four dvf_2022_..._lower_idx; made at the same time, later ones were refused."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    theirs = ["lower(nom_commune)", "lower(adresse_nom_voie)", "lower(type_local)", "lower(nature_mutation)"]
    for index, in database.query("SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'dvf'::regclass"):
        database.query(f"DROP INDEX {index}")
    for expression in theirs:
        database.query(f"CREATE INDEX ON dvf ({expression})")
    database.query(TOGETHER)
    site.put(2022, made_years(ROWS, 2022))
    result = importer.run_well("--years", "2021-2022", "--loaders", "4")
    assert "the server says" not in result.err and begun_afresh(importer) == 0, str(result)
    found = indexes_of(database, 2022)
    assert found == {"btree (source_row)": False, **{f"btree ({expression})": True for expression in theirs}}
    # The race is lost now and then only; names of our own are what ends it.
    names = [name for name, in database.query("SELECT indexname FROM pg_indexes WHERE tablename LIKE 'dvf\\_2022\\_%'")]
    ours = re.compile("dvf_2022_[0-9a-f]{12}_(source_row|[0-9a-f]{8}_[0-9]+)")
    assert [name for name in names if not ours.fullmatch(name)] == []


# Once, when the proof that nothing is doubled is made.
DOUBLED = """
CREATE SEQUENCE public.turn; GRANT ALL ON public.turn TO PUBLIC;
CREATE FUNCTION public.doubled() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN
       IF current_query() LIKE '%(source_row)' AND nextval('public.turn') = 1 THEN
         RAISE unique_violation USING SCHEMA = '{schema}';
       END IF;
     END $$;
CREATE EVENT TRIGGER doubled ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.doubled()
"""


@pytest.mark.parametrize("schema, afresh", [("pg_catalog", 0), ("dvf_import", 1)])
def test_a_name_taken_meanwhile_is_no_doubled_row(database, site, make_import, made_years, schema, afresh):
    """The server has one SQLSTATE for both. After a name indexing is tried again, after a row the year is loaded again."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    database.query(DOUBLED.format(schema=schema))
    site.put(2022, made_years(ROWS, 2022))
    result = importer.run_well("--years", "2021-2022")
    assert "SQLSTATE 23505" in result.err and begun_afresh(importer) == afresh, str(result)
    assert len(indexes_of(database, 2022)) == 6
    assert database.counts() == {2021: ROWS, 2022: ROWS}


def test_an_index_of_theirs_that_a_year_does_not_fulfil(database, site, make_import, made_years):
    """Identical sales are real: the year fails once, is not loaded again and again, and dvf serves what it served."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    database.query("DELETE FROM dvf a USING dvf b WHERE a.id_mutation = b.id_mutation AND a.source_row > b.source_row;"
                   "CREATE UNIQUE INDEX ON dvf (source_year, id_mutation)")
    site.put(2022, made_years(ROWS, 2022))
    result = importer.run("--years", "2022")
    assert result.code == program.NONE, str(result)
    assert "SQLSTATE 23505" in result.out and begun_afresh(importer) == 0, str(result)
    assert database.counts().keys() == {2021}


def test_a_connection_that_cannot_be_had_is_done_without(database, site, make_import, made_years):
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    database.server.sql("ALTER ROLE importer CONNECTION LIMIT 2")
    try:
        result = importer.run_well("--years", "2021", "--loaders", "4")
    finally:
        database.server.sql("ALTER ROLE importer CONNECTION LIMIT -1")
    assert "one connection less to index" in result.err, str(result)
    assert list(visible(database).values()) == [(True, True)]


def test_a_pool_that_is_smaller_than_the_builders(database, site, make_import, made_years):
    """It takes connections that it has nothing for, and sends them away when they have waited for a second."""
    site.put(2021, made_years(ROWS))
    database.query(NOTE.replace("0.1", "1.5"))
    with pgbouncer(database.server, "session", 2, wait_s=1) as port:
        importer = make_import(database).with_(to=f"postgresql://importer@127.0.0.1:{port}/{database.name}")
        result = importer.run_well("--years", "2021", "--loaders", "4")
    assert result.err.count("one connection less to index") == 2 and result.err.count('msg="indexing"') == 1, str(result)
    assert database.counts() == {2021: ROWS} and len(indexes_of(database, 2021)) == 6


def leave(database, year, name):
    """A year's table as a run leaves it that was killed before its VACUUM: pages that nobody has looked at."""
    table = database.query(f"SELECT tableoid::regclass FROM dvf WHERE source_year = {year} LIMIT 1")[0][0]
    database.query(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
    database.query(f"INSERT INTO {name} SELECT * FROM {table}")
    database.query(f"CREATE INDEX ON {name} (source_row)")
    database.query(f"ALTER TABLE {name} OWNER TO importer")
    database.query(f"ALTER TABLE dvf DETACH PARTITION {table}")
    database.query(f"ALTER TABLE dvf ATTACH PARTITION {name} FOR VALUES IN ({year})")


def test_every_year_is_visible_and_has_statistics(database, site, make_import, made_years):
    """Also one that was published by a run which was killed before it came to that."""
    for year in (2020, 2021, 2022):
        site.put(year, made_years(ROWS, year))
    importer = make_import(database)
    importer.run_well("--years", "2020,2021")
    assert list(visible(database).values()) == [(True, True)] * 2
    leave(database, 2020, "twin")
    assert visible(database)["twin"] == (False, False)
    importer.run_well("--years", "2022")
    assert list(visible(database).values()) == [(True, True)] * 3


def test_a_year_whose_statistics_were_cut_off(database, site, make_import, made_years):
    """VACUUM (ANALYZE) is two transactions; after the first every page is visible."""
    for year in (2020, 2021):
        site.put(year, made_years(ROWS, year))
    importer = make_import(database)
    importer.run_well("--years", "2020")
    leave(database, 2020, "twin")
    database.query("VACUUM (FREEZE) twin")
    assert visible(database)["twin"] == (True, False)
    importer.run_well("--years", "2021")
    assert database.query("SELECT attname FROM pg_attribute a WHERE attrelid = 'twin'::regclass AND attnum > 0"
                          " AND NOT EXISTS (SELECT FROM pg_stats WHERE tablename = 'twin' AND attname = a.attname)") == []
    assert list(visible(database).values()) == [(True, True)] * 2


def test_a_year_that_cannot_be_vacuumed_keeps_no_other(database, site, make_import, made_years):
    """ANALYZE computes what indexes are on; theirs fails."""
    for year in (2019, 2020, 2021):
        site.put(year, made_years(ROWS, year))
    importer = make_import(database)
    importer.run_well("--years", "2019-2020")
    database.query("CREATE FUNCTION one(text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1'")
    for year, name in ((2019, "twin_1"), (2020, "twin_2")):
        leave(database, year, name)
    database.query("CREATE INDEX ON twin_1 (one(nom_commune)); CREATE OR REPLACE FUNCTION one(text) RETURNS integer"
                   " LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE ''not today''; END'")
    result = importer.run_well("--years", "2021")
    assert "public.twin_1 cannot be vacuumed: the server says: not today" in result.err, str(result)
    assert "statistics of dvf were not renewed" not in result.err, str(result)
    assert [seen for name, seen in visible(database).items() if name != "twin_1"] == [(True, True)] * 2


# A publish stays a second in its transaction, so that another session can queue behind it.
LATE = """
CREATE FUNCTION public.late() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN IF current_query() LIKE '%dvf_2021%SET SCHEMA%' THEN PERFORM pg_sleep(1); END IF; END $$;
CREATE EVENT TRIGGER late ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.late()
"""


def test_a_year_that_somebody_locks_stops_nothing(database, site, make_import, made_years):
    """Somebody is idle behind BEGIN; ANALYZE dvf: the lock comes right after the publish, before its VACUUM."""
    for year in (2021, 2022, 2023):
        site.put(year, made_years(ROWS, year))
    importer = make_import(database)
    database.query(LATE)
    with contextlib.closing(database.server.connect(database.name)) as holder, holder.cursor() as cursor:
        cursor.execute("SET search_path = dvf_import, public")
        process = importer.start("--years", "2021-2022")
        table, = wait_for(lambda: database.query(
            "SELECT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.granted"
            " AND l.mode = 'AccessExclusiveLock' AND c.relkind = 'r' AND c.relname LIKE 'dvf\\_2021\\_%'"
            " AND NOT EXISTS (SELECT FROM dvf_import.source WHERE stage <> 'ready')", missing=[]), 30, "the publish")[0]
        cursor.execute(f"BEGIN; LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
        result = importer.finish(process, seconds=40)
        assert result.code == program.ALL, str(result)
        assert f"public.{table} is not vacuumed: a session has it locked" in result.err, str(result)
        assert database.counts() == {2021: ROWS, 2022: ROWS}
        assert visible(database)[table][0] is False and sum(seen for seen, _ in visible(database).values()) == 1
    assert "is not vacuumed" not in importer.run_well("--years", "2023").err
    assert list(visible(database).values()) == [(True, True)] * 3


def test_dvf_that_somebody_locks_stops_nothing(database, site, make_import, made_years):
    """From the publish of the last year on, so that only the statistics of dvf as a whole are left out."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    database.query(LATE)
    process = importer.start("--years", "2021")
    wait_for(lambda: database.query(
        "SELECT 1 FROM pg_locks WHERE relation = to_regclass('dvf') AND granted AND mode = 'AccessExclusiveLock'"
        " AND EXISTS (SELECT FROM dvf_import.source WHERE stage = 'ready')", missing=[]), 30, "the publish")
    with contextlib.closing(database.server.connect(database.name)) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE ONLY dvf IN SHARE MODE")
        result = importer.finish(process, seconds=40)
        assert result.code == program.ALL, str(result)
    assert list(visible(database).values()) == [(True, True)]


def test_a_time_limit_leaves_statistics(database, site, make_import, made_years):
    """VACUUM stands outside transactions, where the role's limit counts."""
    site.put(2021, made_years(20 * ROWS))
    importer = make_import(database)
    database.server.sql("ALTER ROLE importer SET statement_timeout = '30ms'")
    try:
        importer.run_well("--years", "2021")
    finally:
        database.server.sql("ALTER ROLE importer RESET statement_timeout")
    assert [stats for _, stats in visible(database).values()] == [True]


def test_a_year_is_vacuumed_before_the_next_is_published(database, site, make_import, made_years):
    """Beside its load: what is left to the end of the run comes after every publish."""
    for year in (2020, 2021, 2022):
        site.put(year, made_years(ROWS, year))
    make_import(database).run_well("--years", "2020-2022")
    told = ("SELECT s.last_vacuum FROM dvf_import.source e JOIN pg_stat_all_tables s"
            " ON s.relname = format('dvf_%s_%s', e.year, left(e.sha256, 12)) ORDER BY e.published_at")
    wait_for(lambda: (None,) not in database.query(told), 10, "the server's word on it")  # late before PostgreSQL 15
    vacuumed = [when for when, in database.query(told)]
    published = [when for when, in database.query("SELECT published_at FROM dvf_import.source ORDER BY published_at")]
    assert len(vacuumed) == len(published) == 3 and None not in vacuumed
    assert vacuumed[0] < published[1] and vacuumed[1] < published[2], (vacuumed, published)


@pytest.mark.parametrize("memory, most", [("64M", 4), ("16M", 1)])
def test_chunks_that_wait_share_a_transaction(database, site, make_import, made_years, memory, most):
    """Where there is memory for it; each has its own witness all the same."""
    site.put(2021, made_years(20 * ROWS))
    make_import(database).run_well("--years", "2021", "--chunk-rows", "500", "--memory-limit", memory)
    together = [count for count, in database.query("SELECT count(*) FROM dvf_import.chunk GROUP BY xmin::text")]
    assert sum(together) == 20 * ROWS / 500 and max(together) == most, together
    database.tiles()
