"""Case (e): the whole job of several years over loopback, beside a careful shell script, in a French database."""
import os

import measure
import servers
from cluster import FRENCH
from importing import ROOT, STAGES, Importing

TITLE = "Whole job: download over loopback, load, index, check, publish, in a fr_FR.UTF-8 database"
SCRIPT = os.path.join(ROOT, "tests", "bench", "by_hand.sh")


class Whole:
    def __init__(self, bench, source):
        self.bench, self.source = bench, source
        self.rows, self.years = bench.args.rows, [2021 + i for i in range(bench.args.years)]
        self.expected = {}

    def check(self, number, database):
        """The years' contents, source_row included; dvf-import comes first."""
        if number == 0:
            found = self.bench.cluster.fingerprint(database)
            if self.expected.setdefault("dvf", found) != found:
                raise measure.Failed(f"{found[0]} rows, and not all of them are those of dvf-import")
            if found[0] != self.rows * len(self.years):
                raise measure.Failed(f"{found[0]} rows of {self.rows * len(self.years)}")

    def ours(self, number):
        cluster = self.bench.cluster
        with cluster.database(FRENCH) as name:
            run = Importing(cluster.url(name), self.bench.folder(), self.source, f"{self.years[0]}-{self.years[-1]}",
                            *self.bench.options(), server=cluster)
            sample = run.whole()
            self.stages(run, sample)
            self.check(number, name)
            return sample

    @staticmethod
    def stages(run, sample):
        """Seconds from each stage's line to the next line of whatever year."""
        ends = [moment.at for moment in run.moments[1:]] + [run.began + sample.wall]
        for stage in STAGES:
            sample.extra[stage] = sum(end - moment.at for moment, end in zip(run.moments, ends)
                                      if moment.stage == stage)

    def write_sql(self, folder, knows_c):
        pattern = self.bench.pattern
        own = [one for one in pattern.index_statements("dvf") if not one.startswith("CREATE UNIQUE")]
        texts = {"table.sql": f"CREATE TABLE dvf ({pattern.definition(knows_c)}) PARTITION BY LIST (source_year);"
                              + "".join(f"\n{one};" for one in own),
                 "columns": ", ".join(pattern.names()),
                 "indexes.sql": "".join(f"{one};\n" for one in pattern.index_statements(":table"))}
        for name, text in texts.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text + "\n")

    def by_hand(self, knows_c):
        def turn(number):
            cluster, folder = self.bench.cluster, self.bench.folder()
            self.write_sql(folder, knows_c)
            with cluster.database(FRENCH) as name:
                sample = measure.run([SCRIPT, self.source, folder, *map(str, self.years)], folder, cluster,
                                     cluster.environment(name))
                self.check(number, name)
                return sample
        return turn


def measured(bench):
    rows, years = bench.args.rows, range(2021, 2021 + bench.args.years)
    bench.years.source(rows, years)
    site = servers.Site(bench.years.site(rows))
    try:
        site.start()
        case = Whole(bench, site.source())
        found = measure.in_turns(bench.args.rounds, {
            "dvf-import": case.ours,
            "shell script, the database's collation (e)": case.by_hand(False),
            'shell script, code columns COLLATE "C"': case.by_hand(True)})
    finally:
        site.remove()
    ours, own, knowing = found.values()
    stages = measure.table(["dvf-import, its lines"] + list(STAGES),
                           [["wall s"] + [measure.spread(ours, stage) for stage in STAGES]])
    return [f"{len(years)} years of {rows:,} rows. The script: curl, gunzip, psql's COPY CSV, the same "
            f"{len(bench.pattern.indexes)} indexes, ANALYZE, ATTACH, one year after another (tests/bench/by_hand.sh). "
            "The tables were found equal, source_row included, or it says so here.",
            measure.costs(found), stages,
            measure.goals([
                measure.goal("dvf-import / script, the database's collation", measure.ratios(ours, own), 0.60),
                measure.goal('dvf-import / script, codes COLLATE "C"', measure.ratios(ours, knowing), 0.80)]),
            *measure.failures(found)]
