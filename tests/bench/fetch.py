"""Case (g): a download over loopback, beside `curl -o`."""
import hashlib
import os
import shlex

import measure
import servers
from importing import ROOT

TITLE = "Fetch: one packed year over loopback"
PROGRAM = os.path.join(ROOT, "build", "tests", "bench", "bench_fetch")


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measured(bench):
    rows = bench.args.rows
    packed = bench.years.path(rows)
    wanted = sha256_of(packed)
    site = servers.Site(bench.years.site(rows))

    def is_right(number, path):
        if number == 0 and sha256_of(path) != wanted:
            raise measure.Failed("the file is not the one that is served")

    def ours(number):
        sample = measure.run([PROGRAM, url, bench.folder()], bench.work)
        is_right(number, sample.extra["said"].split()[0])
        return sample

    def curl(then):
        def turn(number):
            path = os.path.join(bench.folder(), "full.csv.gz")
            sample = measure.shell(f"curl -fsS -o {shlex.quote(path)} {shlex.quote(url)}"
                                   + then.format(shlex.quote(path)), bench.work)
            is_right(number, path)
            return sample
        return turn

    try:
        site.start()
        url = site.source().replace("{year}", "2022")
        found = measure.in_turns(bench.args.rounds, {
            "fetch": ours, "curl -o (g)": curl(""), "curl -o, sync, sha256sum": curl("; sync {0}; sha256sum {0}")})
    finally:
        site.remove()
    fetch, plain, same = found.values()
    return [f"{os.path.getsize(packed) / 1e6:.1f} MB from nginx. fetch is the program's own (tests/bench/bench_fetch.c): "
            "hashed as it comes, fsynced every 8 MiB and at the end; curl does neither, so the third line does both after "
            "it. Every file was found to be the one that is served, or it says so here.",
            measure.costs(found),
            measure.goals([measure.goal("fetch / curl -o", measure.ratios(fetch, plain), 1.05),
                           measure.goal("fetch / curl -o, sync, sha256sum", measure.ratios(fetch, same), None)]),
            *measure.failures(found)]
