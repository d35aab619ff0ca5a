"""What keeps a promote or revert from being done: named with its remedy, exit code 3, and nothing is changed; with
the remedy applied, the same command does it."""
import contextlib

import psycopg2
import pytest

import program
from servers import wait_for
from slots import COUNTS


@contextlib.contextmanager
def left_alone(swap):
    before = swap.picture()
    yield
    assert swap.picture() == before, "a refusal changed something"


def refused(swap, words, *arguments, command="promote"):
    with left_alone(swap):
        result = swap.call(command, *arguments, code=program.REFUSED)
    for word in words:
        assert word in result.out, f"{word}\n{result}"
    assert "nothing was changed" in result.err, str(result)
    return result


# name: (SQL in the way, where it is run ("live", "staging", "maintenance"), words, the remedy)
IN_THE_WAY = {
    "publication": ("CREATE PUBLICATION sales FOR TABLE dvf", "live",
                    ["publication sales is in database {live}: DROP PUBLICATION sales"], "DROP PUBLICATION sales"),
    "publication in staging": ("CREATE PUBLICATION sales FOR TABLE dvf", "staging",
                               ["publication sales is in database {live}_staging"], "DROP PUBLICATION sales"),
    "slot": ("SELECT pg_create_logical_replication_slot('sales', 'pgoutput')", "live",
             ["replication slot sales is bound to database {live}", "SELECT pg_drop_replication_slot('sales')"],
             "SELECT pg_drop_replication_slot('sales')"),
    "subscription": ("CREATE SUBSCRIPTION theirs CONNECTION 'dbname=none' PUBLICATION theirs"
                     " WITH (connect = false, slot_name = NONE)", "live",
                     ["subscription theirs brings changes into database {live}: DROP SUBSCRIPTION theirs"],
                     "DROP SUBSCRIPTION theirs"),
    "prepared transaction": ("BEGIN; CREATE TABLE later (a integer); PREPARE TRANSACTION 'it''s later'", "live",
                             ["prepared transaction 'it''s later' of postgres is open in database {live}",
                              "ROLLBACK PREPARED 'it''s later'"], "ROLLBACK PREPARED 'it''s later'"),
    "owner": ("ALTER DATABASE {live}_staging OWNER TO postgres", "maintenance",
              ["database {live}_staging belongs to postgres, and importer is no member of that role",
               'ALTER DATABASE "{live}_staging" OWNER TO "importer"'],
              "ALTER DATABASE {live}_staging OWNER TO importer"),
    "createdb": ("ALTER ROLE importer NOCREATEDB", "maintenance",
                 ['importer may not rename databases: ALTER ROLE "importer" CREATEDB'], "ALTER ROLE importer CREATEDB"),
    "connections": ("ALTER DATABASE {live}_staging ALLOW_CONNECTIONS false", "maintenance",
                    ["database {live}_staging allows no connections",
                     'ALTER DATABASE "{live}_staging" ALLOW_CONNECTIONS true'],
                    "ALTER DATABASE {live}_staging ALLOW_CONNECTIONS true"),
    "a setting": ("ALTER ROLE postgres IN DATABASE {live} SET work_mem = '5MB'", "maintenance",
                  ["importer may not carry over a right or setting of {live}",
                   "ALTER ROLE postgres IN DATABASE {live}_staging SET work_mem TO '5MB'"],
                  "ALTER ROLE postgres IN DATABASE {live}_staging SET work_mem TO '5MB'"),
    "unfinished": ("UPDATE dvf_import.source SET stage = 'incoming' WHERE year = 2022", "staging",
                   ["year 2022 of {live}_staging is loaded in part or not published: dvf-import run --staging"],
                   "UPDATE dvf_import.source SET stage = 'published' WHERE year = 2022"),
    "held": ("UPDATE dvf_import.source SET stage = 'held', why = 'fewer rows' WHERE year = 2022", "staging",
             ["year 2022 of {live}_staging is held: fewer rows: dvf-import run --staging --allow-shrink"],
             "UPDATE dvf_import.source SET stage = 'published' WHERE year = 2022"),
    "missing year": ("ALTER TABLE dvf DETACH PARTITION {year_2020}", "staging",
                     ["year 2020 is served by {live} and not by {live}_staging", "--drop-year 2020"],
                     "ALTER TABLE dvf ATTACH PARTITION {year_2020} FOR VALUES IN (2020)"),
    "newer bookkeeping": ("UPDATE dvf_import.destination SET schema_version = 99", "staging",
                          ["the bookkeeping of {live}_staging was made by a newer dvf-import: use that one"],
                          "UPDATE dvf_import.destination SET schema_version = 1"),
    "another schema": ("CREATE SCHEMA geo AUTHORIZATION importer; ALTER TABLE dvf SET SCHEMA geo;"
                       "ALTER DATABASE {live}_staging SET search_path = geo", "staging",
                       ["the table is public.dvf in {live} and geo.dvf in {live}_staging"],
                       "ALTER TABLE dvf SET SCHEMA public; DROP SCHEMA geo;"
                       "ALTER DATABASE {live}_staging RESET search_path"),
    "a schema of somebody": ("CREATE SCHEMA geo; ALTER TABLE dvf SET SCHEMA geo", "staging",
                             ["the table is public.dvf in {live} and not to be found in {live}_staging"],
                             "ALTER TABLE geo.dvf SET SCHEMA public; DROP SCHEMA geo"),
    "previous of somebody": ("CREATE DATABASE {live}_previous TEMPLATE edition_a", "maintenance",
                             ["database {live}_previous would be dropped, but is none that this importer put there"],
                             "ALTER DATABASE {live}_previous RENAME TO {live}_outgoing;"
                             "DROP DATABASE {live}_outgoing"),
    "a column": ("ALTER TABLE dvf ADD COLUMN mine text", "live",
                 ["column mine text of public.dvf is in {live} and not in {live}_staging", "--drop-foreign"],
                 "ALTER TABLE dvf DROP COLUMN mine"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_in_the_way(swap, name):
    put, place, words, remedy = IN_THE_WAY[name]
    database = {"live": swap.name, "staging": swap.staging.name, "maintenance": "postgres"}[place]
    year = swap.staging.query("SELECT relname FROM pg_class WHERE relname LIKE 'dvf\\_2020\\_%'"
                              " AND relkind = 'r'")[0][0]
    names = {"live": swap.name, "year_2020": year}

    def run(statements):
        for statement in statements.split(";") if "DATABASE" in statements and place == "maintenance" else [statements]:
            swap.server.sql(statement.format(**names), database)

    run(put)
    try:
        if name in ("connections", "previous of somebody", "a schema of somebody"):
            result = swap.promote(code=program.REFUSED)  # not everything can be compared
            assert swap.live.counts() == COUNTS["a"]
        else:
            result = refused(swap, [])
        for word in words:
            assert word.format(**names) in result.out, f"{word}\n{result}"
        dry = swap.promote("--dry-run", code=program.REFUSED)
        assert words[0].format(**names) in dry.out, str(dry)
    finally:
        run(remedy)
    swap.promote()
    assert swap.live.counts() == COUNTS["b"]


def test_all_is_said_at_once(swap):
    swap.server.sql("CREATE PUBLICATION sales FOR TABLE dvf", swap.name)
    swap.server.sql("CREATE VIEW mine AS SELECT 1", swap.name)
    swap.server.sql("UPDATE dvf_import.source SET stage = 'held' WHERE year = 2022", swap.staging.name)
    refused(swap, ["publication sales", "view public.mine", "--carry", "year 2022"])


def test_nothing_to_promote_or_revert(swap):
    swap.server.sql(f"DROP DATABASE {swap.staging.name}")
    refused(swap, [f"there is no database {swap.staging.name}", "run --staging"])
    refused(swap, [f"there is no database {swap.previous.name}", "only a promote leaves one"], command="revert")
    swap.server.sql(f"CREATE DATABASE {swap.staging.name} OWNER importer")
    result = swap.promote(code=program.REFUSED)
    assert f"database {swap.staging.name} holds no import" in result.out, str(result)
    assert swap.live.counts() == COUNTS["a"]


def test_years_given_up(swap):
    year = swap.staging.query("SELECT relname FROM pg_class WHERE relname LIKE 'dvf\\_2020\\_%'"
                              " AND relkind = 'r'")[0][0]
    swap.by_owner(f"ALTER TABLE dvf DETACH PARTITION {year}; DROP TABLE {year}", swap.staging.name)
    swap.promote(code=program.REFUSED)
    swap.promote("--drop-year", "2020")
    assert swap.live.counts() == {2021: 1000, 2022: 500}


def test_sessions_one_may_not_end(swap):
    """Another role's session needs pg_signal_backend; a superuser's, a superuser. Both are named."""
    server = swap.server
    server.sql("CREATE ROLE swap_guest LOGIN")
    guests = [server.connect(swap.name, "swap_guest"), server.connect(swap.staging.name)]
    try:
        pids = [str(guest.info.backend_pid) for guest in guests]
        refused(swap, [f"session {pids[0]} of swap_guest", f"session {pids[1]} of postgres, a superuser",
                       'GRANT pg_signal_backend TO "importer"'])
        server.sql("GRANT pg_signal_backend TO importer")
        result = refused(swap, [f"session {pids[1]} of postgres, a superuser", "only a superuser ends"])
        assert f"session {pids[0]} of swap_guest" not in result.out, str(result)
        guests[1].close()
        wait_for(lambda: len(server.sql("SELECT 1 FROM pg_stat_activity WHERE datname ="
                                        f" '{swap.staging.name}'")) == 0, 10, "it to end")
        swap.promote()
        with pytest.raises(psycopg2.Error), guests[0].cursor() as cursor:
            cursor.execute("SELECT 1")
        assert swap.live.counts() == COUNTS["b"]
    finally:
        for guest in guests:
            guest.close()
        server.sql("REVOKE pg_signal_backend FROM importer; DROP ROLE swap_guest")


def test_session_that_comes_during_the_drain(swap):
    """A superuser who comes late cannot be ended: the databases keep their names, and live goes on."""
    stays = swap.server.connect(swap.name, "importer")
    process = swap.importer.start("--drain", "3", command="promote")
    with contextlib.closing(stays):
        swap.draining(process)
        with contextlib.closing(swap.server.connect(swap.name)) as late:
            result = swap.importer.finish(process, 30)
            assert result.code == program.NONE, str(result)
            assert f"session {late.info.backend_pid} of postgres, a superuser" in result.err, str(result)
    assert swap.live.counts() == COUNTS["a"]
    swap.promote()
    assert swap.live.counts() == COUNTS["b"]
    assert swap.live.query("SELECT kind, done_at IS NOT NULL FROM dvf_import.swap") == [("promote", True)]


def test_no_database_to_work_from(swap):
    server = swap.server
    server.sql("REVOKE CONNECT ON DATABASE postgres, template1, edition_a, edition_b FROM PUBLIC, importer")
    try:
        result = swap.promote(code=program.REFUSED)
        assert "GRANT CONNECT ON DATABASE postgres" in result.err, str(result)
        server.sql("GRANT CONNECT ON DATABASE edition_a TO importer")
        swap.promote()
    finally:
        server.sql("GRANT CONNECT ON DATABASE postgres, template1, edition_a, edition_b TO PUBLIC, importer")
    assert swap.live.counts() == COUNTS["b"]


def test_two_at_once(swap, tmp_path):
    """From two hosts: the later one waits for what the earlier one holds, ends it, and does it; or finds it done."""
    guest = swap.server.connect(swap.name, "importer")
    first = swap.importer.start("--drain", "60", command="promote")
    with contextlib.closing(guest):
        swap.draining(first)
        second = swap.importer.with_(state=str(tmp_path / "elsewhere")).call("promote", "--drain", "0")
    assert second.code == program.ALL and "left by an earlier promote" in second.err, str(second)
    result = swap.importer.finish(first, 30)
    assert result.code in (program.ALL, program.NONE), str(result)
    assert swap.live.counts() == COUNTS["b"] and swap.databases() == [swap.name, swap.previous.name]


def left_to_be_dropped(swap):
    """A promote that could be done, and before it an empty database that an earlier swap could not drop."""
    swap.promote()
    swap.loaded.copy("b", swap.staging.name)
    outgoing = f"{swap.name}_outgoing"
    swap.server.sql(f"CREATE DATABASE {outgoing} OWNER importer")
    swap.server.sql(f"UPDATE dvf_import.swap SET outgoing = (SELECT oid FROM pg_database WHERE datname = '{outgoing}')",
                    swap.name)
    return outgoing


def test_what_made_room_cannot_be_dropped(swap):
    """What an earlier swap left still has its name, for somebody whom only a superuser may end is in it: said before
    anybody is sent away, not by a rename that fails."""
    outgoing = left_to_be_dropped(swap)
    was, next_one = swap.uuid(swap.live), swap.uuid(swap.staging)
    with contextlib.closing(swap.server.connect(outgoing)):
        result = swap.promote(code=program.REFUSED)
        assert f"database {outgoing} is still there" in result.out, str(result)
        assert f"the name {outgoing} is taken: rename it or drop it" in result.out, str(result)
        assert swap.uuid(swap.live) == was
    swap.promote()
    assert swap.uuid(swap.live) == next_one
    assert swap.databases() == [swap.name, swap.previous.name]


def test_autovacuum_in_what_made_room(swap):
    """DROP DATABASE WITH (FORCE) is refused to whoever is no superuser while autovacuum is at work there."""
    outgoing = left_to_be_dropped(swap)
    swap.server.sql("CREATE TABLE slow WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,"
                    " autovacuum_vacuum_threshold = 1) AS SELECT repeat('x', 500) FROM generate_series(1, 20000)",
                    outgoing)
    swap.server.sql("DELETE FROM slow", outgoing)
    try:
        swap.server.sql("ALTER SYSTEM SET autovacuum_naptime = 1")
        swap.server.sql("SELECT pg_reload_conf()")
        wait_for(lambda: swap.server.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
                                         f" AND datname = '{outgoing}'"), 60, "autovacuum")
        result = swap.promote()
    finally:
        swap.server.sql("ALTER SYSTEM RESET autovacuum_naptime")
        swap.server.sql("SELECT pg_reload_conf()")
    assert "still there" not in result.out, str(result)
    assert swap.databases() == [swap.name, swap.previous.name]


LOOKALIKES = {
    "maintenance": "CREATE FUNCTION public.taken(name, name) RETURNS text LANGUAGE sql AS 'SELECT (1 / 0)::text';"
                   "CREATE OPERATOR public.|| (LEFTARG = name, RIGHTARG = name, FUNCTION = public.taken);"
                   "CREATE FUNCTION public.taken(oid, regclass) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';"
                   "CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.taken);",
    "live": "CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS 'SELECT (1 / 0)::text'",
}


@pytest.mark.parametrize("place", LOOKALIKES)
def test_functions_that_fit_better_than_the_servers(swap, place):
    """Until PostgreSQL 15 anybody may make them in a database's schema public; whoever promotes must not run them."""
    database = {"maintenance": "postgres", "live": swap.name}[place]
    swap.server.sql(LOOKALIKES[place], database)
    try:
        swap.promote("--drop-foreign")
        assert swap.live.counts() == COUNTS["b"]
    finally:
        if place == "maintenance":
            swap.server.sql("DROP FUNCTION public.taken(name, name), public.taken(oid, regclass) CASCADE", database)
