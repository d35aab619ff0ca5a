"""The packed file goes: deleted, exchanged, rotten, cut. A year is published only if its bytes are those that came."""
import os
import random
import shutil

import pytest

import damage
import everywhere
import program
import servers
from damage import BOTH, FIRST, MOMENTS, SECOND
from proof import chosen

GROUP = "ledger cases"
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])
HELD = [moment for moment in MOMENTS if moment not in ("before the download", "after the end")]


@pytest.fixture
def half_way(make_destination, make_import, site, made_years, tmp_path):
    return damage.HalfWay(everywhere.Small(site, made_years), make_destination, make_import, tmp_path)


def spool_of(importer, year):
    folder = os.path.join(importer.state, "spool")
    found = [name for name in os.listdir(folder) if name.startswith(f"{year}-") and not name.endswith(".part")]
    return os.path.join(folder, found[0]) if found else None


def another_year(path, importer):
    other = spool_of(importer, FIRST)
    if other:
        shutil.copyfile(other, path)


def another_year_of_this_length(path, importer):
    """Zeros behind the last member are allowed in a .gz, so its length tells nothing."""
    size = os.path.getsize(path)
    another_year(path, importer)
    content = damage.read(path)
    damage.refill(path, content[:size] + bytes(max(0, size - len(content))))


def folder(path, importer):
    damage.remove(path)
    os.mkdir(path)


def symlink(target):
    def go(path, importer):
        damage.remove(path)
        os.symlink(target, path)
    return go


def one_member_less(path, importer):
    content = damage.read(path)
    damage.cut(path, content.rindex(b"\x1f\x8b\x08"))


GONE = {
    "deleted": lambda path, importer: damage.remove(path),
    "the whole folder deleted": lambda path, importer: damage.remove(os.path.dirname(path)),
    "another year's": another_year, "another year's, as long": another_year_of_this_length,
    "empty": lambda path, importer: damage.cut(path, 0), "a byte short": lambda path, importer: damage.cut(
        path, os.path.getsize(path) - 1),
    "zeros": lambda path, importer: damage.refill(path, bytes(os.path.getsize(path))),
    "a folder": folder, "a symlink to nothing": symlink("nowhere"), "a symlink to a folder": symlink("/"),
    "a symlink to itself": lambda path, importer: symlink(path)(path, importer)}


@KINDS
@pytest.mark.parametrize("ledger", ["with its ledger", "without"])
def test_gone(proof, kind, ledger, half_way):
    case = proof(GROUP, f"spool gone, {ledger}, {kind}")
    for what, moment in chosen([(what, moment) for what in GONE for moment in HELD], kind + ledger, few=1):
        with case.point(f"{what}, {moment}"):
            destination, importer = half_way.make(kind, moment)
            path = spool_of(importer, SECOND)
            if path is not None:
                GONE[what](path, importer)
            if ledger == "without":
                for ending in ("", "-wal", "-shm"):
                    damage.remove(damage.ledger_of(importer) + ending)
            result = importer.run(*BOTH)
            if what == "a folder" and result.code != program.ALL:  # somebody's folder is not ours to remove
                assert "is not a file, and one must go there: remove it and run again" in result.said, result
                damage.remove(path)
            half_way.goes_on(case, destination, importer)


@KINDS
@pytest.mark.parametrize("members", [1, 3])
def test_rotten(proof, kind, members, half_way, made_years, site):
    """A bit flipped anywhere, when a part is loaded: in what is loaded, behind it, in headers and trailers."""
    case = proof(GROUP, f"spool rotten, {members} members, {kind}")
    plain = half_way.small.pack(members)
    size = os.path.getsize(plain[SECOND])
    points = [(at, moment) for at in range(0, size, max(1, size // 100))
              for moment in ("at the beginning of the load", "in the load", "between load and publish")]
    for at, moment in chosen(points, f"{kind}{members}", few=1):
        with case.point(f"byte {at}, {moment}"):
            destination, importer = half_way.make(kind, moment)
            path = spool_of(importer, SECOND)
            if path is not None:
                bit = 1 << random.Random(at).randrange(8)
                damage.overwrite(path, at, bytes([damage.read(path)[at] ^ bit]))
            half_way.goes_on(case, destination, importer)


@KINDS
def test_cut_at_a_member(proof, kind, half_way):
    """Every CRC of what is left is right."""
    case = proof(GROUP, f"spool cut at a member's end, {kind}")
    half_way.small.pack(3)
    for moment in chosen(HELD, kind, few=1):
        with case.point(moment):
            destination, importer = half_way.make(kind, moment)
            path = spool_of(importer, SECOND)
            if path is not None:
                one_member_less(path, importer)
            half_way.goes_on(case, destination, importer)


@pytest.fixture
def dripping(tmp_path, site, made_years):
    """A site that sends the second year so slowly that a download can be met half way."""
    server = servers.Site(tmp_path / "dripping", rate="40k")
    try:
        server.start()
        yield server
    finally:
        server.remove()


def part_of(importer):
    folder_of = os.path.join(importer.state, "spool")
    found = [name for name in os.listdir(folder_of) if name.endswith(".part")]
    return os.path.join(folder_of, found[0]) if found else None


def half_a_download(importer):
    """SIGTERM, so that what is there is recorded; a kill would leave a part that nobody knows of."""
    process = importer.start("--years", str(SECOND))
    servers.wait_for(lambda: process.poll() is not None or (
        os.path.isdir(os.path.join(importer.state, "spool")) and part_of(importer)
        and os.path.getsize(part_of(importer)) > 20_000), 60, "half a download")
    process.terminate()
    result = importer.finish(process)
    assert result.code == program.INTERRUPTED, result
    return part_of(importer)


def rot(at):
    def go(path, importer):
        content = damage.read(path)
        damage.overwrite(path, len(content) * at // 100, bytes([content[len(content) * at // 100] ^ 0x10]))
    return go


PART_GONE = {**{name: GONE[name] for name in GONE if "another" not in name},
             **{f"a bit at {at} %": rot(at) for at in range(0, 100, 5)},
             "longer": lambda path, importer: damage.overwrite(path, os.path.getsize(path), b"more" * 1000)}


@KINDS
@pytest.mark.parametrize("ledger", ["with its ledger", "without"])
def test_part_gone(proof, kind, ledger, dripping, make_destination, make_import, made_years):
    case = proof(GROUP, f"part gone, {ledger}, {kind}")
    path = dripping.put(SECOND, made_years(2000, SECOND))
    source = dripping.source("slow")
    for what in chosen(PART_GONE, kind + ledger, few=1):
        with case.point(what):
            destination = make_destination(kind)
            importer = make_import(destination).with_(source=source)
            part = half_a_download(importer)
            PART_GONE[what](part, importer)
            if ledger == "without":
                for ending in ("", "-wal", "-shm"):
                    damage.remove(damage.ledger_of(importer) + ending)
            swift = importer.with_(source=source)
            result = swift.run("--years", str(SECOND))
            if result.code != program.ALL:
                assert os.path.lexists(part) and f"{part} is not a file, and one must go there" in result.said, result
                damage.remove(part)
                swift.run_well("--years", str(SECOND))
            case.compare(destination, {SECOND: path})
            assert swift.call("history", "--verify", "--to", destination.to).code == program.ALL
            shutil.rmtree(importer.home)
