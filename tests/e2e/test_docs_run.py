"""What the documents show is done: each command is run, each query answered, each figure of the data counted again.

The site is a local one with five years. Scripts of ops/ are looked at in test_docs.py and not run: they install and build, and
`ops/demo --live` needs the real site.
"""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import program
import reference
import servers
from test_docs import PAGES, text_of

YEARS = (2021, 2022, 2023, 2024, 2025)
GOES_ON = re.compile(r"dvf-import serve|--watch")


def shown(page):
    """Calls of the program as one would type them, in their order: what follows a command in a table or comment is
    cut off. From blocks, and from the text where the whole command stands there."""
    found = []
    for line in re.findall(r"^(?: {4,}|\$ ).*$|`[^`\n]+`", text_of(page), re.MULTILINE):
        call = re.match(r"(?:\$ +)?((?:[A-Z_]+=\S+ +)*(?:build/)?dvf-import +[a-z]+(?: [^#`]*)?)(?:#.*)?$", line.strip("` "))
        if call:
            command = re.split(r" {3,}", call.group(1))[0].strip().replace("build/", "")
            if command not in found:
                found.append(command)
    return found


class World:
    """A folder as a new user's: the program in PATH, a site with five years, an SQLite file, a server."""

    def __init__(self, folder, site, database, made_years):
        self.folder, self.site, self.made_years, self.edition = folder, site, made_years, 0
        os.makedirs(os.path.join(folder, "srv"))
        self.database = database
        self.publish()
        with open(os.path.join(folder, "secret"), "w", encoding="utf-8") as file:
            file.write("sqlite:dvf.sqlite\n")
        self.environment = program.clean_environment(folder, {
            "PATH": f"{os.path.dirname(program.PATH)}:{os.environ['PATH']}", "DVF_STATE_DIR": f"{folder}/state",
            "DVF_SOURCE_URL": site.source()})

    def publish(self):
        """A new edition of the last year, all of them at first."""
        for year in YEARS if self.edition == 0 else YEARS[-1:]:
            path = self.site.put(year, self.made_years(300 + 10 * self.edition, year, seed=self.edition + 1))
            for name in (f"{year}.csv.gz", "full.csv.gz"):
                shutil.copy(path, os.path.join(self.folder, "srv", name))
        self.edition += 1

    def command(self, command):
        command = command.replace("postgresql://user@host/db", f"'{self.database.to}'")
        command = command.replace("file://…", "file:///srv/dvf/{year}.csv.gz").replace(
            "file:///srv/dvf/", f"file://{self.folder}/srv/")
        return command.replace("/run/secrets/db", f"{self.folder}/secret").replace("0.0.0.0:8080", "127.0.0.1:0").replace(
            "dvf-import serve", f"dvf-import serve --listen 127.0.0.1:{servers.free_port()}")

    def run(self, command):
        """(exit code, what was said); one that goes on is looked at for a moment and ended."""
        if "--staging" in command and "run" in command:
            self.publish()
        process = subprocess.Popen(["bash", "-c", "exec " * bool(GOES_ON.search(command)) + self.command(command)],
                                   cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if GOES_ON.search(command):
            time.sleep(0.5 * program.SLOW)
            assert process.poll() is None, command + "\n" + process.communicate()[0]
            process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60 * program.SLOW)[0]
        return process.returncode, said


@pytest.fixture
def world(tmp_path, site, database, made_years):
    return World(str(tmp_path / "world"), site, database, made_years)


def test_lines_of_the_readme(world):
    """From top to bottom, as a new user would type them: each does what it says."""
    commands = shown("README.md")
    assert len(commands) > 12
    for command in commands:
        code, said = world.run(command)
        if "mend rejects.csv" in command or GOES_ON.search(command):
            assert code in (program.ALL, program.INTERRUPTED), f"{command}\n{code}\n{said}"
        else:
            assert code == program.ALL, f"{command}\n{code}\n{said}"


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_commands_of_a_page(world, page):
    """In a world of the page's own: each is understood, and ends well, or as the runbook says that commands end."""
    may_end = (0, 1, 2, 3) if page in ("docs/OPERATIONS.md", "docs/TROUBLESHOOTING.md", "docs/PERFORMANCE.md") else (0,)
    assert world.run("dvf-import run")[0] == program.ALL
    for command in shown(page):
        code, said = world.run(command)
        assert code in may_end or (GOES_ON.search(command) and code == program.INTERRUPTED), \
            f"{page}: {command}\n{code}\n{said}"


