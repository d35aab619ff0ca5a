"""Case (f): one year into SQLite, beside `sqlite3 .import` into the same typed table."""
import contextlib
import os
import re
import shlex
import sqlite3

import measure
from importing import ROOT, Importing

TITLE = "SQLite: one year into a typed table"
PRAGMAS = ("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
           " PRAGMA locking_mode = EXCLUSIVE;")


def statement(name, **values):
    """A statement of the program's own, as psql's notation has it."""
    with open(os.path.join(ROOT, "stages", "sql", "sqlite", name), encoding="utf-8") as file:
        text = file.read()
    for key, value in values.items():
        text = text.replace(f':"{key}"', value).replace(f":{key}", value)
    return " ".join(text.split())


def comparable(value):
    if isinstance(value, float):
        return round(value, 9)
    return None if value == "" else value


def fingerprint(path, table, names):
    """How many rows, and a sum of hashes. An empty text counts as NULL, for .import knows no NULL; degrees count to
    nine decimals, for this SQLite does not read every text as the nearest double, and dvf-import does."""
    count = total = 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for row in connection.execute(f"SELECT {', '.join(names)} FROM {table}"):
            count += 1
            total += hash(tuple(map(comparable, row)))
    return count, total


class Lite:
    def __init__(self, bench):
        self.bench, self.rows = bench, bench.args.rows
        self.packed = bench.years.path(self.rows)
        # without the two columns that the file has not: .import warns of each line that is too short
        self.create = re.sub(r", source_year .*\)$", ")", statement("edition_table.sql", table="t", year="2022"))
        self.names = re.findall(r"(\w+) (?:TEXT|NUMERIC|INTEGER|REAL)", self.create)
        self.indexes = [statement(name, table="t", index=name[:-4]) for name in
                        sorted(os.listdir(os.path.join(ROOT, "stages", "sql", "sqlite"))) if name.startswith("index_")]
        self.expected = None

    def ours(self, number):
        folder = self.bench.folder()
        path = os.path.join(folder, "dvf.sqlite")
        run = Importing(f"sqlite:{path}", folder, self.bench.years.source(self.rows), "2022", *self.bench.options())
        sample = run.load()
        if number == 0:
            self.expected = fingerprint(path, "dvf", self.names)
            if self.expected[0] != self.rows:
                raise SystemExit(f"ops/bench: dvf-import brought {self.expected[0]} rows of {self.rows}")
        return sample

    def import_command(self, number):
        folder = self.bench.folder()
        path = os.path.join(folder, "dvf.sqlite")
        script = os.path.join(folder, "import.sql")
        with open(script, "w", encoding="utf-8") as out:
            out.write(f"{PRAGMAS}\n{self.create};\n.import --csv --skip 1 \"|gunzip -c '{self.packed}'\" t\n")
        sample = measure.shell(f"sqlite3 -bail {shlex.quote(path)} <{shlex.quote(script)}", folder)
        if number == 0 and fingerprint(path, "t", self.names) != self.expected:
            raise measure.Failed("its rows are not those of dvf-import")
        rest = measure.shell(f"sqlite3 -bail {shlex.quote(path)} {shlex.quote(PRAGMAS + '; '.join(self.indexes))}",
                             folder)
        sample.extra["whole"] = sample.wall + rest.wall
        return sample


def measured(bench):
    case = Lite(bench)
    found = measure.in_turns(bench.args.rounds, {"dvf-import, load only": case.ours,
                                                 "gunzip -c, sqlite3 .import (f)": case.import_command})
    ours, theirs = found.values()
    whole = measure.table(["", "with indexes and ANALYZE, wall s"],
                          [[name, measure.spread(samples, "whole")] for name, samples in found.items()])
    pragmas = PRAGMAS.replace("PRAGMA ", "").rstrip(";").replace(";", ",")
    return [f"{case.rows:,} rows. dvf-import: {ours[0].extra['plan']}. `.import`, one transaction, was given {pragmas}. It "
            "fills the forty columns, leaves '' where dvf-import has NULL, and may miss a degree's nearest double by its "
            "last bit; but for that the tables were found equal, or it says so here. In the second table dvf-import is the "
            "whole run, with the check and the copy of the file into its spool.",
            measure.costs(found), whole,
            measure.goals([measure.goal("dvf-import / .import, load only", measure.ratios(ours, theirs), 0.35),
                           measure.goal("with indexes and ANALYZE", measure.ratios(ours, theirs, "whole"), None)]),
            *measure.failures(found)]
