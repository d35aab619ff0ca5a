"""A small import that can be met at any of its system calls, and what must be true afterwards."""
import collections
import contextlib
import gzip
import hashlib
import os
import re
import sqlite3

import program
import shapes
from proof import expected_rows

NTH_CALL = os.path.join(program.ROOT, "build", "tests", "prove", "nth-call")
YEARS = (2020, 2021)
ROWS = 120
SPOILED = {2020: {7, 61}, 2021: {119}}  # records that are no rows, by year
SETTINGS = ("--years", "2020,2021", "--chunk-rows", "50", "--loaders", "2")


def spoil(path, records):
    """The year with a date that is none in these records: (bytes of the new .gz)."""
    lines = gzip.open(path).read().split(b"\n")
    for record in records:
        fields = lines[record].split(b",")
        fields[1] = b"no date"
        lines[record] = b",".join(fields)
    return gzip.compress(b"\n".join(lines), mtime=0)


class Small:
    """Two years of 120 records, three of which are refused; three chunks each, two loaders."""

    def __init__(self, site, made_years):
        self.site, self.made_years, self.members = site, made_years, 1
        self.files, self.editions = {}, {year: [] for year in YEARS}
        self.rejects = {(year, record) for year, records in SPOILED.items() for record in records}
        for year in YEARS:
            self.publish(year, seed=1)

    def publish(self, year, seed):
        """The site has another edition of the year from now on."""
        self.files[year] = self.site.put(year, spoil(self.made_years(ROWS, year, seed), SPOILED[year]))
        self.editions[year].append(expected_rows(self.files[year], frozenset(SPOILED[year])))

    def nothing_partial(self, destination):
        """At any moment: what is served of a year is one edition, wholly."""
        for year in destination.counts():
            found = collections.Counter(destination.rows(year))
            assert found in self.editions[year], f"{found.total()} rows of {year} are served, and are no edition"

    def pack(self, members):
        """The same years in so many gzip members, from now on; {year: path}."""
        self.members = members
        for year, path in self.files.items():
            self.site.put(year, shapes.pack(shapes.plain_of(path), members))
        return self.files

    def right(self, proof, destination, importer, has_gone_back=False):
        """After the last run: every row once, every reject once, chunks that tile, a whole history, a ledger that
        says what the witness says, a spool of just what was loaded. A ledger that has gone back in time need not
        know how a year came in that is in already."""
        proof.compare(destination, self.files, self.rejects)
        destination.tiles()
        assert destination.leftovers() == []
        history = importer.call("history", "--verify")
        assert history.code == program.ALL, f"history: {history}"
        editions = {year: sha256_of(path) for year, path in self.files.items()}
        with ledger_of(importer) as ask:
            self.ledger_is_right(ask, destination, editions, has_gone_back)
            if not has_gone_back:
                self.spool_is_right(ask, importer, editions)

    @staticmethod
    def spool_is_right(ask, importer, editions):
        assert ask("SELECT year, sha256 FROM spool WHERE verified AND NOT dropped ORDER BY year") == \
            sorted(editions.items())
        names = sorted(os.listdir(os.path.join(importer.state, "spool")))
        assert names == sorted(f"{year}-{edition[:12]}.csv.gz" for year, edition in editions.items()), names
        for name in names:
            assert sha256_of(os.path.join(importer.state, "spool", name)) == editions[int(name[:4])], name

    @staticmethod
    def ledger_is_right(ask, destination, editions, has_gone_back):
        assert ask("PRAGMA integrity_check") == [("ok",)]
        assert ask("SELECT year, file FROM part") == []
        assert ask("SELECT year, stage, sha256, rows, rejects FROM year ORDER BY year") == [
            (year, "published", editions[year], ROWS - len(SPOILED[year]), len(SPOILED[year])) for year in YEARS]
        ranges = ask("SELECT sha256, min(plain_first), max(plain_end), sum(rows), sum(rejects), count(*)"
                     " FROM range GROUP BY sha256 ORDER BY substr(sha256, -64)")
        # those of an edition that was replaced stay behind, and mean nothing
        ranges = [(edition[-64:], *whole) for edition, *whole in ranges if edition[-64:] in editions.values()]
        known = sorted((edition[-64:], *whole, 1) for edition, whole in witness(destination).items())
        assert ranges == known or (has_gone_back and set(ranges) < set(known))
        assert ask("SELECT id FROM run WHERE outcome IS NULL") == [], "a run that is told to be at work still"
        published = ask("SELECT DISTINCT year FROM event WHERE kind IN ('year published', 'year found published')"
                        " ORDER BY year")
        assert published == [(year,) for year in YEARS], f"the history tells of the publication of {published}"


@contextlib.contextmanager
def ledger_of(importer):
    """ask(statement) of an importer's ledger."""
    path = os.path.join(importer.state, "state.sqlite")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
        yield lambda statement: ledger.execute(statement).fetchall()


def witness(destination):
    """{edition: (first, end, rows, rejects)} as the chunks say it."""
    found = {}
    for edition, first, end, _, rows, rejects, _ in sorted(destination.chunks()):
        known = found.get(edition, (first, end, 0, 0))
        found[edition] = (known[0], end, known[2] + rows, known[3] + rejects)
    return found


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


# How a full disk is told; "full" alone stands in every source's address.
FULL = r"[Nn]o space left|disk is full|make room|File too large|free on the disk"


def reasons(result):
    """What it gave as reasons: warnings, errors, the years that failed. Rejects are no reason here, and the log's
    first line tells of memory anyway."""
    return [line.partition("level=")[2] or line for line in result.said.splitlines()
            if ("level=error" in line or "level=warning" in line or line.startswith("dvf-import: ")
                or re.match(r"20\d\d: ", line)) and "rejected record" not in line]


def calls(log):
    """[(number, name, path, offset, length, second path)] of nth-call's log."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        fields = line.split("\t")
        if len(fields) == 6:
            found.append((int(fields[0]), fields[1], fields[2], int(fields[3]), int(fields[4]), fields[5]))
    return found


def total(log):
    return int(re.search(r"^total (\d+)$", log.read_text(errors="replace"), re.MULTILINE).group(1))
