"""A record that cannot be loaded is kept raw, with its place and the reason; too many, and the year fails."""
import random
import re

import pytest

import program
import shapes


def spoiled(path):
    """The plain file with one bad record of each sort: ({number: (column or None, its bytes)}, plain)."""
    lines = shapes.plain_of(path).split(b"\n")
    header = lines[0].split(b",")

    def with_field(number, column, value):
        fields = lines[number].split(b",")
        assert len(fields) == 40, "the record has quotes: choose another"
        fields[header.index(column.encode())] = value
        lines[number] = b",".join(fields)
        return column, lines[number]

    def replaced(number, raw):
        lines[number] = raw
        return None, raw

    bad = {
        1: with_field(1, "date_mutation", b"1998-01-01"),
        20: with_field(20, "nombre_lots", b"deux"),
        21: with_field(21, "valeur_fonciere", b"12,5".replace(b",", b".") + b"0.1"),
        150: replaced(150, lines[150] + b",one,more"),
        151: replaced(151, lines[151].rsplit(b",", 3)[0]),
        300: with_field(300, "nom_commune", b"Saint-\xff\xfe"),
        301: with_field(301, "adresse_nom_voie", b"RUE\0DU NUL"),
        302: with_field(302, "code_commune", b""),
        500: with_field(500, "surface_terrain", b"1e400"),
    }
    return bad, b"\n".join(lines)


@pytest.mark.sanitize
def test_rejects_are_kept_raw(destination, site, make_import, made_years):
    path = made_years(500, seed=5, final_newline="no")
    bad, plain = spoiled(path)
    site.put(2021, shapes.pack(plain))
    importer = make_import(destination)
    result = importer.run_well("--years", "2021", "--chunk-rows", "60", "--loaders", "3")
    assert destination.count(2021) == 500 - len(bad)
    assert destination.differences(2021, path, without=bad) == []
    destination.tiles()
    kept = {record: (first, end, column, reason, bytes(raw)) for record, first, end, column, reason, raw in
            destination.query("SELECT record, plain_first, plain_end, column_name, reason, raw FROM {reject}")}
    assert sorted(kept) == sorted(bad), str(result)
    for number, (column, raw) in bad.items():
        first, end, named, reason, kept_raw = kept[number]
        assert kept_raw == raw
        assert plain[first:end].rstrip(b"\n") == raw
        assert named == column, (number, kept[number])
        assert len(reason) > 5
    assert str(len(bad)) in result.said, "the report does not tell of the rejects"
    history = importer.call("history")
    assert history.code == 0 and "reject" in history.out, str(history)


def test_too_many_rejects_fail_the_year_early(destination, site, make_import, made_years):
    old = made_years(2000)
    site.put(2021, old)
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    rng = random.Random(4)
    lines = shapes.plain_of(made_years(60_000, seed=2)).split(b"\n")
    for number in range(1, 60_001):
        if rng.random() < 0.4:
            lines[number] = b"rubbish," + lines[number]
    site.put(2021, shapes.pack(b"\n".join(lines)))
    result = importer.run("--years", "2021", "--chunk-rows", "500")
    # the old edition stays, so the year is in; that the new one is refused must show all the same
    assert result.code != program.ALL, str(result)
    assert re.search("reject", result.said) and "--max-rejects" in result.said, str(result)
    assert destination.differences(2021, old) == []
    assert destination.leftovers() == []

    chunks = destination.chunks()
    again = importer.run("--years", "2021", "--chunk-rows", "500")
    assert again.code == result.code, str(again)
    assert destination.chunks() == chunks, "a refused edition was loaded again under the same settings"

    importer.run_well("--years", "2021", "--max-rejects", "50%")
    assert 30_000 < destination.count(2021) < 40_000


def test_ten_rejects_are_always_allowed(database, site, make_import, made_years):
    lines = shapes.plain_of(made_years(400)).split(b"\n")
    for number in range(1, 11):
        lines[number] = b"x," + lines[number]
    site.put(2021, shapes.pack(b"\n".join(lines)))
    make_import(database).run_well("--years", "2021")
    assert database.count(2021) == 390
    lines[11] = b"x," + lines[11]
    site.put(2021, shapes.pack(b"\n".join(lines)))
    assert make_import(database).run("--years", "2021").code != program.ALL
    assert database.count(2021) == 390
