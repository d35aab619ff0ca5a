"""A bad year does not stop the others, and says what is wrong with it."""
import gzip
import os
import re

import pytest

import program
import shapes


def spoil(site, made_years):
    """Good years 2016 and 2024, and between them one of each sort of bad year: {year: what must be said}."""
    good = made_years(1500, 2016)
    site.put(2016, good)
    site.put(2024, made_years(700, 2024))
    packed = shapes.pack(shapes.plain_of(made_years(900, 2019)))
    wrong_crc = bytearray(packed)
    wrong_crc[-6] ^= 0xFF
    table = shapes.table_of(made_years(900, 2021))
    table[0][table[0].index("id_parcelle")] = "id_parcel"
    site.put(2018, b"<html><body>Sorry, try later</body></html>" * 20)
    site.put(2019, packed[:len(packed) * 2 // 3])
    site.put(2020, bytes(wrong_crc))
    site.put(2021, shapes.pack(shapes.written(table)))
    site.put(2022, packed + b"garbage")
    return {2017: "404|not published|gone|no such", 2018: "gzip|HTML", 2019: "cut|short|ends|truncated|incomplete",
            2020: "CRC", 2021: "id_parcelle", 2022: "garbage|trailing|behind|after"}


@pytest.mark.sanitize
def test_bad_years_beside_good_ones(destination, site, make_import, made_years):
    sayings = spoil(site, made_years)
    importer = make_import(destination)
    result = importer.run("--years", "2016-2022,2024", "--retries", "1")
    assert result.code == program.SOME, str(result)
    assert destination.counts() == {2016: 1500, 2024: 700}
    for year, saying in sayings.items():
        about = [line for line in result.said.splitlines() if str(year) in line]
        assert any(re.search(saying, line, re.IGNORECASE) for line in about), (year, result)
    assert destination.differences(2016, made_years(1500, 2016)) == []
    assert destination.leftovers() == []

    # the bad ones get well, and only they are fetched and loaded
    for year in sayings:
        site.put(year, made_years(500, year))
    chunks = destination.chunks()
    site.requests()
    importer.run_well("--years", "2016-2022,2024")
    assert chunks <= destination.chunks()
    assert destination.counts() == {2016: 1500, 2024: 700, **{year: 500 for year in sayings}}
    whole = {request.path for request in site.requests() if request.sent > 1000}
    assert not any("/2016/" in path or "/2024/" in path for path in whole), whole


def test_every_year_bad(destination, site, make_import):
    result = make_import(destination).run("--years", "2021,2022")
    assert result.code == program.NONE, str(result)
    assert "2021" in result.said and "2022" in result.said


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_published_year_that_left_the_site_is_in(kind, make_destination, site, make_import, made_years):
    destination = make_destination(kind)
    site.put(2021, made_years(600))
    site.put(2022, made_years(600, 2022))
    importer = make_import(destination)
    importer.run_well("--years", "2021,2022")
    site.take_away(2021)
    importer.run_well("--years", "2021,2022")
    assert destination.counts() == {2021: 600, 2022: 600}


def test_quote_that_is_never_closed(destination, site, make_import, made_years):
    """Names the offset, and takes neither the memory nor the time of the whole file."""
    lines = [line for line in shapes.plain_of(made_years(30_000)).split(b"\n") if b'"' not in line]
    offset = len(b"\n".join(lines[:200])) + 1
    lines[200] = lines[200].replace(b",", b',"', 1)
    site.put(2021, gzip.compress(b"\n".join(lines), 1, mtime=0))
    result = make_import(destination).run("--years", "2021")
    assert result.code == program.NONE, str(result)
    assert destination.count(2021) == 0
    assert re.search(rf"\b{offset}\b", result.said) and "quote" in result.said, str(result)


def test_wrong_layout_is_named(database, site, make_import, made_years):
    table = shapes.table_of(made_years(100))
    site.put(2021, gzip.compress(shapes.written(table).replace(b",", b";"), mtime=0))
    result = make_import(database).run("--years", "2021")
    assert result.code == program.NONE, str(result)
    assert re.search("semicolon|;", result.said), str(result)


def test_download_damaged_on_its_way(destination, site, make_import, made_years):
    """The site's file was right all the time, and its ETag the same: the refused bytes must not answer for it."""
    packed = shapes.pack(shapes.plain_of(made_years(900, 2020)))
    damaged = bytearray(packed)
    damaged[-6] ^= 0xFF
    path = site.put(2020, bytes(damaged))
    stamp = os.stat(path).st_mtime
    importer = make_import(destination)
    refused = importer.run("--years", "2020")
    assert refused.code == program.NONE and "CRC" in refused.said, str(refused)
    again = importer.run("--years", "2020")
    assert again.code == program.NONE and "CRC" in again.said, str(again)
    site.requests()
    with open(path, "r+b") as file:
        file.write(packed)
    os.utime(path, (stamp, stamp))
    importer.run_well("--years", "2020")
    assert [request.status for request in site.requests()] == [200]
    assert destination.differences(2020, path) == []
