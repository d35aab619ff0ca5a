"""Ways to a PostgreSQL server that people use: a pool in session mode, TLS, sockets, password and service files,
several hosts; and a role that has the rights README asks for, and no others."""
import contextlib
import os
import pwd
import re
import socket
import subprocess
import time
import urllib.parse

import psycopg2
import pytest

import program
from servers import PASSWORD, Postgres, free_port, pgbouncer, wait_for

ROWS = 20_000
HOST = "db.example.test"
PHRASE = "it's a pass=phrase"
QUOTED = urllib.parse.quote(PASSWORD, safe="")


@contextlib.contextmanager
def staging_rights(database):
    database.server.sql("ALTER ROLE importer CREATEDB")
    try:
        yield
    finally:
        database.server.sql("ALTER ROLE importer NOCREATEDB")
        database.drop_slots()


def whole_life(importer, database, site, made_years, rows=2000):
    """First import, a check, a staging run that is promoted, back again."""
    site.put(2021, made_years(rows))
    importer.run_well("--years", "2021")
    assert importer.call("verify", "--years", "2021").code == program.ALL
    path = site.put(2021, made_years(rows, seed=2))
    promoted = importer.run_well("--years", "2021", "--staging", "--promote")
    assert database.differences(2021, path) == [], str(promoted)
    reverted = importer.call("revert")
    assert reverted.code == program.ALL, str(reverted)
    assert database.differences(2021, made_years(rows)) == []


# --- pgbouncer

def test_pgbouncer_in_session_mode(database, site, make_import, made_years):
    """Killed and resumed; then the pool's own idle sessions, which hold the databases, make way for a promote."""
    with pgbouncer(database.server, "session", 20) as port, staging_rights(database):
        importer = make_import(database).with_(to=f"postgresql://importer@127.0.0.1:{port}/{database.name}")
        path = site.put(2021, made_years(40_000))
        process = importer.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2")
        wait_for(lambda: database.committed() > 2000 or process.poll() is not None, 60, "the first chunks")
        importer.kill(process)
        chunks = database.chunks()
        assert 0 < len(chunks) < 80, "killed in the middle"
        importer.run_well("--years", "2021")
        assert chunks <= database.chunks()
        assert database.differences(2021, path) == []
        database.tiles()
        whole_life(importer, database, site, made_years, 40_000)


# --- TLS

