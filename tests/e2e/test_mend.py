"""Rejects go out as a sheet, are mended by hand, and come back to where they belong: all of a sheet, or nothing."""
import csv
import json
import os
import subprocess

import pytest

import program
import shapes
import sheets


class Year:
    """2021, imported with rejects of every sort."""

    def __init__(self, destination, site, importer, made_years, tmp_path):
        self.destination, self.site, self.importer, self.folder = destination, site, importer, tmp_path
        self.good, self.bad, plain = sheets.spoiled(made_years(500, seed=5, final_newline="yes"))
        site.put(2021, shapes.pack(plain))
        importer.run_well("--years", "2021", "--chunk-rows", "60", "--max-rejects", "50%")
        self.fixed = tmp_path / "fixed.csv"
        self.fixed.write_bytes(b"\n".join(self.good) + b"\n")

    def rejects(self, *arguments):
        result = self.importer.call("history", "--rejects", "--to", self.destination.to, *arguments)
        assert result.code == 0, str(result)
        return result.out

    def sheet(self):
        """The sheet's bytes as they come; text mode would make CRLF another thing."""
        words = self.importer.words("history", ["--rejects", "--csv", "--to", self.destination.to])
        return subprocess.run(words, env=program.clean_environment(self.importer.home), check=True,
                              capture_output=True, timeout=60).stdout.decode()

    def lines(self, *numbers):
        rows = sheets.read(self.sheet())
        return [sheets.mended(rows[number], self.good[number]) for number in numbers or rows]

    def mend(self, sheet, importer=None):
        path = self.folder / "sheet.csv"
        path.write_bytes(sheet)
        return (importer or self.importer).call("mend", path)

    def everything(self):
        """All that mending changes, to be compared."""
        ask = self.destination.query
        mended = self.destination.prefix + "mended"
        return (self.destination.fingerprint(2021), self.destination.chunks(),
                ask("SELECT stage, rows, rejects FROM {source} ORDER BY 1, 2"),
                ask("SELECT record FROM {reject} ORDER BY 1"), ask(f"SELECT record FROM {mended} ORDER BY 1"))

    def is_mended(self, *numbers):
        """Asserts that these are in and the others are not, and that all counts agree."""
        left = sorted(set(self.bad) - set(numbers))
        table, chunks, sources, rejects, mended = self.everything()
        assert self.destination.differences(2021, self.fixed, without=left) == []
        assert [record for record, in rejects] == left
        assert [record for record, in mended] == sorted(numbers)
        assert sources == [("published", 500 - len(left), len(left))]
        assert table[0] == 500 - len(left) == sum(chunk[4] for chunk in chunks)
        assert sum(chunk[5] for chunk in chunks) == len(left)
        self.destination.tiles()


@pytest.fixture
def year(destination, site, make_import, made_years, tmp_path):
    return Year(destination, site, make_import(destination), made_years, tmp_path)


