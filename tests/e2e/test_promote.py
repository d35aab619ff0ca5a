"""promote and revert: what readers see of it, what goes over, and that saying it again changes nothing."""
import contextlib
import json
import re

import pytest

import program
import shapes
from servers import wait_for
from slots import COUNTS, Reader


def events(importer, *kinds):
    listed = json.loads(importer.call("history", "--json").out)["events"]
    return [event for event in listed if event["kind"] in kinds]


def test_readers_see_old_or_new(database, site, make_import, real_years):
    """Real years; staging has another year and one that was revised. A client asks all the time: every answer is
    wholly one or the other, and there is hardly a moment without one."""
    table = shapes.table_of(real_years[2020])
    site.put(2016, real_years[2016])
    site.put(2020, real_years[2020])
    database.server.sql("ALTER ROLE importer CREATEDB")
    importer = make_import(database)
    try:
        importer.run_well("--years", "2016,2020")
        old = database.counts()
        site.put(2020, shapes.pack(shapes.written(table[:-7])))
        site.put(2023, real_years[2023])
        importer.run_well("--years", "2016,2020,2023", "--staging")
        new = database.slot("staging").counts()
        reader = Reader(database)
        for command, words in (("promote", ["promoted"]), ("revert", ["reverted"]), ("promote", ["promoted"] * 2)):
            before = len(reader.answers)
            result = importer.call(command, "--drain", "0")
            assert result.code == program.ALL, str(result)
            wait_for(lambda: len(reader.answers) > before, 10, "the other edition")
            assert [event["kind"] for event in events(importer, words[0])] == words
        reader.stop()
        print(f"longest gap {reader.longest_gap * 1000:.0f} ms, connected again {reader.again} times")
        assert old[2020] == new[2020] + 7 and 2023 in new and 2023 not in old
        assert reader.answers == [old, new, old, new]
        assert reader.longest_gap < 2 * program.SLOW
        told = events(importer, "promoted")[-1]["body"]
        assert told["sessions_ended"] >= 1 and told["outage_ms"] < 2000 * program.SLOW
        assert told["years"] == [2016, 2020, 2023] and told["live"] == database.name
        assert database.differences(2020, site.path(2020)) == []
        assert importer.call("history", "--verify").code == program.ALL
    finally:
        database.drop_slots()
        database.server.sql("ALTER ROLE importer NOCREATEDB")


@pytest.mark.sanitize
def test_there_and_back_any_number_of_times(swap):
    uuids = {"a": swap.uuid(swap.live), "b": swap.uuid(swap.staging)}
    for turn in range(3):
        swap.promote()
        assert swap.live.counts() == COUNTS["b"] and swap.uuid(swap.live) == uuids["b"]
        assert swap.databases() == [swap.name, swap.previous.name]
        again = swap.promote()
        assert "already" in again.out and swap.uuid(swap.live) == uuids["b"], str(again)
        swap.revert()
        assert swap.live.counts() == COUNTS["a"] and swap.uuid(swap.live) == uuids["a"]
        assert swap.databases() == [swap.name, swap.staging.name]
        again = swap.revert()
        assert "already" in again.out and swap.uuid(swap.live) == uuids["a"], str(again)
    assert len(events(swap.importer, "promoted")) == 3 and len(events(swap.importer, "reverted")) == 3
    assert not events(swap.importer, "promote found done", "revert found done")
    done = swap.live.query("SELECT kind, done_at IS NOT NULL FROM dvf_import.swap ORDER BY number")
    assert done == [("promote", True), ("revert", True)] * 3
    held = swap.live.query("SELECT year, stage, under FROM {source} WHERE stage <> 'published' ORDER BY year")
    assert held == [(2021, "held", "revert"), (2022, "held", "revert")], "2020 is the same edition in both"


