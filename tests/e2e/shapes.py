"""Files made out of other files: what a year can look like besides the usual."""
import csv
import gzip
import io
import random

import reference


def plain_of(path):
    with reference.open_plain(path) as plain:
        return plain.read()


def pack(plain, members=1, level=6):
    """gzip, cut into members at places that fall inside records."""
    cuts = [len(plain) * i // members for i in range(members + 1)]
    return b"".join(gzip.compress(plain[first:end], level, mtime=0) for first, end in zip(cuts, cuts[1:]))


def table_of(path):
    """The header and the records as lists of texts."""
    return list(reference.raw_records(path))


def written(table, line_end="\n", quote=csv.QUOTE_MINIMAL):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end, quoting=quote).writerows(table)
    return text.getvalue().encode()


def shuffled(table, seed=7, extra=True):
    """The same columns in another order, and one that nobody knows."""
    order = list(range(len(table[0])))
    random.Random(seed).shuffle(order)
    out = [[record[i] for i in order] for record in table]
    if extra:
        out = [record[:11] + ["section_prefixe" if n == 0 else f"x{n}"] + record[11:]
               for n, record in enumerate(out)]
    return out


def heavy(table, bytes_a_record, seed=3):
    """An unknown column full of noise: a file that is long to download and quick to load."""
    rng = random.Random(seed)
    return [record + ["noise" if n == 0 else rng.randbytes(bytes_a_record // 2).hex()]
            for n, record in enumerate(table)]


def changed(table, record, column, value):
    """Sets one field of record `record` (from 1), by the column's name."""
    table[record][table[0].index(column)] = value
