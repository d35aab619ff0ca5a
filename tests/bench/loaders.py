"""Case (k): how many connections load."""
import measure
import variants

TITLE = "Loaders: connections that load"
COUNTS = (1, 2, 4)


def measured(bench):
    rows = bench.args.rows
    case = variants.Variants(bench, rows)
    found = measure.in_turns(bench.args.rounds, {f"dvf-import, {count}": case.contender("--loaders", count)
                                                 for count in COUNTS})
    one = found["dvf-import, 1"]
    return [f"{rows:,} rows. The tables were found equal.", variants.costs(found, "loaders"),
            measure.goals([measure.goal(f"{count} loaders / 1", measure.ratios(found[f"dvf-import, {count}"], one), None)
                           for count in COUNTS[1:]])]