def test_another_ledger_is_told(swap, tmp_path):
    """The ledger of another host, or a new one, learns of the swap once."""
    swap.promote()
    elsewhere = swap.importer.with_(state=str(tmp_path / "elsewhere"))
    for _ in range(2):
        result = elsewhere.call("promote")
        assert result.code == program.ALL, str(result)
        assert len(events(elsewhere, "promote found done")) == 1 and not events(elsewhere, "promoted")


def test_what_made_room_is_dropped(swap):
    """Three editions: the oldest goes at the second promote; a staging database goes at a revert."""
    swap.promote()
    swap.loaded.copy("a", swap.staging.name)
    third, second = swap.uuid(swap.staging), swap.uuid(swap.live)
    dry = swap.promote("--dry-run", "--drop-year", "2022")
    assert f"would drop {swap.name}_outgoing" in dry.out, str(dry)
    swap.promote("--drop-year", "2022")
    assert swap.databases() == [swap.name, swap.previous.name]
    assert (swap.uuid(swap.live), swap.uuid(swap.previous)) == (third, second)
    swap.loaded.copy("b", swap.staging.name)
    swap.revert()
    assert swap.databases() == [swap.name, swap.staging.name]
    assert (swap.uuid(swap.live), swap.uuid(swap.staging)) == (second, third)


def test_settings_of_the_database_go_over(swap):
    server, live = swap.server, swap.name
    server.sql("CREATE ROLE swap_reader LOGIN; CREATE ROLE swap_owner; GRANT swap_owner TO importer")
    try:
        server.sql(f"""ALTER DATABASE {live} SET work_mem = '8MB';
            ALTER DATABASE {live} SET search_path = "$user", public, "Odd, name";
            ALTER ROLE importer IN DATABASE {live} SET statement_timeout = '1h';
            ALTER DATABASE {live} CONNECTION LIMIT 33;
            COMMENT ON DATABASE {live} IS 'sales, "live" \\ it''s';
            REVOKE CONNECT, TEMPORARY ON DATABASE {live} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {live} TO swap_reader WITH GRANT OPTION;
            ALTER DATABASE {swap.staging.name} SET maintenance_work_mem = '1GB';
            ALTER DATABASE {live} OWNER TO swap_owner""")
        swap.by_owner("""GRANT SELECT ON dvf TO swap_reader; GRANT SELECT (valeur_fonciere) ON dvf TO PUBLIC;
            GRANT USAGE ON SCHEMA dvf_import TO swap_reader; GRANT SELECT ON dvf_import.source TO swap_reader;
            ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO swap_reader;
            COMMENT ON TABLE dvf IS 'sales'; COMMENT ON COLUMN dvf.valeur_fonciere IS 'in euros'""")
        if server.version() >= 15:  # before, public is not its database's owner's: see below
            server.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO swap_reader", live)
        of_database = [("SELECT pg_get_userbyid(datdba), (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a),"
                        " datconnlimit, shobj_description(oid, 'pg_database'), (SELECT array_agg((setrole,"
                        " (SELECT array_agg(c ORDER BY c) FROM unnest(setconfig) c))::text ORDER BY setrole)"
                        "  FROM pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '{}'")]
        of_dvf = ("SELECT (SELECT array_agg((relname, ARRAY(SELECT a::text FROM unnest(relacl) a ORDER BY 1))::text"
                  "   ORDER BY relname) FROM pg_class WHERE relname IN ('dvf', 'source')),"
                  " (SELECT array_agg((attname, attacl)::text) FROM pg_attribute WHERE attacl IS NOT NULL"
                  "   AND attrelid = 'dvf'::regclass),"
                  " (SELECT array_agg((nspname, ARRAY(SELECT a::text FROM unnest(nspacl) a ORDER BY 1))::text"
                  "   ORDER BY nspname) FROM pg_namespace WHERE nspname IN ('public', 'dvf_import')),"
                  " (SELECT array_agg(defaclacl::text) FROM pg_default_acl),"
                  " obj_description('dvf'::regclass), col_description('dvf'::regclass, 5)")
        before = server.sql(of_database[0].format(live)), swap.live.query(of_dvf)
        assert before[0][0][2] == 33 and "swap_reader" in str(before[1])
        swap.promote()
        assert (server.sql(of_database[0].format(live)), swap.live.query(of_dvf)) == before
        assert swap.live.counts() == COUNTS["b"]
        with contextlib.closing(server.connect(live, "swap_reader")) as reader, reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM dvf")
            assert cursor.fetchone()[0] == sum(COUNTS["b"].values())
        swap.revert()
        assert (server.sql(of_database[0].format(live)), swap.live.query(of_dvf)) == before
    finally:
        swap.end()
        server.sql("DROP OWNED BY swap_reader", "edition_a")
        server.sql("DROP ROLE swap_reader; DROP ROLE swap_owner")


