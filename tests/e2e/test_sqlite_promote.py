"""Promote and revert of SQLite files: back and forth under readers, and what is refused."""
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

import program
from sqlite_slots import Pair

A_LIVE = {"live": "dvf.1.sqlite", "staging": "dvf.2.sqlite"}
B_LIVE = {"live": "dvf.2.sqlite", "previous": "dvf.1.sqlite"}


@pytest.fixture
def pair(tmp_path, made_years, make_import):
    return Pair(tmp_path / "files", made_years, make_import)


def refused(pair, command, *arguments, says=()):
    before = pair.state()
    result = pair.call(command, *arguments)
    assert result.code == program.REFUSED, str(result)
    assert pair.state() == before
    for words in says:
        assert words in result.said, str(result)
    return result


@pytest.mark.sanitize
def test_back_and_forth(pair):
    pair.load_both()
    assert pair.count() == pair.a and pair.count("staging") == pair.b
    for turn in range(4):
        assert "exchanged at once" in pair.call_well("promote").out
        assert pair.links() == B_LIVE and pair.count() == pair.b and pair.count("previous") == pair.a
        before = pair.state()
        assert "nothing was changed" in pair.call_well("promote").out
        assert pair.state() == before and pair.holds() == []
        pair.call_well("revert")
        assert pair.links() == A_LIVE and pair.count() == pair.a and pair.count("staging") == pair.b
        before = pair.state()
        assert "nothing was changed" in pair.call_well("revert").out
        assert pair.state() == before and pair.holds() == [(2021, "revert", "")]
        pair.whole()
        assert pair.ask("SELECT count(*), count(done_at) FROM dvf_import_swap") == [(2 * turn + 2,) * 2]
    history = pair.importer.call("history")
    assert history.out.count("  promoted  ") == 4 and history.out.count("  reverted  ") == 4
    assert "found done" not in history.out
    assert pair.importer.call("history", "--verify").code == 0


def test_a_third_edition_moves_the_first_out(pair):
    """Three files are there at most; what goes is said before and after."""
    pair.load_both()
    pair.call_well("promote")
    pair.load(0, "--staging")
    assert pair.links() == {"live": "dvf.2.sqlite", "previous": "dvf.1.sqlite", "staging": "dvf.3.sqlite"}
    assert "would remove dvf.1.sqlite" in pair.call_well("promote", "--dry-run").out
    assert "dvf.1.sqlite, which was the previous one, is removed" in pair.call_well("promote").out
    assert pair.links() == {"live": "dvf.3.sqlite", "previous": "dvf.2.sqlite"}
    assert sorted(os.listdir(pair.folder)) == ["dvf.2.sqlite", "dvf.3.sqlite", "dvf.previous.sqlite", "dvf.sqlite"]
    pair.load(1, "--staging")
    assert "dvf.4.sqlite, which was staging, is removed" in pair.call_well("revert").out
    assert pair.links() == {"live": "dvf.2.sqlite", "staging": "dvf.3.sqlite"}


class Readers:
    """One opens anew each time, one keeps its connection; every answer is kept."""

    def __init__(self, pair):
        self.pair, self.answers, self.problems, self.stop = pair, [], [], threading.Event()
        self.longest = 0.0
        self.kept = sqlite3.connect(pair.path("live"), check_same_thread=False, isolation_level=None)
        self.first = self.answer(self.kept)
        self.threads = [threading.Thread(target=work) for work in (self.anew, self.again)]

    @staticmethod
    def answer(connection):
        return connection.execute("SELECT count(*), sum(valeur_fonciere), group_concat(DISTINCT source_year)"
                                  " FROM dvf").fetchone()

    def anew(self):
        last = time.monotonic()
        while not self.stop.is_set():
            try:
                connection = sqlite3.connect(self.pair.path("live"))
                self.answers.append(self.answer(connection))
                connection.close()
            except sqlite3.Error as problem:
                self.problems.append(problem)
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now

    def again(self):
        while not self.stop.is_set():
            try:
                answer = self.answer(self.kept)
                if answer != self.first:
                    self.problems.append(answer)
            except sqlite3.Error as problem:
                self.problems.append(problem)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.kept.close()


