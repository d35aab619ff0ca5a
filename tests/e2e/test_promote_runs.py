"""Runs that are at work while the databases change places stop and say why; the next run ends right."""
import time

import pytest

import program
from servers import wait_for
from slots import COUNTS, EDITIONS, Loaded, Slots

MORE = 20_000


@pytest.fixture
def world(swap, site, made_years):
    """swap, with a site that has another edition of 2021, much longer."""
    site.put(2021, made_years(MORE, seed=5))
    swap.importer.source = site.source()
    return swap


def loader_of(world, tmp_path, *arguments, chunk_rows="50"):
    """A run from another host, which has brought something."""
    home = tmp_path / "other"
    home.mkdir()
    other = program.Import(home, world.live.to, world.importer.source)
    process = other.start("--years", "2021", "--chunk-rows", chunk_rows, "--loaders", "1", *arguments)
    return other, process


def brought(destination, process, rows=3000):
    wait_for(lambda: destination.committed() > rows or process.poll() is not None, 60, "rows")
    assert process.poll() is None


def test_run_into_live_is_stopped(world, tmp_path):
    """It loads into live; promote takes the fence, and the run says who took over. The next one loads into what is
    live now."""
    other, process = loader_of(world, tmp_path)
    brought(world.live, process)
    world.promote()
    result = other.finish(process, 60)
    if result.code == program.ALL:
        pytest.skip("the run was faster")
    assert result.code == program.NONE, str(result)
    assert "taken this destination over" in result.err or "another" in result.err, str(result)
    assert world.live.counts() == COUNTS["b"]
    assert world.live.query("SELECT DISTINCT stage FROM {source}") == [("published",)], "nothing of it is in there"
    other.run_well("--years", "2021")
    assert world.live.counts() == {**COUNTS["b"], 2021: MORE}
    assert world.live.fingerprint(2021)[:4] == (MORE, 1, MORE, MORE)
    world.live.tiles()


def test_run_that_begins_while_it_drains(world, tmp_path):
    """It takes the fence after promote had it, so only the renames end its sessions. It connects again by the name
    of live, and sees that this is another database."""
    stays = world.server.connect(world.name, "importer")
    promote = world.importer.start("--drain", "3", command="promote")
    world.draining(promote)
    time.sleep(0.5)
    other, process = loader_of(world, tmp_path, chunk_rows="2")
    result = world.importer.finish(promote, 60)
    stays.close()
    assert result.code == program.ALL, str(result)
    ended = other.finish(process, 60)
    assert world.uuid(world.live) != world.uuid(world.previous)
    if world.previous.counts()[2021] == MORE:
        pytest.skip("the run was faster than the drain")
    assert ended.code == program.NONE, str(ended)
    assert "another" in ended.err or "became" in ended.err or "made again" in ended.err, str(ended)
    assert world.live.counts() == COUNTS["b"]
    assert world.live.query("SELECT DISTINCT stage FROM {source}") == [("published",)]
    other.run_well("--years", "2021")
    assert world.live.counts() == {**COUNTS["b"], 2021: MORE}
    world.live.tiles()


def test_revert_while_staging_is_loaded(world, tmp_path):
    """A revert needs the name of staging: the run that fills it is stopped, and does not make it anew by itself."""
    world.promote()
    world.loaded.copy("b", world.staging.name)
    other, process = loader_of(world, tmp_path, "--staging", chunk_rows="5")
    brought(world.staging, process)
    dry = world.revert("--dry-run")
    assert f"would drop {world.name}_outgoing" in dry.out, str(dry)
    world.revert()
    ended = other.finish(process, 60)
    assert ended.code != program.ALL, str(ended)
    assert world.live.counts() == COUNTS["a"] and world.staging.counts() == COUNTS["b"]
    assert world.databases() == [world.name, world.staging.name]
    assert world.staging.query("SELECT DISTINCT stage FROM {source}") == [("published",)]


def test_reverted_editions_are_held(loaded, made_years, tmp_path, site):
    """The timer that runs after a revert does not bring back what was reverted; --release does."""
    world = Slots(loaded, tmp_path, name="held_ones")
    try:
        for year, (rows, seed) in EDITIONS["b"].items():
            site.put(year, made_years(rows, year=year, seed=seed))
        world.importer.source = site.source()
        world.promote()
        world.revert()
        result = world.importer.run("--years", "2020-2022")
        assert result.code == program.REFUSED, str(result)
        assert "--release" in result.said, str(result)
        assert world.live.counts() == COUNTS["a"]
        world.importer.run_well("--years", "2020-2022", "--release")
        assert world.live.counts() == COUNTS["b"]
    finally:
        world.end()


def test_fence_of_a_restored_database(world):
    """Live came out of a backup, so that its identity is another database's: it gets its own, and is promoted over."""
    world.server.sql("UPDATE dvf_import.destination SET database_oid = 1", world.name)
    before = world.uuid(world.live)
    world.promote()
    assert world.live.counts() == COUNTS["b"] and world.uuid(world.previous) != before
    world.revert()
    assert world.live.counts() == COUNTS["a"]


def test_fixture_is_what_it_says(loaded):
    assert isinstance(loaded, Loaded)
    assert loaded.server.sql("SELECT source_year, count(*) FROM dvf GROUP BY 1 ORDER BY 1", "edition_a") == \
        sorted(COUNTS["a"].items())
