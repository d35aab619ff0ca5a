"""The ledger goes: deleted, cut, spoiled, put back, from another version, read-only, on a full disk. The next run
ends what was begun all the same, from what the destination remembers."""
import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess

import pytest

import damage
import everywhere
import ledgers
import program
from damage import BOTH, MOMENTS, PAGE, ledger_of
from proof import chosen

GROUP = "ledger cases"
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")


@pytest.fixture
def half_way(make_destination, make_import, site, made_years, tmp_path):
    return damage.HalfWay(everywhere.Small(site, made_years), make_destination, make_import, tmp_path)


def delete(*endings):
    def go(importer):
        for ending in endings:
            damage.remove(ledger_of(importer) + ending)
    return go


def whole_folder(importer):
    damage.remove(importer.state)


def a_folder(importer):
    delete("", "-wal", "-shm")(importer)
    os.mkdir(ledger_of(importer))


DELETED = {
    "the file": delete(""), "the file and its -wal": delete("", "-wal", "-shm"), "its -wal": delete("-wal"),
    "its -shm": delete("-shm"), "its -wal and -shm": delete("-wal", "-shm"), "the whole state folder": whole_folder,
    "a folder in its place": a_folder}


@KINDS
def test_deleted(proof, kind, half_way):
    case = proof(GROUP, f"deleted, {kind}")
    points = [(what, moment) for what in DELETED for moment in MOMENTS]
    for what, moment in chosen(points, kind, few=1):
        with case.point(f"{what}, {moment}"):
            destination, importer = half_way.make(kind, moment)
            DELETED[what](importer)
            half_way.goes_on(case, destination, importer)


@KINDS
def test_cut(proof, kind, half_way):
    """At each page's end and at odd lengths. A file that is cut is set aside; with its -wal cut it is an older one."""
    case = proof(GROUP, f"cut, {kind}")
    lengths = [page * PAGE + odd for page in range(16) for odd in (0, 1, 100, 2049, 4095)]
    points = [(which, length) for which in ("in one file", "file", "-wal") for length in lengths]
    for which, length in chosen(points, kind, few=1):
        with case.point(f"{which} at {length}"):
            destination, importer = half_way.make(kind, "in the load")
            path = ledger_of(importer)
            if which == "in one file":
                damage.into_one_file(path)
            path += "-wal" if which == "-wal" else ""
            damage.cut(path, min(length, os.path.getsize(path)))
            half_way.goes_on(case, destination, importer)


@KINDS
def test_spoiled(proof, kind, half_way):
    """Noise and zeros. What hits an event is named by history --verify, for ever; what hits anything else is made
    good. A ledger that cannot work is set aside."""
    case = proof(GROUP, f"spoiled, {kind}")
    for seed in chosen(range(1, 1001), kind, few=1):
        rng = random.Random(seed)
        moment = rng.choice(list(MOMENTS))
        with case.point(f"seed {seed}, {moment}"):
            destination, importer = half_way.make(kind, moment)
            path = ledger_of(importer)
            if rng.random() < 0.6:
                damage.into_one_file(path)
            with_wal = os.path.exists(path + "-wal") and os.path.getsize(path + "-wal") > 0
            path += "-wal" if with_wal and rng.random() < 0.5 else ""
            what = damage.spoil(rng, path, rng.choice([1, 1, 2, 4]))
            try:
                half_way.goes_on(case, destination, importer, history=(program.ALL, program.NONE))
            except Exception as problem:
                raise AssertionError(f"{what}: {problem}") from problem


def change(statement, *values):
    def go(importer):
        with contextlib.closing(sqlite3.connect(ledger_of(importer), isolation_level=None)) as ledger:
            ledger.execute("PRAGMA writable_schema = ON")
            ledger.execute(statement, values)
    return go


