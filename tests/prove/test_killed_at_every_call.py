"""SIGKILL at the n-th system call of an import, for every n; the next `run` ends what was begun."""
import shutil

import pytest

import everywhere
import program
from proof import chosen


def begin(kind, make_destination, make_import, place):
    destination = make_destination(kind)
    importer = make_import(destination)
    return destination, importer


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_run_is_killed(proof, kind, make_destination, make_import, site, made_years, tmp_path):
    small = everywhere.Small(site, made_years)
    log = tmp_path / "calls"
    first = make_import(make_destination(kind)).with_(wrapper=[everywhere.NTH_CALL, "-l", str(log)])
    first.run_well(*everywhere.SETTINGS)
    calls = everywhere.total(log)
    kills = proof("system calls killed", f"run into {kind}")
    for number in chosen(range(1, calls + 1), kind, few=25):
        with kills.point(f"killed at call {number} of {calls}"):
            destination = make_destination(kind)
            importer = make_import(destination)
            killed = importer.with_(wrapper=[everywhere.NTH_CALL, "-k", str(number)]).run(*everywhere.SETTINGS)
            assert killed.code in (137, program.ALL), killed  # ALL: this time it made fewer calls
            for year, rows in destination.counts().items():
                assert rows == everywhere.ROWS - len(everywhere.SPOILED[year]), "part of a year is served"
            importer.run_well(*everywhere.SETTINGS)
            small.right(kills, destination, importer)
            shutil.rmtree(importer.home)