OWNERS = ("SELECT array_agg((relname, pg_get_userbyid(relowner))::text ORDER BY relname) FROM pg_class"
          " WHERE relname IN ('dvf', 'dvf_sale', 'dvf_price_m2') AND relkind IN ('p', 'v')")


@pytest.mark.parametrize("staging_too", [True, False], ids=["of both databases", "of live"])
def test_owner_of_dvf_goes_over(swap, staging_too):
    """Who owns dvf has no rights on it but that. Where he owns the database only live does yet, he may not CREATE in
    the other one's public."""
    server, live = swap.server, swap.name
    server.sql("CREATE ROLE swap_app LOGIN; GRANT swap_app TO importer; CREATE ROLE swap_clerk LOGIN")
    try:
        for name in (live, swap.staging.name) if staging_too else (live,):
            server.sql(f"ALTER DATABASE {name} OWNER TO swap_app")
        year, = (year for year in swap.live.query("SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE"
                                                  " inhparent = 'dvf'::regclass ORDER BY 1 LIMIT 1")[0])
        server.sql(f"ALTER TABLE dvf OWNER TO swap_app; ALTER TABLE {year} OWNER TO swap_app;"
                   "ALTER VIEW dvf_sale OWNER TO swap_app; GRANT SELECT ON dvf TO swap_clerk, importer;"
                   "ALTER TABLE dvf_import.chunk OWNER TO swap_app; GRANT USAGE ON SCHEMA dvf_import TO swap_app", live)
        owners = swap.live.query(OWNERS)
        rights = swap.live.query("SELECT ARRAY(SELECT a::text FROM unnest(relacl) a ORDER BY 1) FROM pg_class WHERE oid ="
                                 " 'dvf'::regclass")
        public = swap.live.query("SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'")
        dry = swap.promote("--dry-run")
        assert "ALTER TABLE public.dvf OWNER TO swap_app" in dry.out, str(dry)
        for command in ("promote", "revert", "promote"):
            swap.call(command)
            assert swap.live.query(OWNERS) == owners
            assert swap.live.query("SELECT ARRAY(SELECT a::text FROM unnest(relacl) a ORDER BY 1) FROM pg_class WHERE"
                                   " oid = 'dvf'::regclass") == rights
            assert swap.live.query("SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'") == public
            assert swap.live.query("SELECT array_agg(DISTINCT source_year) FROM dvf WHERE tableoid IN"
                                   " (SELECT oid FROM pg_class WHERE relowner = 'swap_app'::regrole)") == [([2020],)]
            with contextlib.closing(server.connect(live, "swap_app")) as app, app.cursor() as cursor:
                cursor.execute("SELECT (SELECT count(*) FROM dvf), (SELECT count(*) > 0 FROM dvf_import.chunk)")
                assert cursor.fetchone() == (sum(swap.live.counts().values()), True)
    finally:
        swap.end()
        server.sql("DROP ROLE swap_app; DROP ROLE swap_clerk")


