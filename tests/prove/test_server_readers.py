"""Others read all the time while editions of a year come and go: long REPEATABLE READ snapshots, pg_dump. Each of them
saw a year wholly, in one edition, or not at all; and the imports came to their end beside them."""
import collections
import contextlib
import subprocess
import threading
import time

import psycopg2

from met_server import SECONDS, SETTINGS
from proof import how_many, random_source


class Reader(threading.Thread):
    """Looks again and again until it is told to stop; what each look saw, {year: rows}."""

    def __init__(self, one, seed):
        super().__init__()
        self.one, self.rng = one, random_source(seed)
        self.seen, self.problems, self.stopped = [], [], threading.Event()

    def run(self):
        while not self.stopped.is_set():
            try:
                self.look()
            except Exception as problem:  # a reader must not get an error either
                self.problems.append(repr(problem))
                return

    def stop(self):
        self.stopped.set()
        self.join(SECONDS)


class Snapshots(Reader):
    """One snapshot for a while, asked several times."""

    def look(self):
        connection = self.one.server.connect(self.one.database.name)
        connection.autocommit = False
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        until = time.monotonic() + self.rng.uniform(0.05, 1.5)
        with contextlib.closing(connection), connection.cursor() as cursor:
            while time.monotonic() < until and not self.stopped.is_set():
                cursor.execute("SELECT to_regclass('dvf') IS NOT NULL")
                if cursor.fetchone()[0]:
                    with contextlib.suppress(psycopg2.errors.UndefinedTable):  # dvf came just now
                        cursor.execute("SELECT source_year, count(*) FROM dvf GROUP BY 1")
                        self.seen.append(dict(cursor.fetchall()))
                time.sleep(0.02)


class Dumps(Reader):
    """pg_dump of everything, read for the rows of each year's table that dvf serves at that moment."""

    def look(self):
        server = self.one.server
        done = subprocess.run([server.tool("pg_dump"), "-h", server.folder, "-p", str(server.port), "-U", "postgres",
                               self.one.database.name], capture_output=True, text=True, timeout=SECONDS)
        if done.returncode != 0:
            # A table that was dropped between its list of tables and its lock: pg_dump says so and is run again.
            assert "does not exist" in done.stderr or "could not open relation" in done.stderr, done.stderr
            return
        self.seen.append(self.years(done.stdout))

    @staticmethod
    def years(text):
        attached = {line.split()[5] for line in text.splitlines() if " ATTACH PARTITION " in line}
        rows, table = collections.Counter(), None
        for line in text.splitlines():
            if line.startswith("COPY "):
                table = line.split()[1]
            elif line == "\\.":
                table = None
            elif table in attached:
                rows[int(table.split("dvf_")[-1][:4])] += 1
        return dict(rows)


def test_readers_all_the_time(proof, world):
    """Three editions of 2021 one after the other, with --snapshot-wait long enough for all of them."""
    rng = random_source()
    reading = proof("server kills", "long snapshots and pg_dump throughout")
    for turn in range(how_many(10, few=1)):
        with reading.point(f"turn {turn + 1}"):
            one = world()
            whole = {2020: {one.rows[2020]}, 2021: {one.rows[2021]}}
            readers = [Snapshots(one, f"{turn}a"), Snapshots(one, f"{turn}b"), Dumps(one, f"{turn}c")]
            for reader in readers:
                reader.start()
            try:
                one.importer.run_well(*SETTINGS, seconds=SECONDS)
                for seed in (2, 3):
                    one.put(2021, 1200 + rng.randint(1, 90), seed=seed)
                    whole[2021].add(one.rows[2021])
                    one.importer.run_well(*SETTINGS, seconds=SECONDS)
            finally:
                for reader in readers:
                    reader.stop()
            for reader in readers:
                assert reader.problems == []
                for seen in reader.seen:
                    if any(rows not in whole[year] for year, rows in seen.items()):
                        reading.published_wrong(f"{type(reader).__name__} saw {seen}; whole are {whole}")
            assert readers[0].seen and readers[2].seen
            one.right(reading)
