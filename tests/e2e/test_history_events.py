"""What the history and the destination's own source table say of an import."""
import contextlib
import hashlib
import json
import sqlite3

import pytest

import ledgers
import program
import shapes


def with_rejects(path, numbers):
    lines = shapes.plain_of(path).split(b"\n")
    place = lines[0].split(b",").index(b"nombre_lots")
    for number in numbers:
        fields = lines[number].split(b",")
        fields[place] = b"deux \"lots\""
        lines[number] = b",".join(fields)
    return shapes.pack(b"\n".join(lines))


@pytest.mark.sanitize
def test_rejects_are_in_the_history(destination, site, make_import, made_years):
    site.put(2021, with_rejects(made_years(500, seed=5), range(7, 15)))
    importer = make_import(destination)
    importer.run_well("--years", "2021", "--chunk-rows", "60")
    kept, = ledgers.bodies(importer, "rejects kept")
    assert kept["count"] == 8
    assert [reject["record"] for reject in kept["first"]] == [7, 8, 9, 10, 11]
    assert {reject["column"] for reject in kept["first"]} == {"nombre_lots"}
    assert all(reject["reason"] for reject in kept["first"])
    shown = importer.call("history").out
    line, = [line for line in shown.splitlines() if "rejects kept" in line]
    assert "count=8" in line and "{record=7 column=nombre_lots reason=" in line


def test_rejects_of_a_refused_year(destination, site, make_import, made_years):
    site.put(2021, with_rejects(made_years(500, seed=5), range(1, 400)))
    importer = make_import(destination)
    assert importer.run("--years", "2021").code == program.NONE
    kept = ledgers.bodies(importer, "rejects kept")
    assert kept and kept[-1]["count"] > 10 and len(kept[-1]["first"]) == 5
    assert "year published" not in ledgers.kinds(importer)


def test_sources_are_in_the_history(destination, site, make_import, made_years):
    site.put(2021, made_years(100))
    importer = make_import(destination)
    importer.run("--years", "2020-2021")
    importer.run("--years", "2021")
    seen = [(event["run"], event["year"], event["body"]["answer"]) for event in ledgers.events(importer)
            if event["kind"] == "source seen"]
    assert sorted(seen) == [(1, 2020, "gone"), (1, 2021, "new"), (2, 2021, "unchanged")]
    new, unchanged = [body for body in ledgers.bodies(importer, "source seen") if body["answer"] != "gone"]
    assert new["etag"] and new["last_modified"] and new["url"].endswith("/2021/full.csv.gz")
    with open(site.path(2021), "rb") as file:
        assert new["size"] == len(file.read())
    assert (unchanged["etag"], unchanged["size"]) == (new["etag"], new["size"])


def test_run_and_its_settings_are_in_the_history(destination, site, make_import, made_years):
    site.put(2021, made_years(100))
    importer = make_import(destination)
    importer.run_well("--years", "2021", "--release", "--openlineage", f"{importer.home}/events.jsonl")
    started, ended = ledgers.bodies(importer, "run started")[0], ledgers.bodies(importer, "run ended")[0]
    assert started["version"] and started["host"]
    assert started["settings"]["release"] is True and started["settings"]["years"] == [2021]
    assert started["settings"]["openlineage"].endswith("events.jsonl")
    assert ended["outcome"] == "done" and ended["exit_code"] == 0 and ended["peak_memory"] > 1 << 20
    loaded, = ledgers.bodies(importer, "year loaded")
    assert len(loaded["ranges"]) == 1 and loaded["ranges"][0][1:] == [loaded["plain_size"], 1, 100, 0]
    shown = importer.call("history", "--limit", "20").out
    assert "settings={to=" in shown and "years=[2021]" in shown and ", 1, 100, 0]]" in shown


@pytest.mark.sanitize
def test_destination_says_where_its_rows_come_from(destination, site, make_import, made_years):
    path = site.put(2021, with_rejects(made_years(500, seed=5), [3]))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    (url, etag, modified, sha256, packed, plain, rows, rejects, run, begun, ready, published), = destination.query(
        "SELECT url, etag, last_modified, sha256, packed_size, plain_size, rows, rejects, run,"
        " begun_at, ready_at, published_at FROM {source} WHERE stage = 'published'")
    with open(path, "rb") as file:
        content = file.read()
    assert sha256 == hashlib.sha256(content).hexdigest() and packed == len(content)
    assert plain == len(shapes.plain_of(path)) and (rows, rejects) == (499, 1)
    assert url.endswith("/2021/full.csv.gz") and etag and modified and "pid" in run
    assert begun <= ready <= published


def test_sqlite_file_of_an_older_version(make_destination, site, make_import, made_years):
    """Without the columns and tables that came later; the year it serves stays."""
    site.put(2020, made_years(100, year=2020))
    site.put(2021, made_years(200))
    destination = make_destination("sqlite")
    importer = make_import(destination)
    importer.run_well("--years", "2020")
    with destination.open() as connection:
        try:
            connection.execute("ALTER TABLE dvf_import_source DROP COLUMN run")
            connection.execute("ALTER TABLE dvf_import_source DROP COLUMN ready_at")
        except sqlite3.OperationalError as problem:
            pytest.skip(f"this SQLite cannot drop columns: {problem}")
        connection.execute("DROP TABLE dvf_import_history")
        connection.commit()
    importer.run_well("--years", "2020-2021")
    assert destination.query("SELECT year, run <> '', ready_at IS NOT NULL FROM {source} ORDER BY year") == [
        (2020, 0, 0), (2021, 1, 1)]
    assert destination.counts() == {2020: 100, 2021: 200}
    assert importer.call("history", "--verify", "--to", destination.to).code == program.ALL
    said = json.loads(importer.call("history", "--verify", "--to", destination.to, "--json").out)
    assert said["heads"] == 3


def test_a_ledger_that_fails_after_the_last_year(destination, site, make_import, made_years):
    """Every year is in, and that is what the exit code says; the next run adds what the history lacks."""
    site.put(2020, made_years(100, 2020))
    importer = make_import(destination)
    importer.run_well("--years", "2020")
    site.put(2021, made_years(200))
    with contextlib.closing(sqlite3.connect(ledgers.path_of(importer))) as ledger:
        ledger.execute("CREATE TRIGGER no_room BEFORE INSERT ON event WHEN new.kind = 'year published'"
                       " BEGIN SELECT raise(ABORT, 'no room for it'); END")
    result = importer.run("--years", "2021")
    assert result.code == program.ALL and "every year is in" in result.said and "no room for it" in result.said, str(result)
    with contextlib.closing(sqlite3.connect(ledgers.path_of(importer))) as ledger:
        ledger.execute("DROP TRIGGER no_room")
    importer.run_well("--years", "2020,2021")
    found, = [event for event in ledgers.events(importer) if event["kind"] == "year found published"]
    assert found["year"] == 2021 and found["body"]["rows"] == 200
    assert destination.counts() == {2020: 100, 2021: 200}
