"""Two at once: on one state folder, with two state folders on one destination, with a copied state folder. One wins,
the other says who holds it, and nothing is doubled."""
import shutil

import pytest

import damage
import everywhere
import program
from damage import BOTH, MOMENTS
from proof import chosen, how_many

GROUP = "ledger cases"
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@pytest.fixture
def half_way(make_destination, make_import, site, made_years, tmp_path):
    return damage.HalfWay(everywhere.Small(site, made_years), make_destination, make_import, tmp_path)


@KINDS
def test_one_state_folder(proof, kind, half_way, make_destination, make_import):
    """Started at the same moment."""
    case = proof(GROUP, f"two runs at once, one state folder, {kind}")
    for number in range(how_many(50, few=1)):
        with case.point(f"time {number}"):
            destination = make_destination(kind)
            importer = make_import(destination)
            results = [importer.finish(one) for one in [importer.start(*BOTH) for _ in range(2)]]
            codes = sorted(result.code for result in results)
            assert program.ALL in codes and set(codes) <= {program.ALL, program.NONE}, results
            for result in results:
                if result.code == program.NONE:
                    assert len(result.lines) == 1 and "another run is going on in" in result.err, result
            half_way.goes_on(case, destination, importer)


@KINDS
def test_two_state_folders(proof, kind, half_way, make_destination, make_import):
    """Started at the same moment, on a destination that is empty and has yet to be made ours."""
    case = proof(GROUP, f"two state folders at once, {kind}")
    for number in range(how_many(50, few=1)):
        with case.point(f"time {number}"):
            destination = make_destination(kind)
            both = [make_import(destination) for _ in range(2)]
            processes = [importer.start(*BOTH) for importer in both]
            results = [importer.finish(process) for importer, process in zip(both, processes)]
            assert program.ALL in [result.code for result in results], results
            for result in results:
                if result.code != program.ALL:
                    assert result.code in (program.NONE, program.SOME) and "another run" in result.said, result
            for importer in both:
                importer.run_well(*BOTH)
            for importer in both:
                half_way.right(case, destination, importer)


@KINDS
def test_copied_to_another_machine(proof, kind, half_way, make_import):
    """The copy goes on where the first stopped, then the first again, then both at once."""
    case = proof(GROUP, f"state folder copied, {kind}")
    for moment in chosen(MOMENTS, kind, few=1):
        with case.point(moment):
            destination, importer = half_way.make(kind, moment)
            copied = make_import(destination)
            shutil.copytree(importer.state, copied.state)
            copied.run_well(*BOTH)
            importer.run_well(*BOTH)
            results = [one.finish(process) for one, process in [(one, one.start(*BOTH)) for one in (importer, copied)]]
            assert program.ALL in [result.code for result in results], results
            for one in (copied, importer):
                one.run_well(*BOTH)
            for one in (importer, copied):
                half_way.right(case, destination, one)