@pytest.mark.sanitize
def test_out_and_back(year):
    text = year.sheet()
    rows = sheets.read(text)
    assert text.startswith(",".join(sheets.HEADER) + "\r\n")
    assert {number: sheets.decoded(row) for number, row in rows.items()} == year.bad
    assert {number for number, row in rows.items() if row["raw_encoding"] == "escaped"} == {42, 44, 45, 300}
    assert rows[20]["column"] == "nombre_lots" and rows[20]["stage"] == "published"
    year.is_mended()

    # As a text editor saves it; then as LibreOffice does; then through a pipe, with columns of one's own.
    result = year.mend(sheets.written(year.lines(1, 40, 41, 42), lineterminator="\n"))
    assert result.code == 0, str(result)
    year.is_mended(1, 40, 41, 42)
    result = year.mend(sheets.written(year.lines(43, 44, 300), sheets.HEADER[::-1], bom=True) + b",,,,,,,,,\r\n")
    assert result.code == 0, str(result)
    rest = [{**line, "note": "seen"} for line in year.lines(20, 45, 150)]
    rest = sheets.written(rest, ["note", "record", "raw", "raw_encoding", "year", "edition"], quoting=csv.QUOTE_ALL)
    importer = year.importer
    piped = subprocess.run(importer.words("mend", ["-"]), input=rest, cwd=importer.home, capture_output=True,
                           env=program.clean_environment(importer.home), timeout=60)
    assert piped.returncode == 0, piped.stderr
    done = (1, 20, 40, 41, 42, 43, 44, 45, 150, 300)
    year.is_mended(*done)

    kept = year.destination.query(f"SELECT record, raw, mended FROM {year.destination.prefix}mended")
    assert {record: bytes(raw) for record, raw, _ in kept} == {number: year.bad[number] for number in done}
    assert {record: bytes(mended) for record, _, mended in kept} == {number: year.good[number] for number in done}
    assert list(sheets.read(year.sheet())) == [151]
    events = json.loads(importer.call("history", "--json").out)["events"]
    told = [event for event in events if event["kind"] == "rejects mended"]
    assert [(event["year"], event["body"]["count"], event["body"]["records"]) for event in told] == [
        (2021, 4, "1,40,41,42"), (2021, 3, "43,44,300"), (2021, 3, "20,45,150")]
    assert importer.call("history", "--verify").code == 0
    states = json.loads(importer.call("status", "--json").out)["destinations"][0]["years"]
    assert [(state["rows"], state["rejects"]) for state in states] == [(499, 1)]


@pytest.mark.sanitize
def test_a_run_leaves_them_in_and_a_new_edition_drops_them(year):
    assert year.mend(sheets.written(year.lines(20, 300))).code == 0
    before = year.everything()
    sheet = sheets.written(year.lines(1))
    result = year.importer.run_well("--years", "2021")
    assert "unchanged" in result.said, str(result)
    os.remove(os.path.join(year.importer.state, "state.sqlite"))
    year.importer.run_well("--years", "2021")
    assert year.everything() == before

    year.site.put(2021, shapes.pack(year.fixed.read_bytes()))
    year.importer.run_well("--years", "2021")
    assert year.destination.count(2021) == 500
    assert year.everything()[3:] == ([], [])
    assert "no record was rejected" in year.rejects()
    before = year.everything()
    result = year.mend(sheet)
    assert result.code == program.REFUSED and "line 2" in result.err and "not the one that dvf serves" in result.err
    assert year.everything() == before


@pytest.fixture
def may_make_staging(destination):
    """The right to, and the staging database away again."""
    if destination.kind == "postgres":
        destination.server.sql("ALTER ROLE importer CREATEDB")
    yield
    if destination.kind == "postgres":
        destination.server.sql("ALTER ROLE importer NOCREATEDB")
    destination.drop_slots()


def test_in_staging(year, may_make_staging):
    """What is mended there stays there; and live's records, which are the same, are mended no less for it."""
    assert year.mend(sheets.written(year.lines(20))).code == 0
    before = year.everything()
    year.site.put(2021, shapes.pack(b"\n".join(year.bad.get(number, line)
                                               for number, line in enumerate(year.good)) + b"\n\n"))
    year.importer.run_well("--years", "2021", "--staging", "--max-rejects", "50%")
    out = year.rejects("--csv", "--staging")
    rows = sheets.read(out)
    assert sorted(rows) == sorted(year.bad)
    sheet = sheets.written([sheets.mended(rows[1], year.good[1])])
    result = year.mend(sheet)
    assert result.code == program.REFUSED and "not the one that dvf serves" in result.err, str(result)
    result = year.importer.call("mend", year.folder / "sheet.csv", "--staging")
    assert result.code == 0, str(result)
    assert 1 not in sheets.read(year.rejects("--csv", "--staging"))
    assert year.everything() == before


def with_raw(line, raw, **more):
    return sheets.written([{**line, "raw": raw, "raw_encoding": "text", **more}])


