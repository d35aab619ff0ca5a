"""Years that are given up with --drop-year, whatever staging holds of them; and a file whose name looks like a URI."""
import os

import program

ROWS = 1000


def put(site, made_years, **rows):
    for name, number in rows.items():
        year = int(name.strip("y"))
        site.put(year, made_years(number, year=year))


def give_up(importer, years, dropped="2021", promote=True, code=program.ALL):
    words = ["--years", years] if years else []
    result = importer.run(*words, "--staging", *(["--promote", "--drain", "0"] if promote else []),
                          "--drop-year", dropped)
    assert result.code == code, str(result)
    return result


def test_year_that_staging_has_already(destination, importer, site, made_years):
    """It leaves staging too, whatever its edition there had come to; said again, nothing changes."""
    put(site, made_years, y2021=ROWS, y2022=ROWS)
    importer.run_well("--years", "2021,2022")
    put(site, made_years, y2021=ROWS // 2, y2022=ROWS + 1)
    held = importer.run("--years", "2021,2022", "--staging")
    assert held.code == program.SOME and "--allow-shrink" in held.out, str(held)
    staging = destination.slot("staging")
    assert staging.counts() == {2022: ROWS + 1} and staging.stages(2021) == ["held"]
    give_up(importer, "2022", promote=False)
    assert staging.counts() == {2022: ROWS + 1}
    assert staging.query("SELECT DISTINCT year FROM {source}") == [(2022,)]
    assert staging.query("SELECT count(*) FROM {chunk}") == [(1,)] and staging.leftovers() == []
    assert destination.counts() == {2021: ROWS, 2022: ROWS}
    refused = importer.call("promote", "--drain", "0")
    assert refused.code == program.REFUSED and "2021" in refused.out, str(refused)
    give_up(importer, "2022")
    assert destination.counts() == {2022: ROWS + 1}
    assert "2022" in importer.call("status").out and "2021" not in importer.call("status").out
    again = give_up(importer, "2022")
    assert "not promoted: live serves all of it already" in again.out, str(again)
    assert not staging.exists()


def test_year_among_the_default_ones(destination, importer, site, made_years):
    """Nobody named the years: the one that is given up is not taken in again, so a timer that says this promotes once."""
    put(site, made_years, y2024=ROWS, y2025=ROWS)
    importer.run_well()
    assert destination.counts() == {2024: ROWS, 2025: ROWS}
    give_up(importer, None, "2024")
    assert destination.counts() == {2025: ROWS}
    assert "not promoted" in give_up(importer, None, "2024").out


def test_year_named_and_given_up(make_destination, make_import):
    importer = make_import(make_destination("sqlite"))
    wrong = give_up(importer, "2020-2022", code=program.USAGE)
    assert "2021 is in --drop-year and in --years" in wrong.err
    importer.environment = {"YEARS_TO_IMPORT": "2021"}
    wrong = give_up(importer, None, code=program.USAGE)
    assert "2021 is in --drop-year and in YEARS_TO_IMPORT" in wrong.err


def test_file_whose_name_looks_like_a_uri(make_import, site, made_years):
    """sqlite:file:x is the file "file:x", in every slot."""
    importer = make_import(None)
    importer.to = "sqlite:file:x.sqlite"
    put(site, made_years, y2021=ROWS)
    importer.run_well("--years", "2021", "--staging", "--promote")
    put(site, made_years, y2021=ROWS + 1)
    importer.run_well("--years", "2021", "--staging", "--promote")
    live = program.SqliteDestination(os.path.join(importer.home, "file:x.sqlite"))
    found = sorted(name for name in os.listdir(importer.home) if "sqlite" in name and not name.endswith(("-wal", "-shm")))
    assert found == ["file:x.1.sqlite", "file:x.2.sqlite", "file:x.previous.sqlite", "file:x.sqlite"]
    assert live.counts() == {2021: ROWS + 1}
