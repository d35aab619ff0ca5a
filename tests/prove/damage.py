"""Imports that were killed half way, and what is then done to the files they left."""
import collections
import contextlib
import os
import shutil
import signal
import sqlite3

import psycopg2

import everywhere
import ledgers
import proof
import program
import servers

CALLS = "pwrite64,write,sendto,rename,fsync,fdatasync,ftruncate,unlink"
FIRST, SECOND = everywhere.YEARS
SETTINGS = ("--chunk-rows", "10", "--loaders", "2")
BOTH = ("--years", f"{FIRST},{SECOND}", *SETTINGS)
MOMENTS = {  # how much of the second run's writing is done when it is killed; 1: it ended well
    "before the download": 0.1, "at the beginning of the load": 0.3, "in the load": 0.5, "late in the load": 0.7,
    "between load and publish": 0.85, "after publish": 0.97, "after the end": 1.0}
PAGE = 4096
TOTAL = {}  # calls of a whole second run, by kind and members: much the same every time


class HalfWay:
    """The first year is in, by a run that ended well; the second is killed half way. So the ledger has something
    in its file, something in its -wal, and the destination was told how far the history goes."""

    def __init__(self, small, make_destination, make_import, folder):
        self.small, self.make_destination, self.make_import = small, make_destination, make_import
        self.log = folder / "calls"

    def begin(self, kind):
        destination = self.make_destination(kind)
        importer = self.make_import(destination)
        importer.run_well("--years", str(FIRST), *SETTINGS)
        return destination, importer

    def calls_of(self, kind):
        """How many calls the second run makes when nobody kills it."""
        key = kind, self.small.members
        if key not in TOTAL:
            _, importer = self.begin(kind)
            words = [everywhere.NTH_CALL, "-c", CALLS, "-l", str(self.log)]
            importer.with_(wrapper=words).run_well(*BOTH)
            TOTAL[key] = everywhere.total(self.log)
        return TOTAL[key]

    def make(self, kind, moment):
        """(destination, importer), killed at one of MOMENTS."""
        calls, share = self.calls_of(kind), MOMENTS[moment]
        destination, importer = self.begin(kind)
        if share >= 1:
            importer.run_well(*BOTH)
            return destination, importer
        number = max(1, int(calls * share))
        killed = importer.with_(wrapper=[everywhere.NTH_CALL, "-c", CALLS, "-k", str(number)]).run(*BOTH)
        assert killed.code in (137, program.ALL), killed
        return destination, importer

    def right(self, case, destination, importer, history=(program.ALL,)):
        """Every row and reject once, chunks that tile, nothing left over, and the history says what it should: all
        is well, or (where `history` allows it) which event is not what was written."""
        case.compare(destination, self.small.files, self.small.rejects)
        destination.tiles()
        assert destination.leftovers() == []
        result = importer.call("history", "--verify", "--to", destination.to)
        assert result.code in history, f"history: {result}"
        if result.code != program.ALL:
            assert "NOT WHOLE: " in result.out and "event " in result.out, f"history: {result}"
        shutil.rmtree(importer.home)
        return result

    def differs(self, year, rows):
        """Whether rows that were read are not those of the year's file."""
        without = frozenset(record for of, record in self.small.rejects if of == year)
        return collections.Counter(rows) != proof.expected_rows(self.small.files[year], without)

    def goes_on(self, case, destination, importer, history=(program.ALL,)):
        """The next run ends what was begun."""
        result = importer.run_well(*BOTH)
        self.right(case, destination, importer, history)
        return result


def ledger_of(importer):
    return ledgers.path_of(importer)


def into_one_file(path):
    """As if there had been time for a checkpoint: all of an SQLite file in one."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def overwrite(path, offset, content):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(content)


def refill(path, content):
    """Another content, the same inode."""
    with open(path, "r+b") as file:
        file.truncate()
        file.write(content)


def cut(path, length):
    with open(path, "r+b") as file:
        file.truncate(length)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def spoil(rng, path, pages=1):
    """Noise or zeros over whole pages, or over a few bytes where something is written. What was done, in words."""
    content = read(path)
    done = []
    for _ in range(pages):
        length = rng.choice([1, 4, 16, 64, 700, PAGE, PAGE])
        at = rng.randrange(len(content))
        while length < 700 and content[at] == 0:
            at = rng.randrange(len(content))
        if length == PAGE:
            at -= at % PAGE
        length = min(length, len(content) - at)
        noise = rng.random() < 0.6
        overwrite(path, at, rng.randbytes(length) if noise else bytes(length))
        done.append(f"{length} bytes of {'noise' if noise else 'zeros'} at {at}")
    return f"{os.path.basename(path)}: " + ", ".join(done)


def spoil_pages(rng, path, page, pages):
    """Noise or zeros over whole pages. What was done, in words."""
    done = []
    for _ in range(pages):
        at = rng.randrange(os.path.getsize(path) // page) * page
        overwrite(path, at, rng.randbytes(page) if rng.random() < 0.6 else bytes(page))
        done.append(str(at))
    return f"{os.path.basename(path)}, pages at {', '.join(done)}"


def is_stopped(process):
    """Whether the program below nth-call -s stands still (or has ended: it made fewer calls this time)."""
    if process.poll() is not None:
        return True
    for pid in servers.children_of(process.pid):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "T":
                return True
    return False


def when_stopped(process):
    servers.wait_for(lambda: is_stopped(process), 60, "the call to stop at")


def chunks_now(destination):
    """The witness as it stands while the run is stopped; empty where the run has it locked just then."""
    try:
        return destination.chunks(wait_s=1)
    except (psycopg2.errors.QueryCanceled, sqlite3.OperationalError):
        return set()


def go_on(process):
    for pid in servers.children_of(process.pid):
        os.kill(pid, signal.SIGCONT)
