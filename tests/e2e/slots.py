"""Live, staging and previous of one PostgreSQL destination, quickly: copies of databases that were loaded once."""
import contextlib
import threading
import time

import psycopg2

import program
import servers

EDITIONS = {"a": {2020: (700, 1), 2021: (900, 1)},  # {year: (rows, seed)}
            "b": {2020: (700, 1), 2021: (1000, 2), 2022: (500, 1)}}
COUNTS = {edition: {year: rows for year, (rows, _) in years.items()} for edition, years in EDITIONS.items()}


class Loaded:
    """A server with databases edition_a and edition_b, each loaded by the program."""

    def __init__(self, server, made_years, folder):
        self.server = server
        for edition, years in EDITIONS.items():
            site = servers.Site(folder / f"site-{edition}")
            site.start()
            try:
                for year, (rows, seed) in years.items():
                    site.put(year, made_years(rows, year=year, seed=seed))
                server.sql(f"CREATE DATABASE edition_{edition} OWNER importer")
                home = folder / f"home-{edition}"
                home.mkdir()
                destination = program.PostgresDestination(server, f"edition_{edition}")
                program.Import(home, destination.to, site.source()).run_well(
                    "--years", ",".join(str(year) for year in years))
            finally:
                site.remove()

    def copy(self, edition, name):
        """A database like one that was loaded under that name just now: with an identity of its own."""
        self.server.sql(f"CREATE DATABASE {name} TEMPLATE edition_{edition} OWNER importer {self.server.file_copy()}")
        self.server.sql("UPDATE dvf_import.destination SET uuid = gen_random_uuid(), database_oid ="
                        " (SELECT oid FROM pg_database WHERE datname = current_database());"
                        "UPDATE dvf_import.source SET published_at = clock_timestamp()", name)


class Slots:
    """The three databases of a name, and the program that swaps them."""

    number = 0

    def __init__(self, loaded, folder, name=None):
        Slots.number += 1
        self.loaded, self.server = loaded, loaded.server
        self.name = name or f"swap_{Slots.number}"
        self.live = program.PostgresDestination(self.server, self.name)
        self.staging, self.previous = self.live.slot("staging"), self.live.slot("previous")
        home = folder / f"home-{self.name[:20]}"
        home.mkdir()
        self.importer = program.Import(home, self.live.to, "http://127.0.0.1:9/{year}")
        loaded.copy("a", self.name)
        loaded.copy("b", self.staging.name)

    def end(self):
        self.importer.end_all()
        with contextlib.suppress(psycopg2.Error):
            for gid, database in self.server.sql("SELECT gid, database FROM pg_prepared_xacts"):
                self.server.sql(f"ROLLBACK PREPARED '{gid}'", database)
        for slot, in self.server.sql("SELECT slot_name FROM pg_replication_slots"):
            self.server.sql(f"SELECT pg_drop_replication_slot('{slot}')")
        for name in self.databases():
            self.server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    def databases(self):
        return [name for name, in self.server.sql(
            f"SELECT datname FROM pg_database WHERE datname IN ('{self.name}', '{self.name}_staging',"
            f" '{self.name}_previous', '{self.name}_outgoing') ORDER BY 1")]

    def by_owner(self, statement, database=None):
        """As the role that owns the database."""
        with contextlib.closing(self.server.connect(database or self.name, "importer")) as connection, \
                connection.cursor() as cursor:
            cursor.execute(statement)

    def draining(self, process, seconds=20):
        """Waits until what is meant is written down: from then on a promote or revert waits for sessions. Asked as a
        role whose sessions may be ended."""
        def meant():
            with contextlib.closing(self.server.connect(self.name, "importer")) as connection, \
                    connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM dvf_import.swap WHERE done_at IS NULL")
                return cursor.fetchone()[0] or process.poll() is not None

        servers.wait_for(meant, seconds, "the drain")
        assert process.poll() is None, str(self.importer.finish(process))

    def uuid(self, destination):
        return destination.query("SELECT uuid::text FROM {destination}")[0][0]

    def call(self, command, *arguments, code=program.ALL):
        result = self.importer.call(command, "--drain", "0", *arguments)
        assert result.code == code, str(result)
        return result

    def promote(self, *arguments, code=program.ALL):
        return self.call("promote", *arguments, code=code)

    def revert(self, *arguments, code=program.ALL):
        return self.call("revert", *arguments, code=code)

    def picture(self):
        """Everything a dry run or a refusal must leave as it is."""
        shared = self.server.sql(
            "SELECT d.datname, d.oid, d.datdba, d.datacl::text, d.datconnlimit, d.datallowconn,"
            " shobj_description(d.oid, 'pg_database'), (SELECT array_agg((setrole, setconfig)::text ORDER BY setrole)"
            "  FROM pg_db_role_setting WHERE setdatabase = d.oid)"
            f" FROM pg_database d WHERE datname LIKE '{self.name}%' ORDER BY 1")
        inside = [self.server.sql(
            "SELECT (SELECT string_agg(t::text, ';') FROM dvf_import.destination t),"
            " (SELECT string_agg(t::text, ';' ORDER BY edition) FROM dvf_import.source t),"
            " (SELECT string_agg(t::text, ';' ORDER BY number) FROM dvf_import.swap t),"
            " (SELECT string_agg(t::text, ';' ORDER BY number) FROM dvf_import.history t),"
            " (SELECT count(*) FROM dvf), (SELECT string_agg(c.relname || c.relacl::text, ';' ORDER BY c.oid)"
            "  FROM pg_class c WHERE c.relacl IS NOT NULL AND c.oid >= 16384)", name) for name in self.databases()]
        return shared, inside


class Reader:
    """A client that asks live for the same sum in a loop, and connects again when it is thrown out."""

    def __init__(self, destination):
        self.destination = destination
        self.answers, self.longest_gap, self.again = [], 0.0, 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        connection, last = None, time.monotonic()
        while not self.stopped.is_set():
            try:
                connection = connection or self.destination.server.connect(self.destination.name, "importer")
                with connection.cursor() as cursor:
                    cursor.execute("SELECT source_year, count(*) FROM dvf GROUP BY 1")
                    answer = dict(cursor.fetchall())
            except psycopg2.Error:
                if connection is not None:
                    connection.close()
                connection, self.again = None, self.again + 1
                continue
            now = time.monotonic()
            self.longest_gap, last = max(self.longest_gap, now - last), now
            if not self.answers or self.answers[-1] != answer:
                self.answers.append(answer)
        if connection is not None:
            connection.close()

    def stop(self):
        self.stopped.set()
        self.thread.join(30)
        return self
