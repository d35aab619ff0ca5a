"""Bad use: one clear line on stderr, the right exit code, nothing half done."""
import os
import re
import shutil
import subprocess
import time
import urllib.parse

import pytest

import program
import servers


def nothing_was_made(importer):
    return sorted(os.listdir(importer.home)) in ([], ["state"])


WRONG = [
    ("unknown option", ["--yeers", "2021"], {}, "--yeers"),
    ("year 20x3", ["--years", "20x3"], {}, "20x3"),
    ("year before DVF", ["--years", "1999"], {}, "1999"),
    ("years backwards", ["--years", "2023-2021"], {}, "2023-2021"),
    ("unknown scheme", ["--to", "mysql://localhost/dvf"], {}, "mysql"),
    ("unknown scheme of the source", ["--source", "ftp://example.org/{year}.gz"], {}, "ftp"),
    ("source without {year}", ["--source", "https://example.org/full.csv.gz"], {}, r"\{year\}"),
    ("chunk rows 0", ["--chunk-rows", "0"], {}, "chunk-rows"),
    ("option without its value", ["--years"], {}, "--years"),
    ("a word too many", ["2021"], {}, "2021"),
    ("both X and X_FILE", [], {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PASSWORD": "a-secret",
                               "POSTGRES_PASSWORD_FILE": "/nowhere"}, "POSTGRES_PASSWORD_FILE"),
    ("both DATABASE_URL and its file", [], {"DATABASE_URL": "sqlite:x.sqlite", "DATABASE_URL_FILE": "/nowhere"},
     "DATABASE_URL_FILE"),
    ("a secret's file that is not there", [], {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PASSWORD_FILE": "/nowhere"},
     "/nowhere"),
    ("a variable that is no number", [], {"CSV_CHUNK_SIZE": "many"}, "CSV_CHUNK_SIZE"),
    ("a year in the environment", [], {"YEARS_TO_IMPORT": "2021,20x3"}, "YEARS_TO_IMPORT"),
]


@pytest.mark.sanitize
@pytest.mark.parametrize("arguments, environment, named", [case[1:] for case in WRONG],
                         ids=[case[0] for case in WRONG])
def test_wrong_usage(tmp_path, arguments, environment, named):
    importer = program.Import(tmp_path, None, None)
    importer.environment = environment
    result = importer.run(*arguments)
    assert result.code == program.USAGE, str(result)
    assert len(result.lines) == 1 and result.out == "", str(result)
    assert re.search(named, result.err), str(result)
    assert "a-secret" not in result.err
    assert nothing_was_made(importer), os.listdir(tmp_path)


def test_unknown_command(tmp_path):
    importer = program.Import(tmp_path, None, None, state="")
    importer.state = None
    result = importer.call("inport")
    assert (result.code, len(result.lines)) == (program.USAGE, 1), str(result)
    assert "inport" in result.err


def test_help_and_version(tmp_path):
    importer = program.Import(tmp_path, None, None)
    importer.state = None
    for command in ("run", "status", "history", "check", "clean"):
        result = importer.call(command, "--help")
        assert result.code == 0 and "Usage: dvf-import " + command in result.out and result.err == "", str(result)
    assert re.fullmatch(r"dvf-import \d+\.\d+\.\d+\n", importer.call("--version").out)
    assert "Commands:" in importer.call("--help").out


def test_unreachable_server(make_import, tmp_path):
    importer = make_import(None)
    port = servers.free_port()
    result = importer.run("--to", f"postgresql://importer:s3cr3t@127.0.0.1:{port}/dvf", "--wait", "1",
                          "--years", "2021", seconds=20)
    assert result.code == program.NONE, str(result)
    assert str(port) in result.err and "s3cr3t" not in result.said, str(result)
    assert "host and port" in result.err, str(result)
    assert sum("ERROR" in line.upper() or line.startswith("dvf-import:") for line in result.lines) == 1, str(result)


def test_wrong_password(database, make_import):
    importer = make_import(None)
    began = time.monotonic()
    result = importer.run("--to", f"postgresql://importer:wrong-one@127.0.0.1:{database.server.port}/{database.name}",
                          "--wait", "30", "--years", "2021", seconds=60)
    assert result.code == program.NONE, str(result)
    assert time.monotonic() - began < 15, "a wrong password does not get right by waiting"
    assert "password" in result.err and "wrong-one" not in result.said, str(result)
    assert "the password in DATABASE_URL_FILE" in result.err, str(result)
    assert database.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'dvf_import'") == [(0,)]


def test_database_that_is_not_there(database, make_import):
    importer = make_import(database)
    result = importer.run("--to", importer.to + "_not", "--wait", "30", "--years", "2021", seconds=60)
    assert result.code == program.NONE, str(result)
    assert f'CREATE DATABASE "{database.name}_not" OWNER "importer"' in result.err, str(result)


def test_user_who_is_not_let_in(postgres, database, make_import):
    """By its role, by pg_hba.conf, by the database: each says what would let it in."""
    to = f"postgresql://shut_out@{{}}/{database.name}?host={urllib.parse.quote(postgres.folder, safe='')}"
    importer = make_import(None).with_(to=to.format(f":{postgres.port}"))
    postgres.sql("CREATE ROLE shut_out")
    try:
        result = importer.run("--wait", "30", "--years", "2021", seconds=60)
        assert result.code == program.NONE and 'ALTER ROLE "shut_out" LOGIN' in result.err, str(result)
        assert "pg_hba.conf" in result.err, str(result)
        postgres.sql(f"ALTER ROLE shut_out LOGIN; REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
        result = importer.run("--wait", "30", "--years", "2021", seconds=60)
        assert result.code == program.NONE, str(result)
        assert f'GRANT CONNECT ON DATABASE "{database.name}" TO "shut_out"' in result.err, str(result)
    finally:
        postgres.sql("DROP ROLE shut_out")


def test_unreachable_source(destination, make_import, made_years):
    importer = make_import(destination)
    port = servers.free_port()
    result = importer.with_(source=f"http://127.0.0.1:{port}/{{year}}.csv.gz").run(
        "--years", "2021", "--retries", "1", seconds=60)
    assert result.code == program.NONE, str(result)
    assert "2021" in result.said and str(port) in result.said, str(result)


def test_state_folder_below_a_file(database, make_import, site, made_years, tmp_path):
    site.put(2021, made_years(100))
    (tmp_path / "in-the-way").write_text("a file")
    importer = make_import(database, state=str(tmp_path / "in-the-way" / "state"))
    result = importer.run("--years", "2021")
    assert result.code == program.NONE, str(result)
    assert len(result.lines) == 1 and "in-the-way" in result.err, str(result)
    assert "Not a directory: choose another --state" in result.err, str(result)
    assert database.count(2021) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_state_folder_of_somebody_else(database, make_import, site, made_years):
    site.put(2021, made_years(100))
    importer = make_import(database, state="/var/lib/dvf-import-test")
    importer.home = "/"
    importer.wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*importer.wrapper, "test", "-x", program.PATH]).returncode != 0:
        pytest.skip("the program is in a folder that others cannot enter")
    result = importer.run("--years", "2021")
    assert result.code == program.NONE, str(result)
    assert len(result.lines) == 1 and "/var/lib" in result.err, str(result)
    assert "Permission denied: make it yourself and give it to this user (chown), or choose another" in result.err, str(result)
    assert not os.path.exists("/var/lib/dvf-import-test")


