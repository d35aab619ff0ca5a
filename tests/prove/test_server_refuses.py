"""A server that does not do what it is asked: it ends sessions, lets nobody in, is read-only, out of time, locked, or
full; from a random message of an import on. Nothing of that makes a wrong year; the message says what it was."""
import contextlib
import os
import subprocess
import time

import psycopg2

import program
from met_server import Copied, Met, SECONDS, SETTINGS, Turn, crashing_server, messages
from proof import chosen, random_source
from servers import wait_for


def sessions_ended(turn):
    """One at a time, any of them, all the way."""
    one = turn.world()
    process = one.importer.start(*SETTINGS)
    ended = 0
    while process.poll() is None and ended < 40:
        time.sleep(turn.rng.uniform(0.005, 0.15))
        pids = one.server.backends_of(one.database.name)
        if pids:
            one.server.sql(f"SELECT pg_terminate_backend({turn.rng.choice(pids)})")
            ended += 1
    result = one.importer.finish(process, SECONDS)
    assert ended > 0
    one.fair(result)
    one.ends_right(turn.proof)


@contextlib.contextmanager
def taken_up(server):
    """Every connection that is left, taken by somebody else, until it is over."""
    held = []

    def take():
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                held.append(server.connect("postgres", "importer"))

    try:
        take()
        yield take
    finally:
        for one in held:
            one.close()


def full_at_the_start(turn):
    with crashing_server(max_connections="9") as server:
        one = turn.world(server)
        with taken_up(server):
            process = one.importer.start(*SETTINGS, "--wait", str(SECONDS))
            time.sleep(turn.rng.uniform(0.3, 2))
            assert process.poll() is None, str(one.importer.finish(process))
        result = one.importer.finish(process, SECONDS)
        assert result.code == program.ALL, str(result)
        one.right(turn.proof)


def full_in_the_middle(turn):
    """Others take the connections that are left, and those of the import, which are ended, for a while."""
    with crashing_server(max_connections="9") as server:
        one = turn.world(server)

        def fill():
            with taken_up(server) as take:
                until = time.monotonic() + turn.rng.uniform(0.3, 3)
                for pid in server.backends_of(one.database.name):
                    server.sql(f"SELECT pg_terminate_backend({pid})")
                while time.monotonic() < until:
                    take()
                    time.sleep(0.01)

        with turn.met(one, fill, "--wait", str(SECONDS)) as (process, importer):
            result = importer.finish(process, SECONDS)
        one.fair(result)
        one.ends_right(turn.proof)


def read_only_by_default(turn):
    """For the whole server, as somebody sets it before a move; our transactions say what they are."""
    with crashing_server() as server:
        one = turn.world(server)

        def read_only():
            server.sql("ALTER SYSTEM SET default_transaction_read_only = on")
            server.sql("SELECT pg_reload_conf()")

        with turn.met(one, read_only) as (process, importer):
            result = importer.finish(process, SECONDS)
        one.fair(result)
        assert result.code == program.ALL, str(result)
        one.ends_right(turn.proof)


def role_out_of_time(turn):
    """Time limits of the role, and a network that is sometimes slower than they are."""
    one = turn.world()
    limits = {"statement_timeout": turn.rng.randint(100, 400), "lock_timeout": turn.rng.randint(10, 100),
              "idle_in_transaction_session_timeout": turn.rng.randint(50, 300)}
    for name, limit in limits.items():
        one.database.query(f"ALTER ROLE importer IN DATABASE {one.database.name} SET {name} = '{limit}ms'")
    with turn.met(one, lambda: time.sleep(0.6)) as (process, importer):
        result = importer.finish(process, SECONDS)
    one.fair(result)
    one.database.query(f"ALTER ROLE importer IN DATABASE {one.database.name} RESET ALL")
    one.ends_right(turn.proof)


