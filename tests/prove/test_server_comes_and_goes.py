"""The server is restarted, restored from an older copy, replaced by a standby that was behind; its database is dropped
and made again, or changes places by a promote: while an import works, at a random message of it, or between two."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import program
from met_server import Copied, Met, SECONDS, SETTINGS, Turn, copy_folder, crashing_server, messages
from proof import chosen, random_source
from servers import wait_for


def restarted(turn, how):
    """Fast (SIGINT), immediate (SIGQUIT: as if it crashed), smart (SIGTERM: nobody is let in any more)."""
    one = turn.world()
    server = one.server
    with turn.met(one, lambda: server.process.send_signal(how), "--wait", str(SECONDS)) as (process, importer):
        if how == signal.SIGTERM:
            time.sleep(turn.rng.uniform(0, 1))
            server.process.send_signal(signal.SIGINT)
        server.process.wait(60)
        time.sleep(turn.rng.uniform(0, 1))
        server.start()
        result = importer.finish(process, SECONDS)
    one.fair(result)
    assert result.code == program.ALL, f"it did not go on by itself: {result}"
    one.ends_right(turn.proof)


def restored_between(turn):
    """Stopped somewhere, copied, ended; and then the copy is put back under a ledger that knows of all of it."""
    with crashing_server() as server:
        one = turn.world(server)
        with turn.met(one, lambda: None) as (process, importer):
            importer.kill(process)
        server.stop()
        copy = os.path.join(server.folder, "copy")
        copy_folder(server.data, copy)
        server.start()
        one.ends_right(turn.proof)
        server.crash()
        put_back(server, copy)
        server.start()
        one.partly()
        one.ends_right(turn.proof)


def restored_meanwhile(turn):
    """pg_basebackup at one message of a run, put back at a later one of the same run."""
    with crashing_server(max_wal_senders="4") as server:
        one = turn.world(server)
        copy = os.path.join(server.folder, "copy")
        first = Met("loading", turn.rng.randint(1, messages(turn.world)["loading"] - 5), "before")

        def back_up():
            subprocess.run([*server.as_user, server.tool("pg_basebackup"), "-D", copy, "-h", server.folder, "-p",
                            str(server.port), "-U", "postgres", "-c", "fast", "-X", "stream", "--no-sync"],
                           check=True, timeout=SECONDS, cwd=server.folder, capture_output=True)
            turn.meet_later(one.proxy, lambda _: server.crash())

        with turn.met(one, back_up, "--wait", str(SECONDS), moment=first) as (process, importer):
            wait_for(lambda: one.proxy.met.is_set() and server.process is None, SECONDS, "the second message")
            put_back(server, copy)
            server.start()
            result = importer.finish(process, SECONDS)
        one.fair(result)
        one.ends_right(turn.proof)


def restored_under_another_run(turn):
    """The copy is older than the run that works: what it knows of the fence is what this run replaced."""
    with crashing_server() as server:
        one = turn.world(server)
        third = messages(turn.world)["loading"] // 3
        early = Met("loading", turn.rng.randint(1, third), "before")  # so that the next run meets all the rest
        with turn.met(one, lambda: None, moment=early) as (process, importer):
            importer.kill(process)
        server.stop()
        copy = os.path.join(server.folder, "copy")
        copy_folder(server.data, copy)
        server.start()
        later = turn.moment()
        if later.phase == "loading":
            later.number = turn.rng.randint(1, third)
        with turn.met(one, server.crash, "--wait", str(SECONDS), moment=later) as (process, importer):
            put_back(server, copy)
            server.start()
            result = importer.finish(process, SECONDS)
        one.fair(result)
        assert result.code == program.ALL, f"it did not go on by itself: {result}"
        one.ends_right(turn.proof)


def put_back(server, copy):
    wait_for(lambda: not server.its_processes(), 30, "the server to be gone")
    shutil.rmtree(server.data)
    copy_folder(copy, server.data)


def dropped(turn):
    """Dropped and made again while a run works."""
    one = turn.world()

    def drop():
        one.server.sql(f"DROP DATABASE {one.database.name} WITH (FORCE)")
        one.server.sql(f"CREATE DATABASE {one.database.name} OWNER importer")

    with turn.met(one, drop) as (process, importer):
        result = importer.finish(process, SECONDS)
    assert one.partly() == {}, "it wrote into a database it did not begin with"
    if result.code != program.ALL:  # the last message of all may have been answered
        assert "dropped" in result.said or "does not exist" in result.said, str(result)
    one.ends_right(turn.proof)


class Standby(Copied):
    """A hot standby of another server, which streams until it is held back."""

    def __init__(self, primary):
        self.primary = primary
        super().__init__(settings=primary.settings)
        self.settings["unix_socket_directories"] = self.folder

    def make(self):
        subprocess.run([*self.as_user, self.tool("pg_basebackup"), "-D", self.data, "-h", self.primary.folder, "-p",
                        str(self.primary.port), "-U", "postgres", "-c", "fast", "-R", "--no-sync"],
                       check=True, timeout=SECONDS, cwd=self.folder, capture_output=True)

    close = Copied.remove

    def hold_back(self):
        """What the primary commits from now on it will never know."""
        flushed = self.primary.sql("SELECT pg_current_wal_flush_lsn()")[0][0]
        wait_for(lambda: self.sql(f"SELECT pg_last_wal_replay_lsn() >= '{flushed}'")[0][0], 30, "the standby")
        self.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.sql("SELECT pg_reload_conf()")
        wait_for(lambda: not self.sql("SELECT 1 FROM pg_stat_wal_receiver"), 30, "the standby to be on its own")


def failed_over(turn):
    """The primary dies; a standby that has heard nothing of it for a while takes its place after a while."""
    with crashing_server(max_wal_senders="4") as server, contextlib.closing(Standby(server)) as standby:
        standby.start()
        one = turn.world(server)
        first = Met("loading", turn.rng.randint(1, messages(turn.world)["loading"] - 5), "before")

        def die():
            server.crash()
            one.proxy.server_port = standby.port

        def fall_behind():
            standby.hold_back()
            turn.meet_later(one.proxy, lambda _: die())

        with turn.met(one, fall_behind, "--wait", str(SECONDS), moment=first) as (process, importer):
            wait_for(lambda: one.proxy.met.is_set() and server.process is None, SECONDS, "the second message")
            time.sleep(turn.rng.uniform(0, 2))  # as long as it is a standby, it lets nobody write
            standby.sql("SELECT pg_promote()")
            result = importer.finish(process, SECONDS)
        one.moved_to(standby)
        one.fair(result)
        assert result.code == program.ALL, f"it did not go on by itself: {result}"
        one.ends_right(turn.proof)


def promoted(turn):
    """A promote takes the place of the database that a run from another host loads into."""
    moment = turn.moment(share=0.4)  # one of two years is new; the first to ask for one publishes others meanwhile
    one = turn.world()
    one.server.sql("ALTER ROLE importer CREATEDB; GRANT pg_signal_backend TO importer")
    one.importer.run_well(*SETTINGS)
    one.put(2021, 1230, seed=2)
    one.importer.run_well(*SETTINGS, "--staging")
    one.put(2021, 1260, seed=3)
    other = one.from_another_host()
    begun = []

    def promote():  # not waited for here: the message that was met may hold the lock it needs
        begun.append(one.importer.start("--drain", "0", command="promote"))

    try:
        with turn.met(other, promote, moment=moment) as (process, importer):
            result = importer.finish(process, SECONDS)
        promoted_it = one.importer.finish(begun[0], SECONDS)
        if promoted_it.code == program.REFUSED:  # the run had published it before the promote looked
            assert "serves a newer edition of year 2021" in promoted_it.out, str(promoted_it)
        else:
            assert promoted_it.code == program.ALL, str(promoted_it)
        other.importer.run_well(*SETTINGS)
        assert result.code in (program.ALL, program.SOME, program.NONE), str(result)
        other.right(turn.proof)
    finally:
        one.database.drop_slots()


CASES = {
    "restarted, fast": (8, lambda turn: restarted(turn, signal.SIGINT)),
    "restarted, immediate": (8, lambda turn: restarted(turn, signal.SIGQUIT)),
    "restarted, smart": (6, lambda turn: restarted(turn, signal.SIGTERM)),
    "an older copy put back between two runs": (8, restored_between),
    "an older copy put back while a run works": (8, restored_meanwhile),
    "an older copy put back under a newer run": (6, restored_under_another_run),
    "its database dropped and made again": (8, dropped),
    "a standby takes its place": (8, failed_over),
    "a promote while a run is loading": (8, promoted),
}


def test_the_server_comes_and_goes(proof, world):
    rng = random_source()
    proofs = {name: proof("server kills", name) for name in CASES}
    for name in chosen([name for name, (count, _) in CASES.items() for _ in range(count)], few=1):
        with proofs[name].point(f"turn {proofs[name].tried + 1}"):
            CASES[name][1](Turn(world, rng, proofs[name]))
