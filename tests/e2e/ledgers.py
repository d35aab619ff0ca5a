"""The ledger as somebody sees it who may write it: reads, changes and forges the history."""
import contextlib
import hashlib
import json
import os
import secrets
import signal
import sqlite3

from servers import wait_for


def path_of(importer):
    return os.path.join(importer.state, "state.sqlite")


def events(importer):
    """Every event as `history --json` gives it."""
    return json.loads(importer.call("history", "--json").out)["events"]


def kinds(importer):
    return [event["kind"] for event in events(importer)]


def bodies(importer, kind):
    return [event["body"] for event in events(importer) if event["kind"] == kind]


def copy(importer, to):
    """A consistent copy, as a backup of the state folder would be."""
    with contextlib.closing(sqlite3.connect(path_of(importer))) as source, \
            contextlib.closing(sqlite3.connect(to)) as target:
        source.backup(target)


def put_back(importer, copied):
    for companion in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path_of(importer) + companion)
    with contextlib.closing(sqlite3.connect(copied)) as source, \
            contextlib.closing(sqlite3.connect(path_of(importer))) as target:
        source.backup(target)


def stop_in_loading(importer, process):
    """SIGSTOP once some rows are in and not all."""
    def loads():
        assert process.poll() is None, "it was over before it was seen to load"
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(
                sqlite3.connect(f"file:{path_of(importer)}?mode=ro", uri=True)) as ledger:
            return ledger.execute("SELECT 1 FROM year WHERE stage = 'loading' AND rows > 0").fetchone()
        return None

    wait_for(loads, 60, "the load")
    os.kill(process.pid, signal.SIGSTOP)


def hash_of(number, at, run, kind, year, body, previous):
    """The rule at the top of state/ledger_history.c."""
    digest = hashlib.sha256()
    for value in (number, at, run or 0, kind, year or 0, body, previous):
        text = str(value).encode()
        digest.update(b"%d:%s," % (len(text), text))
    return digest.hexdigest()


class Forger:
    """Without triggers, without foreign keys; `whole` computes every hash anew, so that the chain holds."""

    def __init__(self, importer):
        self.db = sqlite3.connect(path_of(importer), isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = OFF")
        self.triggers = self.db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in self.triggers:
            self.db.execute(f"DROP TRIGGER {name}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _, sql in self.triggers:
            self.db.execute(sql)
        self.db.close()

    def do(self, statement, *values):
        return self.db.execute(statement, values).fetchall()

    def new_chain(self):
        self.do("UPDATE meta SET value = ? WHERE name = 'chain'", secrets.token_hex(16))

    def whole(self):
        chain, = self.do("SELECT value FROM meta WHERE name = 'chain'")[0]
        rows = self.do("SELECT at, run, kind, year, body FROM event ORDER BY number")
        self.do("DELETE FROM event")
        previous = "0" * 64 + chain
        for number, row in enumerate(rows, 1):
            previous = hash_of(number, *row, previous)
            self.do("INSERT INTO event (number, at, run, kind, year, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    number, *row, previous)
        self.do("UPDATE sqlite_sequence SET seq = ? WHERE name = 'event'", len(rows))
