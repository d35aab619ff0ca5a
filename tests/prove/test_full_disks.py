"""Real short writes and real full disks: a limit on the size of a file (prlimit), a tmpfs of every size.

nth-call makes a write fail; here the kernel itself writes a part of it and then no more."""
import os
import re
import shutil
import subprocess

import pytest

import everywhere
import program
from everywhere import SETTINGS
from proof import chosen

ARGUMENTS = (*SETTINGS, "--retries", "1", "--wait", "2")


def ends_in_order(small, destination, result):
    assert result.code in (program.ALL, program.NONE, program.SOME), str(result)
    assert result.code == program.ALL or any(re.search(everywhere.FULL, reason) for reason in
                                             everywhere.reasons(result)), f"no word of the disk\n{result}"
    if destination.exists():
        small.nothing_partial(destination)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_files_may_not_grow(proof, kind, make_destination, make_import, site, made_years):
    """Every limit up to the largest file there is, in odd steps, so that writes are cut in their middle."""
    small = everywhere.Small(site, made_years)
    faults = proof("faults injected", f"a write is cut short: file size limit; into {kind}")
    for limit in chosen(range(1, 1_300_000, 6007), kind, few=2):
        with faults.point(f"no file over {limit} bytes"):
            destination = make_destination(kind)
            importer = make_import(destination)
            result = importer.with_(wrapper=["prlimit", f"--fsize={limit}"]).run(*ARGUMENTS)
            ends_in_order(small, destination, result)
            importer.run_well(*SETTINGS)
            small.right(faults, destination, importer)
            shutil.rmtree(importer.home)
            destination.drop()


@pytest.mark.parametrize("what", ["ledger and spool", "sqlite file"])
def test_a_disk_is_full(proof, what, make_destination, make_import, site, made_years, small_disk):
    small = everywhere.Small(site, made_years)
    faults = proof("faults injected", f"a full disk below the {what}")
    disk = small_disk(1 << 20)
    for pages in chosen(range(1, 420, 4), what, few=3):
        with faults.point(f"a disk of {pages} pages"):
            destination, state = make_destination("sqlite"), None
            if what == "sqlite file":
                destination = program.SqliteDestination(os.path.join(disk, "dvf.sqlite"))
            else:
                state = os.path.join(disk, "state")
            subprocess.run(["mount", "-o", f"remount,size={pages * 4096}", disk], check=True)
            importer = make_import(destination, state=state)
            result = importer.run(*ARGUMENTS)
            # Whoever looks needs room, too: for the shared memory beside a log.
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            ends_in_order(small, destination, result)
            importer.run_well(*SETTINGS)
            small.right(faults, destination, importer)
            for name in os.listdir(disk):
                path = os.path.join(disk, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
