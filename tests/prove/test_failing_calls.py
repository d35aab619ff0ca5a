"""The n-th of the calls that can fail does fail, for every n: once, or from there on; the next `run` ends it.

Whatever fails, the run ends in time and in order: with 0 when it could do without, else with an exit code of the
contract and a message that says which file or peer and why; never by a signal; and nothing partial is served."""
import os
import re
import shutil

import pytest

import everywhere
import program
from everywhere import NTH_CALL, SETTINGS
from proof import chosen

# A server that does not answer is asked for two seconds, a source once more.
ARGUMENTS = (*SETTINGS, "--wait", "2", "--retries", "1", "--stall", "2")
FAULTS = {
    "writing: disk full": ("write,pwrite64,writev,fsync,fdatasync,ftruncate,fallocate,mkdir,rename", "ENOSPC"),
    "writing: input/output error": ("write,pwrite64,writev,fsync,fdatasync,ftruncate,rename,unlink", "EIO"),
    "reading: input/output error": ("read,pread64", "EIO"),
    "opening: too many open files": ("openat,socket,eventfd2,pipe2,dup,dup2,dup3", "EMFILE"),
    "network: connection reset": ("sendto,recvfrom,sendmsg,recvmsg,connect", "ECONNRESET"),
    "network: timed out": ("sendto,recvfrom,sendmsg,recvmsg,connect", "ETIMEDOUT"),
    "network: broken pipe": ("sendto,sendmsg", "EPIPE"),
}


# What one of the reasons must have in it.
LOST = r"connection to the server is lost|server cannot be reached|network failed|no connection to the server"
WHY = {"ENOSPC": everywhere.FULL, "EIO": r"I/O error|Input/output error|EIO",
       "EMFILE": r"[Tt]oo many open files|open more files", "ECONNRESET": LOST, "ETIMEDOUT": LOST, "EPIPE": LOST}


def names_in(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []


def before_the_program(calls):
    """How many of the calls belong to the loading of shared libraries: those failing is no fault of ours."""
    last = 0
    for number, name, path, *_ in calls:
        if name == "openat" and (".so" in path or path.startswith("/etc/ld.so")) and number == last + 1:
            last = number
        elif name in ("read", "pread64") and ".so" in path and number == last + 1:
            last = number
        else:
            break
    return last


def calls_to_fail(make_destination, make_import, kind, names, log):
    destination = make_destination(kind)
    make_import(destination).with_(wrapper=[NTH_CALL, "-c", names, "-l", str(log)]).run_well(*ARGUMENTS)
    destination.drop()
    return range(before_the_program(everywhere.calls(log)) + 1, everywhere.total(log) + 1)


@pytest.mark.parametrize("how", ["once", "from there on"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_calls_fail(proof, kind, fault, how, make_destination, make_import, site, made_years, tmp_path):
    small = everywhere.Small(site, made_years)
    names, error = FAULTS[fault]
    faults = proof("faults injected", f"{fault}, {how}; into {kind}")
    option = "-e" if how == "once" else "-E"
    said = set()
    calls = calls_to_fail(make_destination, make_import, kind, names, tmp_path / "calls")
    for number in chosen(calls, f"{kind}{fault}{how}", few=1):
        with faults.point(f"{error} at the {number}. of {calls[-1]}, {how}"):
            destination = make_destination(kind)
            importer = make_import(destination)
            result = importer.with_(wrapper=[NTH_CALL, "-c", names, option, f"{number}:{error}"]).run(
                *ARGUMENTS, seconds=60)
            assert result.code in (program.ALL, program.NONE, program.SOME), str(result)
            assert result.code == program.ALL or any(re.search(WHY[error], reason) for reason in everywhere.reasons(result)), \
                f"no reason given\n{result}"
            said.update(everywhere.reasons(result))
            small.nothing_partial(destination)
            broken = [name for name in names_in(importer.state) if "broken" in name]
            assert broken == [], f"a ledger that is whole was set aside\n{result}"
            if result.code == program.ALL:  # the ledger may lag then, but nobody may miss a row
                faults.compare(destination, small.files, small.rejects)
            importer.run_well(*SETTINGS)
            small.right(faults, destination, importer)
            shutil.rmtree(importer.home)
            destination.drop()
    if "PROVE_SAID" in os.environ:  # to be read by a person: every message that came
        with open(os.environ["PROVE_SAID"], "a", encoding="utf-8") as out:
            out.writelines(f"{kind}, {fault}, {how}: {line}\n" for line in sorted(said))
