"""Case (h): inflate, cut, parse and encode alone, on one core, with nowhere to go."""
import os

import measure
from importing import ROOT

TITLE = "Inflate, cut, split, parse and encode alone, one core"
PROGRAM = os.path.join(ROOT, "build", "tests", "bench", "bench_parse")
DEPTHS = ("inflate", "cut", "split", "parse", "encode")
PER_MILLION = 0.75
PER_ROW = 183  # plain bytes, of which the goal speaks


def turn_of(bench):
    packed = bench.years.path(bench.args.rows)

    def turn(_):
        sample = measure.run([PROGRAM, packed, "2022"], bench.folder())
        before = 0
        for line in sample.extra["said"].splitlines():
            depth, seconds, plain, rows, encoded = line.split()
            sample.extra.update({f"{depth} whole": float(seconds), f"+{depth}": float(seconds) - before})
            before = float(seconds)
        sample.extra.update(plain=int(plain), rows=int(rows), encoded=int(encoded),
                            per_million=before / int(rows) * 1e6)
        sample.extra["per_million_183"] = before / int(plain) * PER_ROW * 1e6
        if int(rows) != bench.args.rows:
            raise SystemExit(f"ops/bench: {rows} of {bench.args.rows} rows were parsed")
        return sample
    return turn


def measured(bench):
    found = measure.in_turns(bench.args.rounds, {"bench_parse (h)": turn_of(bench)})
    samples = found["bench_parse (h)"]
    if isinstance(samples, measure.Failed):
        raise SystemExit(f"ops/bench: bench_parse failed: {samples}")
    plain, rows = samples[0].extra["plain"], samples[0].extra["rows"]
    table = [[f"+ {depth}" if depth != "inflate" else depth, measure.spread(samples, f"+{depth}", "{:.3f}"),
              measure.spread(samples, f"{depth} whole", "{:.3f}"),
              f"{plain / 1e6 / measure.median(samples, f'{depth} whole'):,.0f}"] for depth in DEPTHS]
    return [f"{rows:,} rows, {plain / 1e6:.1f} MB plain ({plain / rows:.0f} bytes a row), encoded to "
            f"{samples[0].extra['encoded'] / 1e6:.1f} MB. One pass of the file for each line (tests/bench/bench_parse.c); "
            f"peak {measure.mebi(samples)} MiB. \"split\" finds the fields; \"parse\" is row_parse, which splits as well.",
            measure.table(["", "CPU s of the step", "CPU s from the start", "MB plain a second"], table),
            measure.goals([
                measure.goal("CPU s a million of these rows", [s.extra["per_million"] for s in samples], None),
                measure.goal("CPU s a million rows of 183 plain bytes", [s.extra["per_million_183"] for s in samples],
                             PER_MILLION)])]
