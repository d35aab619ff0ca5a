"""Case (j): what small commits cost."""
import measure
import variants

TITLE = "Commits: rows a chunk"
SIZES = (1000, 3000, 6000, 12000)
MEMORY = "256M"  # a chunk may have a 96th of it


def measured(bench):
    rows = bench.args.rows
    case = variants.Variants(bench, rows)
    found = measure.in_turns(bench.args.rounds, {
        f"dvf-import, {size}": case.contender("--memory-limit", MEMORY, "--chunk-rows", size)
        for size in (*SIZES, 100000)})
    most = found["dvf-import, 100000"]
    goals = [measure.goal(f"{size} / largest chunks", measure.ratios(found[f"dvf-import, {size}"], most),
                          1.05 if size == 3000 else None) for size in SIZES]
    return [f"{rows:,} rows, `--memory-limit {MEMORY}`. One commit for the year cannot be had: a chunk ends at a 96th of the "
            f"memory limit, 4 MiB at most, so the largest that 100000 rows a chunk gave had {most[0].extra['most']} rows, "
            f"{most[0].extra['chunks']} commits in all. The tables were found equal.",
            variants.costs(found, "rows a chunk asked for"), measure.goals(goals)]
