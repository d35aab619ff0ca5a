"""verify: whatever differs from the file is named, with year, record, column and both values."""
import contextlib
import re
import sqlite3

import pytest

import program
import reference
import shapes
from test_rejects import spoiled

YEAR = 2021


def change(destination, statement, parameters=()):
    """Does to a destination what no importer would; {table} is the year's, {source} and the like are ours."""
    if destination.kind == "postgres":
        with contextlib.closing(destination.server.connect(destination.name)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(destination.tables(statement.replace("{table}", "dvf")), parameters)
            connection.commit()
        return
    with contextlib.closing(sqlite3.connect(destination.path)) as connection:
        table, = connection.execute("SELECT table_name FROM dvf_import_source WHERE stage = 'published'"
                                    " ORDER BY year LIMIT 1").fetchone()
        connection.execute(destination.tables(statement.replace("{table}", f'"{table}"')).replace("%s", "?"),
                           parameters)
        connection.commit()


def first_with(path, column, null=False):
    """The number and value of a record in the middle of the file that has a value there (or none)."""
    index = reference.NAMES.index(column)
    for number, values in reference.rows(path):
        if number > 20 and (values[index] is None) == null:
            return number, values[index]
    raise AssertionError(f"no record with {column}")


def assert_names(result, *words, count=1):
    assert result.code == program.NONE, str(result)
    assert re.search(rf"^{YEAR}  different  {count} difference{'' if count == 1 else 's'}$", result.out,
                     re.MULTILINE), str(result)
    lines = [line for line in result.out.splitlines() if line.startswith(f"{YEAR}    ")]
    assert any(all(str(word) in line for word in words) for line in lines), (words, str(result))


@pytest.fixture
def loaded(destination, site, make_import, made_years):
    """A year that is in, in many chunks: (destination, the importer, the file)."""
    path = site.put(YEAR, made_years(600))
    importer = make_import(destination)
    importer.run_well("--years", YEAR, "--chunk-rows", "70", "--loaders", "3")
    return destination, importer, path


CHANGES = [  # column, what a person puts there, how both are shown (None: the file's own value)
    ("nom_commune", "Saint-Rien", None, "'Saint-Rien'"),
    ("id_parcelle", "010040000A0001", None, "'010040000A0001'"),
    ("date_mutation", "2021-02-03", None, "2021-02-03"),
    ("nombre_lots", 77, None, "77"),
    ("code_type_local", 9, None, "9"),
    ("valeur_fonciere", 1234.56, None, "1234.56"),
    ("surface_terrain", 0.01, None, "0.01"),
    ("longitude", 2.0000000000000004, None, "2.0000000000000004"),
    ("code_postal", None, None, "NULL"),
    ("lot1_surface_carrez", 8.5, "NULL", "8.5"),
    ("ancien_nom_commune", "Nulle Part", "NULL", "'Nulle Part'"),
]


@pytest.mark.sanitize
def test_each_kind_of_value(loaded):
    destination, importer, path = loaded
    result = importer.call("verify")
    assert result.code == program.ALL and f"{YEAR}  equal  600 rows, 0 rejects" in result.out, str(result)
    for column, value, was, shown in CHANGES:
        number, before = first_with(path, column, null=was is not None)
        change(destination, f"UPDATE {{table}} SET {column} = %s WHERE source_row = %s", (value, number))
        result = importer.call("verify", "--years", YEAR)
        has = was or (before.isoformat() if column == "date_mutation" else str(before)[:10])
        has = has if has.isascii() else has.encode().split(b"\xc3")[0].decode()
        assert_names(result, f"record {number}, {column}: the file has", has, f"dvf has {shown}")
        back = None if before is None else str(before) if column == "date_mutation" else \
            before if isinstance(before, (str, int)) else float(before)
        change(destination, f"UPDATE {{table}} SET {column} = %s WHERE source_row = %s", (back, number))
    assert importer.call("verify").code == program.ALL


def test_a_character_at_the_end_of_a_long_text(loaded):
    """Both are shown where they begin to differ, not where they are equal."""
    destination, importer, path = loaded
    number, _ = first_with(path, "adresse_nom_voie")
    change(destination, "UPDATE {table} SET adresse_nom_voie = adresse_nom_voie || 'é' WHERE source_row = %s", (number,))
    assert_names(importer.call("verify"), f"record {number}, adresse_nom_voie", r"\xc3\xa9'")


def test_witness_that_counts_without_end(loaded):
    """What is claimed of records is not walked through one by one where there is nothing to compare it with."""
    destination, importer, _ = loaded
    change(destination, "UPDATE {chunk} SET rows = 900000000000000000 WHERE first_record = 1")
    for fast in ([], ["--fast"]):
        result = importer.call("verify", *fast, seconds=30)
        assert result.code == program.NONE, str(result)
        assert ("record 601: missing" if fast else "says 900000000000000000 rows") in result.out, str(result)


def test_rows_deleted_extra_and_swapped(loaded):
    destination, importer, _ = loaded
    change(destination, "DELETE FROM {table} WHERE source_row = 33")
    assert_names(importer.call("verify"), "record 33: missing row")
    assert_names(importer.call("verify", "--fast"), "record 33: missing")
    change(destination, "UPDATE {table} SET source_row = 33 WHERE source_row = 34")
    result = importer.call("verify")
    assert "record 34: missing row" in result.out and "record 33, id_" in result.out, str(result)
    change(destination, "UPDATE {table} SET source_row = 34 WHERE source_row = 33")
    change(destination, "UPDATE {table} SET source_row = 33 WHERE source_row = 600")
    assert "record 600: missing row" in importer.call("verify").out
    change(destination, "UPDATE {table} SET source_row = 600 WHERE source_row = 33")
    for number, words in ((601, "record 601: extra row"), (-5, "source_row -5")):
        change(destination, f"UPDATE {{table}} SET source_row = {number} WHERE source_row = 500")
        for fast in ([], ["--fast"]):
            result = importer.call("verify", *fast)
            assert result.code == program.NONE and words in result.out, str(result)
            assert "record 500: missing" in result.out, str(result)
        change(destination, f"UPDATE {{table}} SET source_row = 500 WHERE source_row = {number}")
    # two rows that took each other's place
    for first, second in ((100, 0), (200, 100), (0, 200)):
        change(destination, f"UPDATE {{table}} SET source_row = {second} WHERE source_row = {first}")
    result = importer.call("verify")
    assert result.code == program.NONE and "record 100, id_" in result.out, str(result)
    assert re.search(r"^2021    and \d+ more$", result.out, re.MULTILINE), str(result)


def test_year_whose_table_is_gone(loaded, made_years, site):
    """It is named, with the years asked for and without: what is gone is not equal, nor is a disk at fault."""
    destination, importer, _ = loaded
    site.put(2022, made_years(300, year=2022))
    importer.run_well("--years", "2022")
    if destination.kind == "postgres":
        table, = destination.query("SELECT oid::regclass FROM pg_class WHERE relname LIKE 'dvf\\_2021\\_%'"
                                   " AND relkind = 'r'")[0]
    else:
        table, = destination.query("SELECT table_name FROM {source} WHERE year = 2021")[0]
    destination.query(f"DROP TABLE {table}")
    for years in (["--years", YEAR], []):
        for fast in ([], ["--fast"]):
            result = importer.call("verify", *years, *fast)
            assert result.code == program.REFUSED, str(result)
            assert f"{YEAR}  not proved" in result.out and "its table is gone" in result.out, str(result)
            assert f"run --years {YEAR}" in result.out and "kernel" not in result.said, str(result)
            assert years or "2022  equal" in result.out, str(result)
    importer.run_well("--years", YEAR)
    assert importer.call("verify").code == program.ALL


def test_first_ten_are_named_and_all_counted(loaded):
    destination, importer, _ = loaded
    change(destination, "UPDATE {table} SET nombre_lots = 99 WHERE source_row BETWEEN 101 AND 125")
    result = importer.call("verify")
    assert_names(result, "record 101, nombre_lots", count=25)
    assert result.out.count("nombre_lots") == 10 and "and 15 more" in result.out, str(result)


def test_doubled_row(database, site, make_import, made_years):
    site.put(YEAR, made_years(600))
    importer = make_import(database)
    importer.run_well("--years", YEAR)
    (table,), = database.query("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'dvf'::regclass")
    (unique,), = database.query("SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND"
                                f" indrelid = '{table}'::regclass")
    change(database, f"DROP INDEX {unique}")
    change(database, f"INSERT INTO {table} SELECT * FROM {table} WHERE source_row IN (5, 600)")
    result = importer.call("verify")
    assert_names(result, "record 5: doubled row", count=2)
    assert_names(result, "record 600: doubled row", count=2)
    assert_names(importer.call("verify", "--fast"), "record 600: doubled row", count=2)
    change(database, f"ALTER TABLE dvf ALTER source_row DROP NOT NULL")
    change(database, f"UPDATE {table} SET source_row = NULL WHERE ctid IN"
                     f" (SELECT max(ctid) FROM {table} WHERE source_row = 5)")
    assert_names(importer.call("verify"), "source_row is NULL", count=2)


def test_what_no_column_of_ours_can_hold(database, site, make_import, made_years):
    """NaN, infinity, a third decimal, another type, a column that is gone: named, never a crash, never equal."""
    path = site.put(YEAR, made_years(600))
    importer = make_import(database)
    importer.run_well("--years", YEAR)
    price, _ = first_with(path, "valeur_fonciere")
    date, _ = first_with(path, "date_mutation")
    for statement, words in (
            (f"UPDATE dvf SET valeur_fonciere = 'NaN' WHERE source_row = {price}", "dvf has NaN"),
            (f"UPDATE dvf SET longitude = 'NaN' WHERE source_row = {price}", "dvf has nan"),
            (f"UPDATE dvf SET longitude = '-Infinity' WHERE source_row = {price}", "dvf has -inf"),
            (f"UPDATE dvf SET date_mutation = 'infinity' WHERE source_row = {date}", "dvf has infinity"),
            (f"UPDATE dvf SET date_mutation = '4713-01-01 BC' WHERE source_row = {date}", "dvf has day -")):
        change(database, "CREATE TABLE kept AS SELECT * FROM dvf")
        change(database, statement)
        assert_names(importer.call("verify"), words)
        change(database, f"UPDATE dvf SET (valeur_fonciere, longitude, date_mutation) = (SELECT valeur_fonciere,"
                         f" longitude, date_mutation FROM kept k WHERE k.source_row = dvf.source_row)")
        change(database, "DROP TABLE kept")
    change(database, "DROP VIEW dvf_price_m2, dvf_sale")  # or PostgreSQL lets nobody alter what they show
    change(database, "ALTER TABLE dvf ALTER valeur_fonciere TYPE numeric, ALTER nombre_lots TYPE bigint,"
                     " ALTER longitude TYPE text")
    assert_names(importer.call("verify"), "valeur_fonciere is numeric and was numeric(16,2)",
                 "nombre_lots is bigint and was integer", "longitude is text and was double precision")
    for value, shown in (("1.005", "'1.005'"), ("1e30", "'100000000000000000000000..."), ("NaN", "'NaN'")):
        change(database, f"UPDATE dvf SET valeur_fonciere = {value if value[0] == '1' else repr(value)}"
                         f" WHERE source_row = {price}")
        assert_names(importer.call("verify"), f"record {price}, valeur_fonciere", shown, count=2)
    change(database, "ALTER TABLE dvf DROP valeur_fonciere")
    assert_names(importer.call("verify"), "valeur_fonciere is gone", count=1)
    change(database, "ALTER TABLE dvf RENAME source_row TO row_number")
    result = importer.call("verify")
    assert result.code == program.REFUSED and "source_row of dvf is gone" in result.out, str(result)


def test_what_sqlite_lets_people_put_anywhere(make_destination, site, make_import, made_years):
    path = site.put(YEAR, made_years(600))
    destination = make_destination("sqlite")
    importer = make_import(destination)
    importer.run_well("--years", YEAR)
    price, before = first_with(path, "valeur_fonciere")
    for column, value, shown in (("valeur_fonciere", "'much'", "text 'much'"), ("nombre_lots", "1.5", "real '1.5'"),
                                 ("valeur_fonciere", "1e300", "1e+300"), ("valeur_fonciere", f"{before}.001", ".001"),
                                 ("date_mutation", "'yesterday'", "text 'yesterday'"),
                                 ("id_parcelle", "x'00ff'", r"blob '\x00\xff'"), ("longitude", "'E'", "text 'E'")):
        (was,), = destination.query(f"SELECT quote({column}) FROM dvf WHERE source_row = {price}")
        change(destination, f"UPDATE {{table}} SET {column} = {value} WHERE source_row = {price}")
        assert_names(importer.call("verify"), f"record {price}, {column}: ", shown)
        change(destination, f"UPDATE {{table}} SET {column} = {was} WHERE source_row = {price}")
    assert importer.call("verify").code == program.ALL
    with contextlib.closing(sqlite3.connect(destination.path)) as connection:
        connection.execute("DROP VIEW dvf")
        connection.execute("CREATE VIEW dvf AS SELECT 2021 AS source_year")
    assert_names(importer.call("verify"), "the view dvf does not show it")


@pytest.mark.sanitize
def test_rejects(destination, site, make_import, made_years):
    bad, plain = spoiled(made_years(500, seed=5, final_newline="no"))
    site.put(YEAR, shapes.pack(plain))
    importer = make_import(destination)
    importer.run_well("--years", YEAR, "--chunk-rows", "60")
    result = importer.call("verify")
    assert result.code == program.ALL and f"{500 - len(bad)} rows, {len(bad)} rejects" in result.out, str(result)
    assert importer.call("verify", "--fast").code == program.ALL

    raw = "'\\x41'::bytea" if destination.kind == "postgres" else "x'41'"
    (kept,), = destination.query("SELECT raw FROM {reject} WHERE record = 20")
    change(destination, f"UPDATE {{reject}} SET raw = {raw} WHERE record = 20")
    assert_names(importer.call("verify"), "record 20: altered reject", "the reject 'A'")
    change(destination, "UPDATE {reject} SET raw = %s, plain_end = plain_end + 1 WHERE record = 20", (bytes(kept),))
    assert_names(importer.call("verify"), "record 20: altered reject: it stands at")
    change(destination, "UPDATE {reject} SET plain_end = plain_end - 1 WHERE record = 20")
    assert importer.call("verify").code == program.ALL

    change(destination, "UPDATE {reject} SET record = 400 WHERE record = 21")
    result = importer.call("verify")
    assert result.code == program.NONE, str(result)
    for words in ("record 21, valeur_fonciere: missing reject", "record 400: extra row"):
        assert words in result.out, str(result)
    change(destination, "UPDATE {reject} SET record = 501 WHERE record = 400")
    assert_names(importer.call("verify"), "record 501: extra reject", count=2)
    change(destination, "DELETE FROM {reject} WHERE record = 501")
    assert_names(importer.call("verify"), "record 21, valeur_fonciere: missing reject", "is not a number")
    assert_names(importer.call("verify", "--fast"), "record 21: missing")


def test_mended_record(destination, site, make_import, made_years):
    """A row that stands for a mended record is compared with what the person gave, its raw with the file."""
    bad, plain = spoiled(made_years(500, seed=5, final_newline="no"))
    site.put(YEAR, shapes.pack(plain))
    importer = make_import(destination)
    importer.run_well("--years", YEAR)
    line = plain.split(b"\n")[19]
    edition = "edition, year" if destination.kind == "postgres" else "source"
    mended_at = ", clock_timestamp()" if destination.kind == "postgres" else ", '2026-01-01T00:00:00Z'"
    columns = ", ".join(reference.NAMES)
    change(destination, f"INSERT INTO {'dvf_import.' if destination.kind == 'postgres' else 'dvf_import_'}mended"
                        f" ({edition}, record, plain_first, plain_end, column_name, reason, raw, mended, mended_at)"
                        f" SELECT {edition}, record, plain_first, plain_end, column_name, reason, raw, %s{mended_at}"
                        " FROM {reject} WHERE record = 20", (line,))
    change(destination, "DELETE FROM {reject} WHERE record = 20")
    change(destination, "UPDATE {chunk} SET rows = rows + 1, rejects = rejects - 1 WHERE first_record = 1")
    change(destination, "UPDATE {source} SET rows = rows + 1, rejects = rejects - 1")
    assert_names(importer.call("verify"), "record 20: missing row")
    change(destination, f"INSERT INTO {{table}} ({columns}, source_year, source_row)"
                        f" SELECT {columns}, source_year, 20 FROM {{table}} WHERE source_row = 19")
    result = importer.call("verify")
    assert result.code == program.ALL and f"{len(bad) - 1} rejects, 1 mended" in result.out, str(result)
    assert importer.call("verify", "--fast").code == program.ALL
    change(destination, "UPDATE {table} SET nom_commune = 'Ailleurs' WHERE source_row = 20")
    assert_names(importer.call("verify"), "record 20, nom_commune: the mended record has", "dvf has 'Ailleurs'")


def test_witness(loaded):
    destination, importer, path = loaded
    size = len(shapes.plain_of(path))
    for statement, back, words, count in (
            ("crc32 = crc32 + 1", "crc32 = crc32 - 1", "has CRC-32", 1),
            ("rows = rows + 1, rejects = rejects - 1", "rows = rows - 1, rejects = rejects + 1", "rows and", 1)):
        change(destination, f"UPDATE {{chunk}} SET {statement} WHERE first_record = 71")
        assert_names(importer.call("verify"), "the chunk [", words, count=count)
        change(destination, f"UPDATE {{chunk}} SET {back} WHERE first_record = 71")
    change(destination, "UPDATE {source} SET plain_size = plain_size - 1")
    assert_names(importer.call("verify"), f"says {size - 1} plain bytes, the file has {size}")
    assert_names(importer.call("verify", "--fast"), f"the chunks end at {size}")
    change(destination, "UPDATE {source} SET plain_size = plain_size + 1")
    change(destination, "DELETE FROM {chunk} WHERE first_record = 71")
    for fast in ([], ["--fast"]):
        result = importer.call("verify", *fast)
        assert result.code == program.NONE and "must follow" in result.out, str(result)


def test_real_years(destination, make_import, site, real_years):
    for year, path in real_years.items():
        site.put(year, path)
    importer = make_import(destination)
    years = ",".join(str(year) for year in real_years)
    importer.run_well("--years", years)
    for fast in ([], ["--fast"]):
        result = importer.call("verify", *fast)
        assert result.code == program.ALL, str(result)
        assert len(re.findall(r"^\d{4}  equal", result.out, re.MULTILINE)) == len(real_years), str(result)
