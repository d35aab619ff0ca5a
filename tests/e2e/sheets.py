"""Rejects that people mend: years that have some of every sort, and the sheet as an editor gives it back."""
import csv
import io
import re

import shapes

HEADER = ["edition", "year", "record", "plain_first", "plain_end", "column", "reason", "raw", "raw_encoding", "stage"]
NAME, PRICE, LOTS, DATE = 7, 4, 28, 1


def spoiled(path):
    """A year whose texts have all that CSV knows: (its good lines, {number: a bad one}, the bad file's bytes).
    lines[0] is the header; a line is a record, without its line end."""
    good = shapes.plain_of(path).rstrip(b"\n").split(b"\n")

    def with_fields(line, *changes):
        fields = line.split(b",")
        assert len(fields) == 40, "the record has quotes: choose another"
        for column, value in changes:
            fields[column] = value
        return b",".join(fields)

    texts = {40: b'"RUE ""DU BAC"", 7"', 41: b'"PLACE\nDU, MARCHE"', 42: b'"QUAI\r\n""A"""', 43: b"CHEMIN \\xff\\",
             44: "ALLÉE \\".encode()}
    for number, text in texts.items():
        good[number] = with_fields(good[number], (NAME, text))
    bad = {number: with_fields(good[number].replace(texts[number], b"@"), (PRICE, b"much")).replace(b"@", texts[number])
           for number in texts}
    bad[1] = with_fields(good[1], (DATE, b"1998-01-01"))
    bad[20] = with_fields(good[20], (LOTS, b"deux"))
    bad[44] = bad[44].replace("É".encode(), b"\xc9")
    bad[45] = b"=1+1"
    bad[150] = good[150] + b",one,more"
    bad[151] = good[151].rsplit(b",", 3)[0]
    bad[300] = with_fields(good[300], (NAME, b"RUE\0DU \xff\x1b[2J NUL"))
    return good, bad, b"\n".join(bad.get(number, line) for number, line in enumerate(good)) + b"\n"


def decoded(row):
    """The bytes that a line of the sheet stands for, by the documentation of raw_encoding."""
    raw = row["raw"].encode()
    if row["raw_encoding"] == "text":
        return raw
    assert row["raw_encoding"] == "escaped"
    return re.sub(rb"\\(\\|x([0-9a-f]{2}))", lambda found: bytes([int(found[2], 16)]) if found[2] else b"\\", raw)


def read(text):
    """The lines of a sheet, {number of the record: {column: value}}."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    assert rows.fieldnames == HEADER
    return {int(row["record"]): row for row in rows}


def mended(row, good):
    """The line with the record as it should be, in the encoding it came in."""
    text = good.decode()
    if row["raw_encoding"] == "escaped":
        text = text.replace("\\", "\\\\").replace("\r", "\\x0D")
    return {**row, "raw": text}


def written(rows, columns=tuple(HEADER), bom=False, **form):
    """A sheet as some editor writes it."""
    out = io.StringIO(newline="")
    sheet = csv.DictWriter(out, columns, extrasaction="ignore", **form)
    sheet.writeheader()
    sheet.writerows(rows)
    return (b"\xef\xbb\xbf" if bom else b"") + out.getvalue().encode()
