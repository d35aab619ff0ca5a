"""Case (i): killed at 5, 50 and 95 % of a large year: how long until the next run's first new commit."""
import contextlib
import os
import signal
import sqlite3
import subprocess
import time

import psycopg2

import measure
from importing import PROGRAM, Importing

TITLE = "Resume: SIGKILL at 5, 50 and 95 % of a year, then run again"
SHARES = (5, 50, 95)
LOOK_S = 0.003
CHUNK_ROWS, LOADERS = 3000, 2


class PostgresWitness:
    """The destination's own word, asked again and again on one connection."""

    loaders = LOADERS

    def __init__(self, cluster, database):
        self.cluster, self.database = cluster, database
        self.to = cluster.url(database)
        self.connection = cluster.connect(database)

    def read(self):
        """(chunks, rows) that are committed."""
        with self.connection.cursor() as cursor, contextlib.suppress(psycopg2.errors.UndefinedTable,
                                                                     psycopg2.errors.InvalidSchemaName):
            cursor.execute("SELECT count(*), coalesce(sum(rows), 0)::bigint FROM dvf_import.chunk")
            return cursor.fetchone()
        return 0, 0

    def quiet(self):
        """Waits until the killed client's server processes have ended; what they had to commit is then in."""
        while self.cluster.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.database}'"
                               " AND backend_type = 'client backend'")[0][0] > 1:
            time.sleep(LOOK_S)

    def sent(self):
        """Rows the server inserted into years' tables, those that were rolled back included."""
        time.sleep(0.1)
        return int(self.cluster.sql("SELECT pg_stat_force_next_flush(); SELECT coalesce(sum(n_tup_ins), 0) FROM"
                                    " pg_stat_user_tables WHERE relname LIKE 'dvf\\_2022%'", self.database)[0][0])

    def close(self):
        self.connection.close()


class SqliteWitness:
    loaders = 1

    def __init__(self, path):
        self.path, self.to = path, f"sqlite:{path}"

    def read(self):
        with contextlib.suppress(sqlite3.OperationalError), \
                contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=0)) as connection:
            return connection.execute("SELECT count(*), coalesce(sum(rows), 0) FROM dvf_import_chunk").fetchone()
        return 0, 0

    def quiet(self):
        pass

    @staticmethod
    def sent():
        return None

    def close(self):
        pass


class Resume:
    def __init__(self, bench):
        self.bench, self.rows = bench, 4 * bench.args.rows
        self.source = bench.years.source(self.rows)

    def wait(self, run, witness, enough, what):
        """The moment from which enough(chunks, rows) holds."""
        while True:
            state = witness.read()
            now = time.monotonic()
            if enough(*state):
                return now
            if run.process.poll() is not None:
                raise measure.Failed(f"it ended before {what}: {' '.join(run.lines[-2:])}")
            time.sleep(LOOK_S)

    def start(self, witness, folder):
        return Importing(witness.to, folder, self.source, "2022", "--chunk-rows", CHUNK_ROWS, "--loaders", LOADERS,
                         *self.bench.options())

    def go(self, number, witness, folder):
        extra, run, runs, lost = {}, self.start(witness, folder), {}, 0
        for share in SHARES:
            self.wait(run, witness, lambda _, rows, share=share: rows >= self.rows * share // 100, f"{share} %")
            run.process.send_signal(signal.SIGKILL)
            run.finish()
            witness.quiet()
            chunks, rows = witness.read()
            sent = witness.sent()
            run = runs[share] = self.start(witness, folder)
            first = self.wait(run, witness, lambda now, _, before=chunks: now > before, "its first commit")
            extra[f"first {share}"] = first - run.began
            if sent is not None:
                extra[f"again {share}"] = (sent - rows - lost) / CHUNK_ROWS
                lost = sent - rows
        sample = run.whole()
        if number == 0:
            self.verify(witness, folder)
        extra.update({f"loading {share}": one.moment("loading").at - one.began for share, one in runs.items()})
        sample.extra.update(extra)
        return sample

    def verify(self, witness, folder):
        """Every row against the file, by the program's own proof."""
        done = subprocess.run([PROGRAM, "verify", "--to", witness.to, "--state", os.path.join(folder, "state"),
                               "--source", self.source], capture_output=True, text=True)
        if done.returncode != 0:
            raise measure.Failed(f"verify: {done.stderr[-300:]}")

    def postgres(self, number):
        with self.bench.cluster.database() as name, \
                contextlib.closing(PostgresWitness(self.bench.cluster, name)) as witness:
            return self.go(number, witness, self.bench.folder())

    def sqlite(self, number):
        folder = self.bench.folder()
        return self.go(number, SqliteWitness(os.path.join(folder, "dvf.sqlite")), folder)


def measured(bench):
    case = Resume(bench)
    found = measure.in_turns(bench.args.rounds, {"dvf-import, PostgreSQL": case.postgres,
                                                 "dvf-import, SQLite": case.sqlite})
    rows, goals = [], []
    for name, samples in found.items():
        for share in SHARES:
            rows.append([f"{name.split(', ')[1]}, {share} %", measure.spread(samples, f"first {share}", "{:.3f}"),
                         measure.spread(samples, f"loading {share}", "{:.3f}"),
                         measure.spread(samples, f"again {share}", "{:.1f}")])
            goals.append(measure.goal(f"{rows[-1][0]}: s to the first new commit",
                                      [sample.extra[f"first {share}"] for sample in samples], 0.30))
    again = [sample.extra[f"again {share}"] for sample in found["dvf-import, PostgreSQL"] for share in SHARES]
    goals.append(measure.goal("PostgreSQL: chunks sent again, the most", [max(again)], float(LOADERS), "{:.1f}"))
    return [f"{case.rows:,} rows, {CHUNK_ROWS} a chunk, {LOADERS} loaders (SQLite: one). From the start of the process to "
            f"the commit, as the witness in the destination shows it (asked every {LOOK_S * 1000:.0f} ms). Chunks again: "
            "rows that had been sent and were rolled back, by the server's count. In the first round `verify` then found "
            "every row right.",
            measure.table(["killed at", "s to the first new commit", "s to its line \"loading\"", "chunks sent again"],
                          rows),
            measure.goals(goals)]
