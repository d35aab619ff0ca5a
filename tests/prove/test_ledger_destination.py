"""An SQLite destination that its owner damages: a clear error, or all of it right; never a year that is served and
wrong without a word."""
import contextlib
import os
import random
import sqlite3

import pytest

import damage
import everywhere
import program
from damage import BOTH, MOMENTS
from proof import chosen

GROUP = "ledger cases"
PAGE = 16384


@pytest.fixture
def half_way(make_destination, make_import, site, made_years, tmp_path):
    return damage.HalfWay(everywhere.Small(site, made_years), make_destination, make_import, tmp_path)


def served(destination):
    """{year: rows that a reader can read}; a reader who gets an error is not misled."""
    found = {}
    for year in everywhere.YEARS:
        with contextlib.suppress(sqlite3.Error):
            rows = list(destination.rows(year))
            if rows:
                found[year] = rows
    return found


def settle(case, half_way, destination, importer):
    """The next run ends all of it; or it says what is wrong with the file, and so does verify where a year is served
    that cannot be read; then a new file is made from what is there."""
    result = importer.run(*BOTH)
    if result.code == program.ALL:
        checked = importer.call("verify", *BOTH[:2])
        if checked.code == program.ALL:
            found = served(destination)
            if set(found) != set(everywhere.YEARS) or any(half_way.differs(*one) for one in found.items()):
                case.published_wrong(f"run and verify say that all is well: {checked}")
            try:
                half_way.right(case, destination, importer)
                return
            except sqlite3.DatabaseError:  # in an index of the bookkeeping, which nobody had to read
                damage.remove(importer.state)
        else:
            assert "differ" in checked.said or destination.path in checked.said, checked
    else:
        assert result.code in (program.NONE, program.SOME, program.REFUSED), result
        assert destination.path in result.said, result
        for year, rows in served(destination).items():
            if half_way.differs(year, rows) and importer.call("verify", "--years", str(year)).code == program.ALL:
                case.published_wrong(f"{year} is served, is wrong, and nothing says so: {result}")
    for ending in ("", "-wal", "-shm"):
        damage.remove(destination.path + ending)
    half_way.goes_on(case, destination, importer)


def test_log_deleted(proof, half_way):
    """What was committed and not yet moved into the file is gone: loaded again, never doubled."""
    case = proof(GROUP, "destination's -wal deleted, sqlite")
    for which, moment in chosen([(which, moment) for which in ("-wal", "-shm", "both") for moment in MOMENTS], few=1):
        with case.point(f"{which}, {moment}"):
            destination, importer = half_way.make("sqlite", moment)
            for ending in ("-wal", "-shm") if which == "both" else (which,):
                damage.remove(destination.path + ending)
            settle(case, half_way, destination, importer)


def test_cut(proof, half_way):
    case = proof(GROUP, "destination cut, sqlite")
    lengths = [page * PAGE + odd for page in range(40) for odd in (0, 1, 8000)]
    points = [(which, length) for which in ("in one file", "file", "-wal") for length in lengths]
    for which, length in chosen(points, few=1):
        with case.point(f"{which} at {length}"):
            destination, importer = half_way.make("sqlite", "in the load")
            if which == "in one file":
                damage.into_one_file(destination.path)
            path = destination.path + ("-wal" if which == "-wal" else "")
            damage.cut(path, min(length, os.path.getsize(path)))
            settle(case, half_way, destination, importer)


def test_spoiled(proof, half_way):
    case = proof(GROUP, "destination spoiled, sqlite")
    for seed in chosen(range(1, 401), few=1):
        rng = random.Random(seed)
        moment = rng.choice(list(MOMENTS))
        destination, importer = half_way.make("sqlite", moment)
        if rng.random() < 0.8:
            damage.into_one_file(destination.path)
        what = damage.spoil_pages(rng, destination.path, PAGE, rng.choice([1, 1, 3]))
        with case.point(f"seed {seed}, {moment}, {what}"):
            settle(case, half_way, destination, importer)
