"""run --staging --promote, as the timer calls it in April and October: what becomes live, when, and what a revert holds."""
import json

import pytest

import program
from servers import wait_for

ROWS = 3000
REFRESH = ["--staging", "--promote", "--drain", "0"]


def uuid_of(destination):
    return str(destination.query("SELECT uuid FROM {destination}")[0][0])


def test_refresh(destination, importer, site, made_years):
    """A first import, a refresh with nothing new, one with a new edition and a new year, and the same again."""
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021", *REFRESH)
    assert destination.counts() == {2021: ROWS}
    first = uuid_of(destination)
    nothing = importer.run_well("--years", "2021", *REFRESH)
    assert "not promoted" in nothing.out and uuid_of(destination) == first
    assert not destination.slot("staging").exists()
    site.put(2021, made_years(ROWS + 1, year=2021, seed=2))
    site.put(2022, made_years(ROWS + 2, year=2022))
    done = importer.run_well("--years", "2021,2022", *REFRESH)
    assert "out of service for" in done.out
    assert destination.counts() == {2021: ROWS + 1, 2022: ROWS + 2}
    assert uuid_of(destination) != first
    assert uuid_of(destination.slot("previous")) == first
    assert destination.slot("previous").counts() == {2021: ROWS}
    assert not destination.slot("staging").exists()
    again = importer.run_well("--years", "2021,2022", *REFRESH)
    assert "not promoted: live serves all of it already" in again.out
    names = [one["name"] for one in json.loads(importer.call("status", "--json").out)["destinations"]]
    assert len(names) == len(set(names)), "each by the name it has now: " + str(names)
    for one in (destination, destination.slot("previous")):
        verified = importer.with_(to=one.to).call("history", "--verify", "--to", one.to)
        assert verified.code == program.ALL, str(verified)


def test_year_that_is_not_in_keeps_live_as_it_is(destination, importer, site, made_years):
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021", *REFRESH)
    first = uuid_of(destination)
    site.put(2021, made_years(ROWS + 1, year=2021, seed=2))
    site.put(2022, b"\x1f\x8b not gzip at all" + bytes(500))
    failed = importer.run("--years", "2021,2022", *REFRESH)
    assert failed.code == program.SOME, str(failed)
    assert "not promoted" in failed.out
    assert destination.counts() == {2021: ROWS} and uuid_of(destination) == first
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022", *REFRESH)
    assert destination.counts() == {2021: ROWS + 1, 2022: ROWS}


