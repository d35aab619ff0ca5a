"""What a server does to us: held-back processes, crashes, restarts, readers with old snapshots."""
import contextlib
import os
import signal
import threading
import time

import pytest

import program
from servers import CuttingProxy, HoldingProxy, free_port, wait_for

ROWS = 60_000


def loading(importer, destination, process, rows):
    """Waits until some rows are committed and it still goes on."""
    wait_for(lambda: destination.committed() >= rows or process.poll() is not None, 60, f"{rows} rows")
    assert process.poll() is None, str(importer.finish(process))


@contextlib.contextmanager
def held_back(server, database):
    """Stops the server's processes for this database; they go on at the end, or when .go_on() is called."""
    pids = server.backends_of(database.name)

    def send(number):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    send(signal.SIGSTOP)
    try:
        yield lambda: send(signal.SIGCONT)
    finally:
        send(signal.SIGCONT)


# 2 s: the new run still waits. 7 s: it has told the server to end those sessions, which they cannot hear yet.
@pytest.mark.parametrize("seconds", [2, 7])
def test_fence_against_commits_of_a_killed_client(database, site, make_import, made_years, seconds):
    """The client is dead, its server processes are stopped with COMMIT in their sockets. They go on when the next
    run, which cuts other chunks, has begun: nothing is doubled, because that run waits for them."""
    path = site.put(2021, made_years(ROWS))
    proxy = HoldingProxy(database.server.port)
    try:
        importer = make_import(database)
        through = importer.with_(to=importer.to.replace(f":{database.server.port}/", f":{proxy.port}/"))
        process = through.start("--years", "2021", "--chunk-rows", "1000", "--loaders", "3")
        loading(importer, database, process, 5000)
        proxy.armed.set()
        wait_for(lambda: proxy.held == 3, 20, "three chunks to be about to commit")
        with held_back(database.server, database) as go_on:
            importer.kill(process)
            before = database.chunks()
            proxy.let_go.set()
            after = importer.start("--years", "2021", "--chunk-rows", "777")
            time.sleep(seconds)
            assert after.poll() is None, str(importer.finish(after))
            assert database.chunks() == before, "it loads although chunks are about to commit"
            go_on()
            result = importer.finish(after)
    finally:
        proxy.close()
    assert result.code == program.ALL, str(result)
    assert database.fingerprint(2021)[:4] == (ROWS, 1, ROWS, ROWS)
    assert before <= database.chunks()
    database.tiles()
    assert database.differences(2021, path) == []


def test_fence_against_commits_that_come_after_the_next_run(database, site, make_import, made_years):
    """The commits are still in the network, so that no server process knows of them: their transactions are
    open and in the way; past its patience the next run ends those sessions and names them."""
    path = site.put(2021, made_years(ROWS))
    proxy = HoldingProxy(database.server.port)
    try:
        importer = make_import(database)
        through = importer.with_(to=importer.to.replace(f":{database.server.port}/", f":{proxy.port}/"))
        process = through.start("--years", "2021", "--chunk-rows", "1000", "--loaders", "3")
        loading(importer, database, process, 5000)
        proxy.armed.set()
        wait_for(lambda: proxy.held == 3, 20, "three chunks to be about to commit")
        held = database.server.backends_of(database.name)
        importer.kill(process)
        result = importer.run("--years", "2021", "--chunk-rows", "777")
        proxy.let_go.set()
        time.sleep(0.3)
    finally:
        proxy.close()
    assert result.code == program.ALL, str(result)
    assert any(str(pid) in result.said for pid in held), str(result)
    assert database.fingerprint(2021)[:4] == (ROWS, 1, ROWS, ROWS)
    database.tiles()
    assert database.differences(2021, path) == []


def test_two_hosts_one_destination(database, site, make_import, made_years):
    """Two state folders, so no common lock: the later run takes over, the earlier one ends, no row twice."""
    site.put(2021, made_years(ROWS))
    first, second = make_import(database), make_import(database)
    process = first.start("--years", "2021", "--chunk-rows", "300", "--loaders", "2")
    loading(first, database, process, 3000)
    result = second.run("--years", "2021", "--chunk-rows", "1000")
    ended = first.finish(process)
    assert result.code == program.ALL, str(result)
    assert ended.code != program.ALL or database.committed() == ROWS, str(ended)
    assert database.fingerprint(2021)[:4] == (ROWS, 1, ROWS, ROWS)


def witness_after_crash(server, database):
    """Starts the crashed server on another port, where no run finds it, and reads what was lost."""
    other = free_port()
    server.start(port=other)
    with contextlib.closing(server.connect(database.name, port=other)) as connection, \
            connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(rows), 0) FROM dvf_import.chunk")
        rows = int(cursor.fetchone()[0])
    server.stop()
    return rows