def test_readers_see_the_one_or_the_other(pair):
    pair.load_both()
    pair.call_well("promote")
    b = Readers.answer(sqlite3.connect(pair.path("live")))
    pair.call_well("revert")
    a = Readers.answer(sqlite3.connect(pair.path("live")))
    with Readers(pair) as readers:
        for _ in range(6):
            pair.call_well("promote")
            pair.call_well("revert")
    assert readers.problems == []
    assert set(readers.answers) == {a, b}
    print(f"{len(readers.answers)} answers, the longest gap {readers.longest * 1000:.1f} ms")


def test_two_at_once(pair):
    """From two state folders: one does it, the other finds it done."""
    pair.load_both()
    pair.call_well("promote")
    pair.call_well("revert")
    other = pair.importer.with_(state=os.path.join(pair.importer.home, "other"))
    for command in ("promote", "revert", "promote"):
        started = [one.start("--to", one.to, command=command) for one in (pair.importer, other)]
        results = [pair.importer.finish(one) for one in started]
        assert [result.code for result in results] == [program.ALL] * 2, results
        assert sorted("exchanged" in result.out for result in results) == [False, True]
    assert pair.links() == B_LIVE


def test_the_log_stands_beside_the_real_file(pair):
    pair.load_both()
    pair.call_well("promote")
    with pair.open() as writer:
        writer.execute("CREATE TABLE mine (x)")
        assert "dvf.2.sqlite-wal" in os.listdir(pair.folder)
        assert not [name for name in os.listdir(pair.folder) if name.startswith("dvf.sqlite-")]


@pytest.mark.parametrize("command", ["promote", "revert"])
def test_dry_run_changes_nothing(pair, command):
    pair.load_both()
    if command == "revert":
        pair.call_well("promote")
    before = pair.state()
    elsewhere = pair.importer.with_(state=os.path.join(pair.importer.home, "elsewhere"))
    result = pair.call(command, "--dry-run", importer=elsewhere)
    assert result.code == program.ALL and "would make" in result.out, str(result)
    assert pair.state() == before and not os.path.exists(elsewhere.state)


def make_foreign(pair, slot="live"):
    for statement in ("CREATE TABLE cities (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, "
                      "size INTEGER, big AS (size > 10))",
                      "INSERT INTO cities (name, size) VALUES ('Brest', 5), ('O''Brien', 50), ('gone', 1)",
                      "DELETE FROM cities WHERE name = 'gone'",
                      "CREATE INDEX cities_name ON cities (name)",
                      "CREATE VIEW dear AS SELECT * FROM dvf WHERE valeur_fonciere > 0",
                      "CREATE TRIGGER told AFTER INSERT ON cities BEGIN SELECT 1; END"):
        pair.ask(statement, slot)


def test_what_people_made_is_refused_carried_or_given_up(pair):
    pair.load_both()
    make_foreign(pair)
    refused(pair, "promote", says=["table cities", "index cities_name", "view dear", "trigger told", "--carry",
                                   "--drop-foreign", "4 things stand in the way"])
    assert "carried over" in pair.call_well("promote", "--carry").out
    assert pair.count() == pair.b and 0 < pair.ask("SELECT count(*) FROM dear")[0][0] <= pair.b
    assert pair.ask("SELECT id, name, size, big FROM cities") == [(1, "Brest", 5, 0), (2, "O'Brien", 50, 1)]
    pair.ask("INSERT INTO cities (name) VALUES ('new')")
    assert pair.ask("SELECT max(id) FROM cities") == [(4,)]
    # Both have the table now, but not the same rows.
    refused(pair, "revert", says=["table cities"])
    assert "given up" in pair.call_well("revert", "--drop-foreign").out
    assert pair.ask("SELECT count(*) FROM cities") == [(2,)]
    refused(pair, "promote", says=["table cities"])
    pair.call_well("promote", "--carry")
    assert pair.ask("SELECT count(*) FROM cities") == [(2,)]
    assert pair.ask("SELECT count(*) FROM sqlite_master WHERE name IN ('cities_name', 'told', 'dear')") == [(3,)]


