"""What happens to an SQLite file in its life: tables and views dropped or renamed by hand. The next run brings
everything in."""

import pytest

import program
from servers import wait_for

ROWS = 2000


def table_of(destination, year):
    return destination.query(f"SELECT table_name FROM {{source}} WHERE year = {year} AND stage = 'published'")[0][0]


@pytest.fixture
def file(make_destination):
    return make_destination("sqlite")


@pytest.fixture
def loaded(file, site, make_import, made_years):
    """2020 and 2021 are in: (the file, the importer, the path of 2021's source)."""
    site.put(2020, made_years(500, 2020))
    path = site.put(2021, made_years(ROWS))
    importer = make_import(file)
    importer.run_well("--years", "2020,2021")
    return file, importer, path


def assert_is_back(file, importer, path):
    assert file.counts() == {2020: 500, 2021: ROWS}
    assert file.differences(2021, path) == []
    assert file.leftovers() == [] and file.stages(2021) == ["published"]
    file.tiles()
    assert importer.call("verify").code == program.ALL
    before = file.query("PRAGMA schema_version")
    assert "unchanged" in importer.run_well("--years", "2020,2021").out
    assert file.query("PRAGMA schema_version") == before, "a view that is right is left alone"


@pytest.mark.parametrize("cleaned", [False, True], ids=["spool", "no spool"])
@pytest.mark.parametrize("dropped", ["a year", "the view", "the bookkeeping"])
def test_what_was_dropped_is_loaded_again(loaded, site, dropped, cleaned):
    """Neither our record of a year nor a 304 of the source stands for rows that are not there."""
    file, importer, path = loaded
    if cleaned:
        assert importer.call("clean").code == 0
    site.requests()
    if dropped == "a year":
        file.query(f'DROP TABLE "{table_of(file, 2021)}"')
    elif dropped == "the view":
        file.query("DROP VIEW dvf")
    else:
        for name, in file.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"):
            file.query(f'DROP TABLE "{name}"')
        file.query("DROP VIEW dvf")
    importer.run_well("--years", "2020,2021")
    asked = [request.status for request in site.requests() if "/2021/" in request.path]
    assert not cleaned or asked == [304 if dropped == "the view" else 200], asked
    assert_is_back(file, importer, path)


def test_years_that_are_there_are_served_again_though_nothing_can_be_loaded(loaded, site):
    """The view named a table that is gone, and no year could be read."""
    file, importer, _ = loaded
    file.query(f'DROP TABLE "{table_of(file, 2021)}"')
    site.take_away(2021)
    importer.call("clean")
    assert importer.run("--years", "2020,2021").code == program.SOME
    assert file.counts() == {2020: 500}


def test_renamed_by_a_person(loaded):
    """SQLite writes the new name into the view. What is renamed is theirs, and stays."""
    file, importer, path = loaded
    file.query(f'ALTER TABLE "{table_of(file, 2021)}" RENAME TO mine')
    importer.run_well("--years", "2020,2021")
    assert file.query("SELECT count(*) FROM mine") == [(ROWS,)]
    file.query("DROP TABLE mine")
    assert_is_back(file, importer, path)


def test_dropped_while_another_edition_is_loaded(loaded, site, made_years):
    """Nobody sees a part of the new one, and what is gone does not keep it from being published."""
    file, importer, _ = loaded
    path = site.put(2021, made_years(30_000, seed=2))
    served = table_of(file, 2021)
    process = importer.start("--years", "2021", "--chunk-rows", "100")
    wait_for(lambda: file.stages(2021) == ["incoming", "published"] or process.poll() is not None, 60, "the new edition")
    file.query(f'DROP TABLE "{served}"')
    assert file.stages(2021) == ["incoming", "published"], "it went on while nobody had the write lock"
    result = importer.finish(process)
    assert result.code == program.ALL, str(result)
    assert file.counts() == {2020: 500, 2021: 30_000} and file.differences(2021, path) == []
    assert file.stages(2021) == ["published"]


def test_dropped_and_half_loaded_again(loaded):
    """The same edition gets the table of the same name: it is not served before it is whole."""
    file, importer, path = loaded
    file.query(f'DROP TABLE "{table_of(file, 2021)}"')
    process = importer.start("--years", "2021", "--chunk-rows", "10")
    wait_for(lambda: file.stages(2021) == ["incoming"] or process.poll() is not None, 60, "the table")
    importer.kill(process)
    assert file.count(2021) == 0 and file.counts() == {2020: 500}
    importer.run_well("--years", "2020,2021")
    assert_is_back(file, importer, path)


def test_dropped_in_staging(loaded, site, made_years):
    """A promote does not make live a file that lost a year."""
    file, importer, _ = loaded
    site.put(2020, made_years(600, 2020, seed=2))
    importer.run_well("--years", "2020,2021", "--staging")
    staging = file.slot("staging")
    staging.query(f'DROP TABLE "{table_of(staging, 2021)}"')
    refused = importer.call("promote")
    assert refused.code == program.REFUSED and "live serves 2021, staging does not" in refused.out, str(refused)
    importer.run_well("--years", "2020,2021", "--staging")
    assert importer.call("promote").code == program.ALL
    assert file.counts() == {2020: 600, 2021: ROWS}


def test_dropped_in_live_before_it_is_copied(loaded, site, made_years):
    file, importer, _ = loaded
    file.query(f'DROP TABLE "{table_of(file, 2021)}"')
    site.put(2020, made_years(600, 2020, seed=2))
    importer.run_well("--years", "2020,2021", "--staging", "--promote")
    assert file.counts() == {2020: 600, 2021: ROWS}


def test_given_up_after_it_was_dropped(loaded):
    file, importer, _ = loaded
    importer.run_well("--years", "2020,2021", "--staging")
    assert not file.slot("staging").exists(), "nothing is new"
    importer.run_well("--years", "2020", "--staging", "--drop-year", "2021")
    staging = file.slot("staging")
    staging.query(f'DROP TABLE "{table_of(staging, 2020)}"')
    importer.run("--years", "2021", "--staging", "--drop-year", "2020")
    assert staging.stages(2020) == []
