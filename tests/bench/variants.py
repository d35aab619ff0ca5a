"""The same load under different settings of dvf-import."""
import measure
from importing import Importing


class Variants:
    """Contenders that differ in options only; in the first round each must bring what the first one brought."""

    def __init__(self, bench, rows):
        self.bench, self.rows, self.expected = bench, rows, None
        self.source = bench.years.source(rows)

    def contender(self, *options):
        def turn(number):
            cluster = self.bench.cluster
            with cluster.database() as name:
                run = Importing(cluster.url(name), self.bench.folder(), self.source, "2022", *self.bench.options(),
                                *options, server=cluster)
                sample = run.load()
                sample.extra["chunks"], sample.extra["most"] = cluster.sql(
                    "SELECT count(*), max(rows) FROM dvf_import.chunk", name)[0]
                if number == 0:
                    self.check(cluster.fingerprint(name))
                return sample
        return turn

    def check(self, found):
        self.expected = self.expected or found
        if found != self.expected or found[0] != self.rows:
            raise measure.Failed(f"{found[0]} rows, and not those of the first variant")


def costs(found, first_column):
    return measure.table(
        [first_column, "chunks", "rows in the largest", "load, wall s", "CPU s client", "CPU s server",
         "peak MiB client"],
        [[name.removeprefix("dvf-import, "), measure.spread(samples, "chunks", "{:.0f}"),
          measure.spread(samples, "most", "{:.0f}"), measure.spread(samples), measure.spread(samples, "client"),
          measure.spread(samples, "server"), measure.mebi(samples)] for name, samples in found.items()])