@pytest.mark.parametrize("theirs", ["CREATE TABLE dvf_sale (mine INT)", "CREATE VIEW DVF_Sale AS SELECT 1 AS mine",
                                    "CREATE TABLE dvf_price_m2 (mine INT)"])
def test_our_views_give_way_to_what_live_has_instead(pair, theirs):
    pair.load_both()
    for name in ("dvf_price_m2", "dvf_sale"):
        pair.ask(f"DROP VIEW {name}")
    pair.ask(theirs)
    name = theirs.split()[2]
    refused(pair, "promote", says=[f" {name} ", "--carry"])
    pair.call_well("promote", "--carry")
    assert pair.ask("SELECT sql FROM sqlite_master WHERE lower(name) IN ('dvf_sale', 'dvf_price_m2')") == [(theirs,)]
    pair.ask(f"SELECT mine FROM {name}")


def test_our_view_stays_where_theirs_stands_on_it(pair):
    pair.load_both()
    pair.ask("DROP VIEW dvf_price_m2")
    pair.ask("CREATE VIEW dvf_price_m2 AS SELECT count(*) AS mine FROM dvf_sale")
    pair.call_well("promote", "--carry")
    assert pair.ask("SELECT mine FROM dvf_price_m2")[0][0] > 0
    assert pair.ask("SELECT instr(sql, 'made by dvf-import') > 0 FROM sqlite_master WHERE name = 'dvf_sale'") == [(1,)]


def test_rows_that_stand_there_more_than_once(pair):
    """As many rows in both files, and none that the other lacks: but not each as often."""
    pair.load_both()
    for slot, rows in (("live", "('a'), ('a'), (NULL)"), ("staging", "('a'), (NULL), (NULL)")):
        pair.ask("CREATE TABLE marks (mark TEXT)", slot)
        pair.ask(f"INSERT INTO marks VALUES {rows}", slot)
    refused(pair, "promote", says=["table marks"])
    pair.call_well("promote", "--carry")
    assert pair.ask("SELECT mark, count(*) FROM marks GROUP BY 1 ORDER BY 1") == [(None, 1), ("a", 2)]
    assert "nothing would be changed" not in pair.call_well("revert", "--dry-run").out, "the same in both is no obstacle"


def test_what_cannot_be_carried(pair):
    pair.load_both()
    table = pair.ask("SELECT table_name FROM dvf_import_source")[0][0]
    pair.ask(f"CREATE INDEX mine ON {table} (longitude)")
    refused(pair, "promote", "--carry", says=["index mine", "cannot be carried"])
    pair.call_well("promote", "--drop-foreign")


@pytest.mark.parametrize("asks", [True, False])
def test_a_plain_file_that_somebody_has_open(pair, asks):
    pair.load_both()
    reader = sqlite3.connect(pair.path("live"))
    if asks:
        assert reader.execute("SELECT count(*) FROM dvf").fetchone() == (pair.a,)
    else:
        reader.execute("SELECT 1 FROM sqlite_master").close()
    refused(pair, "promote", "--wait", 1, says=["is open in another program", "end those"])
    refused(pair, "promote", "--dry-run", says=["is open in another program"])
    reader.close()
    pair.call_well("promote")
    assert pair.links() == B_LIVE


def test_a_plain_file_whose_log_a_killed_writer_left(pair):
    pair.load_both()
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sqlite3, time, sys\n"
         "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
         "db.execute('CREATE TABLE mine AS SELECT 7 AS x')\n"
         "print('there', flush=True)\n"
         "time.sleep(60)", pair.path("live")], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"there\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert os.path.getsize(pair.path("dvf.sqlite-wal")) > 0
    pair.call_well("promote", "--carry")
    assert pair.ask("SELECT x FROM mine") == pair.ask("SELECT x FROM mine", "previous") == [(7,)]
    assert not os.path.exists(pair.path("dvf.sqlite-wal")) and not os.path.exists(pair.path("dvf.sqlite-shm"))


