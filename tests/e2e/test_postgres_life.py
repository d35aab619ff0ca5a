"""What happens to a PostgreSQL destination in its life: tables dropped by hand, roles with settings of their
own, sessions of others, a server that stalls, a pool in between. The next run brings everything in."""
import contextlib
import os
import signal
import time

import psycopg2
import pytest

import program
from servers import HoldingProxy, children_of, pgbouncer, wait_for

ROWS = 20_000
WHOLE = (ROWS, 1, ROWS, ROWS)


def loading(importer, database, process, rows):
    """Waits until some rows are committed and it still goes on."""
    wait_for(lambda: database.committed() >= rows or process.poll() is not None, 60, f"{rows} rows")
    assert process.poll() is None, str(importer.finish(process))


def table_of(database, kind, year):
    """The edition's table that holds the rows (kind dvf) or the chunks (kind chunk) of a year."""
    return database.query("SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r'"
                          f" AND c.relname LIKE '{kind}\\_{year}\\_%'")[0][0]


@contextlib.contextmanager
def transaction(database, statement, user="importer", isolation=None):
    """A session that has run a statement in a transaction, which stays open; its connection."""
    connection = database.server.connect(database.name, user)
    connection.autocommit = False
    with contextlib.closing(connection), connection.cursor() as cursor:
        if isolation:
            connection.set_session(isolation_level=isolation)
        cursor.execute(statement)
        yield connection


def make_ready(importer, database):
    """A year that is loaded and checked but not published, because of an old snapshot."""
    with transaction(database, "SELECT 1", "postgres", "REPEATABLE READ") as reader:
        result = importer.run("--years", "2021", "--snapshot-wait", "0")
        assert result.code == program.NONE and str(reader.info.backend_pid) in result.said, str(result)
    assert database.stages(2021) == ["ready"]
    assert database.count(2021) == 0


def interrupt(importer, database):
    """A year that is half loaded."""
    process = importer.start("--years", "2021", "--chunk-rows", "200", "--loaders", "1")
    loading(importer, database, process, 1000)
    process.send_signal(signal.SIGTERM)
    result = importer.finish(process)
    assert result.code == program.INTERRUPTED, str(result)
    assert database.stages(2021) == ["incoming"]


# --- tables that people drop or alter

@pytest.mark.parametrize("cleaned", [False, True], ids=["spool", "no spool"])
@pytest.mark.parametrize("dropped", ["a year", "dvf", "the bookkeeping"])
def test_what_was_dropped_is_loaded_again(database, site, make_import, made_years, dropped, cleaned):
    """Neither our record of a year nor a 304 of the source stands for rows that are not there."""
    site.put(2020, made_years(500, 2020))
    path = site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2020,2021")
    if cleaned:
        assert importer.call("clean").code == 0
    site.requests()
    if dropped == "a year":
        database.query(f"DROP TABLE {table_of(database, 'dvf', 2021)}")
        assert database.counts() == {2020: 500}
    else:
        database.query("DROP TABLE dvf CASCADE" if dropped == "dvf" else "DROP SCHEMA dvf_import CASCADE")
    importer.run_well("--years", "2020,2021")
    asked = [request for request in site.requests() if "/2021/" in request.path]
    assert not cleaned or [request.status for request in asked] == [200], asked
    assert database.counts() == {2020: 500, 2021: ROWS}
    assert database.fingerprint(2021)[:4] == WHOLE
    assert database.differences(2021, path) == []
    assert database.leftovers() == [] and database.stages(2021) == ["published"]
    database.tiles()
    assert "unchanged" in importer.run_well("--years", "2020,2021").out


@pytest.mark.parametrize("table", ["dvf", "chunk"])
@pytest.mark.parametrize("begin", [interrupt, make_ready])
def test_incoming_table_dropped(database, site, make_import, made_years, begin, table):
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    begin(importer, database)
    database.query(f"DROP TABLE {table_of(database, table, 2021)}")
    importer.run_well("--years", "2021")
    assert database.fingerprint(2021)[:4] == WHOLE
    assert database.leftovers() == []
    database.tiles()


