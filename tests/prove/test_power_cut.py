"""The power fails before any write, fsync or rename of a run: what was not fsynced is gone, cut, zeros or noise."""
import shutil

import pytest

import everywhere
import power
import program
from everywhere import NTH_CALL, SETTINGS
from proof import chosen, random_source


@pytest.mark.parametrize("how", ["cut", "zeros", "noise", "mixed"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_power_fails(proof, kind, how, make_destination, make_import, site, made_years, tmp_path):
    small = everywhere.Small(site, made_years)
    rng, log = random_source(kind + how), tmp_path / "calls"
    cuts = proof("power cuts", f"unsynced bytes {how}; into {kind}")
    spoiled, words = 0, [NTH_CALL, "-c", power.CALLS, "-l", str(log)]
    destination = make_destination(kind)
    make_import(destination).with_(wrapper=words).run_well(*SETTINGS)
    destination.drop()
    calls = everywhere.total(log)
    for number in chosen(range(1, calls + 1), kind + how, few=3):
        with cuts.point(f"at the {number}. of {calls}"):
            destination = make_destination(kind)
            importer = make_import(destination)
            result = importer.with_(wrapper=[*words, "-k", str(number)]).run(*SETTINGS)
            assert result.code in (137, program.ALL), str(result)
            done = everywhere.calls(log)
            spoiled += power.Disk(done[:-1] if result.code == 137 else done).spoil(how, rng)
            if destination.exists():
                small.nothing_partial(destination)
            importer.run_well(*SETTINGS)
            small.right(cuts, destination, importer, has_gone_back=True)
            shutil.rmtree(importer.home)
            destination.drop()
    print(f"{spoiled} bytes were spoiled")
    assert spoiled > 0 or cuts.tried < 20, "nothing was ever behind its last fsync"
