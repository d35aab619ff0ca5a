"""One allocation of a run fails, each time another one, in our code and in the libraries; the next `run` ends it.

There are tens of thousands of allocations in a run, from a few thousand places: a place is a stack of calls, and each
place fails once (tests/prove/nth_malloc.c)."""
import os
import shutil

import pytest

import everywhere
import program
from everywhere import SETTINGS
from proof import PROVE, random_source

PRELOADED = os.path.join(program.ROOT, "build", "tests", "prove", "nth-malloc.so")
ARGUMENTS = (*SETTINGS, "--wait", "2", "--retries", "1", "--stall", "2")
MOST = 20000  # more places than there are: the sweep ends when nothing new failed


def preloaded(importer, **settings):
    """Addresses are the same each time; env, so that setarch, whose own are not, is not preloaded: it would meet a new
    stack each time, and the sweep would never end. Kerberos, which libpq asks for credentials before anything else,
    is left out: where it finds no memory it crashes (gss_add_cred_from)."""
    words = [f"{name}={value}" for name, value in {"LD_PRELOAD": PRELOADED, "PGGSSENCMODE": "disable", **settings}.items()]
    return importer.with_(wrapper=["setarch", "-R", "env", *words])


def places(make_destination, make_import, kind, path):
    destination = make_destination(kind)
    preloaded(make_import(destination), NTH_MALLOC_COUNT=path).run_well(*ARGUMENTS)
    destination.drop()
    return int(path.read_text().split()[1])


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_allocation_fails(proof, kind, make_destination, make_import, site, made_years, tmp_path):
    small = everywhere.Small(site, made_years)
    rng, tried = random_source(kind), tmp_path / "tried"
    tried.touch()
    faults = proof("faults injected", f"an allocation fails; into {kind}")
    if PROVE == "all":
        skips = [0] * MOST
    else:
        count = places(make_destination, make_import, kind, tmp_path / "count")
        skips = [rng.randrange(count) for _ in range(4 if "PROVE" not in os.environ else int(PROVE))]
    for turn, skip in enumerate(skips):
        with faults.point(f"turn {turn}, after {skip} others"):
            before = tried.stat().st_size
            destination = make_destination(kind)
            importer = make_import(destination)
            result = preloaded(importer, NTH_MALLOC_TRIED=tried, NTH_MALLOC_SKIP=skip).run(*ARGUMENTS, seconds=60)
            assert result.code in (program.ALL, program.NONE, program.SOME), str(result)
            assert result.code == program.ALL or any("memory" in reason for reason in everywhere.reasons(result)), \
                f"no word of memory\n{result}"
            small.nothing_partial(destination)
            importer.run_well(*SETTINGS)
            small.right(faults, destination, importer)
            shutil.rmtree(importer.home)
            destination.drop()
        if skip == 0 and tried.stat().st_size == before:
            break  # every place has failed once
    else:
        assert PROVE != "all", f"after {MOST} there are still places that have not failed"
