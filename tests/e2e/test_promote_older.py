"""Live got a newer edition of a year after staging was loaded: a promote would put the year back. And when it would not."""
import program

ROWS = 2000


def promote(importer, *arguments):
    return importer.call("promote", "--drain", "0", *arguments)


def refuses_and_run_helps(destination, importer, years, counts, *more):
    before = destination.counts()
    for arguments in (["--dry-run"], []):
        refused = promote(importer, *arguments)
        assert refused.code == program.REFUSED, str(refused)
        assert "2021" in refused.out and "newer edition" in refused.out and "run --staging" in refused.out, str(refused)
    assert destination.counts() == before
    importer.run_well("--years", years, "--staging", *more)
    done = promote(importer)
    assert done.code == program.ALL and "newer edition" not in done.said, str(done)
    assert destination.counts() == counts


def overtake_a_copy(importer, site, made_years):
    """Staging has 2021 as it was in live, and a new 2022; then live gets another 2021."""
    site.put(2021, made_years(ROWS))
    importer.run_well("--years", "2021")
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022", "--staging")
    site.put(2021, made_years(ROWS + 1, seed=2))
    importer.run_well("--years", "2021")


def test_copied_from_live_before_it_came(destination, importer, site, made_years):
    overtake_a_copy(importer, site, made_years)
    refuses_and_run_helps(destination, importer, "2021,2022", {2021: ROWS + 1, 2022: ROWS})


def test_loaded_before_it_came(destination, importer, site, made_years):
    """Two editions one after the other, and the older of them in staging; it was no copy."""
    site.put(2021, made_years(ROWS))
    importer.run_well("--years", "2021")
    site.put(2021, made_years(ROWS + 1, seed=2))
    importer.run_well("--years", "2021", "--staging")
    site.put(2021, made_years(ROWS + 2, seed=3))
    importer.run_well("--years", "2021")
    refuses_and_run_helps(destination, importer, "2021", {2021: ROWS + 2})


def test_live_did_not_serve_it_yet(destination, importer, site, made_years):
    site.put(2020, made_years(ROWS, year=2020))
    importer.run_well("--years", "2020")
    site.put(2021, made_years(ROWS))
    importer.run_well("--years", "2020,2021", "--staging")
    site.put(2021, made_years(ROWS + 1, seed=2))
    importer.run_well("--years", "2021")
    refuses_and_run_helps(destination, importer, "2020,2021", {2020: ROWS, 2021: ROWS + 1})


def test_it_left_the_site(destination, importer, site, made_years):
    """The site cannot say which is newer; what staging was loaded beside can."""
    overtake_a_copy(importer, site, made_years)
    site.take_away(2021)
    refuses_and_run_helps(destination, importer, "2021,2022", {2021: ROWS + 1, 2022: ROWS})


def test_staging_has_the_newer_one_and_the_site_none(destination, importer, site, made_years):
    site.put(2021, made_years(ROWS))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022")
    site.put(2021, made_years(ROWS + 1, seed=2))
    importer.run_well("--years", "2021,2022", "--staging")
    site.take_away(2021)
    importer.run_well("--years", "2021,2022", "--staging", "--promote", "--drain", "0")
    assert destination.counts() == {2021: ROWS + 1, 2022: ROWS}


def test_there_and_back(destination, importer, site, made_years):
    """Going back and forth needs no word, until live goes on by itself."""
    site.put(2021, made_years(ROWS))
    importer.run_well("--years", "2021")
    site.put(2021, made_years(ROWS + 1, seed=2))
    importer.run_well("--years", "2021", "--staging")
    for _ in range(2):
        assert promote(importer).code == program.ALL
        assert destination.counts() == {2021: ROWS + 1}
        assert importer.call("revert", "--drain", "0").code == program.ALL
        assert destination.counts() == {2021: ROWS}
    site.put(2021, made_years(ROWS + 2, seed=3))
    importer.run_well("--years", "2021")
    refuses_and_run_helps(destination, importer, "2021", {2021: ROWS + 2})


def test_what_came_into_live_was_reverted(destination, importer, site, made_years):
    """Staging came by no staging run, and says nothing of what live served; the times of publishing do."""
    site.put(2021, made_years(ROWS))
    importer.run_well("--years", "2021")
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022", "--staging", "--promote", "--drain", "0")
    site.put(2021, made_years(ROWS + 1, seed=2))
    importer.run_well("--years", "2021,2022")
    assert importer.call("revert", "--drain", "0").code == program.ALL
    assert destination.counts() == {2021: ROWS}
    assert promote(importer).code == program.ALL
    assert destination.counts() == {2021: ROWS + 1, 2022: ROWS}
    assert importer.call("revert", "--drain", "0").code == program.ALL
    site.put(2021, made_years(ROWS + 2, seed=3))
    destination.slot("staging").query("UPDATE {source} SET published_at = '2026-01-02T03:04:05Z' WHERE year = 2021")
    importer.run_well("--years", "2021")
    refuses_and_run_helps(destination, importer, "2021,2022", {2021: ROWS + 2, 2022: ROWS}, "--release")
