"""Downloads are continued, never spliced."""
import contextlib
import os
import re
import sqlite3
import time

import program
import shapes
from servers import Site, wait_for

import pytest


@pytest.fixture(scope="module")
def heavy_year(made_years, tmp_path_factory):
    """heavy_year(seed): a file of about 24 MB packed and few rows, long to fetch and quick to load."""
    made = {}

    def make(seed):
        if seed not in made:
            table = shapes.heavy(shapes.table_of(made_years(1500, seed=seed)), 28_000, seed)
            made[seed] = tmp_path_factory.mktemp("heavy") / f"{seed}.csv.gz"
            made[seed].write_bytes(shapes.pack(shapes.written(table), level=1))
        return str(made[seed])

    return make


@pytest.fixture
def slow_site(tmp_path):
    server = Site(tmp_path / "site", rate="16m")
    try:
        server.start()
        yield server
    finally:
        server.remove()


def bytes_of_parts(importer):
    spool = os.path.join(importer.state, "spool")
    if not os.path.isdir(spool):
        return 0
    return sum(os.path.getsize(os.path.join(spool, name)) for name in os.listdir(spool))


def download_until(importer, size):
    process = importer.start("--years", "2021")
    wait_for(lambda: bytes_of_parts(importer) > size or process.poll() is not None, 60, f"{size} bytes")
    assert process.poll() is None, str(importer.finish(process))
    return process


def ranges_asked(requests):
    return [int(re.fullmatch(r"bytes=(\d+)-", request.range).group(1))
            for request in requests if request.range != "-"]


def test_killed_download_goes_on_by_range(destination, slow_site, make_import, heavy_year):
    path = slow_site.put(2021, heavy_year(1))
    importer = make_import(destination).with_(source=slow_site.source("slow"))
    importer.kill(download_until(importer, 18 << 20))
    slow_site.requests()
    importer.with_(source=slow_site.source("slow")).run_well("--years", "2021")
    asked = slow_site.requests()
    assert ranges_asked(asked) and min(ranges_asked(asked)) >= 8 << 20, asked
    assert all(request.if_range != "-" for request in asked if request.range != "-"), asked
    assert [request.status for request in asked if request.range != "-"] == [206], asked
    assert destination.differences(2021, path) == []


def test_source_changed_between_two_halves(destination, slow_site, make_import, heavy_year):
    slow_site.put(2021, heavy_year(1))
    importer = make_import(destination).with_(source=slow_site.source("slow"))
    importer.kill(download_until(importer, 18 << 20))
    path = slow_site.put(2021, heavy_year(2))
    importer.run_well("--years", "2021")
    assert destination.differences(2021, path) == [], "two editions were spliced, or the old one was kept"


def test_bytes_behind_the_durable_length_are_not_trusted(destination, slow_site, make_import, heavy_year):
    """A power cut keeps the length of a file and loses its last pages."""
    path = slow_site.put(2021, heavy_year(1))
    importer = make_import(destination).with_(source=slow_site.source("slow"))
    importer.kill(download_until(importer, 18 << 20))
    slow_site.requests()
    with contextlib.closing(sqlite3.connect(os.path.join(importer.state, "state.sqlite"))) as ledger:
        (name, durable), = ledger.execute("SELECT file, durable FROM part")
    assert durable >= 8 << 20, "fsync comes every 8 MiB at least"
    with open(os.path.join(importer.state, "spool", name), "r+b") as part:
        part.seek(durable)
        part.truncate()
        part.write(b"\0" * (3 << 20))
    importer.run_well("--years", "2021")
    assert ranges_asked(slow_site.requests()) == [durable]
    assert destination.differences(2021, path) == []


def test_server_that_goes_away_and_comes_back(destination, slow_site, make_import, heavy_year):
    path = slow_site.put(2021, heavy_year(1))
    importer = make_import(destination).with_(source=slow_site.source("slow"))
    process = download_until(importer, 12 << 20)
    slow_site.stop()
    time.sleep(1)
    slow_site.start()
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert ranges_asked(slow_site.requests()), "it started over"
    assert destination.differences(2021, path) == []


def test_redirect_to_another_port(destination, site, make_import, made_years):
    path = site.put(2021, made_years(900))
    importer = make_import(destination, "moved")
    importer.run_well("--years", "2021")
    asked = site.requests()
    assert [(request.status, request.port) for request in asked] == \
        [(302, str(site.port)), (200, str(site.other_port))], asked
    assert destination.differences(2021, path) == []
    importer.run_well("--years", "2021")
    asked = site.requests()
    assert [request.status for request in asked] == [302, 304], asked


def test_server_that_is_busy(database, site, make_import, made_years):
    """503 with Retry-After: 1 is tried again, not before; in the end the year fails."""
    importer = make_import(database, "busy")
    began = time.monotonic()
    result = importer.run("--years", "2021", "--retries", "2")
    assert result.code == program.NONE, str(result)
    assert [request.status for request in site.requests()] == [503, 503, 503]
    assert time.monotonic() - began > 1.8
    assert "503" in result.said


def test_spool_spoiled_on_disk(destination, site, make_import, made_years, make_destination):
    """Bit rot in a spool that another destination needs: found, fetched again."""
    path = site.put(2021, made_years(3000))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    spool = os.path.join(importer.state, "spool")
    for name in os.listdir(spool):
        with open(os.path.join(spool, name), "r+b") as packed:
            packed.seek(5000)
            packed.write(b"rot rot rot")
    fresh = make_destination(destination.kind)
    first = importer.with_(to=fresh.to).run("--years", "2021")
    if first.code != program.ALL:
        importer.with_(to=fresh.to).run_well("--years", "2021")
    assert fresh.differences(2021, path) == []


def test_a_host_without_an_answer_is_asked_once_for_the_other_years(make_destination, make_import):
    """As on a machine without a network: the first year takes all of its tries, the others one each."""
    importer = make_import(make_destination("sqlite"))
    result = importer.run("--source", "http://127.0.0.1:1/{year}.csv.gz", "--years", "2021-2023", "--retries", "2")
    assert result.code == program.NONE, str(result)
    assert result.said.count("; try 2 of 3") == 1 and result.said.count("; try 3 of 3") == 1, str(result)
    assert result.out.count("(tried 1 times; run again to go on)") == 2, str(result)
