"""The libFuzzer targets of tests/fuzz, each on its corpus and then for a while; what they tried is counted.

A second each in ops/test, 30 minutes with PROVE=all; FUZZ_SECONDS says otherwise. An input for which something
does not hold is shown, in base64: mend what it found, and add it to the corpus.
"""
import base64
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

import pytest

import program
from proof import PROVE, SEED

sys.path.insert(0, os.path.join(program.ROOT, "tests", "e2e"))
import test_csv_differential as differential  # noqa: E402

FUZZ = pathlib.Path(program.ROOT, "tests", "fuzz")
TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in FUZZ.glob("fuzz_*.c"))
LONGEST = {"csv": 4096, "inflate": 2048, "settings": 512, "value": 200}  # bytes of an input, 1024 where it is not here
SECONDS = int(os.environ.get("FUZZ_SECONDS") or (1800 if PROVE == "all" else 1))
SCRIPT = 7  # bytes before the file in an input of fuzz_csv; the first bit of the first: the usual header is in front


@pytest.fixture(scope="session")
def fuzzers():
    """The folder they are built in: a build each, as xdist's workers may all come here; ninja has a lock of its own."""
    assert shutil.which("clang"), "clang is not installed: ops/deps --test"
    folder = pathlib.Path(program.ROOT, "build", "fuzz")
    built = subprocess.run(["flock", "build", "ninja", "fuzz"], cwd=program.ROOT, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    assert built.returncode == 0, built.stdout[-4000:]
    return folder


def runs(said):
    """How many inputs libFuzzer says it tried."""
    found = re.search(r"^stat::number_of_executed_units: *(\d+)$", said, re.MULTILINE)
    return int(found.group(1)) if found else 0


def complaint(said):
    """What does not hold, or what a sanitizer saw; without the stacks."""
    return "\n".join(line for line in said.splitlines() if re.search(
        r"does not hold|runtime error|ERROR: |SUMMARY|Test unit written|ALARM", line))


@pytest.mark.parametrize("target", TARGETS)
def test_target(target, fuzzers, proof, tmp_path):
    executions = proof("fuzz executions", f"fuzz_{target}")
    (tmp_path / "found").mkdir()
    # New inputs go into the first folder; the corpus that is kept is only read.
    words = [fuzzers / f"fuzz_{target}", f"-max_total_time={SECONDS}", f"-max_len={LONGEST.get(target, 1024)}",
             f"-seed={random.Random(f'{SEED}{target}').randrange(1, 2**31)}", "-timeout=120", "-rss_limit_mb=2048",
             "-print_final_stats=1", f"-artifact_prefix={tmp_path}/", tmp_path / "found", FUZZ / "corpus" / target]
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    kept = len(list((FUZZ / "corpus" / target).iterdir()))
    executions.tried = runs(done.stderr)
    executions.survived = executions.tried if done.returncode == 0 else max(executions.tried - 1, 0)
    if done.returncode != 0:
        found = [base64.b64encode(path.read_bytes()).decode() for path in tmp_path.iterdir() if path.is_file()]
        executions.wrong.append(f"fuzz_{target}: exit code {done.returncode}: {complaint(done.stderr)}\n{found}")
    assert executions.tried >= kept > 0, f"{executions.tried} of {kept} inputs of the corpus were tried"


def plain_file(script):
    """The file in an input of fuzz_csv, without what the csv module and RFC 4180 see differently: a lone CR."""
    text = script[SCRIPT:]
    return re.sub(rb"\r(?!\n)", b"", text)


def test_the_corpus_is_read_as_by_python(proof):
    """Records and fields of every file of the corpus, against the csv module, in pieces of two sizes."""
    files = sorted((FUZZ / "corpus" / "csv").iterdir())
    compared = proof("fuzz executions", "csv corpus against Python")
    for path in files:
        text = plain_file(path.read_bytes())
        with compared.point(path.name):
            if "fault 3" in differential.ours(text):
                continue  # more fields than we take
            for piece in (0, 3):
                wrong = differential.differs(text, piece)
                assert wrong == "", wrong
    assert compared.tried > 20
