"""The same texts read by our CSV parser and by Python's csv module: they must see the same fields.

csv_dump (tests/unit/csv_dump.c) is our parser with a printer behind it; CSV_DUMP says where it is.
"""
import csv
import gzip
import io
import os
import random
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DUMP = os.environ.get("CSV_DUMP", os.path.join(ROOT, "build", "tests", "csv_dump"))
DATA = os.path.join(os.path.dirname(ROOT), "shared", "data")

TEXT_AFTER_QUOTE = "fault 1"
QUOTE_NOT_CLOSED = "fault 2"


def ours(text, piece=0):
    """A list of fields for each record, or the fault as a word."""
    if not os.access(DUMP, os.X_OK):
        pytest.fail(f"{DUMP} is not there: run ninja, or set CSV_DUMP")
    done = subprocess.run([DUMP, str(piece)], input=text, capture_output=True, timeout=120, check=True)
    return [line if line.startswith("fault") else [bytes.fromhex(field) for field in line.split(" ")[:-1]]
            for line in done.stdout.decode("ascii").splitlines()]


def theirs(text, strict=False):
    """What the csv module reads; blank lines are left out, as it has no fields for them."""
    csv.field_size_limit(1 << 24)
    reader = csv.reader(io.StringIO(text.decode("latin-1"), newline=""), strict=strict)
    return [[field.encode("latin-1") for field in record] for record in reader if record]


def quoted(field):
    return b'"' + field.replace(b'"', b'""') + b'"'


def must_quote(field):
    return field[:1] == b'"' or any(byte in field for byte in (b",", b"\r", b"\n"))


def well_formed(rng):
    """Records as some writer would make them: quotes where they must be and at random where they may be."""
    pieces = [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"a", b"bc", b" ", "\u00e9".encode(), b"x" * 61, b"\xff"]
    lines = []
    for _ in range(rng.randrange(1, 12)):
        fields = [b"".join(rng.choices(pieces, k=rng.randrange(0, 6))) for _ in range(rng.randrange(1, 50))]
        if fields == [b""]:
            fields = [b"only"]
        lines.append(b",".join(quoted(field) if must_quote(field) or rng.random() < 0.3 else field
                               for field in fields))
    line_end = rng.choice([b"\n", b"\r\n"])
    return line_end.join(lines) + rng.choice([b"", line_end])


def mess(rng):
    """Anything, without a lone CR: that ends a record for the csv module, not for RFC 4180."""
    pieces = [b'"', b'"', b'"', b",", b",", b"\n", b"\r\n", b"a", "\u00e9".encode(), b"x" * 9]
    return b"".join(rng.choices(pieces, k=rng.randrange(0, 200)))


def differs(text, piece):
    """Where the two disagree, "" if nowhere. A record that we refuse the csv module must refuse too when strict; where
    it is not, the module makes something of it, so its neighbours can be compared all the same."""
    found, expected = ours(text, piece), theirs(text)
    if len(found) != len(expected):
        return f"{len(found)} records, the csv module has {len(expected)}: {text!r}"
    for mine, other in zip(found, expected):
        if mine in (TEXT_AFTER_QUOTE, QUOTE_NOT_CLOSED):
            continue
        if mine != other:
            return f"{mine} is {other} to the csv module: {text!r}"
    faults = any(isinstance(record, str) for record in found)
    try:
        theirs(text, strict=True)
    except csv.Error:
        return "" if faults else f"the csv module refuses it, we do not: {text!r}"
    return f"we refuse it, the csv module does not: {text!r}" if faults else ""


@pytest.mark.parametrize("seed", range(40))
def test_well_formed_texts(seed):
    rng = random.Random(seed)
    for _ in range(5):
        text = well_formed(rng)
        for piece in (0, 1, rng.randrange(2, 70)):
            assert ours(text, piece) == theirs(text), f"in pieces of {piece}: {text!r}"


@pytest.mark.parametrize("seed", range(60))
def test_texts_full_of_quotes(seed):
    rng = random.Random(1000 + seed)
    for _ in range(5):
        text = mess(rng)
        for piece in (0, rng.randrange(1, 20)):
            assert differs(text, piece) == ""


@pytest.mark.parametrize("text", [
    b"", b"\n", b"\r\n", b"a", b'""', b'""\n', b'"', b'a,"', b'"a""', b'"a"b\n"c"', b'a"b,c""d\n', b'"\r\n",\r\n',
    b'"a"\r\n\r\n"b"', b',\n,,\n', b'"a""b"', b'"""a"', b'"a"""', b'""""', b'"""', b'"a" ,b',
])
def test_small_texts(text):
    for piece in range(0, len(text) + 1):
        assert differs(text, piece) == ""


def real_files():
    found = []
    for folder, _, names in os.walk(DATA):
        found += [os.path.relpath(os.path.join(folder, name), DATA) for name in names
                  if name.endswith((".csv", ".csv.gz"))]
    return sorted(found)


@pytest.mark.skipif(not os.path.isdir(DATA), reason="the real data (../shared/data) is not there")
@pytest.mark.parametrize("name", real_files())
def test_real_data(name):
    path = os.path.join(DATA, name)
    with (gzip.open if name.endswith(".gz") else open)(path, "rb") as file:
        text = file.read()
    assert len(theirs(text)) > 1
    for piece in (0, 4093):
        assert differs(text, piece) == ""
