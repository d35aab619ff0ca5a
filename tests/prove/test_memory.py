"""The memory ceiling, held by the kernel: a cgroup without swap that kills whoever goes over its limit. The
PostgreSQL server is outside of it. The program's libraries are charged to it, as in a container."""
import contextlib
import gzip
import signal
import subprocess
import time

import pytest

import cgroups
import program
import servers
from proof import PROVE, Lost, chosen

MIB = 1 << 20
YEAR = 2021
SMALL, FULL = 60_000, 4_000_000
ROWS = FULL if PROVE == "all" else SMALL
LIMITS = (32, 24, 16)  # MiB
SECONDS = 3600 if PROVE == "all" else 300

pytestmark = pytest.mark.skipif("san" in program.PATH, reason="a sanitizer's own memory would be measured")
both_kinds = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@contextlib.contextmanager
def memory(limit):
    try:
        group = cgroups.MemoryGroup(limit * MIB)
    except cgroups.Unavailable as problem:
        pytest.skip(str(problem))
    with group:
        yield group
        assert group.oom_kills() == 0, f"the kernel killed for memory, {group.peak / MIB:.1f} MiB in use"


@pytest.fixture(scope="module")
def full_year(tmp_path_factory):
    """A year of ROWS rows; the big one is made once a session and goes at its end."""
    place = tmp_path_factory.mktemp("full")
    subprocess.run([f"{program.ROOT}/ops/make-years", place, "--years", str(YEAR), "--rows", str(ROWS), "--level", "1",
                    "--quiet"], check=True, timeout=1800)
    return place / "latest" / "csv" / str(YEAR) / "full.csv.gz"


def compare(proof, destination, importer, path):
    """Every row just once. A full year would take Python hours: verify reads it beside its file (test_verify.py holds
    verify itself against sabotage), and the count and the witness are asked here."""
    if ROWS < FULL:
        proof.compare(destination, {YEAR: str(path)})
    else:
        count = destination.count(YEAR)
        proof.rows_lost += max(0, ROWS - count)
        proof.rows_doubled += max(0, count - ROWS)
        verified = importer.call("verify", "--years", YEAR, seconds=SECONDS)
        if count != ROWS or verified.code != 0:
            raise Lost(f"{count} rows are in; {verified}")
    destination.tiles()
    assert destination.leftovers() == []


def start(group, importer, *arguments, limits=()):
    cold = group.cold(f"{importer.home}/libraries", program.PATH)
    return importer.with_(wrapper=cold).start("--years", YEAR, *limits, *arguments)


def told_of_memory(result):
    return [line for line in result.lines if "less memory" in line]


@both_kinds
def test_a_year_in_little_memory(proof, kind, make_destination, make_import, site, full_year):
    site.put(YEAR, full_year)
    for limit in chosen(LIMITS, few=1):
        case = proof("memory runs", f"{ROWS:,} rows into {kind} in {limit} MiB")
        with case.point(f"{limit} MiB"):
            destination = make_destination(kind)
            importer = make_import(destination)
            with memory(limit) as group:
                result = importer.finish(start(group, importer), seconds=SECONDS)
                assert result.code == program.ALL, result
                assert f"memory limit {limit} MiB (the cgroup's): 1 loader" in result.said or limit == 32, result
            print(f"{case.case}: {result.seconds:.1f} s, {group.peak / MIB:.1f} MiB in use at most")
            compare(case, destination, importer, full_year)


@both_kinds
def test_the_limit_falls_while_it_runs(proof, kind, make_destination, make_import, site, full_year):
    """From 64 to 20 MiB after the first chunks; the process is held meanwhile, so that it is not over by then."""
    site.put(YEAR, full_year)
    case = proof("memory runs", f"limit lowered under {ROWS:,} rows into {kind}")
    with case.point("64 to 20 MiB"):
        destination = make_destination(kind)
        importer = make_import(destination)
        with memory(64) as group:
            process = start(group, importer, "--chunk-rows", 3000 if ROWS == FULL else 100, "--loaders", 4)
            servers.wait_for(destination.committed, 60, "the first chunk")
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.6)
            servers.wait_for(lambda: lowered(group, 20), 30, "the kernel to take the page cache back")
            process.send_signal(signal.SIGCONT)
            result = importer.finish(process, seconds=SECONDS)
            assert result.code == program.ALL, result
        told = told_of_memory(result)
        assert len(told) == 1 and "memory limit 20 MiB (the cgroup's): 1 loader" in told[0], result
        assert ("1 loader instead of 4" in told[0]) == (kind == "postgres")
        assert "rows or 256 KiB" in told[0], told
        compare(case, destination, importer, full_year)


def lowered(group, limit):
    try:
        group.set_limit(limit * MIB)
    except OSError:
        return False
    return True


@both_kinds
def test_too_little_is_refused_at_the_start(proof, kind, make_destination, make_import, site, full_year):
    """By the cgroup, by MEMORY_LIMIT, and by what others in the cgroup use; each with the figure that is needed."""
    site.put(YEAR, full_year)
    case = proof("memory runs", f"too little memory for {kind}")
    for name, limit, arguments, neighbour in (("cgroup", 12, (), 0), ("setting", 32, ("--memory-limit", "12M"), 0),
                                              ("others", 64, (), 50)):
        with case.point(name):
            destination = make_destination(kind)
            importer = make_import(destination)
            with memory(limit) as group, beside(group, neighbour):
                result = importer.finish(start(group, importer, limits=arguments))
                assert result.code == program.REFUSED and "at least 16 MiB are needed" in result.said, result
                assert ("others leave" in result.said) == (name == "others"), result
            assert destination.counts() == {}


@contextlib.contextmanager
def beside(group, size):
    """Another process of the cgroup that uses so many MiB."""
    if size == 0:
        yield
        return
    hold = f"held = b'x' * ({size} << 20); print('held', flush=True); input()"
    process = subprocess.Popen([*group.wrapper, "/usr/bin/python3", "-c", hold], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    try:
        yield
    finally:
        process.communicate("\n", timeout=30)


@pytest.mark.parametrize("kind, what", [("sqlite", "short"), ("sqlite", "long"), ("postgres", "long")]
                         + [("postgres", "short")] * (PROVE == "all"))  # takes 120,000 round trips
def test_a_file_that_is_all_rejects(proof, kind, what, make_destination, make_import, site, made_years):
    """What is kept of a reject takes more memory than a short record; a long one is kept whole, quotes undone."""
    with gzip.open(made_years(SMALL)) as file:
        header = file.readline()
    body = b"x\n" * 120_000 if what == "short" else (b'"' + b"a" * 1_000_000 + b'""b",c\n') * 12
    site.put(YEAR, gzip.compress(header + body, 1))
    case = proof("memory runs", f"{what} rejects into {kind}")
    for limit in (16, 24, 32) if PROVE == "all" else (16,):
        with case.point(f"{limit} MiB"):
            destination = make_destination(kind)
            importer = make_import(destination)
            with memory(limit) as group:
                result = importer.finish(start(group, importer, "--chunk-rows", 100_000))
            assert result.code == program.NONE and "--max-rejects" in result.said, result
            assert destination.counts() == {}
