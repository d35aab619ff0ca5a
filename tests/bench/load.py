"""Cases (a) to (c): a year into a table without indexes, beside psql and the server alone."""
import os
import shlex
import subprocess

import measure
from importing import Importing

TITLE = "Load: one year into a typed table without indexes"


def psql(statement):
    return f"psql -X -q -v ON_ERROR_STOP=1 -c {shlex.quote(statement)}"


class Load:
    """The contenders. Each has a database of its own a turn, and its table is compared in the first round."""

    def __init__(self, bench):
        self.bench, self.rows = bench, bench.args.rows
        self.packed = bench.years.path(self.rows)
        self.halves = self.expected = self.expected_whole = None

    def check(self, number, database, table, whole_row=False):
        """Failed unless the table has what dvf-import's has."""
        if number == 0:
            found = self.bench.cluster.fingerprint(database, table, () if whole_row else ("source_row",))
            if found != (self.expected_whole if whole_row else self.expected):
                raise measure.Failed(f"{found[0]} rows, and not all of them are those of dvf-import")

    def ours(self, number):
        cluster = self.bench.cluster
        with cluster.database() as name:
            run = Importing(cluster.url(name), self.bench.folder(), self.bench.years.source(self.rows), "2022",
                            *self.bench.options(), server=cluster)
            sample = run.load()
            if number == 0:
                self.expected = cluster.fingerprint(name, "dvf", ("source_row",))
                self.expected_whole = cluster.fingerprint(name)
                if self.expected[0] != self.rows:
                    raise SystemExit(f"ops/bench: dvf-import brought {self.expected[0]} rows of {self.rows}")
                self.make_halves(name)
            return sample

    def make_halves(self, database):
        """Two files in COPY's binary form, in the server's folder, from what is in the table."""
        folder = os.path.join(self.bench.cluster.folder, "halves")
        subprocess.run([*self.bench.cluster.as_user, "mkdir", "-p", folder], check=True)
        middle = self.rows // 2
        self.halves = [(f"{folder}/1", f"source_row <= {middle}"), (f"{folder}/2", f"source_row > {middle}")]
        for path, which in self.halves:
            self.bench.cluster.sql(f"COPY (SELECT * FROM dvf WHERE {which} ORDER BY source_row)"
                                   f" TO '{path}' (FORMAT binary)", database)

    def into_table(self, number, text, whole_row=False):
        cluster = self.bench.cluster
        with cluster.database() as name:
            cluster.sql(self.bench.pattern.create(), name)
            sample = measure.shell(text, self.bench.folder(), cluster, cluster.environment(name))
            self.check(number, name, "t", whole_row)
            return sample

    def psql_csv(self, number):
        columns = ", ".join(self.bench.pattern.names())
        return self.into_table(number, f"gunzip -c {shlex.quote(self.packed)} | "
                               + psql(f"COPY t ({columns}) FROM STDIN (FORMAT csv, HEADER match)"))

    def server_alone(self, number):
        first, second = (psql(f"COPY t FROM '{path}' (FORMAT binary)") for path, _ in self.halves)
        return self.into_table(number, f"{first} & other=$!; {second}; wait $other", whole_row=True)


def measured(bench):
    """The section of the report."""
    case = Load(bench)
    found = measure.in_turns(bench.args.rounds, {
        "dvf-import, load only (a)": case.ours,
        "gunzip -c, psql COPY CSV (b)": case.psql_csv,
        "server's COPY binary, two half files (c)": case.server_alone})
    ours, csv, alone = found.values()
    goals = [measure.goal("dvf-import / psql COPY CSV", measure.ratios(ours, csv), 0.60),
             measure.goal("dvf-import / server alone", measure.ratios(ours, alone), 1.15)]
    start = measure.spread(ours, "start")
    return [f"{case.rows:,} rows, {os.path.getsize(case.packed) / 1e6:.1f} MB packed. dvf-import: "
            f"{ours[0].extra['plan']}. Its load is from its line \"loading\" to its line \"indexing\"; before it "
            f"come {start} s (start, connecting, making the tables, copying the file). psql fills the same "
            "columns and leaves source_row empty. In the first round every table was found equal to dvf-import's "
            "(count and a sum of hashes of all rows), or it says so here.",
            measure.costs(found), measure.goals(goals), *measure.failures(found)]
