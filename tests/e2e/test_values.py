"""Every value of every record arrives, whatever the file looks like."""
import csv
import gzip
import os

import pytest

import program
import shapes

REAL_ROWS = {2016: 4956, 2020: 5010, 2021: 164, 2023: 8607, 2024: 77}


def test_real_years_value_by_value(destination, site, make_import, real_years):
    for year, path in real_years.items():
        site.put(year, path)
    importer = make_import(destination)
    importer.run_well("--years", "2016,2020,2021,2023,2024")
    assert destination.counts() == REAL_ROWS
    for year, path in real_years.items():
        assert destination.differences(year, path) == []
    destination.tiles()

    site.requests()
    chunks = destination.chunks()
    again = importer.run_well("--years", "2016,2020,2021,2023,2024")
    asked = site.requests()
    assert sorted(request.path.split("/")[3] for request in asked) == [str(year) for year in sorted(REAL_ROWS)]
    assert sum(request.sent for request in asked) == 0, asked
    assert destination.chunks() == chunks, str(again)
    assert destination.counts() == REAL_ROWS


@pytest.mark.sanitize
@pytest.mark.threads
def test_made_years_value_by_value(destination, site, make_import, made_years):
    paths = {2022: made_years(12_000, 2022, members=3), 2023: made_years(9_001, 2023)}
    for year, path in paths.items():
        site.put(year, path)
    importer = make_import(destination)
    importer.run_well("--years", "2022-2023", "--chunk-rows", "700", "--loaders", "4")
    assert destination.counts() == {2022: 12_000, 2023: 9_001}
    for year, path in paths.items():
        assert destination.differences(year, path) == []
    destination.tiles()
    assert destination.leftovers() == []


def test_second_run_asks_once_a_year_and_loads_nothing(destination, site, make_import, made_years):
    for year in (2021, 2022, 2023):
        site.put(year, made_years(1500, year))
    importer = make_import(destination)
    importer.run_well("--years", "2021-2023")
    before = {year: destination.fingerprint(year) for year in (2021, 2022, 2023)}
    chunks = destination.chunks()
    site.requests()
    for _ in range(2):
        importer.run_well("--years", "2021-2023")
        asked = site.requests()
        assert [request.status for request in asked] == [304, 304, 304], asked
        assert len({request.path for request in asked}) == 3
    assert destination.chunks() == chunks
    assert {year: destination.fingerprint(year) for year in before} == before


CARE = [
    ("crlf", lambda table: shapes.written(table, "\r\n")),
    ("bom", lambda table: b"\xef\xbb\xbf" + shapes.written(table)),
    ("every field quoted", lambda table: shapes.written(table, quote=csv.QUOTE_ALL)),
    ("columns in another order and one more", lambda table: shapes.written(shapes.shuffled(table))),
    ("no line end at the end", lambda table: shapes.written(table).removesuffix(b"\n")),
    ("blank lines", lambda table: shapes.written(table[:50]) + b"\n\r\n" + shapes.written(table[50:]) + b"\n"),
]


@pytest.mark.sanitize
@pytest.mark.parametrize("form", [form for _, form in CARE], ids=[name for name, _ in CARE])
def test_forms_of_the_file(destination, site, make_import, made_years, form):
    table = shapes.table_of(made_years(800))
    shapes.changed(table, 5, "adresse_nom_voie", 'RUE "DES, DEUX\nLIGNES"')
    shapes.changed(table, 6, "nombre_lots", "2.0")
    shapes.changed(table, 7, "valeur_fonciere", "110549712.05")
    shapes.changed(table, 8, "surface_terrain", "1000000.00")
    shapes.changed(table, 9, "nom_commune", "L'Haÿ-les-Roses\u2028")
    path = site.put(2021, shapes.pack(form(table)))
    make_import(destination).run_well("--years", "2021", "--chunk-rows", "90")
    assert destination.count(2021) == 800
    assert destination.differences(2021, path) == []


@pytest.mark.parametrize("members", [2, 7])
def test_many_members_and_padding(destination, site, make_import, made_years, members):
    packed = shapes.pack(shapes.plain_of(made_years(900)), members)
    path = site.put(2021, packed + b"\0" * 512)
    make_import(destination).run_well("--years", "2021")
    with gzip.open(path) as whole:  # Python, too, allows zeros behind the last member
        assert whole.read() == shapes.plain_of(made_years(900))
    assert destination.differences(2021, path) == []


def test_source_that_is_not_packed(destination, site, make_import, made_years):
    path = site.put(2021, shapes.plain_of(made_years(1200)), ending="full.csv")
    importer = make_import(destination)
    importer.with_(source=site.source(ending="full.csv")).run_well("--years", "2021", "--chunk-rows", "250")
    assert destination.differences(2021, path) == []


def test_source_that_is_a_file(destination, make_import, made_years):
    path = made_years(1200)
    importer = make_import(destination)
    importer.with_(source=f"file://{os.path.dirname(os.path.dirname(path))}/{{year}}/full.csv.gz").run_well(
        "--years", "2021")
    assert destination.differences(2021, path) == []


def test_empty_year(destination, site, make_import, made_years):
    table = shapes.table_of(made_years(800))
    site.put(2021, shapes.pack(shapes.written(table[:1])))
    importer = make_import(destination)
    result = importer.run("--years", "2021")
    assert result.code == program.REFUSED and "no row" in result.said, str(result)
    assert destination.count(2021) == 0
    importer.run_well("--years", "2021", "--allow-shrink")
    assert destination.count(2021) == 0
    for fast in ([], ["--fast"]):
        result = importer.call("verify", *fast)
        assert result.code == program.ALL and "  0 rows, 0 rejects" in result.out, str(result)