@pytest.mark.parametrize("change, what, value", [
    ("ADD COLUMN note text", "min(note)", None),
    ("ADD COLUMN note integer NOT NULL DEFAULT 7", "min(note)", 7),
    ("ADD CONSTRAINT sane CHECK (source_row > 0)", "count(*)", ROWS),
], ids=["column", "default", "check"])
@pytest.mark.parametrize("begin", [interrupt, make_ready])
def test_dvf_altered_half_way(database, site, make_import, made_years, begin, change, what, value):
    """The year's table was made like dvf as it was then."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    begin(importer, database)
    database.query(f"ALTER TABLE dvf {change}")
    importer.run_well("--years", "2021")
    assert database.fingerprint(2021)[:4] == WHOLE
    assert database.query(f"SELECT {what} FROM dvf") == [(value,)]


def test_incoming_table_of_other_types(database, site, make_import, made_years):
    """What the server cannot read at all is no record's fault: nothing is rejected, and no verdict is remembered."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    process = importer.start("--years", "2021", "--chunk-rows", "200", "--loaders", "1")
    loading(importer, database, process, 1000)
    database.query(f"ALTER TABLE {table_of(database, 'dvf', 2021)} ALTER surface_terrain TYPE double precision")
    failed = importer.finish(process)
    assert failed.code == program.NONE and "SQLSTATE 22P03" in failed.said, str(failed)
    assert database.query("SELECT count(*) FROM dvf_import.reject") == [(0,)]
    assert database.stages(2021) == ["incoming"]
    importer.run_well("--years", "2021")
    assert database.fingerprint(2021)[:4] == WHOLE


# --- roles with settings and limits

def set_for_role(database, name, value):
    database.query(f"ALTER ROLE importer IN DATABASE {database.name} SET {name} = '{value}'")


def had_no_trouble(result):
    """Nothing was tried again. Only the statistics at the end may fall to a time limit of the role."""
    assert result.code == program.ALL, str(result)
    assert not [line for line in result.lines if "statistics of dvf" not in line and "is not vacuumed" not in line and
                ("level=warning" in line or "again" in line)], str(result)


@pytest.mark.parametrize("name, value", [
    ("statement_timeout", "100ms"), ("transaction_timeout", "300ms"), ("lock_timeout", "20ms"),
    ("default_transaction_read_only", "on")])
def test_role_with_settings(database, site, make_import, made_years, name, value):
    """A COPY that has to wait and the indexing of 50,000 rows both take longer than those times."""
    if not database.server.sql(f"SELECT 1 FROM pg_settings WHERE name = '{name}'"):
        pytest.skip(f"this server has no {name}: it came with PostgreSQL 17")
    site.put(2021, made_years(50_000))
    set_for_role(database, name, value)
    importer = make_import(database)
    process = importer.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2")
    loading(importer, database, process, 1000)
    with transaction(database, f"LOCK TABLE {table_of(database, 'dvf', 2021)} IN SHARE MODE", "postgres"):
        time.sleep(0.6)
    had_no_trouble(importer.finish(process))
    assert database.fingerprint(2021)[:4] == (50_000, 1, 50_000, 50_000)


def test_role_whose_settings_change_texts(database, site, make_import, made_years):
    """What the server writes otherwise than usual, and how it reads what we write: a whole life under all of it."""
    database.server.sql("ALTER ROLE importer CREATEDB; GRANT pg_signal_backend TO importer")
    for name, value in (("quote_all_identifiers", "on"), ("standard_conforming_strings", "off"), ("bytea_output", "escape"),
                        ("DateStyle", "SQL, DMY"), ("IntervalStyle", "iso_8601"), ("extra_float_digits", "-10"),
                        ("timezone", "Asia/Kathmandu"), ("xmloption", "document"), ("array_nulls", "off")):
        database.server.sql(f"ALTER ROLE importer SET {name} = '{value}'")
    try:
        importer = make_import(database)
        site.put(2021, made_years(2000))
        importer.run_well("--years", "2021")
        site.put(2021, made_years(2100, seed=2))
        importer.run_well("--years", "2021")
        assert importer.call("check").code == program.ALL
        site.put(2021, made_years(2200, seed=3))
        importer.run_well("--years", "2021", "--staging", "--promote")
        assert importer.call("revert").code == program.ALL
        assert database.differences(2021, made_years(2100, seed=2)) == []
        site.put(2021, made_years(2100, seed=2))
        for words in (("verify",), ("verify", "--fast"), ("history", "--verify", "--to", database.to)):
            result = importer.call(*words)
            assert result.code == program.ALL, str(result)
        assert database.query("SELECT count(*) FROM dvf_price_m2")[0][0] > 0
    finally:
        database.drop_slots()
        database.server.sql("ALTER ROLE importer RESET ALL; ALTER ROLE importer NOCREATEDB;"
                            " REVOKE pg_signal_backend FROM importer")


