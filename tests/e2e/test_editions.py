"""Editions: a new one replaces a year, a shrunken one is held, a known one is not loaded again."""
import pytest

import ledgers
import program
from servers import wait_for


def test_new_edition_replaces_the_year(destination, site, make_import, made_years):
    site.put(2021, made_years(5000))
    site.put(2022, made_years(800, 2022))
    importer = make_import(destination)
    importer.run_well("--years", "2021,2022")
    untouched = destination.fingerprint(2022)
    path = site.put(2021, made_years(5500, seed=2))
    importer.run_well("--years", "2021,2022")
    assert destination.differences(2021, path) == []
    assert destination.fingerprint(2022) == untouched
    assert destination.leftovers() == []
    assert destination.stages(2021).count("published") == 1


def test_same_bytes_with_another_etag_are_not_loaded_again(destination, site, make_import, made_years):
    site.put(2021, made_years(5000))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    chunks = destination.chunks()
    site.put(2021, made_years(5000))  # published anew: another Last-Modified, the same edition
    importer.run_well("--years", "2021")
    assert destination.chunks() == chunks
    site.requests()
    importer.run_well("--years", "2021")
    assert [request.status for request in site.requests()] == [304]


def test_fresh_destination_gets_its_rows_although_nothing_changed(make_destination, site, make_import, made_years):
    """One state folder, one spool, several destinations: a 304 is no reason to leave one empty."""
    path = site.put(2021, made_years(4000))
    first = make_destination("postgres")
    importer = make_import(first)
    importer.run_well("--years", "2021")
    for kind in ("postgres", "sqlite"):
        fresh = make_destination(kind)
        importer.with_(to=fresh.to).run_well("--years", "2021")
        assert fresh.differences(2021, path) == []
    assert importer.call("clean").code == 0
    after_clean = make_destination("postgres")
    importer.with_(to=after_clean.to).run_well("--years", "2021")
    assert after_clean.differences(2021, path) == []
    assert first.differences(2021, path) == []


def test_same_bytes_under_another_etag_are_fetched_once(destination, site, make_import, made_years):
    """Also where no spool tells the new ETag: the destination does."""
    site.put(2021, made_years(500))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    for again in (200, 304):
        assert importer.call("clean").code == program.ALL
        if again == 200:
            site.put(2021, made_years(500))
        site.requests()
        importer.run_well("--years", "2021")
        assert [request.status for request in site.requests()] == [again]


@pytest.mark.sanitize
def test_shrunken_edition_is_held(destination, site, make_import, made_years):
    site.put(2021, made_years(5000))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    served = destination.fingerprint(2021)
    site.put(2021, made_years(3000, seed=2))
    result = importer.run("--years", "2021")
    assert result.code == program.REFUSED, str(result)
    assert "--allow-shrink" in result.said and "2021" in result.said, str(result)
    assert destination.fingerprint(2021) == served
    assert "held" in destination.stages(2021)

    chunks = destination.chunks()
    result = importer.run("--years", "2021")
    assert result.code == program.REFUSED, str(result)
    assert destination.chunks() == chunks, "a held edition was loaded again"
    assert destination.fingerprint(2021) == served

    importer.run_well("--years", "2021", "--allow-shrink")
    assert destination.chunks() <= chunks, "it was loaded again to be published"
    assert destination.differences(2021, made_years(3000, seed=2)) == []
    assert destination.leftovers() == []


def test_less_by_a_fifth_is_no_shrink(destination, site, make_import, made_years):
    site.put(2021, made_years(5000))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    site.put(2021, made_years(4000, seed=2))
    importer.run_well("--years", "2021")
    assert destination.count(2021) == 4000


def test_held_edition_gives_way_to_a_better_one(destination, site, make_import, made_years):
    site.put(2021, made_years(5000))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    site.put(2021, made_years(3000, seed=2))
    assert importer.run("--years", "2021").code == program.REFUSED
    path = site.put(2021, made_years(5100, seed=3))
    importer.run_well("--years", "2021")
    assert destination.differences(2021, path) == []
    assert destination.leftovers() == []


def test_an_older_spool_does_not_replace_what_another_source_brought(destination, site, make_import, made_years):
    """Two addresses of one year, by turns: the second one's spool is newer than what the first one left behind."""
    april = made_years(1000)
    site.put(2021, april, "april.csv.gz")
    october = made_years(700, seed=2)
    site.put(2021, october, "october.csv.gz")
    importer = make_import(destination)
    first, second = (importer.with_(source=site.source(ending=name)) for name in ("april.csv.gz", "october.csv.gz"))
    first.run_well("--years", "2021")
    second.run_well("--years", "2021", "--allow-shrink")
    assert destination.differences(2021, october) == []
    site.put(2021, october, "april.csv.gz")
    first.run_well("--years", "2021")
    assert destination.differences(2021, october) == []
    site.put(2021, april, "october.csv.gz")
    assert second.run_well("--years", "2021").code == program.ALL
    assert destination.differences(2021, april) == []


def test_an_older_spool_waits_for_its_source(destination, site, make_import, made_years):
    """Another host brought a newer edition; nobody can say meanwhile that ours is what the source has."""
    site.put(2021, made_years(1000))
    here, there = make_import(destination), make_import(destination)
    here.run_well("--years", "2021")
    newer = site.put(2021, made_years(1100, seed=2))
    there.run_well("--years", "2021")
    site.stop()
    result = here.run("--years", "2021", "--retries", "0")
    assert result.code == program.NONE, str(result)
    assert destination.differences(2021, newer) == []
    site.start()
    here.run_well("--years", "2021")
    assert destination.differences(2021, newer) == []
    older = site.put(2021, made_years(1000))  # the source takes it back: now ours is what it has
    here.run_well("--years", "2021")
    assert destination.differences(2021, older) == []


def test_a_spool_that_was_not_begun_is_imported_when_the_source_confirms_it(destination, site, make_import, made_years):
    """Its run was killed between the download and the load: one question, and no second download."""
    site.put(2021, made_years(1000))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    newer = site.put(2021, made_years(1100, seed=2))
    other = importer.with_(to=f"sqlite:{importer.home}/other.sqlite")
    other.run_well("--years", "2021")  # its spool, and not a word of it to the destination
    site.requests()
    importer.run_well("--years", "2021")
    assert [request.status for request in site.requests()] == [304]
    assert destination.differences(2021, newer) == []


def test_what_was_begun_is_finished_before_the_source_is_asked(destination, site, make_import, made_years):
    """A year is sooner whole by the chunks that are in; what the source has since comes after it, in the same run."""
    site.put(2021, made_years(1000))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    site.put(2021, made_years(40_000, seed=2))
    process = importer.start("--years", "2021", "--chunk-rows", "200")
    wait_for(lambda: destination.stages(2021) == ["incoming", "published"] and len(destination.chunks()) > 5
             or process.poll() is not None, 60, "the first chunks")
    importer.kill(process)
    newest = site.put(2021, made_years(41_000, seed=3))
    importer.run_well("--years", "2021")
    assert destination.differences(2021, newest) == []
    assert [event["rows"] for event in ledgers.bodies(importer, "year published")] == [1000, 40_000, 41_000]