def test_server_crash_that_undoes_commits(postgres_crash, make_database, site, make_import, made_years):
    """The server dies at once, with acknowledged asynchronous commits in memory; the same run goes on."""
    database = make_database(postgres_crash)
    path = site.put(2021, made_years(120_000))
    importer = make_import(database)
    postgres_crash.hold_wal_writer()
    process = importer.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2", "--wait", "60")
    loading(importer, database, process, 20_000)
    process.send_signal(signal.SIGSTOP)  # so that what is committed now is all that was acknowledged
    time.sleep(0.2)
    before = database.committed()
    postgres_crash.crash()
    process.send_signal(signal.SIGCONT)
    time.sleep(1)
    left = witness_after_crash(postgres_crash, database)
    assert left < before, "the crash undid nothing: the test proves nothing"
    time.sleep(1)
    assert process.poll() is None, str(importer.finish(process))
    postgres_crash.start()
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert database.fingerprint(2021)[:4] == (120_000, 1, 120_000, 120_000)
    database.tiles()
    assert database.differences(2021, path) == []


def test_server_restart(postgres_crash, make_database, site, make_import, made_years):
    database = make_database(postgres_crash)
    site.put(2021, made_years(120_000))
    importer = make_import(database)
    process = importer.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2")
    loading(importer, database, process, 10_000)
    postgres_crash.stop()
    time.sleep(1)
    postgres_crash.start()
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert database.fingerprint(2021)[:4] == (120_000, 1, 120_000, 120_000)


def test_server_that_comes_late(postgres_crash, make_database, site, make_import, made_years):
    database = make_database(postgres_crash)
    site.put(2021, made_years(500))
    postgres_crash.stop()
    importer = make_import(database)
    process = importer.start("--years", "2021")
    time.sleep(2)
    postgres_crash.start()
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert database.count(2021) == 500


def test_sessions_ended_again_and_again(database, site, make_import, made_years):
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    process = importer.start("--years", "2021", "--chunk-rows", "500", "--loaders", "3")
    for rows in (2000, 15_000, 30_000):
        loading(importer, database, process, rows)
        database.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'importer'"
                            f" AND datname = '{database.name}'")
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert database.fingerprint(2021)[:4] == (ROWS, 1, ROWS, ROWS)


def test_snapshot_never_sees_part_of_a_year(database, site, make_import, made_years):
    """A REPEATABLE READ reader that began while rows were loaded holds the publish up: the year stays ready,
    the session is named, and the next run publishes without loading."""
    site.put(2020, made_years(1000, 2020))
    site.put(2021, made_years(ROWS))
    importer = make_import(database)
    importer.run_well("--years", "2020")
    process = importer.start("--years", "2020,2021", "--chunk-rows", "500", "--loaders", "2", "--snapshot-wait", "1")
    loading(importer, database, process, 5000)
    reader = database.server.connect(database.name)
    reader.autocommit = False
    reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
    with contextlib.closing(reader), reader.cursor() as cursor:
        seen = set()

        def look():
            cursor.execute("SELECT count(*) FROM dvf WHERE source_year = 2021")
            seen.add(cursor.fetchone()[0])

        look()
        while process.poll() is None:
            look()
            time.sleep(0.02)
        result = importer.finish(process)
        look()
        assert seen == {0}, "a snapshot saw part of a year"
        assert result.code == program.SOME, str(result)
        assert str(reader.info.backend_pid) in result.said, str(result)
        assert database.count(2021) == 0
        chunks = database.chunks()
    again = importer.run_well("--years", "2020,2021")
    assert database.chunks() == chunks, str(again)
    assert database.count(2021) == ROWS


def test_readers_see_a_year_wholly_or_not(destination, site, make_import, made_years):
    """Through a first publish and through the replacement of an edition by another."""
    site.put(2021, made_years(20_000))
    importer = make_import(destination)
    seen, done, problems = set(), threading.Event(), []

    def watch():
        try:
            while not done.is_set():
                seen.add(destination.count(2021))
                time.sleep(0.01)
        except Exception as problem:  # a reader must never get an error either
            problems.append(problem)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        importer.run_well("--years", "2021", "--chunk-rows", "500")
        time.sleep(0.1)
        site.put(2021, made_years(21_000, seed=2))
        importer.run_well("--years", "2021", "--chunk-rows", "500")
        time.sleep(0.1)
    finally:
        done.set()
        watcher.join(30)
    assert problems == []
    assert seen == {0, 20_000, 21_000}


def test_least_rights(database, site, make_import, made_years):
    """Everything above runs as a role that owns its database and nothing else."""
    site.put(2021, made_years(300))
    make_import(database).run_well("--years", "2021")
    rights = database.query("SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles"
                            " WHERE rolname = 'importer'")
    assert rights == [(False, False, False, False)]
    assert database.query("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'dvf_import')") \
        == [("importer",)]


def test_fence_whose_answer_was_lost(database, site, make_import, made_years):
    """A run that takes its own destination again must not think that it was taken over by another."""
    path = site.put(2021, made_years(60_000))
    proxy = CuttingProxy(database.server.port)
    try:
        importer = make_import(database)
        through = importer.with_(to=importer.to.replace(f":{database.server.port}/", f":{proxy.port}/"))
        process = through.start("--years", "2021", "--chunk-rows", "200")
        wait_for(lambda: database.query("SELECT count(*) FROM {chunk}", [(0,)])[0][0] > 5, 20, "chunks to be in")
        proxy.armed.set()
        database.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                            f"WHERE datname = '{database.name}' AND pid <> pg_backend_pid()")
        result = through.finish(process)
    finally:
        proxy.close()
    assert proxy.cut == 1, "no fence was taken again"
    assert result.code == program.ALL, str(result)
    assert database.differences(2021, path) == []