def test_role_with_a_limit_on_idle_transactions(database, site, make_import, made_years):
    """A COMMIT is half a second on its way."""
    site.put(2021, made_years(ROWS))
    set_for_role(database, "idle_in_transaction_session_timeout", "100ms")
    proxy = HoldingProxy(database.server.port)
    try:
        importer = make_import(database)
        through = importer.with_(to=importer.to.replace(f":{database.server.port}/", f":{proxy.port}/"))
        process = through.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2")
        loading(through, database, process, 1000)
        proxy.armed.set()
        wait_for(lambda: proxy.held == 2, 20, "two chunks to be about to commit")
        time.sleep(0.5)
        proxy.let_go.set()
        had_no_trouble(through.finish(process))
    finally:
        proxy.close()
    assert database.fingerprint(2021)[:4] == WHOLE


def test_role_with_a_lock_timeout_waits_for_the_fence(database, site, make_import, made_years):
    """Its 20 ms are not our patience: a session that holds the fence for a second is not ended."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    set_for_role(database, "lock_timeout", "20ms")
    site.put(2021, made_years(ROWS, seed=2))
    with transaction(database, "SELECT FROM dvf_import.destination FOR SHARE") as holder:
        process = importer.start("--years", "2021")
        time.sleep(1)
        holder.commit()
        assert importer.finish(process).code == program.ALL
        assert holder.closed == 0 and holder.cursor().execute("SELECT 1") is None


def test_role_that_is_serializable(database, site, make_import, made_years):
    """Our transactions are READ COMMITTED all the same: none reads the fence as a serializable one."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    set_for_role(database, "default_transaction_isolation", "serializable")
    process = importer.start("--years", "2021", "--chunk-rows", "200", "--loaders", "2")
    marks = set()
    while process.poll() is None:
        marks.update(database.query("SELECT pid FROM pg_locks WHERE mode = 'SIReadLock'"
                                    " AND relation = to_regclass('dvf_import.destination')"))
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert marks == set()
    assert database.fingerprint(2021)[:4] == WHOLE


@contextlib.contextmanager
def connection_limit(database, limit):
    database.query(f"ALTER ROLE importer CONNECTION LIMIT {limit}")
    try:
        yield
    finally:
        database.query("ALTER ROLE importer CONNECTION LIMIT -1")


def test_connections_for_one_loader_only(database, site, make_import, made_years):
    site.put(2021, made_years(ROWS))
    with connection_limit(database, 2):
        result = make_import(database).run_well("--years", "2021", "--loaders", "3")
    assert result.err.count("one loader less") == 2 and "too many connections" in result.err, str(result)
    assert database.fingerprint(2021)[:4] == WHOLE


def test_connections_for_no_loader(database, site, make_import, made_years):
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    with connection_limit(database, 1):
        result = importer.run("--years", "2021", "--loaders", "3", seconds=30)
    assert result.code == program.NONE, str(result)
    assert "too many connections" in result.out + result.err.splitlines()[-1], str(result)
    importer.run_well("--years", "2021")
    assert database.fingerprint(2021)[:4] == WHOLE


# --- other sessions

