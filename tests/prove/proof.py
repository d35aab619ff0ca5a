"""Counts the points of a proof: tried, survived, and what was lost where one was not survived.

    kills = proof("system calls killed", "run into sqlite")
    for call in chosen(range(1, calls + 1)):
        with kills.point(f"killed at call {call}"):
            ...                      # an AssertionError is counted and kept, and the sweep goes on
            kills.compare(destination, years)

PROVE=all tries every point, PROVE=20 (the default is 8) a random choice of that many; PROVE_SEED repeats a
choice; PROVE_PART=2/3 takes the second third, so that machines can share a sweep. PROVE_OUT names the file that
gets a line of JSON a case: ops/prove makes its table of it.
"""
import collections
import contextlib
import json
import os
import random
import time

import reference

PROVE = os.environ.get("PROVE", "8")
SEED = int(os.environ.get("PROVE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)


def random_source(salt=""):
    """A random.Random of this run's seed, which is printed: pytest shows it with a failure."""
    print(f"PROVE_SEED={SEED}")
    return random.Random(f"{SEED}{salt}")


def chosen(points, salt="", few=None):
    """All of them, or a few in their order; `few` where the default would take too long or prove too little."""
    points = list(points)
    part, _, parts = os.environ.get("PROVE_PART", "1/1").partition("/")
    if PROVE == "all":
        return points[(int(part) - 1) * len(points) // int(parts):int(part) * len(points) // int(parts)]
    few = int(PROVE) if few is None or "PROVE" in os.environ else few
    if few >= len(points):
        return points
    return [points[at] for at in sorted(random_source(salt).sample(range(len(points)), few))]


def how_many(all_of_them, few=None):
    """How often to do what has no countable points: a server killed at a random moment."""
    if PROVE == "all":
        part, _, parts = os.environ.get("PROVE_PART", "1/1").partition("/")
        return int(part) * all_of_them // int(parts) - (int(part) - 1) * all_of_them // int(parts)
    return int(PROVE) if few is None or "PROVE" in os.environ else few


class Lost(AssertionError):
    """Rows or rejects that are missing, doubled or foreign."""


class Proof:
    def __init__(self, group, case):
        self.group, self.case = group, case
        self.tried = self.survived = 0
        self.rows_lost = self.rows_doubled = self.rejects_wrong = self.wrong_years = 0
        self.wrong = []
        self.began = time.monotonic()

    @contextlib.contextmanager
    def point(self, name):
        """One point; what fails in it is kept with its name."""
        self.tried += 1
        try:
            yield
        except Exception as problem:  # whatever it was, this point was not survived
            self.wrong.append(f"{self.case}: {name}: {type(problem).__name__}: {problem}"[:4000])
            self.tell(self.wrong[-1])
        else:
            self.survived += 1

    def tell(self, wrong):
        """At once: a sweep takes hours, and one that is ended before its end has told what it met."""
        if "PROVE_OUT" in os.environ:
            with open(os.environ["PROVE_OUT"] + ".wrong", "a", encoding="utf-8") as out:
                out.write(wrong + "\n\n")

    def compare(self, destination, years, rejects=()):
        """Asserts that `dvf` holds just the rows of `years` ({year: path of the file}), each once, and that the
        rejects are just `rejects` ({(year, record)}), each once."""
        lost = doubled = wrong = 0
        for year, path in years.items():
            expected = expected_rows(path, frozenset(record for of, record in rejects if of == year))
            found = collections.Counter(destination.rows(year))
            lost += (expected - found).total()
            doubled += (found - expected).total()
            wrong += expected != found
        here = collections.Counter(destination.rejects())
        other_rejects = sum(((here - collections.Counter(rejects)) + (collections.Counter(rejects) - here)).values())
        strangers = sorted(set(destination.counts()) - set(years))
        self.rows_lost, self.rows_doubled = self.rows_lost + lost, self.rows_doubled + doubled
        self.rejects_wrong, self.wrong_years = self.rejects_wrong + other_rejects, self.wrong_years + wrong
        if lost or doubled or other_rejects or strangers:
            raise Lost(f"{lost} rows lost, {doubled} doubled or foreign, {other_rejects} rejects lost or doubled,"
                       f" years nobody asked for: {strangers}")

    def published_wrong(self, what):
        """Counts a year that is served and should not be."""
        self.wrong_years += 1
        raise Lost(what)

    def write(self):
        if "PROVE_OUT" not in os.environ:
            return
        line = {name: getattr(self, name) for name in (
            "group", "case", "tried", "survived", "rows_lost", "rows_doubled", "rejects_wrong", "wrong_years")}
        line["seconds"] = round(time.monotonic() - self.began, 1)
        with open(os.environ["PROVE_OUT"], "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")


EXPECTED = {}


def expected_rows(path, without):
    """The rows of a small file as a Counter, read once."""
    key = path, os.stat(path).st_mtime_ns, without
    if key not in EXPECTED:
        EXPECTED[key] = collections.Counter(reference.rows(path, without))
    return EXPECTED[key]
