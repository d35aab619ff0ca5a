"""Small on the wire and huge behind it: bounded memory, no wrong year, and a word on what came."""
import os
import re
import struct
import time
import zlib

import pytest

import program
import reference
import shapes
from lies import IN
from proof import chosen
from scene import RUN, bytes_of, editions, liar, scene  # noqa: F401

MEMORY_LIMIT = 64 << 20
HEADER = ",".join(reference.NAMES).encode() + b"\n"


def bomb(first, piece, times, last=b""):
    """gzip of first + piece * times + last, made without inflating it: a flushed piece packs the same every time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    one = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    assert one == again
    crc = zlib.crc32(first)
    for _ in range(times):
        crc = zlib.crc32(piece, crc)
    crc = zlib.crc32(last, crc)
    size = len(first) + times * len(piece) + len(last)
    return (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + packed + one * times + packer.compress(last) + packer.flush()
            + struct.pack("<II", crc, size & 0xFFFFFFFF))


def empty_members(rows, times):
    """The file, with so many gzip members of nothing in its middle."""
    half = rows.index(b"\n", len(rows) // 2) + 1
    return shapes.pack(rows[:half]) + shapes.pack(b"") * times + shapes.pack(rows[half:])


def long_name(rows, size):
    """The file, under a name of `size` bytes in the gzip header."""
    packed = bytearray(shapes.pack(rows))
    packed[3] |= 8
    return bytes(packed[:10]) + b"n" * size + b"\0" + bytes(packed[10:])


MIB = 1 << 20
BOMBS = {  # name: (the file, out of the honest file's plain bytes; what must come of it)
    "1 GB of zeros in one record": (lambda rows: bomb(rows, bytes(MIB), 1024), "record .* longer than"),
    "1 GB of zeros in the first record": (lambda rows: bomb(HEADER, bytes(MIB), 1024), "record .* longer than"),
    "1 GB of zeros in the header": (lambda rows: bomb(b"id_mutation", bytes(MIB), 1024), "header has no end"),
    "1 GB in one quoted field": (lambda rows: bomb(rows + b'"', b"a\n" * (MIB // 2), 1024), "record .* longer than"),
    "1 GB of spaces in the rows' last field": (lambda rows: bomb(rows[:-1], b" " * MIB, 1024), "record .* longer than"),
    "20 M blank lines behind the rows": (lambda rows: bomb(rows, b"\n" * 20_000, 1000), IN),
    "20 M blank lines before the rows": (lambda rows: bomb(HEADER, b"\n" * 20_000, 1000, rows[len(HEADER):]), IN),
    "20 M records of one comma": (lambda rows: bomb(rows, b",\n" * 20_000, 1000), "over --max-rejects"),
    "20 M records of commas": (lambda rows: bomb(rows, (b"," * 39 + b"\n") * 20_000, 1000), "over --max-rejects"),
    "200 000 empty gzip members": (lambda rows: empty_members(rows, 200_000), IN),
    "64 MB of name in the gzip header": (lambda rows: long_name(rows, 64 * MIB), IN),
}


def peak_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) << 10
    except (OSError, AttributeError):
        return 0


def run_watched(here):
    """(how it ended, the most memory it held)"""
    process = here.importer.start(*RUN)
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_of(process.pid))
        time.sleep(0.005)
    result = here.importer.finish(process)
    told = re.search(r"peak ([\d.]+) MiB$", result.said, re.MULTILINE)  # its own, read at its end
    return result, max(peak, int(float(told.group(1)) * MIB) if told else 0)


@pytest.mark.skipif("asan" in program.PATH, reason="a sanitizer's own memory would be measured")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_bomb(proof, scene, editions, kind):  # noqa: F811
    cases = proof("network cases", f"a bomb, into {kind}")
    rows = shapes.plain_of(editions[1])
    rows += b"" if rows.endswith(b"\n") else b"\n"
    for number, name in enumerate(chosen(BOMBS, f"bomb {kind}", few=1)):
        make, expected = BOMBS[name]
        with cases.point(name):
            here = scene(cases, kind, older=number % 2 == 0)
            packed = make(rows)
            here.liar.publish(packed, '"bomb"')
            result, peak = run_watched(here)
            print(f"{kind}: {name}: {len(packed)} bytes packed, {result.seconds:.1f} s, peak {peak / MIB:.1f} MiB")
            assert 0 < peak < MEMORY_LIMIT, f"peak {peak / MIB:.1f} MiB"
            if expected == IN:
                here.came_in(result)
            else:
                here.failed(result, expected)
                assert disk_of(here) < 64 * MIB, "what was refused fills the disk"
            here.begin_newer()
            here.end()


def disk_of(here):
    """Bytes of state folder and destination."""
    size = sum(os.path.getsize(os.path.join(folder, name))
               for folder, _, names in os.walk(here.importer.home) for name in names)
    if here.destination.kind == "sqlite":
        return size + os.path.getsize(here.destination.path)
    return size + int(here.destination.query(f"SELECT pg_database_size('{here.destination.name}')")[0][0])


def test_a_body_without_end(proof, scene, small_disk):  # noqa: F811
    """No length, and it never stops: the disk is not filled to its last byte."""
    cases = proof("network cases", "a body without end, into sqlite")
    for older in chosen([False, True], "endless", few=1):
        with cases.point(f"older edition {older}"):
            folder = small_disk(48 << 20)
            here = scene(cases, "sqlite", older)
            here.importer.state = os.path.join(folder, "state")

            def endless(talk):
                piece = b"10000\r\n" + os.urandom(1 << 16) + b"\r\n"
                talk.write(talk.whole().chunked().head() + b"2\r\n\x1f\x8b\r\n")
                while True:
                    talk.write(piece)
            here.liar.tell(endless)
            result = here.run()
            left = os.statvfs(folder)
            here.failed(result, "free")
            assert left.f_bavail * left.f_frsize >= 12 << 20, f"{left.f_bavail * left.f_frsize} bytes are left"
            here.end()