def test_snapshot_of_another_role(database, site, make_import, made_years):
    """The importer may not see what others do; that they have a snapshot it must see."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    role = f"reader_{os.getpid()}"
    database.query(f"CREATE ROLE {role} LOGIN")
    try:
        with transaction(database, "SELECT 1", role, "REPEATABLE READ") as reader:
            result = importer.run("--years", "2021", "--snapshot-wait", "1")
            assert result.code == program.NONE, str(result)
            assert f"session {reader.info.backend_pid} of {role}" in result.said, str(result)
            assert database.count(2021) == 0
            process = importer.start("--years", "2021", "--snapshot-wait", "30")
            time.sleep(1)
            assert process.poll() is None, str(importer.finish(process))
        result = importer.finish(process)
    finally:
        database.query(f"DROP ROLE {role}")
    assert result.code == program.ALL, str(result)
    assert database.fingerprint(2021)[:4] == WHOLE


def test_who_only_looked_is_not_ended(database, site, make_import, made_years):
    """Of two idle transactions one keeps the fence from being taken: it is ended after 5 s and named."""
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    look = "SELECT * FROM dvf_import.destination"
    with transaction(database, look) as reader, transaction(database, look + " FOR SHARE") as holder:
        result = importer.run_well("--years", "2021")
        assert f"ended session {holder.info.backend_pid} " in result.err, str(result)
        assert f"session {reader.info.backend_pid} " not in result.err, str(result)
        reader.cursor().execute(look)
        with pytest.raises(psycopg2.OperationalError):
            holder.cursor().execute(look)


def test_a_fenced_run_does_not_take_back(database, site, make_import, made_years):
    """The first run loses its sessions while it is stopped, and the second takes the destination over: the
    first connects again, sees that, and ends."""
    site.put(2021, made_years(40_000))
    first, second = make_import(database), make_import(database)
    token = "SELECT token FROM {destination}"
    one = first.start("--years", "2021", "--chunk-rows", "200", "--loaders", "2")
    loading(first, database, one, 1000)
    one.send_signal(signal.SIGSTOP)
    before = database.query(token)
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   f" WHERE usename = 'importer' AND datname = '{database.name}'")
    wait_for(lambda: not database.server.backends_of(database.name), 10, "the first run's sessions to end")
    two = second.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2")
    wait_for(lambda: database.query(token) != before, 20, "the second run to take over")
    one.send_signal(signal.SIGCONT)
    ended, result = first.finish(one), second.finish(two)
    assert ended.code == program.NONE, str(ended)
    assert "another run has taken this destination over" in ended.said, str(ended)
    assert result.code == program.ALL, str(result)
    assert database.fingerprint(2021)[:4] == (40_000, 1, 40_000, 40_000)
    database.tiles()


# --- the server, and what is in between

def test_terminated_while_the_server_stalls(database, site, make_import, made_years):
    """Even a request to cancel gets no answer: the postmaster is stopped, too."""
    site.put(2021, made_years(100_000))
    importer = make_import(database)
    process = importer.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2")
    loading(importer, database, process, 5000)
    postmaster = database.server.process.pid
    pids = [postmaster]
    os.kill(postmaster, signal.SIGSTOP)
    try:
        pids += children_of(postmaster)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        result = importer.finish(process, 20)
        took = time.monotonic() - asked
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    assert result.code == program.INTERRUPTED, str(result)
    assert took < 5.5 * program.SLOW, str(result)
    assert 0 < database.committed() < 100_000
    importer.run_well("--years", "2021")
    assert database.fingerprint(2021)[:4] == (100_000, 1, 100_000, 100_000)
    database.tiles()


@pytest.fixture
def pool(database):
    with pgbouncer(database.server, "transaction", 4) as port:
        yield port


def settings_in(port, database):
    """What a session that comes after is given, in each of the pool's 4 server connections."""
    names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit",
             "transaction_isolation", "search_path", "client_min_messages", "tcp_keepalives_idle"]
    seen = {}
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(contextlib.closing(psycopg2.connect(
                host="127.0.0.1", port=port, dbname=database.name, user="importer")))
            cursor = connection.cursor()
            values = ", ".join(f"current_setting('{name}')" for name in names)
            cursor.execute(f"SELECT pg_backend_pid(), {values}")
            row = cursor.fetchone()
            seen[row[0]] = row[1:]
    assert len(seen) == 4
    return set(seen.values())


def test_pgbouncer(database, pool, site, make_import, made_years):
    """Killed and resumed through a pool; and nothing that was set for a transaction of ours outlives it."""
    path = site.put(2021, made_years(60_000))
    importer = make_import(database).with_(to=f"postgresql://importer@127.0.0.1:{pool}/{database.name}")
    before = settings_in(pool, database)
    process = importer.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2")
    loading(importer, database, process, 5000)
    importer.kill(process)
    chunks = database.chunks()
    result = importer.run_well("--years", "2021", "--chunk-rows", "777", "--loaders", "2")
    assert chunks <= database.chunks(), str(result)
    assert database.fingerprint(2021)[:4] == (60_000, 1, 60_000, 60_000)
    assert database.differences(2021, path) == []
    database.tiles()
    assert len(before) == 1 and settings_in(pool, database) == before
    held = database.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    assert held == [(0,)]


def test_client_encoding_of_the_users_own(database, site, make_import, made_years):
    """Accents are the file's, whatever encoding the connection string asks for."""
    path = site.put(2021, made_years(500))
    importer = make_import(database)
    with_encoding = importer.with_(to=database.to + "?client_encoding=LATIN1")
    with_encoding.run_well("--years", "2021")
    assert database.differences(2021, path) == []
