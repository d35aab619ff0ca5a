"""What people keep beside dvf: refused and listed, carried over with --carry, given up with --drop-foreign."""
import os
import stat

import pytest

import program
from servers import PASSWORD
from slots import COUNTS

THEIRS = r"""
CREATE SCHEMA geo; CREATE TYPE geo.mood AS ENUM ('calm', 'wild');
CREATE TABLE remark (id serial PRIMARY KEY, mood geo.mood, words text, tall integer GENERATED ALWAYS AS IDENTITY);
INSERT INTO remark (mood, words) VALUES ('calm', E'tab\there'), ('wild', 'é "quoted" ''so');
CREATE INDEX remark_words ON remark (words); COMMENT ON TABLE remark IS 'said';
CREATE FUNCTION double_of(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
CREATE VIEW dear AS SELECT * FROM dvf WHERE valeur_fonciere > 200000;
CREATE MATERIALIZED VIEW by_year AS SELECT source_year, count(*) AS sales FROM dvf GROUP BY 1;
CREATE TABLE geo.part (n integer) PARTITION BY LIST (n); CREATE TABLE geo.part_1 PARTITION OF geo.part FOR VALUES IN (1);
INSERT INTO geo.part VALUES (1); SELECT lo_from_bytea(77777, 'large');
CREATE INDEX their_index ON dvf (nom_commune); CREATE INDEX of_function ON dvf (double_of(source_row));
ALTER TABLE dvf ADD CONSTRAINT counted CHECK (source_row > 0);
CREATE TRIGGER seen BEFORE UPDATE ON dvf FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE POLICY everything ON dvf FOR SELECT TO PUBLIC USING (source_year > 0);
ALTER TABLE dvf ENABLE ROW LEVEL SECURITY
"""
LISTED = ["schema geo", "type geo.mood", "table public.remark", "function public.double_of(integer)", "view public.dear",
          "materialized view public.by_year", "table geo.part", "table geo.part_1", "large object 77777",
          "index on public.dvf: btree (nom_commune)", "index on public.dvf: btree (public.double_of(source_row))",
          "table constraint counted on public.dvf", "trigger seen on public.dvf", "policy everything on public.dvf",
          "row level security ENABLE on public.dvf"]


def theirs_in(destination):
    """What THEIRS made, as far as it does not depend on what dvf holds."""
    return destination.query(
        "SELECT (SELECT array_agg(remark::text ORDER BY id) FROM remark), (SELECT array_agg(n) FROM geo.part),"
        " (SELECT last_value FROM remark_id_seq), double_of(21), convert_from(lo_get(77777), 'UTF8'),"
        " (SELECT array_agg(sales::bigint ORDER BY source_year) = (SELECT array_agg(n ORDER BY source_year) FROM"
        "   (SELECT source_year, count(*) AS n FROM dvf GROUP BY 1) d) FROM by_year),"
        " (SELECT array_agg(indexname::text ORDER BY indexname) FROM pg_indexes WHERE tablename IN ('dvf', 'remark')),"
        " (SELECT array_agg(conname::text ORDER BY conname) FROM pg_constraint WHERE conrelid = 'dvf'::regclass),"
        " (SELECT array_agg(pg_get_triggerdef(oid)) FROM pg_trigger WHERE tgrelid = 'dvf'::regclass),"
        " (SELECT array_agg(p::text) FROM pg_policies p), (SELECT relrowsecurity FROM pg_class WHERE oid = 'dvf'::regclass),"
        " (SELECT pg_get_viewdef('dear'::regclass)), obj_description('remark'::regclass),"
        " (SELECT count(*) = (SELECT count(*) FROM dvf WHERE valeur_fonciere > 200000) FROM dear),"
        " (SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'dvf'::regclass),"
        " (SELECT array_agg(pg_get_userbyid(relowner) ORDER BY relname) FROM pg_class WHERE relname IN ('remark', 'dear', 'part'))")[0]