def locked(turn):
    """Somebody holds dvf, once somebody reads it and once somebody alters it, for a while."""
    one = turn.world()
    mode = turn.rng.choice(("ACCESS SHARE", "ROW EXCLUSIVE", "SHARE", "ACCESS EXCLUSIVE"))
    holder = one.server.connect(one.database.name)

    def lock():
        with holder.cursor() as cursor:
            cursor.execute(f"BEGIN; SET lock_timeout = '5s'; LOCK TABLE dvf IN {mode} MODE")

    # From the moment on that dvf is not locked by the import itself.
    moment = Met("publishing", turn.rng.choice((1, 2, messages(turn.world)["publishing"] // 2 + 1)), "before")
    with contextlib.closing(holder), turn.met(one, lock, moment=moment) as (process, importer):
        time.sleep(turn.rng.uniform(0.2, 5))
        holder.cursor().execute("COMMIT")
        result = importer.finish(process, SECONDS)
    one.fair(result)
    assert result.code == program.ALL, str(result)
    one.right(turn.proof)


def size_of(turn):
    """Bytes of a database before and after the import."""
    if not SIZES:
        one = turn.world()
        ask = f"SELECT pg_database_size('{one.database.name}')"
        before = one.server.sql(ask)[0][0]
        one.importer.run_well(*SETTINGS)
        SIZES.extend((before, one.server.sql(ask)[0][0]))
    return SIZES


SIZES = []


class SmallDisk:
    """A tmpfs of so many bytes, which can be made larger."""

    def __init__(self, small_disk, size):
        self.folder = small_disk(size)

    def grow(self):
        subprocess.run(["mount", "-o", "remount,size=512m", self.folder], check=True)


def tablespace_full(turn, small_disk):
    """The rows have no room, the server lives on."""
    before, after = size_of(turn)
    one = turn.world()
    disk = SmallDisk(small_disk, int(before + turn.rng.uniform(0.1, 0.8) * (after - before)))
    owner = os.stat(one.server.folder)
    os.chown(disk.folder, owner.st_uid, owner.st_gid)
    space = f"small_{one.database.name}"
    one.server.sql(f"CREATE TABLESPACE {space} LOCATION '{disk.folder}'")
    one.server.sql(f"ALTER DATABASE {one.database.name} SET TABLESPACE {space}")
    try:
        result = one.importer.run(*SETTINGS, "--wait", "2", seconds=SECONDS)
        one.fair(result)
        assert result.code != program.ALL, "it was not full: it proves nothing"
        assert "free some room on the server's disk" in result.said, str(result)
        disk.grow()
        one.ends_right(turn.proof)
    finally:
        one.server.sql(f"DROP DATABASE {one.database.name} WITH (FORCE)")
        one.server.sql(f"DROP TABLESPACE {space}")
        one.server.sql("CREATE DATABASE " + one.database.name)  # which the fixture drops


def data_folder_full(turn, small_disk):
    """The log of the server has no room either: it stops itself with PANIC, and comes up when there is room."""
    server = Copied(settings={"wal_buffers": "1MB", "autovacuum": "off"})
    disk = SmallDisk(small_disk, "512m")
    owner = os.stat(server.folder)
    os.chown(disk.folder, owner.st_uid, owner.st_gid)
    subprocess.run(["mv", server.data, disk.folder], check=True)
    server.data = os.path.join(disk.folder, "data")
    try:
        server.start()
        server.make_role()
        one = turn.world(server)
        filling = os.path.join(disk.folder, "filling")

        def fill():
            room = os.statvfs(disk.folder)
            with open(filling, "wb") as out:
                os.posix_fallocate(out.fileno(), 0, room.f_bavail * room.f_frsize
                                   - turn.rng.randrange(0, 1 << 20))

        with turn.met(one, fill, "--wait", "3") as (process, importer):
            result = importer.finish(process, SECONDS)
        os.unlink(filling)
        if server.process.poll() is not None:
            server.start()
        wait_for(server.is_up, 60, "the server to have recovered")
        one.fair(result)
        one.ends_right(turn.proof)
    finally:
        server.remove()


CASES = {
    "sessions ended one by one": (10, sessions_ended),
    "max_connections reached at the start": (6, full_at_the_start),
    "max_connections reached in the middle": (8, full_in_the_middle),
    "read-only by default, from a message on": (6, read_only_by_default),
    "time limits of the role, a slow network": (8, role_out_of_time),
    "dvf locked while a year is published": (8, locked),
}
DISKS = {
    "a full disk below the tablespace": (8, tablespace_full),
    "a full disk below the data folder": (8, data_folder_full),
}


def test_the_server_refuses(proof, world):
    rng = random_source()
    proofs = {name: proof("server kills", name) for name in CASES}
    for name in chosen([name for name, (count, _) in CASES.items() for _ in range(count)], few=2):
        with proofs[name].point(f"turn {proofs[name].tried + 1}"):
            CASES[name][1](Turn(world, rng, proofs[name]))


def test_the_disk_of_the_server_is_full(proof, world, small_disk):
    rng = random_source()
    proofs = {name: proof("server kills", name) for name in DISKS}
    for name in chosen([name for name, (count, _) in DISKS.items() for _ in range(count)], few=1):
        with proofs[name].point(f"turn {proofs[name].tried + 1}"):
            DISKS[name][1](Turn(world, rng, proofs[name]), small_disk)
