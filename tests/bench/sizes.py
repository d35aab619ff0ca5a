"""Case (l): a year twice as large takes twice as long, and no more memory."""
import os
import sqlite3

import measure
from importing import Importing

TITLE = "Sizes: seconds and memory by the rows of a year"
TIMES = (0.5, 1, 2, 4, 8)


class Sizes:
    def __init__(self, bench):
        self.bench = bench
        self.rows = [int(bench.args.rows * times) for times in TIMES]

    def run(self, to, rows, server=None):
        run = Importing(to, self.bench.made[-1], self.bench.years.source(rows), "2022", "--loaders", 2,
                        *self.bench.options(), server=server)
        sample = run.load()
        sample.extra.update(load_us=sample.wall / rows * 1e6, whole_us=sample.extra["whole"] / rows * 1e6,
                            peak_mib=sample.peak / 2**20)
        return sample

    def postgres(self, rows):
        def turn(_):
            cluster = self.bench.cluster
            with cluster.database() as name:
                self.bench.folder()
                sample = self.run(cluster.url(name), rows, cluster)
                self.check(cluster.sql("SELECT count(*), count(DISTINCT source_row) FROM dvf", name)[0], rows)
                return sample
        return turn

    def sqlite(self, rows):
        def turn(_):
            path = os.path.join(self.bench.folder(), "dvf.sqlite")
            sample = self.run(f"sqlite:{path}", rows)
            with sqlite3.connect(path) as connection:
                self.check(connection.execute("SELECT count(*), count(DISTINCT source_row) FROM dvf").fetchone(), rows)
            return sample
        return turn

    @staticmethod
    def check(found, rows):
        if found != (rows, rows):
            raise measure.Failed(f"{found[0]} rows, {found[1]} of them different, of {rows}")


def flat(samples, name):
    """Largest median over smallest."""
    medians = [measure.median(one, name) for one in samples]
    return [max(medians) / min(medians)]


def measured(bench):
    case = Sizes(bench)
    found = measure.in_turns(bench.args.rounds, {
        f"dvf-import, {kind}, {rows}": make(rows)
        for rows in case.rows for kind, make in (("PostgreSQL", case.postgres), ("SQLite", case.sqlite))})
    table = [[name.split(", ")[1], f"{int(name.split(', ')[2]):,}", measure.spread(samples), measure.spread(samples, "whole"),
              measure.spread(samples, "load_us"), measure.spread(samples, "whole_us"),
              measure.spread(samples, "peak_mib", "{:.1f}")] for name, samples in sorted(found.items(), key=order)]
    goals = []
    for kind in ("PostgreSQL", "SQLite"):
        samples = [found[f"dvf-import, {kind}, {rows}"] for rows in case.rows]
        goals += [measure.goal(f"{kind}: peak MiB, of all runs",
                               [max(s.extra["peak_mib"] for one in samples for s in one)], 24.0, "{:.1f}"),
                  measure.goal(f"{kind}: peak, largest / smallest of the sizes", flat(samples, "peak_mib"), None),
                  measure.goal(f"{kind}: load s a row, slowest / fastest of the sizes", flat(samples, "load_us"), 1.10),
                  measure.goal(f"{kind}: whole run s a row, the same", flat(samples, "whole_us"), None)]
    return ["Two loaders (SQLite: one). Peak is the kernel's VmHWM of dvf-import. Every row was counted, and its "
            "source_row.",
            measure.table(["destination", "rows", "load s", "whole run s", "load µs a row", "whole µs a row", "peak MiB"],
                          table),
            measure.goals(goals)]


def order(item):
    """By destination, then by rows."""
    _, kind, rows = item[0].split(", ")
    return kind, int(rows)