def test_refused_and_listed(swap):
    swap.by_owner(THEIRS)
    before = swap.picture()
    result = swap.promote(code=program.REFUSED)
    assert swap.picture() == before
    for thing in LISTED:
        assert f"{thing} is in {swap.name} and not in {swap.staging.name}" in result.out, f"{thing}\n{result}"
    assert len(result.out.splitlines()) == len(LISTED) + 1, str(result)
    assert f"{len(LISTED)} objects" in result.out and "--carry" in result.out and "--drop-foreign" in result.out


@pytest.mark.sanitize
def test_carried(swap):
    """Rows, sequences, owners and all; then back, and forth again with what was written meanwhile."""
    swap.server.needs_pg_dump()
    swap.by_owner(THEIRS)
    before = theirs_in(swap.live)
    assert before[2] == 2 and before[5] is True and before[13] is True
    dry = swap.promote("--carry", "--dry-run")
    assert "table public.remark is carried over" in dry.out, str(dry)
    swap.promote("--carry")
    assert swap.live.counts() == COUNTS["b"]
    assert theirs_in(swap.live) == before
    assert swap.live.leftovers() == []
    back = swap.revert()
    assert "table public.remark is in both databases; each keeps its own" in back.out, str(back)
    assert theirs_in(swap.live) == before
    swap.by_owner("INSERT INTO remark (words) VALUES ('later'); CREATE VIEW more AS SELECT * FROM remark")
    result = swap.promote(code=program.REFUSED)
    assert "view public.more is in" in result.out and "1 object in" in result.out, str(result)
    swap.promote("--carry")
    assert swap.live.counts() == COUNTS["b"]
    assert swap.live.query("SELECT words FROM more ORDER BY id")[-1] == ("later",)
    assert len(swap.live.query("SELECT 1 FROM remark")) == 3


def test_carried_where_nothing_is_written_by_default(swap):
    """pg_restore's own transaction, too, beside what the user says in PGOPTIONS."""
    swap.server.needs_pg_dump()
    swap.by_owner("CREATE TABLE remark (words text); CREATE INDEX their_index ON dvf (nom_commune)")
    swap.server.sql("ALTER ROLE importer SET default_transaction_read_only = on")
    try:
        options = swap.importer.with_(environment={"PGOPTIONS": "-c work_mem=8MB"})
        result = options.call("promote", "--carry", "--drain", "0")
    finally:
        swap.server.sql("ALTER ROLE importer RESET default_transaction_read_only")
    assert result.code == program.ALL, str(result)
    assert swap.live.query("SELECT to_regclass('remark') IS NOT NULL, to_regclass('their_index') IS NOT NULL") == [
        (True, True)]


def test_carried_again_after_a_kill(swap):
    """Carried, then killed while it drains: the next call takes what live holds by then."""
    swap.server.needs_pg_dump()
    swap.by_owner("CREATE TABLE remark (words text); INSERT INTO remark VALUES ('first'); CREATE POLICY p ON dvf USING (true)")
    stays = swap.server.connect(swap.name, "importer")
    process = swap.importer.start("--drain", "60", "--carry", command="promote")
    swap.draining(process)
    swap.importer.kill(process)
    stays.close()
    assert swap.staging.query("SELECT words FROM remark") == [("first",)]
    swap.by_owner("INSERT INTO remark VALUES ('second'); ALTER POLICY p ON dvf USING (false)")
    swap.promote("--carry")
    assert swap.live.query("SELECT qual FROM pg_policies") == [("false",)]
    assert swap.live.query("SELECT words FROM remark ORDER BY 1") == [("first",), ("second",)]