@pytest.mark.parametrize("way", ["held", "incoming"])
def test_what_the_source_has_no_more_does_not_hold_up_a_promote(destination, importer, site, made_years, way):
    """An edition of a trial address, judged or half loaded, and then the usual one again."""
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021", "--staging")
    site.put(2021, made_years(ROWS // 2 if way == "held" else 60_000, year=2021, seed=2), "trial.csv.gz")
    trial = importer.with_(source=site.source(ending="trial.csv.gz"))
    staging = destination.slot("staging")
    process = trial.start("--years", "2021", "--staging", "--chunk-rows", "100")
    if way == "incoming":
        wait_for(lambda: way in staging.stages(2021) or process.poll() is not None, 30, "a begun edition")
        importer.kill(process)
    else:
        assert importer.finish(process).code == program.REFUSED
    assert sorted(staging.stages(2021)) == sorted([way, "published"])
    importer.run_well("--years", "2021", *REFRESH)
    assert destination.counts() == {2021: ROWS}
    assert destination.stages(2021) == ["published"] and destination.leftovers() == []


def test_revert_holds_against_the_timer(destination, importer, site, made_years):
    """Refreshed, reverted: neither the timer nor a plain run brings it back; a new edition goes on without it."""
    site.put(2021, made_years(ROWS, year=2021))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022", *REFRESH)
    site.put(2021, made_years(ROWS + 9, year=2021, seed=9))
    importer.run_well("--years", "2021,2022", *REFRESH)
    assert destination.count(2021) == ROWS + 9
    reverted = importer.call("revert", "--drain", "0")
    assert reverted.code == program.ALL, str(reverted)
    assert destination.counts() == {2021: ROWS, 2022: ROWS}
    for words in (REFRESH, []):
        held = importer.run("--years", "2021,2022", *words)
        assert held.code == program.REFUSED, str(held)
        assert "reverted on 20" in held.said, str(held)
        assert destination.counts() == {2021: ROWS, 2022: ROWS}, str(held)
    assert importer.call("revert", "--drain", "0").code == program.ALL, "said twice"
    assert destination.counts() == {2021: ROWS, 2022: ROWS}
    site.put(2022, made_years(ROWS + 5, year=2022, seed=5))
    went_on = importer.run("--years", "2021,2022", *REFRESH)
    assert went_on.code == program.SOME, str(went_on)
    assert "not promoted: a year is held" in went_on.out, str(went_on)
    assert destination.counts() == {2021: ROWS, 2022: ROWS}, str(went_on)
    assert destination.slot("staging").counts() == {2021: ROWS, 2022: ROWS + 5}, "2021 as live has it"
    promoted = importer.call("promote", "--drain", "0")
    assert promoted.code == program.ALL, str(promoted)
    assert destination.counts() == {2021: ROWS, 2022: ROWS + 5}
    still = importer.run("--years", "2021,2022", *REFRESH)
    assert destination.counts() == {2021: ROWS, 2022: ROWS + 5}, str(still)
    importer.run_well("--years", "2021,2022", *REFRESH, "--release")
    assert destination.counts() == {2021: ROWS + 9, 2022: ROWS + 5}


def test_reverted_year_that_left_the_site(destination, importer, site, made_years):
    """Staging serves what was reverted and the site no more: it goes on as live has it, not as staging does."""
    site.put(2021, made_years(ROWS, year=2021))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022", *REFRESH)
    site.put(2021, made_years(ROWS + 9, year=2021, seed=9))
    importer.run_well("--years", "2021,2022", *REFRESH)
    assert importer.call("revert", "--drain", "0").code == program.ALL
    site.take_away(2021)
    site.put(2022, made_years(ROWS + 5, year=2022, seed=5))
    importer.run_well("--years", "2021,2022", *REFRESH)
    assert destination.counts() == {2021: ROWS, 2022: ROWS + 5}


def test_promote_says_what_is_newer_at_the_source(destination, importer, site, made_years):
    """A person decides: it is said, and done."""
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021", "--staging")
    same = importer.call("promote", "--dry-run", "--source", importer.source)
    assert same.code == program.ALL and "another edition" not in same.out, str(same)
    site.put(2021, made_years(ROWS + 1, year=2021, seed=2))
    done = importer.call("promote", "--drain", "0", "--source", importer.source)
    assert done.code == program.ALL, str(done)
    assert "2021: the source has another edition than staging by now" in done.out
    assert destination.counts() == {2021: ROWS}


def test_mended_record_goes_along(destination, importer, site, made_years, tmp_path):
    """What a person mended in live is not lost by a refresh of another year."""
    lines = program_lines(made_years(ROWS, year=2021))
    lines[10] = lines[10].replace(b",2021-", b",20x1-", 1)
    site.put(2021, gzip_of(lines))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022", *REFRESH)
    sheet = importer.call("history", "--rejects", "--csv", "--to", destination.to).out
    mended = tmp_path / "mended.csv"
    mended.write_text(sheet.replace("20x1-", "2021-"))
    done = importer.call("mend", mended)
    assert done.code == program.ALL, str(done)
    assert destination.count(2021) == ROWS
    print_ = destination.fingerprint(2021)
    site.put(2022, made_years(ROWS + 1, year=2022, seed=2))
    importer.run_well("--years", "2021,2022", *REFRESH)
    assert destination.counts() == {2021: ROWS, 2022: ROWS + 1}
    assert destination.fingerprint(2021) == print_


def test_mended_after_it_was_staged(destination, importer, site, made_years, tmp_path):
    """Live is mended while staging waits: promoting would make rejects of those records again."""
    lines = program_lines(made_years(ROWS, year=2021))
    lines[10] = lines[10].replace(b",2021-", b",20x1-", 1)
    site.put(2021, gzip_of(lines))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022")
    site.put(2022, made_years(ROWS + 1, year=2022, seed=2))
    importer.run_well("--years", "2021,2022", "--staging")
    sheet = importer.call("history", "--rejects", "--csv", "--to", destination.to).out
    mended = tmp_path / "mended.csv"
    mended.write_text(sheet.replace("20x1-", "2021-"))
    assert importer.call("mend", mended).code == program.ALL
    refused = importer.call("promote", "--drain", "0")
    assert refused.code == program.REFUSED, str(refused)
    assert "1 record of 2021, mended in" in refused.out and "mend FILE --staging" in refused.out, str(refused)
    assert importer.call("mend", mended, "--staging").code == program.ALL
    assert importer.call("promote", "--drain", "0").code == program.ALL
    assert destination.counts() == {2021: ROWS, 2022: ROWS + 1}


def program_lines(path):
    import gzip
    with gzip.open(path) as file:
        return file.read().split(b"\n")


def gzip_of(lines):
    import gzip
    return gzip.compress(b"\n".join(lines))