@pytest.fixture
def stranger(open_place, make_import, site, made_years):
    """An SQLite file with a year, and the program as a user who may only read it."""
    site.put(2021, made_years(100))
    owner = make_import(program.SqliteDestination(os.path.join(open_place, "dvf.sqlite")))
    owner.run_well("--years", "2021")
    os.mkdir(os.path.join(open_place, "own"))
    os.chown(os.path.join(open_place, "own"), 65534, 65534)
    other = owner.with_(state=os.path.join(open_place, "own", "state"))
    other.home = open_place
    words = other.words
    other.words = lambda command, arguments: [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", os.path.join(open_place, "dvf-import"),
        *words(command, arguments)[1:]]
    return other


def test_sqlite_file_of_somebody_else(stranger):
    """To read one that has a log, SQLite writes, too: said as it is; a copy does."""
    path = os.path.join(stranger.home, "dvf.sqlite")
    for command, code in (("verify", program.REFUSED), ("run", program.NONE)):
        result = stranger.call(command, "--years", "2021")
        assert result.code in (code, program.REFUSED), str(result)
        assert "SQLite writes beside it even to read it" in result.said and "a copy" in result.said, str(result)
    result = stranger.call("check", "--years", "2021")
    assert result.code == program.REFUSED, str(result)
    assert [line for line in result.out.splitlines() if line.startswith("fail ")] == [
        f"fail {path} and its folder are not writable: give the user that runs this the right to write,"
        " or give another file"], str(result)
    copy = shutil.copy(path, os.path.join(stranger.home, "own"))
    os.chown(copy, 65534, 65534)
    stranger.to = f"sqlite:{copy}"
    result = stranger.call("verify", "--years", "2021")
    assert result.code == program.ALL, str(result)
    os.chmod(copy, 0o400)
    os.chown(copy, 0, 0)
    result = stranger.call("check", "--years", "2021")
    assert [line for line in result.out.splitlines() if line.startswith("fail ")] == [
        f"fail {copy} is not writable: give the user that runs this the right to write, or give another file"], str(result)


