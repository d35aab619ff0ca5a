"""The index stage alone, beside the same CREATE INDEXes one after another, in a French database."""
import contextlib
import shlex
import threading
import time

import measure
from cluster import FRENCH
from importing import Importing
from load import psql

TITLE = "Index stage: the indexes of one year, in a fr_FR.UTF-8 database"
LOOK_S = 0.01


class Watch:
    """When the server made indexes, and when it vacuumed: from pg_stat_activity, on the server's own clock."""

    def __init__(self, cluster, database):
        self.connection = cluster.connect("postgres")
        self.database, self.ended = database, False
        self.indexes, self.vacuum = [], []
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        with self.connection.cursor() as cursor:
            while not self.ended:
                cursor.execute(
                    "SELECT query ~* '^ *VACUUM', extract(epoch FROM query_start)::float8,"
                    " extract(epoch FROM clock_timestamp())::float8 FROM pg_stat_activity WHERE datname = %s"
                    " AND state = 'active' AND query ~* '^ *(CREATE (UNIQUE )?INDEX|VACUUM)'", (self.database,))
                for is_vacuum, began, now in cursor.fetchall():
                    (self.vacuum if is_vacuum else self.indexes).append((began, now))
                time.sleep(LOOK_S)

    def close(self):
        self.ended = True
        self.thread.join()
        self.connection.close()

    @staticmethod
    def length(seen, since=0):
        """From the first statement's beginning to the last moment one was seen; those begun before `since` are others'."""
        seen = [span for span in seen if span[0] >= since]
        return max(now for _, now in seen) - min(began for began, _ in seen) if seen else None


class Index:
    def __init__(self, bench):
        self.bench, self.rows = bench, bench.args.rows
        self.packed = bench.years.path(self.rows)

    def ours(self, _):
        cluster = self.bench.cluster
        with cluster.database(FRENCH) as name:
            run = Importing(cluster.url(name), self.bench.folder(), self.bench.years.source(self.rows), "2022",
                            *self.bench.options(), server=cluster)
            with contextlib.closing(Watch(cluster, name)) as watch:
                whole = run.whole()
            sample = run.between("indexing", "checking", whole)
            loading = run.moment("loading").clock  # before it dvf got its indexes, all empty
            sample.extra["indexes"] = watch.length(watch.indexes, loading) or sample.wall
            sample.extra["vacuum"] = watch.length(watch.vacuum)
            return sample

    def by_hand(self, knows_c):
        def turn(_):
            cluster, columns = self.bench.cluster, ", ".join(self.bench.pattern.names())
            with cluster.database(FRENCH) as name:
                environment, folder = cluster.environment(name), self.bench.folder()
                cluster.sql("CREATE SEQUENCE numbers CACHE 1000; " + self.bench.pattern.create(knows_c=knows_c)
                            + "; ALTER TABLE t ALTER source_row SET DEFAULT nextval('numbers')", name)
                measure.shell(f"gunzip -c {shlex.quote(self.packed)} | "
                              + psql(f"COPY t ({columns}) FROM STDIN (FORMAT csv, HEADER match)"), folder, None,
                              environment)
                statements = "".join(f" -c {shlex.quote(one)}" for one in self.bench.pattern.index_statements())
                with contextlib.closing(Watch(cluster, name)) as watch:
                    sample = measure.shell(f"psql -X -q -v ON_ERROR_STOP=1{statements}", folder, cluster, environment)
                vacuum = measure.shell(psql("VACUUM (FREEZE, ANALYZE) t"), folder, cluster, environment)
                sample.extra.update(indexes=watch.length(watch.indexes) or sample.wall, vacuum=vacuum.wall)
                sample.wall += vacuum.wall
                sample.client, sample.server = sample.client + vacuum.client, sample.server + vacuum.server
                return sample
        return turn


def measured(bench):
    case = Index(bench)
    found = measure.in_turns(bench.args.rounds, {
        "dvf-import's index stage": case.ours,
        "CREATE INDEX one after another, the database's collation": case.by_hand(False),
        'the same, code columns COLLATE "C"': case.by_hand(True)})
    ours, own, knowing = found.values()
    rows = [[name, measure.spread(samples, "indexes"), measure.spread(samples, "vacuum"), measure.spread(samples),
             measure.spread(samples, "server")] for name, samples in found.items()]
    return [f"{case.rows:,} rows; {len(bench.pattern.indexes)} indexes: "
            + ", ".join(f"{unique.lower()}{tail}" for unique, tail in bench.pattern.indexes)
            + ". The stage of dvf-import ends with VACUUM (FREEZE, ANALYZE), so that is timed for the others too.",
            measure.table(["", "indexes s", "VACUUM (FREEZE, ANALYZE) s", "both, wall s", "CPU s server"], rows),
            measure.goals([
                measure.goal("indexes: dvf-import / the database's collation",
                             measure.ratios(ours, own, "indexes"), 0.50),
                measure.goal('indexes: dvf-import / codes COLLATE "C"', measure.ratios(ours, knowing, "indexes"), None),
                measure.goal("stage with VACUUM / the database's collation", measure.ratios(ours, own), None)]),
            *measure.failures(found)]
