"""What is told: status while it runs and after, history, check, clean, the report."""
import json
import os
import re
import time

import pytest

import program
from servers import wait_for


def status(importer):
    result = importer.call("status", "--json")
    return json.loads(result.out) if result.code == 0 else None


def years_of(told):
    """The years of every destination that a status tells of."""
    return [year for one in told["destinations"] for year in one["years"]]


def test_status_moves_while_a_year_is_loaded(destination, site, make_import, made_years):
    site.put(2021, made_years(200_000))
    importer = make_import(destination)
    process = importer.start("--years", "2021", "--chunk-rows", "500")
    seen = set()

    def half_way():
        told = status(importer)
        if told:
            seen.update(year["rows"] for year in years_of(told))
        return process.poll() is not None or any(0 < rows < 200_000 for rows in seen)

    wait_for(half_way, 60, "status to tell of rows")
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert any(0 < rows < 200_000 for rows in seen), seen
    told = status(importer)
    assert told["schema"] == 1
    assert [(year["year"], year["rows"], year["stage"]) for year in years_of(told)] == [(2021, 200_000, "published")]


@pytest.mark.sanitize
def test_report_and_history(destination, site, make_import, made_years):
    site.put(2021, made_years(1234))
    importer = make_import(destination)
    result = importer.run_well("--years", "2021")
    assert "2021" in result.out and "1234" in result.out.replace(",", "").replace(" ", ""), str(result)
    history = importer.call("history")
    assert history.code == 0 and "2021" in history.out
    events = json.loads(importer.call("history", "--json").out)
    assert events["schema"] == 1
    assert importer.call("history", "--verify").code == 0


def test_history_that_was_edited(destination, site, make_import, made_years):
    import sqlite3
    site.put(2021, made_years(100))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    ledger = sqlite3.connect(os.path.join(importer.state, "state.sqlite"))
    with ledger:
        table, = ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%hash%'"
                                " AND sql LIKE '%body%'").fetchone()
        with pytest.raises(sqlite3.DatabaseError):
            ledger.execute(f"UPDATE {table} SET body = replace(body, '100', '999')")
        with pytest.raises(sqlite3.DatabaseError):
            ledger.execute(f"DELETE FROM {table}")
        for name, in ledger.execute(f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'"
                                    ).fetchall():
            ledger.execute(f"DROP TRIGGER {name}")
        changed = ledger.execute(f"UPDATE {table} SET body = replace(body, '100', '999')"
                                 " WHERE body LIKE '%100%'").rowcount
        assert changed > 0
    ledger.close()
    result = importer.call("history", "--verify")
    assert result.code == program.NONE and len(result.lines) == 1, str(result)


def test_check_changes_nothing(destination, site, make_import, made_years):
    site.put(2021, made_years(100))
    importer = make_import(destination)
    result = importer.call("check", "--years", "2021")
    assert result.code == 0, str(result)
    assert destination.query("SELECT count(*) FROM {source}", missing="none there") == "none there"
    assert destination.count(2021) == 0


def test_check_says_what_is_there(destination, site, make_import, made_years):
    """Versions, the source's edition, how much room it takes, the clock."""
    path = site.put(2021, made_years(20_000))
    os.utime(path, (1790000000, 1790000000))
    importer = make_import(destination)
    lines = importer.call("check", "--years", "2021").out.splitlines()
    assert all(line.startswith("ok ") for line in lines), lines
    size = os.path.getsize(path)
    assert any(line.endswith(f", {size / 1e6:.1f} MB, edition of Mon, 21 Sep 2026 14:13:20 GMT") for line in lines), lines
    assert any(f"about {size * 12 / 1e6:.0f} MB" in line for line in lines), lines
    assert any("PostgreSQL " in line and "no extension needed" in line if destination.kind == "postgres"
               else "(SQLite 3." in line for line in lines), lines
    assert any(re.fullmatch(r"ok clock: \d{4}-\d\d-\d\d \d\d:\d\d UTC", line) for line in lines), lines
    ahead = time.time() + 7200
    os.utime(path, (ahead, ahead))
    lines = importer.call("check", "--years", "2021").out.splitlines()
    assert any(line.startswith("warning clock: ") and "set the clock" in line for line in lines), lines


def test_check_names_what_is_missing(database, site, make_import):
    importer = make_import(database)
    database.server.sql(f"ALTER DATABASE {database.name} OWNER TO postgres")
    result = importer.call("check", "--years", "2021")
    assert result.code != 0, str(result)
    assert "GRANT" in result.said, "no remedy is named"


def test_check_as_a_reader(database, site, make_import, made_years):
    """Who may not look into our schema is told whose it is, and not sent to the check that he is reading."""
    site.put(2021, made_years(100))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    server, reader = database.server, f"reader_{os.getpid()}"
    server.sql(f"CREATE ROLE {reader} LOGIN; GRANT SELECT ON dvf TO {reader}", database.name)
    try:
        to = f"postgresql://{reader}@:{server.port}/{database.name}?host={server.folder}"
        result = importer.with_(to=to).call("check", "--years", "2021")
        assert result.code == program.REFUSED, str(result)
        wrong = [line for line in result.out.splitlines() if line.startswith("fail ")]
        assert wrong == [f"fail schema dvf_import belongs to importer, and {reader} may not look into it:"
                         " connect as importer"], str(result)
        assert "check says" not in result.said, str(result)
    finally:
        server.sql(f"DROP OWNED BY {reader}; DROP ROLE {reader}", database.name)


def test_clean_frees_the_spools(destination, site, make_import, made_years):
    site.put(2021, made_years(30_000))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    spool = os.path.join(importer.state, "spool")
    packed = os.path.getsize(site.path(2021))

    def used():
        return sum(os.path.getsize(os.path.join(spool, name)) for name in os.listdir(spool))

    assert used() >= packed
    result = importer.call("clean", "--dry-run")
    assert result.code == 0 and used() >= packed, str(result)
    result = importer.call("clean")
    assert result.code == 0 and used() < packed, str(result)
    site.requests()
    importer.run_well("--years", "2021")
    assert [request.status for request in site.requests()] == [304]


def test_obstacle_is_named_before_anything_is_loaded(database, site, make_import, made_years):
    """A table dvf that is not ours."""
    site.put(2021, made_years(100))
    database.server.sql("CREATE TABLE dvf (note text); ALTER TABLE dvf OWNER TO importer;"
                        " INSERT INTO dvf VALUES ('mine')", database.name)
    result = make_import(database).run("--years", "2021")
    assert result.code in (program.NONE, program.REFUSED), str(result)
    assert "dvf" in result.said
    assert database.query("SELECT note FROM dvf") == [("mine",)]