FLIPPED = {  # one flipped bit or digit in a place that no check of SQLite's looks at
    "a hash's first digit": change("UPDATE spool SET sha256 = '0' || substr(sha256, 2)"),
    "a hash's last digit": change("UPDATE spool SET sha256 = substr(sha256, 1, 63) || CASE substr(sha256, 64)"
                                  " WHEN '0' THEN '1' ELSE '0' END"),
    "a hash that is none": change("UPDATE spool SET sha256 = 'x'"),
    "a hash that is no text": change("UPDATE spool SET sha256 = CAST(x'ff' || substr(sha256, 2) AS TEXT)"),
    "an ETag that is no text": change("UPDATE spool SET etag = CAST(x'22ff0122' AS TEXT)"),
    "an ETag of two lines": change("UPDATE spool SET etag = etag || char(13, 10) || 'Range: bytes=1-'"),
    "a spool's name": change("UPDATE spool SET file = '../lock'"),
    "a spool's size": change("UPDATE spool SET packed_size = packed_size + 1"),
    "a plain size": change("UPDATE spool SET verified = 1, plain_size = 1000"),
    "where a point begins": change("UPDATE point SET packed = packed + 1, bit = 7 - bit"),
    "the CRC of a point": change("UPDATE point SET crc = crc + 1"),
    "what is loaded": change("UPDATE range SET plain_end = plain_end - 1, rows = rows + 1"),
    "a destination": change("UPDATE destination SET uuid = 'another'"),
    "where a year stands": change("UPDATE year SET stage = 'published', sha256 = 'another'"),
    "the number of schema steps": change("PRAGMA user_version = 5"),
    "a column's name": change("UPDATE sqlite_schema SET sql = replace(sql, 'hash TEXT', 'hasi TEXT')"),
    "a trigger": change("UPDATE sqlite_schema SET sql = replace(sql, 'NEW.number', 'NEW.mumber')"),
    "the last number of an event": change("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'event'"),
    "no number of an event": change("DELETE FROM sqlite_sequence"),
    "no number left for a run": change("UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'run'"),
    "no chain id": change("DELETE FROM meta"),
}


@KINDS
def test_flipped(proof, kind, half_way):
    case = proof(GROUP, f"a flipped digit in it, {kind}")
    points = [(what, moment) for what in FLIPPED for moment in ("in the load", "after publish", "after the end")]
    for what, moment in chosen(points, kind, few=1):
        with case.point(f"{what}, {moment}"):
            destination, importer = half_way.make(kind, moment)
            FLIPPED[what](importer)
            half_way.goes_on(case, destination, importer)


@KINDS
def test_index_that_lacks_a_row(proof, kind, half_way):
    """Sound in its structure, and SQLITE_CORRUPT as soon as the row is to go: found before, not late in a run."""
    case = proof(GROUP, f"an index lacks a row, {kind}")
    for moment in chosen(MOMENTS, kind, few=1):
        with case.point(moment):
            destination, importer = half_way.make(kind, moment)
            with contextlib.closing(sqlite3.connect(ledger_of(importer), isolation_level=None)) as ledger:
                ledger.execute("PRAGMA writable_schema = ON")
                ledger.execute("UPDATE sqlite_schema SET type = 'table', name = 'hidden', tbl_name = 'hidden',"
                               " sql = 'CREATE TABLE hidden (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID'"
                               " WHERE name = 'sqlite_autoindex_point_1'")
                page, = ledger.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'hidden'").fetchone()
            damage.into_one_file(ledger_of(importer))
            # put the schema right again by hand, and take one entry out of the index's only page
            with contextlib.closing(sqlite3.connect(ledger_of(importer), isolation_level=None)) as ledger:
                ledger.execute("PRAGMA writable_schema = ON")
                ledger.execute("UPDATE sqlite_schema SET type = 'index', name = 'sqlite_autoindex_point_1',"
                               " tbl_name = 'point', sql = NULL WHERE name = 'hidden'")
            damage.into_one_file(ledger_of(importer))
            content = damage.read(ledger_of(importer))
            at = (page - 1) * PAGE + 3  # the number of cells
            assert int.from_bytes(content[at:at + 2], "big") > 0
            damage.overwrite(ledger_of(importer), (page - 1) * PAGE, b"\x0a\0\0\0\0\0\0\0")
            damage.overwrite(ledger_of(importer), at + 2, PAGE.to_bytes(2, "big"))
            result = half_way.goes_on(case, destination, importer)
            assert "was broken: set aside" in result.err, result


@KINDS
def test_older_copy_put_back(proof, kind, half_way, tmp_path):
    """From every moment before; also an older file that meets the newer -wal."""
    case = proof(GROUP, f"an older copy put back, {kind}")
    points = [(taken, how) for taken in list(MOMENTS)[:-1] for how in ("copy", "files", "file beside a newer -wal")]
    for taken, how in chosen(points, kind, few=1):
        with case.point(f"{how}, taken {taken}"):
            destination, importer = half_way.make(kind, taken)
            old = str(tmp_path / "old")
            if how == "copy":
                ledgers.copy(importer, old)
            else:
                shutil.copytree(importer.state, old)
            importer.run_well(*BOTH)
            if how == "copy":
                ledgers.put_back(importer, old)
            elif how == "files":
                shutil.rmtree(importer.state)
                shutil.copytree(old, importer.state)
            else:
                importer.with_(wrapper=[everywhere.NTH_CALL, "-c", damage.CALLS, "-k", "60"]).run(*BOTH)
                shutil.copyfile(os.path.join(old, "state.sqlite"), ledger_of(importer))
            damage.remove(old)
            # events of the one and of the other, and a gap between them: it is named
            mixed = how == "file beside a newer -wal"
            half_way.goes_on(case, destination, importer, (program.ALL, program.NONE) if mixed else (program.ALL,))


