"""SIGKILL at the n-th system call of a run, for every n; the next `run` ends what was begun.

The run makes the destination, downloads, loads, indexes, checks and publishes, so every call of each is among them."""
import shutil

import pytest

import everywhere
import program
from everywhere import NTH_CALL, SETTINGS
from proof import chosen, random_source


class World:
    """One destination after the other, each brought to where the killing begins."""

    def __init__(self, kind, make_destination, make_import, small, is_refresh):
        self.kind, self.make_destination, self.make_import = kind, make_destination, make_import
        self.small, self.is_refresh = small, is_refresh

    def make(self):
        destination = self.make_destination(self.kind)
        importer = self.make_import(destination)
        if self.is_refresh:
            self.small.site.put(2021, self.old)
            importer.run_well(*SETTINGS)
            self.small.site.put(2021, self.new)
        return destination, importer

    def revise(self):
        """2021 has an old and a new edition."""
        with open(self.small.files[2021], "rb") as file:
            self.old = file.read()
        self.small.publish(2021, seed=2)
        with open(self.small.files[2021], "rb") as file:
            self.new = file.read()

    def end(self, destination, importer):
        shutil.rmtree(importer.home)
        destination.drop()


@pytest.fixture(params=["first import", "refresh"])
def world(request, kind, make_destination, make_import, site, made_years):
    made = World(kind, make_destination, make_import, everywhere.Small(site, made_years), request.param == "refresh")
    if made.is_refresh:
        made.revise()
    made.case = f"{request.param} into {kind}"
    return made


def calls_of(world, tmp_path):
    """How many system calls it makes when nobody kills it."""
    destination, importer = world.make()
    importer.with_(wrapper=[NTH_CALL, "-l", str(tmp_path / "calls")]).run_well(*SETTINGS)
    world.end(destination, importer)
    return everywhere.total(tmp_path / "calls")


def kill_at(world, importer, destination, number):
    killed = importer.with_(wrapper=[NTH_CALL, "-k", str(number)]).run(*SETTINGS)
    assert killed.code in (137, program.ALL), killed  # ALL: this time it made fewer calls
    world.small.nothing_partial(destination)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_once(proof, world, tmp_path):
    calls = calls_of(world, tmp_path)
    kills = proof("system calls killed", world.case)
    for number in chosen(range(1, calls + 1), world.case, few=4):
        with kills.point(f"killed at call {number} of {calls}"):
            destination, importer = world.make()
            kill_at(world, importer, destination, number)
            importer.run_well(*SETTINGS)
            world.small.right(kills, destination, importer)
            world.end(destination, importer)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_again_and_again(proof, world, tmp_path):
    """The run that goes on is killed too, up to five times; which calls, a seed says."""
    calls = calls_of(world, tmp_path)
    rng = random_source(world.case)
    kills = proof("system calls killed", world.case + ", several in a row")
    for turn in chosen(range(100), world.case, few=1):
        with kills.point(f"turn {turn}"):
            destination, importer = world.make()
            for _ in range(rng.randint(2, 5)):
                kill_at(world, importer, destination, rng.randint(calls // 20, calls))
            importer.run_well(*SETTINGS)
            world.small.right(kills, destination, importer)
            world.end(destination, importer)
