"""The private PostgreSQL of a benchmark, and the table that every contender fills."""
import contextlib
import os
import shutil
import subprocess

import measure
import servers  # of tests/e2e
from importing import PROGRAM

FRENCH = "fr_FR.UTF-8"
SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB"}


def make_french(folder):
    """fr_FR.UTF-8 in a folder of our own, for this process and its children."""
    os.makedirs(folder, mode=0o755)
    done = subprocess.run(["localedef", "-i", "fr_FR", "-f", "UTF-8", os.path.join(folder, FRENCH)],
                          capture_output=True, text=True)
    if not os.path.isdir(os.path.join(folder, FRENCH)):
        raise SystemExit(f"ops/bench: localedef made no {FRENCH}: {done.stderr}")
    os.environ["LOCPATH"] = folder


class Cluster(servers.Postgres):
    """With fsync and everything else as PostgreSQL comes, but for SETTINGS."""

    def __init__(self, settings, work):
        os.chmod(work, 0o711)  # user postgres is to read the locale
        make_french(os.path.join(work, "locale"))
        self.chosen = {**SETTINGS, **settings}
        self.number = 0
        try:
            super().__init__(durable=True, settings=self.chosen)
        except BaseException:  # a signal, too: nobody has it yet who could remove it
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def cpu(self):
        """CPU seconds of the server so far: the postmaster, its children, and those that have ended."""
        return (measure.cpu_of(self.process.pid, children=True)
                + sum(measure.cpu_of(pid, children=True) for pid in measure.children_of(self.process.pid)))

    def described(self):
        version = self.sql("SHOW server_version")[0][0].split()[0]
        return f"PostgreSQL {version}, " + ", ".join(f"{name}={value}" for name, value in self.chosen.items()) \
            + ", the rest as it comes"

    @contextlib.contextmanager
    def database(self, locale="C.UTF-8"):
        """The name of a fresh one, gone at the end. What others left dirty is on disk before it is used."""
        self.number += 1
        name = f"bench_{self.number}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE '{locale}'")
        self.sql("CHECKPOINT")
        try:
            yield name
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, database):
        return f"postgresql://postgres@/{database}?host={self.folder.replace('/', '%2F')}&port={self.port}"

    def environment(self, database):
        """For psql."""
        return {"PATH": os.environ["PATH"], "HOME": self.folder, "LANG": "C.UTF-8", "PGHOST": self.folder,
                "PGPORT": str(self.port), "PGUSER": "postgres", "PGDATABASE": database}

    def fingerprint(self, database, table="dvf", without=()):
        """Equal for equal tables: how many rows, and a sum of hashes of whole rows as text."""
        names = [name for name, in self.sql(
            f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0"
            " AND NOT attisdropped ORDER BY attname", database) if name not in without]
        return self.sql(f"SELECT count(*), sum(hashtextextended(ROW({', '.join(names)})::text, 0)::numeric)"
                        f" FROM {table}", database)[0]


class Pattern:
    """The published table as the program makes it: columns, types, collations and indexes, read from a tiny import.
    So the contenders' table is the program's own, whatever that becomes."""

    def __init__(self, cluster, years, folder):
        with cluster.database() as name:
            done = subprocess.run([PROGRAM, "run", "--to", cluster.url(name), "--state",
                                   os.path.join(folder, "pattern"), "--source", years.source(100), "--years", "2022"],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"ops/bench: the import of 100 rows failed:\n{done.stderr}")
            self.columns = cluster.sql(
                "SELECT attname, format_type(atttypid, atttypmod), attnotnull, coalesce(collname = 'C', false)"
                " FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = attcollation"
                " WHERE attrelid = 'dvf'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", name)
            self.indexes = cluster.sql(
                "SELECT CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END,"
                " substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)$') FROM pg_index"
                " WHERE indrelid = (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'dvf'::regclass)"
                " ORDER BY indexrelid", name)

    def names(self):
        """The forty of the file."""
        return [name for name, *_ in self.columns if not name.startswith("source_")]

    def definition(self, knows_c=True):
        """Columns for CREATE TABLE. `knows_c`: codes are COLLATE "C", else all text has the database's collation."""
        def one(name, kind, required, code):
            words = [name, kind]
            if code and knows_c:
                words.append('COLLATE "C"')
            if required and name != "source_row":
                words.append("NOT NULL")
            return " ".join(words)
        return ", ".join(one(*column) for column in self.columns)

    def create(self, table="t", year=2022, knows_c=True):
        """Who has no source_row leaves it empty, so that the others have less work and not more."""
        return (f"CREATE TABLE {table} ({self.definition(knows_c)});"
                f" ALTER TABLE {table} ALTER source_year SET DEFAULT {year}")

    def index_statements(self, table="t"):
        return [f"CREATE {unique}INDEX ON {table} USING {tail}" for unique, tail in self.indexes]