class Keys:
    """A certificate authority, and what it signs, made by openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = self.sign_itself("ca")

    def path(self, name):
        return str(self.folder / name)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)

    def new(self, name, subject):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", self.path(name + ".key"),
                "-subj", f"/CN={subject}"]

    def sign_itself(self, name):
        self.openssl("req", "-x509", "-noenc", "-days", "2", *self.new(name, name), "-out", self.path(name + ".crt"))
        return self.path(name + ".crt")

    def sign(self, name, subject, protect=("-noenc",)):
        self.openssl("req", *protect, *self.new(name, subject), "-addext", f"subjectAltName=DNS:{subject}",
                     "-out", self.path(name + ".csr"))
        self.openssl("x509", "-req", "-days", "2", "-CA", self.authority, "-CAkey", self.path("ca.key"),
                     "-CAcreateserial", "-copy_extensions", "copy", "-in", self.path(name + ".csr"),
                     "-out", self.path(name + ".crt"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    made = Keys(tmp_path_factory.mktemp("keys"))
    made.sign("server", HOST)
    made.sign("client", "importer", ["-passout", f"pass:{PHRASE}"])
    made.sign_itself("other")
    return made


@pytest.fixture(scope="module")
def secure(keys):
    """A cluster that only TLS reaches over the network, with SCRAM; for database keyed and its slots, role `importer`
    needs a client certificate, too."""
    server = Postgres()
    try:
        for name in ("server.key", "server.crt", "ca.crt"):
            with open(keys.path(name), "rb") as source, open(f"{server.data}/{name}", "wb") as target:
                target.write(source.read())
            os.chmod(f"{server.data}/{name}", 0o600)
            if server.as_user:
                os.chown(f"{server.data}/{name}", pwd.getpwnam("postgres").pw_uid, -1)
        server.settings.update(ssl="on", ssl_cert_file="server.crt", ssl_key_file="server.key", ssl_ca_file="ca.crt")
        with open(f"{server.data}/pg_hba.conf", "w", encoding="ascii") as rules:
            rules.write("local all all trust\nhostssl keyed,keyed_staging,keyed_previous importer all scram-sha-256"
                        " clientcert=verify-ca\nhostssl all all all scram-sha-256\n")
        server.start()
        server.make_role()
        yield server
    finally:
        server.remove()


def tls(server, database, keys, host=HOST, mode="verify-full", authority="ca.crt", more=""):
    return (f"postgresql://importer:{QUOTED}@{host}:{server.port}/{database}?hostaddr=127.0.0.1&sslmode={mode}"
            f"&sslrootcert={keys.path(authority)}{more}")


def test_tls(secure, keys, make_database, site, make_import, made_years):
    database = make_database(secure)
    with staging_rights(database):
        whole_life(make_import(database).with_(to=tls(secure, database.name, keys)), database, site, made_years)


@pytest.mark.parametrize("wrong, said", [
    (dict(host="live.example.test"), f'server certificate for "{HOST}" does not match host name "live.example.test"'),
    (dict(authority="other.crt"), "certificate verify failed"),
    (dict(authority="none.crt"), "none.crt\" does not exist"),
    (dict(mode="disable"), "no encryption"),
], ids=["host name", "authority", "no authority", "no TLS"])
def test_tls_refused(secure, keys, make_database, site, make_import, made_years, wrong, said):
    """Told at once, not after waiting for a server that will come with another certificate; and nothing is sent."""
    site.put(2021, made_years(500))
    database = make_database(secure)
    importer = make_import(database).with_(to=tls(secure, database.name, keys, **wrong))
    result = importer.run("--years", "2021", "--wait", "90", seconds=80)
    assert result.code == program.NONE, str(result)
    assert said in result.err and "waiting for the server" not in result.err, str(result)
    assert PASSWORD not in result.said and QUOTED not in result.said
    assert database.query("SELECT to_regnamespace('dvf_import')") == [(None,)]


def test_tls_with_a_client_key_and_its_pass_phrase(secure, keys, site, make_import, made_years):
    """The programs that carry over what people made need all of it too, and have no variable for the pass phrase."""
    secure.needs_pg_dump()
    database = program.PostgresDestination(secure, "keyed")
    secure.sql("CREATE DATABASE keyed OWNER importer")
    key = "".join(f"&{name}={urllib.parse.quote(value)}" for name, value in (
        ("sslcert", keys.path("client.crt")), ("sslkey", keys.path("client.key")), ("sslpassword", PHRASE)))
    try:
        with staging_rights(database):
            importer = make_import(database).with_(to=tls(secure, "keyed", keys))
            site.put(2021, made_years(500))
            assert "valid client certificate" in importer.run("--years", "2021").err
            importer = importer.with_(to=tls(secure, "keyed", keys, more=key))
            importer.run_well("--years", "2021")
            database.query("CREATE TABLE remark AS SELECT 'kept'::text AS words; ALTER TABLE remark OWNER TO importer")
            site.put(2021, made_years(700, seed=2))
            importer.run_well("--years", "2021", "--staging", "--promote", "--carry")
            assert database.count(2021) == 700
            assert database.query("SELECT words FROM remark") == [("kept",)]
    finally:
        secure.sql("DROP DATABASE keyed WITH (FORCE)")


# --- sockets, and files of the user's

def test_unix_socket(database, site, make_import, made_years):
    """As host in the URL, which has to be percent-encoded, and from PGHOST."""
    folder, port = urllib.parse.quote(database.server.folder, safe=""), database.server.port
    with staging_rights(database):
        whole_life(make_import(database).with_(to=f"postgresql://importer@{folder}:{port}/{database.name}"), database,
                   site, made_years)
    importer = make_import(database).with_(to=f"postgresql:///{database.name}", environment={
        "PGHOST": database.server.folder, "PGPORT": str(port), "PGUSER": "importer"})
    site.put(2020, made_years(500, year=2020))
    importer.run_well("--years", "2020")
    assert database.count(2020) == 500


@contextlib.contextmanager
def password_file(path, server, mode=0o600):
    escaped = PASSWORD.replace("\\", r"\\").replace(":", r"\:")
    path.write_text(f"other.example:5432:*:importer:wrong\n127.0.0.1:{server.port}:*:importer:{escaped}\n",
                    encoding="utf-8")
    path.chmod(mode)
    yield path


@pytest.mark.parametrize("place", ["home", "PGPASSFILE", "passfile"])
def test_password_file(database, site, make_import, made_years, tmp_path, place):
    """SCRAM, by a password that stands in no URL."""
    site.put(2021, made_years(500))
    plain = make_import(database)
    importer = plain.with_(to=f"postgresql://importer@127.0.0.1:{database.server.port}/{database.name}")
    without = importer.run("--years", "2021", "--wait", "90", seconds=80)
    assert without.code == program.NONE and "no password supplied" in without.err, str(without)
    assert "give it in DATABASE_URL_FILE" in without.err and "~/.pgpass" in without.err, str(without)
    path = (tmp_path / "passwords") if place != "home" else type(tmp_path)(importer.home) / ".pgpass"
    with password_file(path, database.server):
        if place == "passfile":
            importer = importer.with_(to=importer.to + "?passfile=" + urllib.parse.quote(str(path)))
        elif place == "PGPASSFILE":
            importer = importer.with_(environment={"PGPASSFILE": str(path)})
        importer.run_well("--years", "2021")
        path.chmod(0o644)
        result = importer.run("--years", "2021", "--wait", "90", seconds=80)
        assert result.code == program.NONE, str(result)
        assert f'password file "{path}" has group or world access' in result.err, str(result)
        assert "no password supplied" in result.err and "waiting for the server" not in result.err, str(result)
    assert database.count(2021) == 500


def test_a_libcrypto_without_random_numbers(database, site, make_import, made_years, tmp_path):
    """As where it found no memory at its start, which libpq calls "could not generate nonce": no use to wait."""
    site.put(2021, made_years(500))
    path = tmp_path / "openssl.cnf"
    path.write_text("openssl_conf = all\n[all]\nrandom = generator\n[generator]\nrandom = NO-SUCH\n")
    importer = make_import(database)
    result = importer.with_(environment={"OPENSSL_CONF": str(path)}).run("--years", "2021", "--wait", "90", seconds=80)
    assert result.code == program.NONE and "libcrypto draws no random numbers" in result.err, str(result)
    assert "waiting for the server" not in result.err, str(result)
    importer.run_well("--years", "2021")


@pytest.mark.parametrize("place", ["home", "PGSERVICEFILE"])
def test_service_file(database, site, make_import, made_years, tmp_path, place):
    site.put(2021, made_years(500))
    importer = make_import(database).with_(to="postgresql://?service=years")
    path = (tmp_path / "services") if place != "home" else type(tmp_path)(importer.home) / ".pg_service.conf"
    path.write_text(f"[years]\nhost=127.0.0.1\nport={database.server.port}\nuser=importer\npassword={PASSWORD}\n"
                    f"dbname={database.name}\n", encoding="utf-8")
    importer = importer.with_(environment={"PGSERVICEFILE": str(path)} if place != "home" else {})
    with staging_rights(database):
        whole_life(importer, database, site, made_years)
    result = importer.with_(to="postgresql://?service=yaers").run("--years", "2021", "--wait", "90", seconds=80)
    assert result.code == program.NONE and 'definition of service "yaers" not found' in result.err, str(result)
    assert "waiting for the server" not in result.err, str(result)


def test_scram_is_what_is_used(database):
    """What the other tests rest on: the server keeps no other kind of password, and asks for it."""
    kept = database.server.sql("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'importer'")
    assert kept == [(True,)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host="127.0.0.1", port=database.server.port, user="importer", password="no",
                         dbname=database.name)


# --- several hosts, and a name that looks like a connection string

def environment_of(trace, name):
    """The variables PG... that a program was started with, each a set of values."""
    found = {}
    for line in trace.read_text(errors="replace").splitlines():
        if re.search(rf'execve\("[^"]*/{name}"', line) and "--version" not in line:
            for variable, value in re.findall(r'"(PG[A-Z]+)=((?:[^"\\]|\\.)*)"', line):
                found.setdefault(variable, set()).add(value)
    return found


def test_carry_goes_to_the_host_that_answered(database, site, make_import, made_years, tmp_path):
    """The first of two hosts is down now. Once it is back, pg_dump must not read from it what we do not know."""
    database.server.needs_pg_dump()
    with staging_rights(database), socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen: nobody answers there, nor can anybody else begin to
        dead, port = taken.getsockname()[1], database.server.port
        importer = make_import(database).with_(
            to=f"postgresql://importer:{QUOTED}@127.0.0.1:{dead},127.0.0.1:{port}/{database.name}")
        site.put(2021, made_years(500))
        importer.run_well("--years", "2021")
        database.query("CREATE TABLE remark AS SELECT 'kept'::text AS words; ALTER TABLE remark OWNER TO importer")
        site.put(2021, made_years(700, seed=2))
        importer.run_well("--years", "2021", "--staging")
        trace = tmp_path / "trace"
        traced = importer.with_(wrapper=["strace", "-f", "-qq", "-v", "-s", "4096", "-e", "trace=execve", "-o", trace])
        result = traced.call("promote", "--carry", "--drain", "0")
        assert result.code == program.ALL, str(result)
        assert database.query("SELECT words FROM remark") == [("kept",)]
    for name in ("pg_dump", "pg_restore"):
        environment = environment_of(trace, name)
        assert environment["PGHOST"] == {"127.0.0.1"} and environment["PGPORT"] == {str(port)}, environment


class QuotedDestination(program.PostgresDestination):
    """A database whose name is put in quotes."""

    def exists(self):
        return True

    def drop_slots(self):
        for name in (self.name, self.name + "_staging", self.name + "_previous"):
            self.server.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.mark.parametrize("name", ["host=nowhere user=o'neill", "postgresql://nowhere/\\db"])
def test_name_that_looks_like_a_connection_string(postgres, site, make_import, made_years, name):
    postgres.needs_pg_dump()
    database = QuotedDestination(postgres, name)
    postgres.sql(f'CREATE DATABASE "{name}" OWNER importer')
    with staging_rights(database):
        importer = make_import(database).with_(
            to=f"postgresql://importer:{QUOTED}@127.0.0.1:{postgres.port}/{urllib.parse.quote(name, safe='')}")
        site.put(2021, made_years(500))
        importer.run_well("--years", "2021")
        database.query("CREATE TABLE remark AS SELECT 'kept'::text AS words; ALTER TABLE remark OWNER TO importer")
        site.put(2021, made_years(700, seed=2))
        importer.run_well("--years", "2021", "--staging", "--promote", "--carry")
        assert database.count(2021) == 700
        assert database.query("SELECT words FROM remark") == [("kept",)]


# --- rights

def rights_in_readme(role, database):
    """The statements of README's section on rights, for a role and a database."""
    with open(os.path.join(program.ROOT, "README.md"), encoding="utf-8") as readme:
        section = re.search(r"## Rights it needs(.*?)\n## ", readme.read(), re.S).group(1)
    found = [re.sub(r"\bdb\b", database, re.sub(r"\bdvf\b", role, one)).replace("'...'", "%s")
             for one in re.findall(r"^    ([A-Z].*?);", section, re.M)]
    assert len(found) == 7, section
    return found[0], found[1:4], found[4:]


