"""Years that are held or refused while others are new, in a staging database that is to be promoted."""
import gzip

import pytest

import program
import shapes

ROWS = 1000
REFRESH = ["--years", "2021,2022", "--staging", "--promote", "--drain", "0"]


@pytest.mark.parametrize("words", [REFRESH[:3], REFRESH], ids=["staging", "promote"])
def test_shrunk_year_is_said(destination, importer, site, made_years, words):
    """One year is new and the other shrank: the first run says so as every later one does, and nothing is promoted, by
    itself or by a person. It waits in staging, loaded, and is not loaded again."""
    site.put(2021, made_years(ROWS, year=2021))
    site.put(2022, made_years(ROWS, year=2022))
    importer.run_well("--years", "2021,2022")
    site.put(2021, made_years(ROWS // 2, year=2021, seed=2))
    site.put(2022, made_years(ROWS + 1, year=2022, seed=2))
    for code in (program.SOME, program.REFUSED):  # the second time nothing is new
        held = importer.run(*words)
        assert held.code == code, str(held)
        assert "2021  held" in held.out and "--allow-shrink" in held.out, str(held)
        assert destination.counts() == {2021: ROWS, 2022: ROWS}
        assert destination.slot("staging").counts() == {2022: ROWS + 1}
        assert ('year=2021 msg="loading"' in held.err) == (code == program.SOME), str(held)
    refused = importer.call("promote", "--drain", "0")
    assert refused.code == program.REFUSED and "--allow-shrink" in refused.out, str(refused)
    allowed = importer.run_well(*REFRESH, "--allow-shrink")
    assert "not promoted" not in allowed.out
    assert destination.counts() == {2021: ROWS // 2, 2022: ROWS + 1}


def test_refused_year_in_staging(destination, importer, site, made_years):
    """A promote by hand says why the year is not there, and what to do."""
    site.put(2021, made_years(ROWS, year=2021))
    importer.run_well("--years", "2021")
    lines = shapes.plain_of(made_years(ROWS + 1, year=2021)).split(b"\n")
    lines[10:60] = [line.replace(b"2021-", b"21-") for line in lines[10:60]]
    site.put(2021, gzip.compress(b"\n".join(lines), 1))
    site.put(2022, made_years(ROWS, year=2022))
    refused = importer.run("--years", "2021,2022", "--staging", "--promote", "--drain", "0")
    assert refused.code == program.SOME and "--max-rejects" in refused.out, str(refused)
    promoted = importer.call("promote", "--drain", "0")
    assert promoted.code == program.REFUSED, str(promoted)
    assert "50 of 1001 records" in promoted.out and "--drop-year" in promoted.out, str(promoted)
    assert promoted.out.count("2021 ") == 1, "and does not say that run --staging would bring it in: " + promoted.out
    assert destination.counts() == {2021: ROWS}
