"""Case (d): a year into a table without indexes, beside pgloader, which takes a minute for it."""
import os
import shlex

import measure
from load import Load

TITLE = "Load beside pgloader"


class Pgloader(Load):
    def pgloader(self, number):
        cluster, folder = self.bench.cluster, self.bench.folder()
        names = ", ".join(f"{name} [null if blanks]" for name in self.bench.pattern.names())
        with cluster.database() as name:
            cluster.sql(self.bench.pattern.create(), name)
            script = os.path.join(folder, "year.load")
            with open(script, "w", encoding="utf-8") as out:
                out.write(f"""LOAD CSV FROM stdin ({names})
  INTO postgresql://postgres@unix:{cluster.folder}:{cluster.port}/{name}
  TARGET TABLE public.t ({', '.join(self.bench.pattern.names())})
  WITH skip header = 1, fields terminated by ',', fields optionally enclosed by '"', fields escaped by double-quote;
""")
            sample = measure.shell(f"gunzip -c {shlex.quote(self.packed)} | pgloader --root-dir {shlex.quote(folder)}"
                                   f" {shlex.quote(script)}", folder, cluster, cluster.environment(name))
            self.check(number, name, "t")
            return sample


def measured(bench):
    """The section of the report."""
    case = Pgloader(bench)
    found = measure.in_turns(bench.args.rounds, {
        "dvf-import, load only (a)": case.ours,
        **({"pgloader (d)": case.pgloader} if bench.has("pgloader") else {})})
    ours, *rest = found.values()
    goals = [measure.goal("dvf-import / pgloader", measure.ratios(ours, one), 0.04, "{:.3f}") for one in rest]
    return [f"{case.rows:,} rows, as above. pgloader leaves source_row empty, too.", measure.costs(found),
            measure.goals(goals) if goals else "", *measure.failures(found)]