@pytest.fixture
def bare(postgres, request):
    """A database that is somebody else's, and the statements that let a new role in."""
    name = role = f"bare_{os.getpid()}"
    make, least, more = rights_in_readme(role, name)
    assert make.startswith(f"CREATE DATABASE {name} ")
    postgres.sql(make)
    postgres.sql(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")  # a right that nobody told us to give
    destination = program.PostgresDestination(postgres, name)
    destination.to = destination.to.replace("//importer:", f"//{role}:")
    with contextlib.closing(postgres.connect(name)) as connection, connection.cursor() as cursor:
        for statement in least if postgres.version() >= 15 else least[:2]:
            cursor.execute(statement, (PASSWORD,) if "%s" in statement else None)
    yield destination, role, more
    destination.drop_slots()
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")
    postgres.sql(f"DROP ROLE {role}")


def test_rights_for_a_plain_run(bare, site, make_import, made_years):
    database, _, _ = bare
    importer = make_import(database)
    site.put(2021, made_years(ROWS))
    checked = importer.call("check", "--years", "2021")
    assert checked.code == program.ALL, str(checked)
    process = importer.start("--years", "2021", "--chunk-rows", "500", "--loaders", "2")
    wait_for(lambda: database.committed() > 2000 or process.poll() is not None, 60, "the first chunks")
    importer.kill(process)
    result = importer.run_well("--years", "2021")
    assert "denied" not in result.err and "level=warning" not in result.err, str(result)
    path = site.put(2021, made_years(ROWS, seed=2))
    result = importer.run_well("--years", "2021")
    assert "level=warning" not in result.err, str(result)
    assert database.differences(2021, path) == [] and database.leftovers() == []
    for command in ("verify", "status", "history"):
        assert importer.call(command).code == program.ALL
    refused = importer.run("--years", "2021", "--staging")
    assert "ALTER ROLE ... CREATEDB" in refused.err or refused.code == program.ALL, str(refused)


def test_rights_for_staging_and_promote(bare, site, make_import, made_years):
    """With what README adds, sessions of another role are ended, too; without it the refusal names what is missing."""
    database, role, more = bare
    importer = make_import(database)
    site.put(2021, made_years(ROWS))
    importer.run_well("--years", "2021")
    server = database.server
    server.sql(more[0])
    site.put(2021, made_years(ROWS, seed=2))
    importer.run_well("--years", "2021", "--staging")
    refused = importer.call("promote")
    assert refused.code == program.REFUSED and "OWNER TO" in refused.out, str(refused)
    server.sql(more[1])
    other = server.connect(database.name, "importer")
    refused = importer.call("promote", "--drain", "0")
    assert refused.code == program.REFUSED and "pg_signal_backend" in refused.out, str(refused)
    server.sql(more[2])
    began = time.monotonic()
    result = importer.call("promote", "--drain", "0")
    assert result.code == program.ALL and time.monotonic() - began < 60, str(result)
    with pytest.raises(psycopg2.OperationalError):
        other.cursor().execute("SELECT 1")
    other.close()
    assert database.differences(2021, made_years(ROWS, seed=2)) == []
    assert importer.call("revert", "--drain", "0").code == program.ALL
    assert database.differences(2021, made_years(ROWS)) == []


def test_owner_that_cannot_be_become(bare, site, make_import, made_years):
    """From 16 on a role may have all rights of another without being able to become it, and to give things to it."""
    database, role, more = bare
    server = database.server
    if server.version() < 16:
        pytest.skip("before PostgreSQL 16 every member may SET ROLE")
    boss = role + "_boss"
    server.sql(f"CREATE ROLE {boss}; GRANT {boss} TO {role} WITH INHERIT TRUE, SET FALSE; {more[0]}")
    try:
        server.sql(f"ALTER DATABASE {database.name} OWNER TO {boss}")
        importer = make_import(database)
        site.put(2021, made_years(500))
        importer.run_well("--years", "2021")
        server.sql(f"CREATE TABLE remark (words text); ALTER TABLE remark OWNER TO {boss};"
                   f"ALTER TABLE dvf OWNER TO {boss}", database.name)
        site.put(2021, made_years(500, seed=2))
        importer.run_well("--years", "2021", "--staging")
        refused = importer.call("promote", "--carry")
        assert refused.code == program.REFUSED, str(refused)
        assert f"table public.remark belongs to {boss}" in refused.out, str(refused)
        assert f'GRANT "{boss}" TO "{role}" WITH SET TRUE' in refused.out, str(refused)
        refused = importer.call("promote", "--drop-foreign")
        assert refused.code == program.REFUSED, str(refused)
        remedy = f"have a role that may: ALTER DATABASE {database.name}_staging OWNER TO {boss}"
        assert remedy in refused.out, str(refused)
        assert f"ALTER TABLE public.dvf OWNER TO {boss} (in {database.name}_staging)" in refused.out, str(refused)
    finally:
        database.drop_slots()
        server.sql(f"ALTER DATABASE {database.name} OWNER TO postgres; REVOKE {boss} FROM {role}")
        server.sql(f"DROP TABLE remark; DROP TABLE dvf CASCADE; DROP ROLE {boss}", database.name)