@KINDS
def test_newer_version(proof, kind, half_way):
    """Refused, said, and not a byte of it changed."""
    case = proof(GROUP, f"a newer schema version, {kind}")
    for moment in chosen(MOMENTS, kind, few=1):
        with case.point(moment):
            destination, importer = half_way.make(kind, moment)
            with contextlib.closing(sqlite3.connect(ledger_of(importer), isolation_level=None)) as ledger:
                version, = ledger.execute("PRAGMA user_version").fetchone()
                ledger.execute("PRAGMA user_version = 4711")
            chunks = destination.chunks()
            names = sorted(os.listdir(importer.state))
            result = importer.run(*BOTH)
            assert result.code == program.REFUSED and len(result.lines) == 1, result
            assert "newer dvf-import (schema 4711)" in result.err, result
            assert destination.chunks() == chunks
            assert not [name for name in os.listdir(importer.state) if "broken" in name], names
            with contextlib.closing(sqlite3.connect(ledger_of(importer), isolation_level=None)) as ledger:
                ledger.execute(f"PRAGMA user_version = {version}")
            half_way.goes_on(case, destination, importer)


@ROOT_ONLY
@KINDS
def test_read_only(proof, kind, half_way):
    """On a read-only file system, and as somebody who may read the files and not write them."""
    case = proof(GROUP, f"read-only, {kind}")
    points = [(how, moment) for how in ("folder", "file") for moment in MOMENTS]
    for how, moment in chosen(points, kind, few=1):
        with case.point(f"{how}, {moment}"):
            destination, importer = half_way.make(kind, moment)
            place = importer.state if how == "folder" else ledger_of(importer)
            subprocess.run(["mount", "--bind", place, place], check=True)
            try:
                subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
                result = importer.run(*BOTH)
            finally:
                subprocess.run(["umount", "-l", place], check=True)
            assert result.code == program.NONE and len(result.lines) == 1, result
            assert importer.state in result.err and ("rite" in result.err or "ead-only" in result.err), result
            half_way.goes_on(case, destination, importer)


@ROOT_ONLY
@KINDS
def test_full_disk(proof, kind, half_way, make_destination, make_import, small_disk):
    """Full from the start, or after so many bytes; with room the same command goes on."""
    case = proof(GROUP, f"on a full disk, {kind}")
    points = [(room, moment) for room in (0, 4, 20, 40, 80, 160, 320) for moment in MOMENTS]
    for room, moment in chosen(points, kind, few=1):
        with case.point(f"{room} KiB left, {moment}"):
            destination, importer = half_way.make(kind, moment)
            disk = small_disk(24 << 20)
            state = os.path.join(disk, "state")
            shutil.copytree(importer.state, state)
            fill = os.path.join(disk, "fill")
            with open(fill, "wb") as file:
                left = shutil.disk_usage(disk).free
                file.write(bytes(max(0, left - (room << 10))))
            away = importer.with_(state=state)
            result = away.run(*BOTH)
            assert result.code in (program.ALL, program.NONE, program.SOME), result
            if result.code != program.ALL:
                assert any(re.search(everywhere.FULL, reason) for reason in everywhere.reasons(result)), str(result)
            for year, rows in destination.counts().items():
                assert rows == everywhere.ROWS - len(everywhere.SPOILED[year]), "part of a year is served"
            os.unlink(fill)
            away.run_well(*BOTH)
            away.home = importer.home
            half_way.right(case, destination, away)
            damage.remove(state)


@KINDS
def test_damaged_while_it_is_used(proof, kind, half_way, site):
    """Pages that are spoiled below a run that has them open: it may end, but throws nothing away that is loaded, and
    the next one ends what was begun."""
    case = proof(GROUP, f"spoiled during a run, {kind}")
    for seed in chosen(range(1, 201), kind, few=1):
        rng = random.Random(seed)
        with case.point(f"seed {seed}"):
            destination, importer = half_way.make(kind, "before the download")
            damage.into_one_file(ledger_of(importer))
            stopper = importer.with_(wrapper=[everywhere.NTH_CALL, "-c", damage.CALLS, "-s",
                                              str(rng.randrange(5, half_way.calls_of(kind)))])
            process = stopper.start(*BOTH)
            damage.when_stopped(process)
            before = damage.chunks_now(destination)
            for _ in range(rng.choice([1, 3, 8])):
                damage.spoil(rng, ledger_of(importer))
            damage.go_on(process)
            result = importer.finish(process)
            assert result.code in (program.ALL, program.SOME, program.NONE), result
            assert before <= destination.chunks(), f"loaded chunks were thrown away: {result}"
            half_way.goes_on(case, destination, importer, history=(program.ALL, program.NONE))