@pytest.mark.sanitize
def test_what_is_wrong_is_named_and_nothing_changes(year):
    one, twenty, odd = year.lines(1, 20, 300)
    good = one["raw"]
    fine = sheets.written([one])
    unchanged = sheets.read(year.sheet())
    two = sheets.written([one, twenty])
    assert year.mend(sheets.written([odd])).code == 0
    before = year.everything()
    wrong = {
        "unchanged": (sheets.written([one, unchanged[20]]), 1,
                      "line 3, record 20 of 2021, nombre_lots: 'deux' is not a whole number; correct it, or leave"),
        "fields": (with_raw(one, good + ",more"), 1, "line 2, record 1 of 2021: 41 fields, the header has 40"),
        "year": (with_raw(one, good.replace("2021-", "2020-", 2)), 1, "date_mutation: '2020-"),
        "two records": (with_raw(one, good + "\n" + good), 1, "line break outside quotes"),
        "twice": (sheets.written([one, twenty, one]), 1, "line 4: record 1 of 2021 is there twice"),
        "again": (sheets.written([one, odd]), 3, "line 3: record 300 of 2021 was mended already"),
        "never": (with_raw(one, good, record=7), 3, "line 2: record 7 of 2021 is no reject"),
        "edition": (with_raw(one, good, edition="0" * 64), 3, "not the one that dvf serves"),
        "other year": (with_raw(twenty, good.replace("2021-", "2020-"), year=2020), 3, "not the one that dvf serves"),
        "empty": (with_raw(one, ""), 1, "line 2, column raw: is empty"),
        "number": (with_raw(one, good, record="1,5"), 1, "line 2, column record"),
        "digits": (with_raw(one, good, edition=one["edition"][:12]), 1, "line 2, column edition"),
        "word": (with_raw(one, good, raw_encoding="base64"), 1, "line 2, column raw_encoding"),
        "escape": (with_raw(one, good + "\\q", raw_encoding="escaped"), 1, "line 2, column raw: with raw_encoding"),
        "semicolons": (sheets.written([one], delimiter=";"), 1, "line 1: its columns are separated by semicolons"),
        "utf-16": (fine.decode().encode("utf-16"), 1, "line 1: it is UTF-16"),
        "column": (sheets.written([one], ["edition", "record", "raw"]), 1, "line 1, column year"),
        "doubled": (sheets.written([one], ["year", *sheets.HEADER]), 1, "line 1, column year: the header has it twice"),
        "short": (fine + b"x,y\r\n", 1, "line 3: it has 2 fields, the header has 10"),
        "quote": (two.replace(b",text,", b'",text,', 1), 1, "line 2, field 8"),
        "open quote": (sheets.written([one], quoting=csv.QUOTE_ALL)[:-3], 1, "line 2, field 10: the quote is not"),
        "nothing": (b"", 1, "line 1: the header is missing"),
    }
    for name, (sheet, code, said) in wrong.items():
        result = year.mend(sheet)
        assert result.code == code, (name, result)
        assert said in result.err, (name, result)
        assert len(result.lines) == 1 or "spool" in result.lines[0], (name, result)
        assert year.everything() == before, name
    events = json.loads(year.importer.call("history", "--json").out)["events"]
    assert sum(event["kind"] == "rejects mended" for event in events) == 1
    assert year.mend(sheets.written([])).code == 0
    assert year.importer.call("mend", year.folder / "missing.csv").code == 1
    assert year.importer.call("mend").code == program.USAGE
    assert year.mend(two).code == 0
    result = year.mend(two)
    assert result.code == program.REFUSED and "record 1 of 2021 was mended already" in result.err, str(result)
    year.is_mended(1, 20, 300)


