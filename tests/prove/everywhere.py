"""A small import that can be met at any of its system calls, and what must be true afterwards."""
import os
import re

import program
import shapes

NTH_CALL = os.path.join(program.ROOT, "build", "tests", "prove", "nth-call")
YEARS = (2020, 2021)
ROWS = 120
SPOILED = {2020: {7, 61}, 2021: {119}}  # records that are no rows, by year
SETTINGS = ("--years", "2020,2021", "--chunk-rows", "50", "--loaders", "2")


def spoil(path, records):
    """The year with a date that is none in these records: (bytes of the new .gz)."""
    import gzip
    lines = gzip.open(path).read().split(b"\n")
    for record in records:
        fields = lines[record].split(b",")
        fields[1] = b"no date"
        lines[record] = b",".join(fields)
    return gzip.compress(b"\n".join(lines), mtime=0)


class Small:
    """Two years of 120 records, three of which are refused; three chunks each, two loaders."""

    def __init__(self, site, made_years):
        self.site = site
        self.files = {year: site.put(year, spoil(made_years(ROWS, year), SPOILED[year])) for year in YEARS}
        self.rejects = {(year, record) for year, records in SPOILED.items() for record in records}

    def pack(self, members):
        """The same years in so many gzip members, from now on; {year: path}."""
        for year, path in self.files.items():
            self.site.put(year, shapes.pack(shapes.plain_of(path), members))
        return self.files

    def right(self, proof, destination, importer):
        """After the last run: every row once, every reject once, chunks that tile, a whole history, a clean spool."""
        proof.compare(destination, self.files, self.rejects)
        destination.tiles()
        assert destination.leftovers() == []
        history = importer.call("history", "--verify")
        assert history.code == program.ALL, f"history: {history}"


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