# --- SQL

def blocks(page):
    """The ```sql blocks of a page."""
    return re.findall(r"^```sql\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)


def statements(block):
    return [text.strip() for text in re.sub(r"^--.*$", "", block, flags=re.MULTILINE).split(";") if text.strip()]


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
@pytest.mark.parametrize("number", range(len(blocks("docs/DATA.md"))))
def test_queries_of_the_data(real, kind, number):
    block = blocks("docs/DATA.md")[number]
    if block.startswith("-- Post") and kind == "sqlite":
        pytest.skip("only in PostgreSQL")
    destination = real(kind)
    if block.startswith("-- PostGIS") and not destination.query(
            "SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
        pytest.skip("needs PostGIS, which is not installed here")
    for statement in statements(block):
        answer = destination.query(statement if statement.startswith("SELECT") or kind == "sqlite" else
                                   f"{statement}; SELECT 1")
    assert answer, block


def test_a_new_edition_gets_the_index_of_postgis(world):
    """What DATA.md shows under PostGIS is made once."""
    if not world.database.query("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
        pytest.skip("needs PostGIS, which is not installed here")
    world.environment["DATABASE_URL"] = world.database.to
    assert world.run("dvf-import run --years 2025")[0] == program.ALL
    for statement in statements(blocks("docs/DATA.md")[-1])[:2]:
        world.database.query(statement + "; SELECT 1")
    world.publish()
    assert world.run("dvf-import run --years 2024,2025")[0] == program.ALL
    assert world.database.query("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gist%st_setsrid%'"
                                " AND tablename LIKE 'dvf\\_2%'") == [(2,)]


def test_there_are_ten_queries():
    assert len(re.findall(r"^\d+ · ", text_of("docs/DATA.md"), re.MULTILINE)) == 10
    assert len(blocks("docs/DATA.md")) == 11


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
@pytest.mark.parametrize("page", ["README.md", "docs/README.fr.md"])
def test_queries_of_the_readme(real, page, kind):
    found = re.findall(r"^ {4}(SELECT [^;]*);(.*)$", text_of(page), re.MULTILINE)
    assert len(found) >= 2
    for statement, said in found:
        if not any(other in said for other in ("PostgreSQL", "SQLite") if other.lower()[:6] != kind[:6]):
            assert real(kind).query(statement) or "reject" in statement


# --- figures

def test_figures_of_the_data(real):
    """DATA.md says what is in the real files."""
    page = text_of("docs/DATA.md")

    def says(*numbers):
        for number in numbers:
            assert re.search(rf"(?<![\d,]){number:,}(?![\d,])", page), f"DATA.md does not say {number:,}"

    def ask(statement):
        return real("postgres").query(statement)[0]

    says(*ask("SELECT count(*), count(DISTINCT (source_year, id_mutation)) FROM dvf"))
    several, prices = ask("SELECT count(*), max(prices) FROM (SELECT count(DISTINCT valeur_fonciere) AS prices FROM dvf"
                          " GROUP BY source_year, id_mutation HAVING count(DISTINCT numero_disposition) > 1) AS sale")
    assert prices == 1
    says(several, *ask("SELECT count(*) FROM dvf_sale WHERE valeur_fonciere IS NULL"))
    says(*ask("SELECT count(*) FILTER (WHERE r.built IS DISTINCT FROM s.surface_reelle_bati), count(s.surface_reelle_bati),"
              " count(*) FILTER (WHERE r.land IS DISTINCT FROM s.surface_terrain), count(s.surface_terrain)"
              " FROM dvf_sale s JOIN (SELECT source_year, id_mutation, sum(surface_reelle_bati) AS built,"
              " sum(surface_terrain) AS land FROM dvf GROUP BY 1, 2) r USING (source_year, id_mutation)"))
    says(*ask("SELECT count(*) FROM dvf_sale WHERE nombre_communes > 1"), *ask("SELECT sum(nombre_ventes) FROM dvf_price_m2"))
    nulls = ask("SELECT " + ", ".join(f"round(100 * avg(({name} IS NULL)::integer))" for name in reference.NAMES) + " FROM dvf")
    assert [str(share) for share in nulls] == re.findall(r"^\| \d+ \| `\w+` \| [^|]+ \| (\d+) \|", page, re.MULTILINE)[:40]


# --- moving in

OLD = """CREATE TABLE dvf_data (id serial PRIMARY KEY, id_mutation varchar(255), date_mutation date, code_postal varchar(5),
 valeur_fonciere numeric, type_local varchar(255), surface_reelle_bati numeric, nom_commune varchar(255));
INSERT INTO dvf_data (id_mutation, code_postal, valeur_fonciere) VALUES ('2021-1', '1000', 5), ('2021-1', '1000', 5)"""


def indented(page, after):
    """The lines of the first indented block behind a heading."""
    block = re.search(rf"^## {after}\n.*?((?:^ {{4,}}\S[^\n]*\n)+)", text_of(page), re.MULTILINE | re.DOTALL)
    return [line.strip() for line in block.group(1).splitlines()]


def test_moving_in_beside_the_old_table(world):
    """An old .env works as it is, dvf_data is left alone, and the view by its name answers what it was asked."""
    world.database.query(OLD + "; SELECT 1")
    server = world.database.server
    with open(os.path.join(world.folder, ".env"), "w", encoding="utf-8") as file:
        file.write(f"POSTGRES_HOST=127.0.0.1\nPOSTGRES_PORT={server.port}\nPOSTGRES_USER=importer\nPOSTGRES_DB={world.database.name}\n"
                   "YEARS_TO_IMPORT=2021,2022\nCSV_CHUNK_SIZE=100\nDOWNLOAD_CHUNK_SIZE=4096\n")
    world.environment["POSTGRES_PASSWORD"] = servers.PASSWORD
    lines = indented("docs/MOVING-IN.md", "From the importer this replaces")
    assert lines[0].startswith("set -a") and lines[1:] == ["dvf-import check", "dvf-import run"]
    done = subprocess.run(["bash", "-ec", "\n".join(lines)], cwd=world.folder, env=world.environment, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert world.database.query("SELECT count(*), min(code_postal) FROM dvf_data") == [(2, "1000")]
    view, back, compare = blocks("docs/MOVING-IN.md")
    world.database.query(view + "SELECT 1")
    assert world.database.query(compare) == [(2, 600)]
    assert world.database.query("SELECT count(DISTINCT id), count(*) FILTER (WHERE import_year = 2021), count(import_date),"
                                " count(*) FILTER (WHERE type_local_detail IS NOT DISTINCT FROM type_local)"
                                " FROM dvf_data") == [(600, 300, 600, 600)]
    world.publish()
    done = subprocess.run(["bash", "-ec", "\n".join(lines)], cwd=world.folder, env=world.environment, capture_output=True,
                          text=True)
    assert done.returncode == 0, "a view of theirs on dvf is in nobody's way: " + done.stdout + done.stderr
    world.database.query(back + "SELECT 1")
    assert world.database.query("SELECT count(*), min(code_postal) FROM dvf_data") == [(2, "1000")]


def test_moving_to_another_host(world):
    """The commands of the page, from the dump to the proof: nothing is loaded twice."""
    server = world.database.server
    server.needs_pg_dump()
    server.sql("ALTER ROLE importer CREATEDB")
    text = text_of("docs/MOVING-IN.md")
    section = text[text.index("## To another host"):]
    dump, create, restore, *rest = [line.strip() for line in re.findall(r"^ {7}(\S.*)$", section, re.MULTILINE)]
    assert rest == ["dvf-import check", "dvf-import run", "dvf-import verify --fast"]
    world.environment |= {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "importer",
                          "PGPASSWORD": servers.PASSWORD, "DATABASE_URL": world.database.to}
    new = program.PostgresDestination(server, world.database.name + "_new")

    def say(command):
        command = re.sub(r"\bdvf(_new)?(?= |$)", lambda match: world.database.name + (match.group(1) or ""), command)
        done = subprocess.run(["bash", "-c", command], cwd=world.folder, env=world.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    try:
        say("dvf-import run")
        for command in (dump, create, restore):
            say(command)
        world.environment |= {"DATABASE_URL": new.to, "DVF_STATE_DIR": f"{world.folder}/other-state"}
        say("dvf-import check")
        said = say("dvf-import run")
        assert said.count("unchanged") == len(YEARS) and "views" not in said, said
        assert "equal (fast)" in say("dvf-import verify --fast")
        assert new.query("SELECT sum(nombre_lignes) FROM dvf_sale") == [(300 * len(YEARS),)]
    finally:
        new.drop()
        server.sql("ALTER ROLE importer NOCREATEDB")