BEFORE = """
CREATE FUNCTION rate(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE INDEX by_rate ON dvf (rate(source_row));
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER seen BEFORE UPDATE ON dvf FOR EACH ROW EXECUTE FUNCTION look();
CREATE TRIGGER told BEFORE UPDATE ON dvf FOR EACH ROW EXECUTE FUNCTION look();
CREATE RULE quiet AS ON DELETE TO dvf DO INSTEAD NOTHING;
CREATE POLICY narrow ON dvf USING (true); ALTER TABLE dvf ENABLE ROW LEVEL SECURITY;
ALTER TABLE dvf ADD CONSTRAINT counted CHECK (source_row > 0);
CREATE STATISTICS together ON code_commune, nom_commune FROM dvf;
CREATE TYPE mood AS ENUM ('calm'); CREATE TABLE remark (mood mood);
CREATE DOMAIN small AS integer CHECK (VALUE < 10); CREATE TYPE pair AS (a integer);
CREATE FUNCTION same() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE joined (text) (SFUNC = textcat, STYPE = text)"""
CHANGED = {  # thing: the statement in live
    "function public.rate(integer)": "CREATE OR REPLACE FUNCTION rate(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2'",
    "function public.look()": "CREATE OR REPLACE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "trigger seen on public.dvf": "DROP TRIGGER seen ON dvf; CREATE TRIGGER seen AFTER UPDATE ON dvf FOR EACH ROW EXECUTE FUNCTION look()",
    "trigger told on public.dvf": "ALTER TABLE dvf DISABLE TRIGGER told",
    "rule quiet on public.dvf": "CREATE OR REPLACE RULE quiet AS ON DELETE TO dvf WHERE OLD.source_year = 1 DO INSTEAD NOTHING",
    "policy narrow on public.dvf": "ALTER POLICY narrow ON dvf USING (false)",
    "table constraint counted on public.dvf":
        "ALTER TABLE dvf DROP CONSTRAINT counted; ALTER TABLE dvf ADD CONSTRAINT counted CHECK (source_row > -1)",
    "statistics object public.together":
        "DROP STATISTICS together; CREATE STATISTICS together (ndistinct) ON code_commune, nom_commune FROM dvf",
    "type public.mood": "ALTER TYPE mood ADD VALUE 'wild'",
    "type public.small": "ALTER DOMAIN small SET NOT NULL",
    "type public.pair": "ALTER TYPE pair ADD ATTRIBUTE b text"}
DEFINED = ("SELECT (SELECT array_agg(pg_get_functiondef(oid) ORDER BY proname) FROM pg_proc WHERE proname IN ('rate', 'look')),"
           " (SELECT array_agg(pg_get_triggerdef(oid) || tgenabled::text ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'dvf'::regclass),"
           " (SELECT array_agg(pg_get_ruledef(oid)) FROM pg_rewrite WHERE rulename = 'quiet'), (SELECT array_agg(qual) FROM pg_policies),"
           " (SELECT array_agg(pg_get_constraintdef(oid)) FROM pg_constraint WHERE conname = 'counted' AND conrelid = 'dvf'::regclass),"
           " (SELECT array_agg(pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext), enum_range(NULL::mood)::text,"
           " (SELECT typnotnull FROM pg_type WHERE typname = 'small'),"
           " (SELECT count(*) FROM pg_attribute WHERE attrelid = 'pair'::regclass)")


def test_changed_since_it_was_carried(swap):
    """What has the same name in both and is another: as much as if the other one lacked it."""
    swap.server.needs_pg_dump()
    swap.by_owner(BEFORE)
    swap.promote("--carry")
    back = swap.revert()
    assert "is not what it is" not in back.out, str(back)
    old = swap.live.query(DEFINED)
    for statement in CHANGED.values():
        swap.by_owner(statement)
    new = swap.live.query(DEFINED)
    assert not [one for one, other in zip(old[0], new[0]) if one == other]
    before = swap.picture()
    refused = swap.promote(code=program.REFUSED)
    for thing in CHANGED:
        assert f"{thing} of {swap.name} is not what it is in {swap.staging.name}" in refused.out, f"{thing}\n{refused}"
    assert f"{len(CHANGED)} objects in" in refused.out and "same()" not in refused.out, str(refused)
    assert "note: aggregate public.joined(pg_catalog.text) is in both databases; each keeps its own" in refused.out, str(refused)
    assert swap.picture() == before and swap.staging.query(DEFINED) == old
    given_up = swap.promote("--drop-foreign", "--dry-run")
    assert f"policy narrow on public.dvf is given up: it stays in {swap.previous.name}" in given_up.out, str(given_up)
    result = swap.promote("--carry")
    assert "function public.look() of" in result.out and "takes the place of the one in" in result.out, str(result)
    assert swap.live.query(DEFINED) == new
    swap.revert()
    assert swap.live.query(DEFINED) == new