def test_full_disk_below_the_spool(database, make_import, site, made_years, small_disk):
    """The announced size does not fit: said before the first byte; with room, the same command goes on."""
    site.put(2021, made_years(200_000))
    disk = small_disk(3 << 20)
    importer = make_import(database, state=os.path.join(disk, "state"))
    result = importer.run("--years", "2021", "--retries", "1")
    assert result.code == program.NONE, str(result)
    assert re.search("room|space|full|disk", result.said), str(result)
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    importer.run_well("--years", "2021")
    assert database.count(2021) == 200_000


def test_full_disk_below_the_destination(make_import, site, made_years, small_disk):
    path = site.put(2021, made_years(60_000))
    disk = small_disk(5 << 20)
    destination = program.SqliteDestination(os.path.join(disk, "dvf.sqlite"))
    importer = make_import(destination)
    result = importer.run("--years", "2021")
    assert result.code == program.NONE, str(result)
    assert re.search("room|space|full|disk", result.said), str(result)
    subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
    importer.run_well("--years", "2021")
    assert destination.differences(2021, path) == []


def test_file_size_limit(destination, make_import, site, made_years):
    """SIGXFSZ must not kill it: write(2) says EFBIG, and that is told."""
    path = site.put(2021, made_years(60_000))
    importer = make_import(destination)
    importer.wrapper = ["prlimit", f"--fsize={1 << 20}"]
    result = importer.run("--years", "2021", "--retries", "0")
    assert result.code == program.NONE, str(result)
    assert result.lines and not re.search("signal|core dumped", result.err), str(result)
    assert destination.count(2021) == 0
    importer.with_(wrapper=[]).run_well("--years", "2021")
    assert destination.differences(2021, path) == []


def test_settings_of_the_old_importer(database, site, make_import, made_years, tmp_path):
    """An existing .env goes on working, the password in a file."""
    site.put(2021, made_years(700))
    site.put(2022, made_years(700, 2022))
    (tmp_path / "password").write_text(servers.PASSWORD + "\n", encoding="utf-8")
    importer = make_import(None).with_(source=None, environment={
        "POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(database.server.port), "POSTGRES_USER": "importer",
        "POSTGRES_PASSWORD_FILE": str(tmp_path / "password"), "POSTGRES_DB": database.name,
        "YEARS_TO_IMPORT": "2021,2022", "CSV_CHUNK_SIZE": "100", "DOWNLOAD_CHUNK_SIZE": "4096",
        "DVF_SOURCE_URL": site.source()})
    importer.run_well()
    assert database.counts() == {2021: 700, 2022: 700}
    assert len(database.chunks()) == 14


def test_sizes_of_the_old_importer_are_cut(site, make_import, made_years):
    """What an old .env holds and we do not take is no reason to stop: a warning says what is taken."""
    site.put(2021, made_years(300))
    importer = make_import(None).with_(environment={"CSV_CHUNK_SIZE": "200000", "DOWNLOAD_CHUNK_SIZE": "1048576"})
    result = importer.run("--years", "2021")
    assert result.code == program.ALL, str(result)
    assert "CSV_CHUNK_SIZE: 200000 is not from 1 to 100000, 100000 is taken" in result.err, str(result)
    assert "DOWNLOAD_CHUNK_SIZE: 1048576 is not from 1024 to 524288, 524288 is taken" in result.err, str(result)


def test_env_file_here_is_named_and_not_read(site, make_import, made_years):
    """Only where no destination is set, and where it would set one."""
    site.put(2021, made_years(300))
    importer = make_import(None)
    path = os.path.join(importer.home, ".env")
    with open(path, "w", encoding="utf-8") as file:
        file.write("YEARS_TO_IMPORT=2021\nPOSTGRES_HOST=db.example\nPOSTGRES_PASSWORD=geheim\n")
    hint = ".env here is not read: set -a; . ./.env; set +a"
    result = importer.run("--years", "2021")
    assert result.code == program.ALL and hint in result.err and "geheim" not in result.err, str(result)
    assert hint not in importer.run("--years", "2021", "--to", "sqlite:dvf.sqlite").err
    assert hint not in importer.with_(environment={"DATABASE_URL": "sqlite:dvf.sqlite"}).run("--years", "2021").err
    with open(path, "w", encoding="utf-8") as file:
        file.write("POSTGRES_HOST=\n#POSTGRES_HOST=db\n")
    assert hint not in importer.run("--years", "2021").err


def test_defaults_are_an_sqlite_file_here(site, make_import, made_years):
    site.put(2021, made_years(300))
    importer = make_import(None)
    importer.run_well("--years", "2021")
    made = program.SqliteDestination(os.path.join(importer.home, "dvf.sqlite"))
    assert made.count(2021) == 300