def test_what_people_see_is_safe_for_a_terminal(year):
    year.mend(sheets.written(year.lines(41)))
    out = year.rejects()
    assert not [c for c in out if ord(c) < 0x20 and c != "\n"], repr(out)
    lines = out.splitlines()
    assert len(lines) == 1 + len(year.bad) + 1, out
    assert "RUE\\x00DU \\xff\\x1b[2J" in out and "'deux' is not a whole number" in out
    assert [line for line in lines if "mended" in line and "much" in line] and "mended to" in out
    head = lines[0].index("reason")
    assert all(line[head - 2:head] == "  " and line[head] != " " for line in lines), out
    assert lines[0].index("column") + len("code_nature_culture_speciale") + 2 == head
    assert len(year.rejects("--limit", "3").splitlines()) == 4
    assert "no record" in year.rejects("--year", "2020")
    told = json.loads(year.rejects("--json"))
    assert told["schema"] == 1 and [reject["record"] for reject in told["rejects"]] == sorted(year.bad)
    for reject in told["rejects"]:
        assert sheets.decoded(reject) == year.bad[reject["record"]]
        assert (reject["mended"] is not None) == (reject["record"] == 41)
    assert json.loads(year.rejects("--json", "--year", "2020"))["rejects"] == []


def test_where_rejects_are_looked_for(database, make_import):
    importer = make_import(None)
    result = importer.call("history", "--rejects")
    assert result.code == program.REFUSED and "sqlite:dvf.sqlite holds nothing" in result.err, str(result)
    assert not os.path.exists(os.path.join(importer.home, "dvf.sqlite"))
    named = importer.with_(environment={"DATABASE_URL": database.to})
    result = named.call("history", "--rejects")
    assert result.code == program.REFUSED and database.name in result.err, str(result)
    assert not os.path.exists(importer.state)
    result = named.call("mend", "/dev/null")
    assert result.code == 1 and "header is missing" in result.err, str(result)
    for words in (["--csv"], ["--rejects", "--csv", "--json"], ["--rejects", "--run", "1"]):
        assert importer.call("history", *words).code == program.USAGE, words


def test_a_file_with_columns_in_another_order(database, site, make_import, made_years):
    """Its own header counts as long as its file is in the spool; without it only geo-dvf's order can be meant."""
    table = shapes.shuffled(shapes.table_of(made_years(200, seed=8)))
    place = table[0].index("nombre_lots")
    right = shapes.written([table[7]]).decode().rstrip("\n")
    table[7][place] = "deux"
    table[8][place] = "trois"
    site.put(2021, shapes.pack(shapes.written(table)))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    rows = sheets.read(importer.call("history", "--rejects", "--csv", "--to", database.to).out)
    sheet = os.path.join(importer.home, "sheet.csv")

    def mend(number):
        with open(sheet, "wb") as file:
            file.write(sheets.written([{**rows[number], "raw": right}]))
        return importer.call("mend", sheet)

    assert mend(7).code == 0
    table[7][place] = right.split(",")[place]
    assert database.query("SELECT nombre_lots FROM dvf WHERE source_row = 7") == [(int(table[7][place]),)]
    assert importer.call("clean").code == 0
    result = mend(8)
    assert result.code == 1 and "41 fields, the header has 40" in result.err and "spool" in result.err, str(result)


def test_into_a_column_of_another_type(make_destination, site, make_import, made_years, tmp_path):
    """Only PostgreSQL's columns have one: a real would take the bits of an integer for its own."""
    destination = make_destination("postgres")
    year = Year(destination, site, make_import(destination), made_years, tmp_path)
    sheet, before = sheets.written(year.lines()), year.everything()[1:]
    destination.query("DROP VIEW dvf_price_m2, dvf_sale; ALTER TABLE dvf ALTER nombre_lots TYPE real")
    refused = year.mend(sheet)
    assert refused.code == program.REFUSED, str(refused)
    assert "column nombre_lots of public.dvf is real, and this importer writes integer" in refused.said, str(refused)
    assert year.everything()[1:] == before
    destination.query("DROP VIEW IF EXISTS dvf_price_m2, dvf_sale; ALTER TABLE dvf ALTER nombre_lots TYPE integer")
    assert year.mend(sheet).code == 0
    year.is_mended(*year.bad)