def test_given_up(swap):
    swap.by_owner(THEIRS)
    before = theirs_in(swap.live)
    result = swap.promote("--drop-foreign")
    assert f"table public.remark is given up: it stays in {swap.previous.name}" in result.out, str(result)
    assert swap.live.counts() == COUNTS["b"]
    assert swap.live.query("SELECT to_regclass('remark'), to_regclass('dear')") == [(None, None)]
    assert theirs_in(swap.previous) == before
    swap.revert()
    assert theirs_in(swap.live) == before


def test_extensions_and_schemas_come_first(swap):
    swap.server.needs_pg_dump()
    swap.by_owner("CREATE SCHEMA tools; CREATE EXTENSION pg_trgm SCHEMA tools;"
                  "CREATE VIEW alike AS SELECT id_mutation, tools.similarity(nom_commune, 'Lyon') AS s FROM dvf;"
                  "CREATE INDEX alike_index ON dvf USING gin (nom_commune tools.gin_trgm_ops)")
    result = swap.promote(code=program.REFUSED)
    for thing in ("extension pg_trgm", "schema tools", "view public.alike", "index on public.dvf: gin"):
        assert thing in result.out, str(result)
    assert len(result.out.splitlines()) == 5, "what an extension brings is not listed: " + result.out
    swap.promote("--carry")
    assert len(swap.live.query("SELECT max(s) FROM alike")) == 1
    swap.revert()
    swap.promote("--carry")
    assert swap.live.counts() == COUNTS["b"]


@pytest.mark.parametrize("change, listed, asked", [
    ("COMMENT ON VIEW dvf_sale IS 'mine'", 2,
     "SELECT obj_description('dvf_sale'::regclass) = 'mine' AND sum(nombre_lignes) = (SELECT count(*) FROM dvf) AND"
     " (SELECT count(*) > 0 FROM dvf_price_m2) FROM dvf_sale"),
    ("DROP VIEW dvf_price_m2, dvf_sale; CREATE TABLE dvf_sale (mine integer); INSERT INTO dvf_sale VALUES (7)", 1,
     "SELECT mine = 7 AND to_regclass('dvf_price_m2') IS NULL FROM dvf_sale"),
    ("DROP VIEW dvf_price_m2; CREATE VIEW dvf_price_m2 AS SELECT count(*) AS mine FROM dvf_sale", 2,
     "SELECT mine > 0 AND to_regclass('dvf_sale') IS NOT NULL FROM dvf_price_m2"),
], ids=["reworded", "a table", "the other one"])
def test_names_of_our_views(swap, change, listed, asked):
    """Whose they are in live they stay, and ours in staging make room: every staging run makes them."""
    swap.server.needs_pg_dump()
    swap.by_owner(change)
    result = swap.promote(code=program.REFUSED)
    assert f"{listed} object" in result.out and "dvf_" in result.out, str(result)
    swap.promote("--carry")
    assert swap.live.counts() == COUNTS["b"]
    assert swap.live.query(asked) == [(True,)]
    swap.revert()
    assert swap.live.query(asked) == [(True,)]
    swap.promote("--carry")
    assert swap.live.query(asked) == [(True,)]