def test_preconditions(pair, made_years):
    refused(pair, "promote", says=["no staging file"])
    refused(pair, "revert", says=["no previous file"])
    pair.load(0)
    both = "file://" + os.path.dirname(os.path.dirname(pair.paths[0])) + "/{year}/full.csv.gz"
    made_years(300, year=2020, seed=11)
    pair.importer.with_(source=both).run_well("--years", "2020,2021")
    pair.load(1, "--staging")
    if pair.ask("SELECT count(*) FROM dvf WHERE source_year = 2020", "staging") == [(0,)]:
        refused(pair, "promote", says=["live serves 2020", "--drop-year 2020"])
    pair.ask("UPDATE dvf_import_source SET stage = 'incoming', sha256 = 'x' WHERE year = 2021", "staging")
    refused(pair, "promote", "--drop-year", 2020, says=["2021 is incoming in staging"])
    pair.ask("UPDATE dvf_import_source SET stage = 'held', why = 'it shrank'", "staging")
    refused(pair, "promote", says=["is held in staging: it shrank", "--allow-shrink"])
    pair.ask("UPDATE dvf_import_source SET stage = 'published', why = NULL", "staging")
    os.rename(pair.path("dvf.2.sqlite"), pair.path("kept"))
    shutil.copyfile(pair.path("kept"), pair.path("dvf.2.sqlite"))
    refused(pair, "promote", "--drop-year", 2020, says=["is a copy"])
    os.rename(pair.path("kept"), pair.path("dvf.2.sqlite"))
    shutil.copyfile(pair.path("dvf.2.sqlite"), pair.path("previous"))
    refused(pair, "promote", "--drop-year", 2020, says=["move it away"])
    os.remove(pair.path("previous"))
    # Ours, and made again by whoever takes the file: nothing that people made.
    pair.ask("DROP TRIGGER dvf_import_history_update", "staging")
    pair.call_well("promote", "--drop-year", 2020)
    pair.call_well("revert")
    assert pair.ask("SELECT count(DISTINCT source_year) FROM dvf") == [(2,)]


def test_a_live_file_that_is_not_ours(pair):
    pair.load(1, "--staging")
    with pair.open() as mine:
        mine.execute("CREATE TABLE mine (x)")
    refused(pair, "promote", says=["is not a file that dvf-import made"])


def test_the_first_import_was_into_staging(pair):
    pair.load(0, "--staging")
    assert not os.path.lexists(pair.path("live"))
    pair.call_well("promote")
    assert pair.links() == {"live": "dvf.1.sqlite"} and pair.count() == pair.a
    refused(pair, "revert", says=["no previous file"])
    assert "done already" in pair.call_well("promote").out


def test_the_folder_can_be_moved_and_the_name_be_a_link(pair, tmp_path):
    pair.load_both()
    pair.call_well("promote")
    os.rename(pair.folder, tmp_path / "moved")
    pair.folder = str(tmp_path / "moved")
    os.symlink("moved/dvf.sqlite", tmp_path / "name.db")
    named = pair.importer.with_(to=f"sqlite:{tmp_path / 'name.db'}")
    result = pair.call("revert", importer=named)
    assert result.code == program.ALL, str(result)
    assert pair.links() == A_LIVE and os.path.islink(tmp_path / "name.db") and pair.count() == pair.a


def test_a_run_that_loads_into_live_is_stopped(pair, made_years):
    """From another state folder; what it had begun does not come into what is live now."""
    pair.load_both()
    source = "file://" + made_years(60000, seed=13).replace("2021", "{year}")
    other = pair.importer.with_(source=source, state=os.path.join(pair.importer.home, "other"))
    started = other.start("--years", 2021, "--chunk-rows", 100)
    while pair.ask("SELECT count(*) FROM dvf_import_chunk")[0][0] < 3:
        assert started.poll() is None
    # It has the file open, so the file cannot be given a number.
    assert pair.call("promote", "--wait", 1).code == program.REFUSED
    assert other.finish(started).code == program.ALL
    pair.load(0, "--allow-shrink")
    pair.call_well("promote")
    pair.call_well("revert")
    started = other.start("--years", 2021, "--chunk-rows", 100)
    while pair.ask("SELECT count(*) FROM dvf_import_source WHERE stage = 'incoming'") == [(0,)]:
        assert started.poll() is None
    pair.call_well("promote")
    result = other.finish(started)
    assert result.code != program.ALL and "another run" in result.said, str(result)
    assert pair.links() == B_LIVE and pair.count() == pair.b
