"""A server that is met at a chosen message of an import, and what must be true once the next run has ended.

A message is what a client sends and waits for: a query, the end of a COPY. Messages are counted by the phase the
import is in, so that a kill lands where it is meant to, however fast the machine is.
"""
import atexit
import collections
import contextlib
import copy
import glob
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

import everywhere
import program
from servers import HoldingProxy, Postgres, children_of, running, wait_for

PHASES = ("loading", "indexing", "checking", "publishing")
ROWS = {2020: 1500, 2021: 1200}
SPOILED = {2020: {1, 733, 1500}, 2021: {1000}}  # records that are no rows
SETTINGS = ("--years", "2020,2021", "--chunk-rows", "50", "--loaders", "2")
SECONDS = 60  # no run may take longer, whatever happens to its server

# What the first message of a phase says; each is found in one statement of stages/sql/postgres only.
BEGINS = ((b"FROM STDIN (FORMAT binary", "loading"), (b"p.tail NOT IN", "indexing"),
          (b"coalesce(min(source_row)", "checking"), (b"a.backend_xmin IS NOT NULL", "publishing"))


class Copied(Postgres):
    """A cluster that is a copy of one that was made once: initdb takes longer than a point."""

    template = None

    def make(self):
        if Copied.template is None:
            super().make()
            Copied.template = tempfile.mkdtemp(prefix="dvf-pg-template-")
            atexit.register(shutil.rmtree, Copied.template, ignore_errors=True)
            copy_folder(self.data, os.path.join(Copied.template, "data"))
        else:
            copy_folder(os.path.join(Copied.template, "data"), self.data)

    def its_processes(self):
        """All that work in its folder, also those that were born while it was being killed."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if os.readlink(path) == self.data:
                    found.append(int(path.split("/")[2]))
        return found

    def crash(self):
        super().crash()

        def gone():
            for pid in (left := self.its_processes()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left

        wait_for(gone, 30, "the server's last process to be gone")


def copy_folder(source, target):
    subprocess.run(["cp", "-a", source, target], check=True, timeout=120)


@contextlib.contextmanager
def crashing_server(**settings):
    """Without fsync: who is killed, not cut off from power, leaves what it wrote to the kernel. Once hold_wal_writer
    was called it keeps acknowledged asynchronous commits in memory."""
    with running(Copied(settings={
            "wal_writer_delay": "10s", "wal_buffers": "16MB", "checkpoint_timeout": "1h", "autovacuum": "off",
            **settings})) as server:
        yield server


class Met:
    """A message: the phase (or "COMMIT": of all of them), its number in it, and when: before the server has it, while
    it works (some ms after it has it), when it was done and its answer is never passed on ("unanswered"), after that
    ("answered")."""

    MOMENTS = ("before", "at work", "unanswered", "answered")

    def __init__(self, phase, number, moment, after_s=0.0):
        self.phase, self.number, self.moment, self.after_s = phase, number, moment, after_s

    def __repr__(self):
        return f"message {self.number} of {self.phase}, {self.moment} {self.after_s * 1000:.1f} ms"


class MeetingProxy(HoldingProxy):
    """Counts messages; at the one that was asked for it calls `act(connection)`, once. `met` is set after that."""

    def __init__(self, port):
        self.wanted, self.act = None, None
        self.lock, self.connections = threading.RLock(), []
        self.phase, self.counts = "beginning", collections.Counter()
        self.met = threading.Event()
        super().__init__(port)

    def meet(self, wanted, act):
        self.act, self.wanted = act, wanted
        self.met.clear()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port))
        except OSError:  # as if nobody listened there
            client.close()
            return
        connection = Connection(client, server)
        self.sockets += [client, server]
        self.connections.append(connection)
        threading.Thread(target=self.answers_of, args=(connection,), daemon=True).start()
        self.questions_of(connection)

    @staticmethod
    def answers_of(connection):
        with contextlib.suppress(OSError):
            while piece := connection.server.recv(65536):
                if connection.deaf:
                    connection.answered.set()
                    continue
                connection.client.sendall(piece)
                connection.answered.set()
        connection.answered.set()
        connection.cut()

    def questions_of(self, connection):
        typed = False
        with contextlib.suppress(OSError, EOFError), connection.client.makefile("rb") as stream:
            while True:
                kind = self.exactly(stream, 1) if typed else b""
                length = self.exactly(stream, 4)
                body = self.exactly(stream, int.from_bytes(length, "big") - 4)
                if not typed:
                    typed = body[:4] not in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30")
                if kind in (b"Q", b"P"):
                    connection.text = body
                    self.note(body)
                message = kind + length + body
                if kind in (b"Q", b"S", b"c") and self.counted(connection):
                    self.pass_and_act(connection, message)
                else:
                    connection.server.sendall(message)
        connection.cut()

    def note(self, body):
        for words, phase in BEGINS:
            if words in body:
                self.phase = phase

    def counted(self, connection):
        """Counts a message; whether it is the one."""
        with self.lock:
            names = [self.phase]
            if connection.text.startswith(b"COMMIT"):
                names.append("COMMIT")
                if self.phase == "publishing":
                    self.phase = "between"
            self.counts.update(names)
            here = self.wanted is not None and self.wanted.phase in names \
                and self.counts[self.wanted.phase] == self.wanted.number
            connection.moment = self.wanted if here else None
            if here:
                self.wanted = None
            return here

    def pass_and_act(self, connection, message):
        moment = connection.moment
        if moment.moment != "before":
            connection.answered.clear()
            connection.deaf = moment.moment == "unanswered"
            connection.server.sendall(message)
        if moment.moment in ("unanswered", "answered"):
            connection.answered.wait(20)
        elif moment.moment == "at work":
            time.sleep(moment.after_s)
        self.act(connection)
        self.met.set()
        if moment.moment == "unanswered":
            connection.cut()
        if moment.moment == "before":
            connection.server.sendall(message)

    def close(self):
        self.let_go.set()
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class Connection:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.deaf, self.text, self.moment = False, b"", None
        self.answered = threading.Event()

    def cut(self):
        for one in (self.client, self.server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class World:
    """Two years on a site, one fresh database on `server`, one way to call the program."""

    def __init__(self, server, site, made_years, make_database, make_import):
        self.server, self.site, self.made_years, self.make_import = server, site, made_years, make_import
        self.files, self.rows, self.rejects = {}, {}, set()
        for year, count in ROWS.items():
            self.put(year, count, spoiled=SPOILED[year])
        self.database = make_database(server)
        self.importer = make_import(self.database)
        self.proxy = None

    def put(self, year, rows, seed=1, spoiled=()):
        """An edition of a year comes out."""
        self.files[year] = self.site.put(year, everywhere.spoil(self.made_years(rows, year, seed), spoiled))
        self.rejects = {(of, record) for of, record in self.rejects if of != year}
        self.rejects |= {(year, record) for record in spoiled}
        self.rows[year] = rows - len(spoiled)

    def from_another_host(self):
        """The same destination and site, with another state folder."""
        twin = copy.copy(self)
        twin.importer = self.make_import(self.database)
        return twin

    def moved_to(self, server):
        """Another server has the database now."""
        self.server = server
        self.database = program.PostgresDestination(server, self.database.name)
        self.importer = self.importer.with_(to=self.database.to)

    def through(self, proxy):
        """The program, connecting to the proxy."""
        self.proxy = proxy
        return self.importer.with_(to=self.importer.to.replace(f":{self.server.port}/", f":{proxy.port}/"))

    def partly(self):
        """Asserts that what is served are whole years; {year: rows}."""
        counts = self.database.counts()
        assert counts.items() <= self.rows.items(), f"part of a year is served: {counts} of {self.rows}"
        return counts

    def fair(self, result):
        """Asserts that a run that was disturbed said how it ended, and why."""
        counts = self.partly()
        assert result.code in (program.ALL, program.SOME, program.NONE), str(result)
        if result.code == program.ALL:
            assert counts == self.rows, str(result)
        else:
            assert everywhere.reasons(result), str(result)
        if result.code == program.SOME:
            assert counts, str(result)

    def ends_right(self, proof, *arguments):
        """The next run ends it."""
        self.importer.run_well(*SETTINGS, *arguments, seconds=SECONDS)
        self.right(proof)

    def right(self, proof):
        proof.compare(self.database, self.files, self.rejects)
        self.database.tiles()
        assert self.database.leftovers() == []
        assert self.database.query("SELECT DISTINCT stage FROM {source}") == [("published",)]
        history = self.importer.call("history", "--verify")
        assert history.code == program.ALL, f"history: {history}"
        assert self.told() >= set(self.files), "the history does not know of a year that is served"

    def told(self):
        """Years of which the history says that what is served was published, or was found published."""
        served = dict(self.database.query("SELECT sha256, year FROM {source} WHERE stage = 'published'"))
        with contextlib.closing(sqlite3.connect(os.path.join(self.importer.state, "state.sqlite"))) as ledger:
            return {served[edition] for edition, in ledger.execute(
                "SELECT json_extract(body, '$.edition') FROM event WHERE kind IN ('year published',"
                " 'year found published')") if edition in served}


LENGTHS = {}


def messages(world):
    """{phase, or "COMMIT": how many messages} of an import that nothing disturbs; asked once."""
    if not LENGTHS:
        one = world()
        proxy = MeetingProxy(one.server.port)
        with closing_all(proxy):
            one.through(proxy).run_well(*SETTINGS)
        LENGTHS.update(proxy.counts)
    assert set(PHASES) <= set(LENGTHS), LENGTHS
    return LENGTHS


@contextlib.contextmanager
def closing_all(*these):
    try:
        yield
    finally:
        for one in these:
            one.close()


class Turn:
    """What a case is given: worlds, random messages, imports that meet them."""

    def __init__(self, world, rng, proof):
        self.world, self.rng, self.proof = world, rng, proof

    def moment(self, share=1.0):
        """Any; of the first `share` of each phase's messages."""
        phase = self.rng.choice(PHASES)
        return Met(phase, self.rng.randint(1, int(messages(self.world)[phase] * share)), self.rng.choice(Met.MOMENTS),
                   self.rng.uniform(0, 0.02))

    def meet_later(self, proxy, act):
        """At a message that comes later in the same run, which is in the middle of loading."""
        with proxy.lock:
            left = {phase: count - proxy.counts[phase] for phase, count in messages(self.world).items()}
            second = self.moment()
            while left[second.phase] < 1:
                second = self.moment()
            second.number = proxy.counts[second.phase] + self.rng.randint(1, left[second.phase])
            proxy.meet(second, act)

    @contextlib.contextmanager
    def met(self, one, act, *arguments, moment=None):
        """Inside: an import of `one` that has met its message, at which act() was called; (process, importer)."""
        moment = moment or self.moment()
        proxy = MeetingProxy(one.server.port)
        with closing_all(proxy):
            importer = one.through(proxy)
            proxy.meet(moment, lambda _: act())
            process = importer.start(*SETTINGS, *arguments)
            wait_for(lambda: proxy.met.is_set() or process.poll() is not None, SECONDS, f"{moment}")
            assert proxy.met.wait(20), f"{moment} never came: {importer.finish(process)}"
            yield process, importer


def freeze(process):
    os.kill(process.pid, signal.SIGSTOP)


def thaw(process):
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)
