"""The program under test, and the destinations it loads."""
import contextlib
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.parse

import reference
import servers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.environ.get("DVF_IMPORT_PROGRAM") or os.path.join(ROOT, "build", "dvf-import")
SLOW = float(os.environ.get("DVF_TEST_SLOW", "1"))  # sanitized builds: how many times as long to wait

BOOKKEEPING = ('chunk', 'reject', 'source', 'destination', 'history', 'mended', 'swap')
ALL, NONE, SOME, REFUSED, USAGE, INTERRUPTED = 0, 1, 2, 3, 64, 75


def clean_environment(home, extra=()):
    """Nothing of the tester's settings: no PG*, no POSTGRES_*, no proxies, no XDG folders."""
    kept = {name: os.environ[name] for name in
            ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH", "TMPDIR")
            if name in os.environ}
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8", **dict(extra)}


class Result:
    """How a run ended. `lines`: what it said on stderr."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds
        self.lines = [line for line in err.splitlines() if line.strip()]

    @property
    def said(self):
        return self.out + self.err

    def __repr__(self):
        return f"exit code {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Import:
    """Calls the program with one destination, one state folder and one source."""

    def __init__(self, home, to, source, state=None):
        self.home, self.to, self.source = str(home), to, source
        self.state = state or os.path.join(self.home, "state")
        self.environment = {}
        self.wrapper = []  # words before the program's path
        self.started = []

    def with_(self, **changes):
        """The same with another destination, source, state or environment."""
        twin = Import(self.home, changes.get("to", self.to), changes.get("source", self.source),
                      changes.get("state", self.state))
        twin.environment = changes.get("environment", self.environment)
        twin.wrapper = changes.get("wrapper", self.wrapper)
        twin.started = self.started
        return twin

    def words(self, command, arguments):
        words = [*self.wrapper, PATH, command]
        if self.state:
            words += ["--state", self.state]
        if self.to and command in ("run", "check", "status", "verify", "promote", "revert", "mend"):
            words += ["--to", self.to]
        if self.source and command in ("run", "check", "verify"):
            words += ["--source", self.source]
        return words + [str(argument) for argument in arguments]

    def start(self, *arguments, command="run"):
        process = subprocess.Popen(
            self.words(command, arguments), cwd=self.home, stdin=subprocess.DEVNULL, text=True,
            encoding="utf-8", errors="replace", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=clean_environment(self.home, self.environment))
        process.begun = time.monotonic()
        self.started.append(process)
        return process

    def finish(self, process, seconds=120):
        """Waits for a started one; its Result."""
        try:
            out, err = process.communicate(timeout=seconds * SLOW)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"still running after {seconds * SLOW} s\n{out}\n{err}") from None
        return Result(process.returncode, out, err, time.monotonic() - process.begun)

    def call(self, command, *arguments, seconds=120):
        return self.finish(self.start(*arguments, command=command), seconds)

    def run(self, *arguments, seconds=120):
        return self.call("run", *arguments, seconds=seconds)

    def run_well(self, *arguments, seconds=120):
        """A run that must end with 0."""
        result = self.run(*arguments, seconds=seconds)
        assert result.code == ALL, str(result)
        return result

    def kill(self, process):
        """SIGKILL, as the kernel does it; waits until it is gone. What it had printed."""
        process.kill()
        out, err = process.communicate(timeout=30)
        return Result(process.returncode, out, err, time.monotonic() - process.begun)

    def end_all(self):
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.communicate(timeout=30)
            for pipe in (process.stdout, process.stderr):
                pipe.close()


class Destination:
    """What both kinds have; `query` takes names of our tables as {chunk}, {reject}, {source}, {destination}."""

    kind = to = None
    prefix = None

    def tables(self, statement):
        return statement.format(**{name: self.prefix + name
                                   for name in ("chunk", "reject", "source", "destination")})

    def count(self, year):
        """Rows of a year that a reader of dvf sees; 0 as long as there is no dvf."""
        return self.query(f"SELECT count(*) FROM dvf WHERE source_year = {year}", missing=[(0,)])[0][0]

    def counts(self):
        """{year: rows}"""
        return dict(self.query("SELECT source_year, count(*) FROM dvf GROUP BY source_year", missing=[]))

    def committed(self):
        """Rows that chunks have brought so far, of every edition."""
        return int(self.query("SELECT coalesce(sum(rows), 0) FROM {chunk}", missing=[(0,)])[0][0])

    def chunks(self, wait_s=30):
        """The witness: {(edition, plain_first, plain_end, first_record, rows, rejects, crc32)}"""
        return set(self.query(f"SELECT {self.chunk_edition}, plain_first, plain_end, first_record, rows, rejects,"
                              " crc32 FROM {chunk}", missing=[], wait_s=wait_s))

    def rejects(self):
        """(year, record) of every record that a published edition refused, each as often as it is there."""
        return self.query(self.rejects_statement, missing=[])

    def stages(self, year):
        return [stage for stage, in self.query(
            f"SELECT stage FROM {{source}} WHERE year = {year} ORDER BY stage", missing=[])]

    def differences(self, year, path, without=()):
        """What differs from the file, in words; `without`: numbers of records that were refused."""
        return reference.differences(reference.rows(path, without), self.rows(year))

    def tiles(self):
        """Asserts that the chunks of each edition follow each other without gap or overlap, in bytes and records."""
        last = {}
        for edition, first, end, record, rows, rejects, _ in sorted(self.chunks()):
            if edition in last:
                assert last[edition] == (first, record), f"chunk at {first}, record {record}: {last[edition]}"
            else:
                assert record == 1
            last[edition] = (end, record + rows + rejects)


class PostgresDestination(Destination):
    kind, prefix = "postgres", "dvf_import."
    chunk_edition = "edition"
    rejects_statement = ("SELECT r.year, r.record FROM {reject} r JOIN {source} s USING (year, edition)"
                         " WHERE s.stage = 'published'")

    def __init__(self, server, name):
        self.server, self.name = server, name
        password = urllib.parse.quote(servers.PASSWORD, safe="")
        self.to = f"postgresql://importer:{password}@127.0.0.1:{server.port}/{name}"

    def slot(self, which):
        """The destination of its other slots: "staging", "previous"."""
        return PostgresDestination(self.server, f"{self.name}_{which}")

    def exists(self):
        return bool(self.server.sql(f"SELECT 1 FROM pg_database WHERE datname = '{self.name}'"))

    def drop(self):
        self.server.sql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def drop_slots(self):
        for which in ("staging", "previous", "outgoing"):
            self.server.sql(f"DROP DATABASE IF EXISTS {self.name}_{which} WITH (FORCE)")

    def query(self, statement, missing=None, wait_s=None):
        import psycopg2
        if wait_s is not None:
            statement = f"SET statement_timeout = '{wait_s}s'; {statement}"
        try:
            return self.server.sql(self.tables(statement), self.name)
        except (psycopg2.errors.UndefinedTable, psycopg2.errors.InvalidSchemaName):
            if missing is None:
                raise
            return missing

    def rows(self, year):
        with contextlib.closing(self.server.connect(self.name)) as connection:
            connection.autocommit = False
            with connection.cursor("rows") as cursor:  # named: the server keeps the result
                cursor.itersize = 5000
                cursor.execute(f"SELECT source_row, {', '.join(reference.NAMES)} FROM dvf"
                               f" WHERE source_year = {year} ORDER BY source_row")
                for row in cursor:
                    yield row[0], row[1:]

    def fingerprint(self, year):
        """Equal for equal tables: rows, the range and number of source_row, a sum of hashes of whole rows."""
        return self.query("SELECT count(*), min(source_row), max(source_row), count(DISTINCT source_row),"
                          " sum(hashtextextended(dvf::text, 0)::numeric) FROM dvf"
                          f" WHERE source_year = {year}")[0]

    def inserted(self):
        """Rows the server inserted into the data tables, aborted transactions included."""
        if self.server.version() >= 15:
            self.query("SELECT pg_stat_force_next_flush()")
        else:
            time.sleep(1)  # sessions that ended have told a collector, which takes its time
        return int(self.query("SELECT coalesce(sum(n_tup_ins), 0) FROM pg_stat_user_tables WHERE relname NOT IN"
                              f" {BOOKKEEPING} AND relname NOT LIKE 'chunk%'")[0][0])

    def leftovers(self):
        """Tables in dvf_import besides the bookkeeping and the years that dvf serves."""
        return [name for name, in self.query(
            "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND"
            " c.relnamespace = 'dvf_import'::regnamespace AND c.relname NOT IN"
            f" {BOOKKEEPING} AND NOT c.relispartition")]


class SqliteDestination(Destination):
    kind, prefix = "sqlite", "dvf_import_"
    chunk_edition = "(SELECT sha256 FROM dvf_import_source s WHERE s.id = source)"
    rejects_statement = ("SELECT s.year, r.record FROM {reject} r JOIN {source} s ON s.id = r.source"
                         " WHERE s.stage = 'published'")

    def __init__(self, path):
        self.path = str(path)
        self.to = f"sqlite:{self.path}"

    def slot(self, which):
        stem, ending = os.path.splitext(self.path)
        return SqliteDestination(f"{stem}.{which}{ending}")

    def exists(self):
        return os.path.exists(self.path)

    def drop(self):
        shutil.rmtree(os.path.dirname(self.path))  # a folder of its own

    def drop_slots(self):
        pass  # they lie in the test's own folder

    @contextlib.contextmanager
    def open(self, wait_s=30):
        # not read only: the first to come after a kill takes the journal back, as any reader would
        connection = sqlite3.connect(f"file:{self.path}?mode=rw", uri=True, timeout=wait_s)
        try:
            yield connection
        finally:
            connection.close()

    def query(self, statement, missing=None, wait_s=30):
        try:
            with self.open(wait_s) as connection:
                found = connection.execute(self.tables(statement)).fetchall()
                connection.commit()
                return found
        except sqlite3.OperationalError as problem:
            if missing is not None and ("no such table" in str(problem) or "unable to open" in str(problem)):
                return missing
            raise

    def rows(self, year):
        with self.open() as connection:
            for row in connection.execute(f"SELECT source_row, {', '.join(reference.NAMES)} FROM dvf"
                                          f" WHERE source_year = {year} ORDER BY source_row"):
                yield row[0], reference.from_sqlite(row[1:])

    def fingerprint(self, year):
        digest = hashlib.sha256()
        numbers = []
        with self.open() as connection:
            for row in connection.execute(f"SELECT * FROM dvf WHERE source_year = {year} ORDER BY source_row"):
                digest.update(repr(row).encode())
                numbers.append(row[-1])
        return (len(numbers), numbers[0] if numbers else None, numbers[-1] if numbers else None,
                len(set(numbers)), digest.hexdigest())

    def leftovers(self):
        return [name for name, in self.query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'dvf\\_import%' ESCAPE '\\'"
            " AND name NOT LIKE 'sqlite%' AND name NOT IN (SELECT table_name FROM {source}"
            " WHERE stage = 'published')")]


