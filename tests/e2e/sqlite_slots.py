"""A live SQLite file A and a staging file B beside it, and what is asked of them."""
import contextlib
import os
import re
import shutil
import sqlite3
import subprocess

import program

SLOTS = {"live": "dvf.sqlite", "staging": "dvf.staging.sqlite", "previous": "dvf.previous.sqlite"}


class Pair:
    """`folder` holds the files; `a` and `b` are made years of different sizes."""

    def __init__(self, folder, made_years, make_import, rows=(300, 320)):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.paths = [made_years(rows[0], seed=11), made_years(rows[1], seed=12)]
        self.a, self.b = rows
        self.importer = make_import(program.SqliteDestination(self.path("live")))

    def path(self, slot):
        return os.path.join(self.folder, SLOTS.get(slot, slot))

    def load(self, which, *arguments):
        """The year A (0) or B (1) into live, or with --staging into staging."""
        source = "file://" + self.paths[which].replace("2021", "{year}")
        result = self.importer.with_(source=source).run("--years", 2021, *arguments)
        assert result.code == program.ALL, str(result)
        return result

    def load_both(self):
        self.load(0)
        self.load(1, "--staging")

    def call(self, command, *arguments, importer=None):
        importer = importer or self.importer
        return importer.call(command, "--to", importer.to, *arguments)

    def call_well(self, command, *arguments):
        result = self.call(command, *arguments)
        assert result.code == program.ALL, str(result)
        return result

    def links(self):
        """{slot: the file its link names}; a file itself is "file"."""
        found = {}
        for slot in SLOTS:
            path = self.path(slot)
            if os.path.islink(path):
                found[slot] = os.readlink(path)
            elif os.path.exists(path):
                found[slot] = "file"
        return found

    def files(self):
        return sorted(name for name in os.listdir(self.folder) if re.fullmatch(r"dvf\.\d+\.sqlite", name))

    def state(self):
        """Everything in the folder, byte by byte; without the empty log that a reader leaves."""
        found = {}
        for name in sorted(os.listdir(self.folder)):
            path = os.path.join(self.folder, name)
            if os.path.islink(path):
                found[name] = "link to " + os.readlink(path)
            elif not name.endswith("-shm") and not (name.endswith("-wal") and os.path.getsize(path) == 0):
                with open(path, "rb") as file:
                    found[name] = file.read()
        return found

    @contextlib.contextmanager
    def open(self, slot="live"):
        connection = sqlite3.connect(self.path(slot), timeout=30, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    def ask(self, statement, slot="live"):
        with self.open(slot) as connection:
            return connection.execute(statement).fetchall()

    def count(self, slot="live"):
        return self.ask("SELECT count(*) FROM dvf", slot)[0][0]

    def whole(self, slot="live"):
        assert self.ask("PRAGMA integrity_check", slot) == [("ok",)]

    def holds(self):
        return self.ask("SELECT year, under, table_name FROM dvf_import_source WHERE stage = 'held'")


def system_calls(words, folder, environment, cwd):
    """{name: how often} for a run of the program under strace."""
    trace = os.path.join(folder, "trace")
    subprocess.run(["strace", "-f", "-o", trace, *words], check=True, cwd=cwd, env=environment,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    counts = {}
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = re.match(r"\d+\s+([a-z_0-9]+)\(", line)
            if call:
                counts[call[1]] = counts.get(call[1], 0) + 1
    return counts


def kill_at(name, which, words, cwd, environment):
    """SIGKILL on entering the which-th call of that name; whether it came to that."""
    done = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                           f"inject={name}:signal=SIGKILL:when={which}", *words], cwd=cwd, env=environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
    return done.returncode != 0


def has_strace():
    return shutil.which("strace") is not None
