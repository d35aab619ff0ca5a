"""What a year's file says, read with Python's own gzip and csv: the values the destination must hold.

Written from the description of the data, not from the importer, so that both would have to be wrong in the
same way to agree.
"""
import csv
import datetime
import gzip
import io
from decimal import Decimal

CODE, DATE, INTEGER, DECIMAL, DEGREE = "code", "date", "integer", "decimal", "degree"

COLUMNS = (
    ("id_mutation", CODE), ("date_mutation", DATE), ("numero_disposition", CODE), ("nature_mutation", CODE),
    ("valeur_fonciere", DECIMAL), ("adresse_numero", INTEGER), ("adresse_suffixe", CODE),
    ("adresse_nom_voie", CODE), ("adresse_code_voie", CODE), ("code_postal", CODE), ("code_commune", CODE),
    ("nom_commune", CODE), ("code_departement", CODE), ("ancien_code_commune", CODE),
    ("ancien_nom_commune", CODE), ("id_parcelle", CODE), ("ancien_id_parcelle", CODE),
    ("numero_volume", CODE), ("lot1_numero", CODE), ("lot1_surface_carrez", DECIMAL), ("lot2_numero", CODE),
    ("lot2_surface_carrez", DECIMAL), ("lot3_numero", CODE), ("lot3_surface_carrez", DECIMAL),
    ("lot4_numero", CODE), ("lot4_surface_carrez", DECIMAL), ("lot5_numero", CODE),
    ("lot5_surface_carrez", DECIMAL), ("nombre_lots", INTEGER), ("code_type_local", INTEGER),
    ("type_local", CODE), ("surface_reelle_bati", DECIMAL), ("nombre_pieces_principales", INTEGER),
    ("code_nature_culture", CODE), ("nature_culture", CODE), ("code_nature_culture_speciale", CODE),
    ("nature_culture_speciale", CODE), ("surface_terrain", DECIMAL), ("longitude", DEGREE),
    ("latitude", DEGREE))
NAMES = tuple(name for name, _ in COLUMNS)

READ = {
    CODE: str,
    DATE: datetime.date.fromisoformat,
    INTEGER: lambda text: int(Decimal(text)),
    DECIMAL: Decimal,
    DEGREE: float,
}


def open_plain(path):
    """The plain bytes of a .gz (all members) or a .csv."""
    return gzip.open(path, "rb") if str(path).endswith(".gz") else open(path, "rb")


def raw_records(path):
    """The header and then each record as a list of texts. csv takes quotes, CRLF and newlines inside quotes."""
    with open_plain(path) as plain:
        text = io.TextIOWrapper(plain, encoding="utf-8-sig", newline="")
        yield from csv.reader(text)


def typed(record, fields):
    """The forty values of a record, whatever order the file keeps them in."""
    return tuple(READ[kind](record[field]) if record[field] else None
                 for field, (_, kind) in zip(fields, COLUMNS))


def rows(path, without=()):
    """(source_row, forty typed values) of every record, in the file's order; `without`: records left out."""
    records = raw_records(path)
    header = next(records)
    fields = [header.index(name) for name in NAMES]
    number = 0
    for record in records:
        if record:  # a blank line is no record
            number += 1
            if number not in without:
                yield number, typed(record, fields)


def from_sqlite(values):
    """A row of the SQLite table in the types of `rows`: SQLite has no dates and no decimals of its own."""
    out = []
    for value, (_, kind) in zip(values, COLUMNS):
        if value is None:
            out.append(None)
        elif kind == DATE:
            out.append(datetime.date.fromisoformat(value))
        elif kind == DECIMAL:
            out.append(Decimal(str(value)))
        elif kind == INTEGER and not isinstance(value, int):
            raise AssertionError(f"{value!r} is stored as {type(value).__name__}, not as an integer")
        else:
            out.append(value)
    return tuple(out)


def differences(expected, found, most=5):
    """What differs between two iterables of (source_row, values), in words; empty when nothing does."""
    said = []
    nothing = object()
    expected, found = iter(expected), iter(found)
    while len(said) < most:
        left, right = next(expected, nothing), next(found, nothing)
        if left is nothing and right is nothing:
            break
        if left is nothing or right is nothing:
            said.append(f"{'one more' if left is nothing else 'missing'}: "
                        f"{right if left is nothing else left}")
            break
        if left[0] != right[0]:
            said.append(f"source_row {left[0]} expected, {right[0]} found")
            break
        if left[1] != right[1]:
            for name, want, have in zip(NAMES, left[1], right[1]):
                if want != have or type(want) is not type(have):
                    said.append(f"source_row {left[0]}, {name}: {want!r} expected, {have!r} found")
    return said
