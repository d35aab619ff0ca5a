"""The plot: rows a second and resident memory over one import's time, made by gnuplot."""
import contextlib
import os
import subprocess
import time

import document
import measure
from importing import Importing
from resume import PostgresWitness

TITLE = "One import over its time"
LOOK_S = 0.1
OVER = 5  # looks that a rate is taken over

SCRIPT = """set terminal svg size 900,420 dynamic background '#ffffff'
set output '{out}'
set datafile separator '\\t'
set title '{title}'
set xlabel 'seconds since the start'
set ylabel 'rows/s committed'
set y2label 'resident memory, MiB'
set ytics nomirror
set y2tics
set yrange [0:*]
set y2range [0:32]
set format y '%.0s%c'
set grid ytics lc rgb '#dddddd'
set key outside top center horizontal
{marks}plot '{samples}' using 1:2 with lines lw 2 lc rgb '#1f5fa8' title 'rows/s', \\
     '' using 1:3 axes x1y2 with lines lw 2 lc rgb '#c05020' title 'memory'
"""


def samples_of(run, witness):
    """[(seconds, rows, resident bytes)] every 100 ms until it ends."""
    found = []
    while measure.memory_of(run.process.pid, "VmRSS") or not found:
        found.append((time.monotonic() - run.began, witness.read()[1], measure.memory_of(run.process.pid, "VmRSS")))
        time.sleep(LOOK_S)
    return [sample for sample in found if sample[2]]


def draw(folder, out, title, found, moments):
    """Writes the SVG; a vertical line where a stage begins."""
    samples = os.path.join(folder, "samples")
    with open(samples, "w", encoding="ascii") as file:
        for i, (at, rows, resident) in enumerate(found):
            before = found[max(0, i - OVER)]
            rate = (rows - before[1]) / (at - before[0]) if i else 0
            file.write(f"{at:.3f}\t{rate:.0f}\t{resident / 2**20:.2f}\n")
    marks = "".join(f"set arrow from {at:.3f}, graph 0 to {at:.3f}, graph 1 nohead dt 3 lc rgb '#888888'\n"
                    f"set label '{stage}' at {at:.3f}, graph {0.06 + 0.05 * (i % 3):.2f}"
                    f" {'right offset -0.4,0' if at > 0.8 * found[-1][0] else 'offset 0.4,0'} tc rgb '#555555'\n"
                    for i, (stage, at) in enumerate(moments))
    script = SCRIPT.format(out=out, title=title, marks=marks, samples=samples)
    done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"ops/bench: gnuplot failed:\n{done.stderr}")


def measured(bench):
    rows, cluster, folder = 4 * bench.args.rows, bench.cluster, bench.folder()
    source = bench.years.source(rows)
    with cluster.database() as name, contextlib.closing(PostgresWitness(cluster, name)) as witness:
        run = Importing(witness.to, folder, source, "2022", *bench.options(), server=cluster)
        found = samples_of(run, witness)
        whole = run.whole()
        count = cluster.sql("SELECT count(*) FROM dvf", name)[0][0]
    if count != rows:
        raise SystemExit(f"ops/bench: dvf-import brought {count} rows of {rows}")
    out = document.PLOT if bench.args.write else os.path.join(bench.years.folder, "throughput.svg")
    draw(folder, out, f"{rows:,} rows into PostgreSQL", found,
         [(moment.stage, moment.at - run.began) for moment in run.moments])
    place = "![rows a second and memory over the time of one import](throughput.svg)" if bench.args.write else ""
    return [f"One import of {rows:,} rows into PostgreSQL, {whole.wall:.1f} s, peak {whole.peak / 2**20:.1f} MiB. Rows are "
            f"those the witness had committed, asked every {LOOK_S * 1000:.0f} ms; a rate is over {OVER} of them.", place]