@pytest.mark.parametrize("whose", ["DATABASE {}", "ROLE importer"])
def test_read_only_by_default(swap, whose):
    """A setting of the live database goes over; a role's holds in every database, the one to work from among them."""
    swap.server.sql(f"ALTER {whose.format(swap.name)} SET default_transaction_read_only = on")
    try:
        swap.promote()
        swap.loaded.copy("a", swap.staging.name)
        swap.promote("--drop-year", "2022")
        swap.revert()
        assert swap.databases() == [swap.name, swap.staging.name] and swap.live.counts() == COUNTS["b"]
        assert swap.live.query("SELECT count(*), count(done_at) FROM dvf_import.swap") == [(3, 3)]
        assert len(events(swap.importer, "promoted")) == 2 and len(events(swap.importer, "reverted")) == 1
    finally:
        swap.server.sql("ALTER ROLE importer RESET default_transaction_read_only")


def test_rights_on_public_before_15(swap):
    """There public belongs to a superuser in every database: what was said of it in live he has to say of staging."""
    if swap.server.version() >= 15:
        pytest.skip("from PostgreSQL 15 on public belongs to the owner of its database")
    swap.server.sql("GRANT CREATE ON SCHEMA public TO importer", swap.name)
    refused = swap.promote(code=program.REFUSED)
    remedy = re.search(r"have a role that may: (GRANT CREATE ON SCHEMA public TO .*) \(in ", refused.out)
    assert remedy, str(refused)
    swap.server.sql(remedy.group(1), swap.staging.name)
    swap.promote()
    assert swap.live.counts() == COUNTS["b"]


def test_sessions_get_time_to_end(swap):
    """--drain: a session that ends by itself is not ended, and nobody waits longer than it takes."""
    guest = swap.server.connect(swap.name, "importer")
    process = swap.importer.start("--drain", "60", command="promote")
    with contextlib.closing(guest), guest.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
        assert process.poll() is None
        cursor.execute("SELECT 1")
    result = swap.importer.finish(process, 20)
    assert result.code == program.ALL, str(result)
    assert events(swap.importer, "promoted")[0]["body"]["sessions_ended"] == 0
    assert result.seconds < 20


def test_sessions_are_ended_after_the_drain(swap):
    guests = [swap.server.connect(name, "importer") for name in swap.databases() * 2]
    swap.call("promote", "--drain", "1")
    assert events(swap.importer, "promoted")[0]["body"]["sessions_ended"] == len(guests)
    for guest in guests:
        guest.close()


@pytest.mark.parametrize("command", ["promote", "revert"])
def test_dry_run_changes_nothing(swap, command):
    if command == "revert":
        swap.promote()
    before = swap.picture()
    ledger = events(swap.importer, "promoted", "reverted") if command == "revert" else []
    result = swap.call(command, "--dry-run")
    assert swap.picture() == before
    assert f"would rename {swap.name} to " in result.out, str(result)
    if command == "revert":
        assert events(swap.importer, "promoted", "reverted") == ledger


def test_promote_over_a_database_that_holds_nothing(swap):
    """The first promote of all: live was made and never loaded."""
    swap.server.sql(f"DROP DATABASE {swap.name}")
    swap.server.sql(f"CREATE DATABASE {swap.name} OWNER importer")
    swap.promote()
    assert swap.live.counts() == COUNTS["b"]
    swap.revert()
    assert swap.live.counts() == {} and swap.staging.counts() == COUNTS["b"]
    swap.promote()
    assert swap.live.counts() == COUNTS["b"]


def test_names_that_need_quoting(loaded, tmp_path):
    import slots
    made = slots.Slots(loaded, tmp_path, name="n" * 54)
    try:
        made.promote()
        assert made.live.counts() == COUNTS["b"] and made.databases() == [made.name, made.previous.name]
    finally:
        made.end()
    loaded.server.sql("CREATE DATABASE " + "n" * 55 + " OWNER importer")
    result = made.importer.with_(to=made.importer.to.replace("n" * 54, "n" * 55)).call("promote")
    assert result.code == program.REFUSED and "55" not in result.out and "54 bytes" in result.err, str(result)
    loaded.server.sql("DROP DATABASE " + "n" * 55)