def test_what_stands_on_our_views_in_staging(swap):
    """Then they cannot make room, and nothing is changed."""
    swap.server.needs_pg_dump()
    swap.by_owner("COMMENT ON VIEW dvf_sale IS 'mine'")
    swap.by_owner("CREATE VIEW dear AS SELECT * FROM dvf_sale", swap.staging.name)
    before = swap.picture()
    result = swap.promote("--carry", code=program.NONE)
    assert "cannot make room in" in result.err and "view dear depends on view dvf_sale" in result.err, str(result)
    assert swap.picture() == before


def test_column_cannot_be_filled(swap):
    swap.by_owner("ALTER TABLE dvf ADD COLUMN mine text")
    result = swap.promote("--carry", code=program.REFUSED)
    assert "1 column of dvf cannot be filled" in result.out, str(result)
    swap.promote("--drop-foreign")
    assert swap.live.counts() == COUNTS["b"]


def test_what_belongs_to_others(swap):
    swap.server.needs_pg_dump()
    swap.server.sql("CREATE VIEW theirs AS SELECT 1 AS one; GRANT SELECT ON theirs TO importer", swap.name)
    result = swap.promote("--carry", code=program.REFUSED)
    assert "view public.theirs belongs to postgres, and importer may not SET ROLE to that" in result.out, str(result)
    swap.server.sql("ALTER VIEW theirs OWNER TO importer", swap.name)
    swap.promote("--carry")
    assert swap.live.query("SELECT one FROM theirs") == [(1,)]


def test_restore_that_fails(swap, tmp_path):
    """What pg_restore says is told, nothing of it stays, and no password is in a command line."""
    swap.server.needs_pg_dump()
    swap.by_owner("CREATE TABLE remark (words text); CREATE SCHEMA geo")
    swap.server.sql("CREATE FUNCTION made_by_c(internal) RETURNS internal STRICT LANGUAGE internal AS 'array_in';"
                    "ALTER FUNCTION made_by_c(internal) OWNER TO importer", swap.name)
    before = swap.picture()
    traced = swap.importer.with_(wrapper=["strace", "-f", "-qq", "-s", "4096", "-e", "trace=execve",
                                          "-o", tmp_path / "words"])
    result = traced.call("promote", "--carry", "--drain", "0")
    assert result.code == program.NONE, str(result)
    assert "pg_restore failed" in result.err and "permission denied for language internal" in result.err, str(result)
    assert swap.picture() == before
    assert swap.staging.query("SELECT to_regclass('remark'), to_regnamespace('geo')") == [(None, None)]
    words = (tmp_path / "words").read_text().splitlines()
    assert any("pg_dump" in line and "--format=custom" in line for line in words), words
    assert not [line for line in words[1:] if PASSWORD[:4] in line or "p%40ss" in line]


def test_pg_dump_that_is_missing_or_fails(swap, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can hide the server's programs from one process")
    swap.by_owner("CREATE TABLE remark (words text)")
    before = swap.picture()
    hidden = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /usr/lib/postgresql && exec "$@"', "sh"]
    folder = tmp_path / "bin"
    folder.mkdir()
    without = swap.importer.with_(wrapper=hidden, environment={"PATH": f"{folder}:/usr/bin:/bin"})
    result = without.call("promote", "--carry")
    assert result.code == program.REFUSED and "there is no pg_dump of PostgreSQL" in result.out, str(result)
    assert "install postgresql-client-" in result.out, str(result)
    for version in ("9.6.24", "99.1"):
        for name in ("pg_dump", "pg_restore"):
            (folder / name).write_text("#!/bin/sh\n"
                                       f"[ $1 = --version ] && echo 'pg_dump (PostgreSQL) {version}' && exit 0\n"
                                       "echo 'it does not work today' >&2; exit 1\n")
            (folder / name).chmod(stat.S_IRWXU)
        result = without.call("promote", "--carry")
        if version == "9.6.24":  # it would refuse a newer server
            assert result.code == program.REFUSED and "there is no pg_dump of PostgreSQL" in result.out, str(result)
    assert result.code == program.NONE and "pg_dump failed: it does not work today" in result.err, str(result)
    assert swap.picture() == before
