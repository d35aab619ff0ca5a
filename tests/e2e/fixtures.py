"""Fixtures: the program, private servers, made years. Everything started is ended by its PID."""
import os
import shutil
import subprocess
import tempfile

import pytest

import program
import servers
import slots

REAL = os.path.join(os.path.dirname(program.ROOT), "shared", "data", "site")


def pytest_configure(config):
    config.addinivalue_line("markers", "sanitize: also run with the ASan and UBSan build")
    config.addinivalue_line("markers", "threads: also run with the TSan build")
    if not os.access(program.PATH, os.X_OK):
        pytest.exit(f"{program.PATH} is not there: run ./configure.py && ninja, or set DVF_IMPORT_PROGRAM",
                    returncode=4)


def touches_postgres(item):
    parameters = getattr(item, "callspec", None)
    if parameters is not None and "sqlite" in parameters.params.values():
        return False
    return not {"postgres", "postgres_crash", "make_database", "make_destination", "loaded", "real",
                "secure"}.isdisjoint(item.fixturenames)


def pytest_collection_modifyitems(config, items):
    """With a server of another version (ops/test-versions) only what touches it is worth the time."""
    if not os.environ.get("DVF_TEST_POSTGRES"):
        return
    wanted = [item for item in items if touches_postgres(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted


@pytest.fixture(scope="session")
def made_years(tmp_path_factory):
    """made_years(rows, year=2021, seed=1, members=1): the path of a made file, made once a session."""
    folder = tmp_path_factory.mktemp("years")

    def make(rows, year=2021, seed=1, members=1, final_newline="by-year"):
        place = folder / f"{rows}-{seed}-{members}-{final_newline}"
        path = place / "latest" / "csv" / str(year) / "full.csv.gz"
        if not path.exists():
            subprocess.run([os.path.join(program.ROOT, "ops", "make-years"), place, "--years", str(year),
                            "--rows", str(rows), "--seed", str(seed), "--members", str(members), "--level", "1",
                            "--final-newline", final_newline, "--quiet"], check=True, timeout=120)
        return str(path)

    return make


@pytest.fixture(scope="session")
def real_years():
    """{year: path} of the real files, when they are there."""
    place = os.path.join(REAL, "latest", "csv")
    if not os.path.isdir(place):
        pytest.skip("the real data (../shared/data/site) is not there")
    return {int(year): os.path.join(place, year, "full.csv.gz") for year in sorted(os.listdir(place))}


@pytest.fixture(scope="session")
def real(request, real_years, tmp_path_factory):
    """real("postgres" or "sqlite"): a destination that holds all of the real files. To be read only."""
    made = {}

    def make(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp(f"real-{kind}")
            if kind == "postgres":
                server = request.getfixturevalue("postgres")
                server.sql("CREATE DATABASE real OWNER importer")
                made[kind] = program.PostgresDestination(server, "real")
            else:
                made[kind] = program.SqliteDestination(folder / "dvf.sqlite")
            source = "file://" + os.path.join(REAL, "latest", "csv", "{year}", "full.csv.gz")
            program.Import(folder, made[kind].to, source).run_well("--years", ",".join(map(str, real_years)))
        return made[kind]

    return make


@pytest.fixture(scope="session")
def postgres():
    """A cluster for the whole session; without fsync, for no test here crashes it."""
    with servers.running(servers.Postgres()) as server:
        yield server


@pytest.fixture
def postgres_crash():
    """A cluster of the test's own, durable. With hold_wal_writer it keeps acknowledged asynchronous commits in
    memory, so that a crash really loses them."""
    with servers.running(servers.Postgres(durable=True, settings={
            "wal_writer_delay": "10s", "wal_buffers": "64MB", "shared_buffers": "256MB", "checkpoint_timeout": "1h",
            "max_wal_size": "4GB", "autovacuum": "off"})) as server:
        yield server


@pytest.fixture(scope="session")
def loaded(made_years, tmp_path_factory):
    """A cluster of its own, where every kind of obstacle can be made, with edition A and edition B loaded once."""
    with servers.running(servers.Postgres(
            settings={"max_prepared_transactions": "5", "wal_level": "logical"})) as server:
        server.sql("ALTER ROLE importer CREATEDB")
        yield slots.Loaded(server, made_years, tmp_path_factory.mktemp("loaded"))


@pytest.fixture
def swap(loaded, tmp_path):
    """Live at edition A, staging at edition B, and the program to swap them."""
    made = slots.Slots(loaded, tmp_path)
    yield made
    made.end()


@pytest.fixture
def make_database(request):
    """make_database(): a fresh, empty PostgreSQL database that `importer` owns."""
    made = []

    def make(server=None):
        server = server or request.getfixturevalue("postgres")
        make.number += 1
        name = f"dvf_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**8}_{make.number}"
        server.sql(f"CREATE DATABASE {name} OWNER importer")
        made.append((server, name))
        return program.PostgresDestination(server, name)

    make.number = 0
    yield make
    for server, name in made:
        if server.process is not None and server.process.poll() is None:
            server.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def make_destination(request, tmp_path):
    """make_destination("postgres" or "sqlite"): a fresh one."""
    def make(kind):
        if kind == "postgres":
            return request.getfixturevalue("make_database")()
        make.number += 1
        folder = tmp_path / f"destination-{make.number}"
        folder.mkdir()
        return program.SqliteDestination(folder / "dvf.sqlite")

    make.number = 0
    return make


@pytest.fixture
def database(make_database):
    """A fresh PostgreSQL destination."""
    return make_database()


@pytest.fixture(params=["postgres", "sqlite"])
def destination(request, make_destination):
    """A fresh destination; the test runs once for each kind."""
    return make_destination(request.param)


@pytest.fixture
def site(tmp_path):
    server = servers.Site(tmp_path / "site")
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def make_import(tmp_path, site):
    """make_import(destination, part="latest"): how the program is called for it."""
    made = []

    def make(destination, part="latest", state=None):
        home = tmp_path / f"home-{len(made) + 1}"
        home.mkdir()
        made.append(program.Import(home, destination.to if destination else None, site.source(part), state))
        return made[-1]

    yield make
    for one in made:
        one.end_all()


@pytest.fixture
def importer(destination, make_import):
    """How the program is called for `destination`, with the rights that staging and promote need."""
    if destination.kind == "postgres":
        destination.server.sql("ALTER ROLE importer CREATEDB; GRANT pg_signal_backend TO importer")
    yield make_import(destination)
    if destination.kind == "postgres":
        destination.server.sql("ALTER ROLE importer NOCREATEDB; REVOKE pg_signal_backend FROM importer")
    destination.drop_slots()


@pytest.fixture
def small_disk():
    """small_disk(bytes): a folder on a file system of that size; root only."""
    mounted = []

    def make(size):
        if os.geteuid() != 0:
            pytest.skip("only root can mount a small file system")
        folder = tempfile.mkdtemp(prefix="dvf-disk-")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
        if done.returncode != 0:
            os.rmdir(folder)
            pytest.skip("mounting a tmpfs is not allowed here")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_place():
    """A folder that every user may enter, with the program in it; root only, who can become another one."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    place = tempfile.mkdtemp(prefix="dvf-place-")
    os.chmod(place, 0o755)
    shutil.copy(program.PATH, place)
    yield place
    shutil.rmtree(place)
