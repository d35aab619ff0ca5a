"""SIGKILL at every system call of promote and revert of SQLite files: the same command finishes it.

Some of them only, or KILLS=all. A kill comes on entering a call, so that all before it is done and it is not."""
import os

import pytest

import program
from sqlite_slots import Pair, has_strace, kill_at, system_calls

A_LIVE = {"live": "dvf.1.sqlite", "staging": "dvf.2.sqlite"}
B_LIVE = {"live": "dvf.2.sqlite", "previous": "dvf.1.sqlite"}
AT_MOST = None if os.environ.get("KILLS") == "all" else int(os.environ.get("KILLS_OF_PROMOTE", "6"))
# Those that change something are all tried; of the others some.
CHANGES = ("rename", "unlink", "symlink", "link", "linkat", "fsync", "fdatasync", "flock")

pytestmark = pytest.mark.skipif(not has_strace(), reason="strace is not installed")


@pytest.fixture
def pair(tmp_path, made_years, make_import):
    return Pair(tmp_path / "files", made_years, make_import, rows=(60, 70))


class Kills:
    """Kills one command of the pair at one call after another."""

    def __init__(self, pair, command, *arguments):
        self.pair, self.command, self.arguments = pair, command, arguments
        self.environment = program.clean_environment(pair.importer.home)
        self.words = pair.importer.words(command, ["--to", pair.importer.to, *arguments])
        self.count = 0

    def moments(self):
        """(call, which): counted on a run of the command, which is done by it."""
        counts = system_calls(self.words, self.pair.importer.home, self.environment, self.pair.importer.home)
        every = [(name, which + 1) for name, count in counts.items() for which in range(count)]
        if AT_MOST is None:
            return every
        some = [moment for moment in every if moment[0] not in CHANGES]
        return [moment for moment in every if moment[0] in ("rename", "unlink", "symlink", "link")] + \
            some[::max(1, len(some) // AT_MOST)] + \
            [moment for moment in every if moment[0] in ("fsync", "fdatasync", "flock")][::4]

    def kill(self, moment):
        self.count += 1
        return kill_at(*moment, self.words, self.pair.importer.home, self.environment)

    def again(self):
        self.pair.call_well(self.command, *self.arguments)
        assert not [name for name in os.listdir(self.pair.folder) if name.endswith(".new")]

    def once_more(self, moment):
        """Said again it changes nothing; asked where that can depend on the moment."""
        if moment[0] in CHANGES:
            assert "nothing was changed" in self.pair.call_well(self.command, *self.arguments).out, moment


def readable(pair):
    """What a reader finds at once after the kill, with nothing done about it."""
    assert pair.count() in (pair.a, pair.b)


def one_each(pair, command, count):
    """The history has each swap once, and the files agree on what was done."""
    words = {"promote": ("promoted", "promote found done"), "revert": ("reverted", "revert found done")}[command]
    history = pair.importer.call("history").out
    assert sum(history.count(f"  {word}  ") for word in words) == count
    assert pair.ask("SELECT count(*) FROM dvf_import_swap WHERE done_at IS NULL") == [(0,)]
    numbers = pair.ask("SELECT count(*), count(DISTINCT id) FROM dvf_import_swap")
    assert numbers[0][0] == numbers[0][1]


def test_promote_is_killed(pair):
    pair.load_both()
    kills = Kills(pair, "promote")
    moments = kills.moments()
    pair.call_well("revert")
    for moment in moments:
        assert pair.links() == A_LIVE and pair.count() == pair.a, moment
        kills.kill(moment)
        readable(pair)
        kills.again()
        assert pair.links() == B_LIVE and pair.files() == ["dvf.1.sqlite", "dvf.2.sqlite"], moment
        assert pair.count() == pair.b and pair.holds() == [], moment
        kills.once_more(moment)
        pair.call_well("revert")
    one_each(pair, "promote", kills.count + 1)
    pair.whole()
    print(f"promote was killed {kills.count} times")


def test_revert_is_killed(pair):
    pair.load_both()
    pair.call_well("promote")
    kills = Kills(pair, "revert")
    moments = kills.moments()
    pair.call_well("promote")
    for moment in moments:
        assert pair.links() == B_LIVE and pair.count() == pair.b, moment
        kills.kill(moment)
        readable(pair)
        kills.again()
        assert pair.links() == A_LIVE and pair.files() == ["dvf.1.sqlite", "dvf.2.sqlite"], moment
        assert pair.count() == pair.a and pair.holds() == [(2021, "revert", "")], moment
        kills.once_more(moment)
        pair.call_well("promote")
    one_each(pair, "revert", kills.count + 1)
    pair.whole()
    print(f"revert was killed {kills.count} times")


def number_again(pair):
    """Back to a live file without a number, a staging file, something people made, and one that has to go. The files
    stay the same ones, or they would be copies."""
    os.rename(pair.path("dvf.1.sqlite"), pair.path("live"))
    if os.path.lexists(pair.path("previous")):
        os.remove(pair.path("previous"))
    if not os.path.exists(pair.path("dvf.9.sqlite")):
        os.link(pair.path("kept"), pair.path("dvf.9.sqlite"))
    os.symlink("dvf.9.sqlite", pair.path("previous"))
    if not os.path.lexists(pair.path("staging")):
        os.symlink("dvf.2.sqlite", pair.path("staging"))
    pair.ask("DROP TABLE IF EXISTS mine", "staging")


def test_the_first_promote_is_killed(pair):
    """The one that gives the live file a number, carries what people made, and has a file to remove."""
    pair.load_both()
    pair.ask("CREATE TABLE mine AS SELECT 7 AS x")
    with open(pair.path("kept"), "wb") as file:
        file.write(b"")
    os.link(pair.path("kept"), pair.path("dvf.9.sqlite"))
    os.symlink("dvf.9.sqlite", pair.path("previous"))
    kills = Kills(pair, "promote", "--carry")
    for moment in kills.moments():
        number_again(pair)
        assert pair.links()["live"] == "file" and pair.count() == pair.a, moment
        kills.kill(moment)
        readable(pair)
        kills.again()
        assert pair.links() == B_LIVE and pair.files() == ["dvf.1.sqlite", "dvf.2.sqlite"], moment
        assert pair.count() == pair.b and pair.count("previous") == pair.a, moment
        assert pair.ask("SELECT x FROM mine") == [(7,)], moment
        kills.once_more(moment)
    pair.whole()
    print(f"the first promote was killed {kills.count} times")


def test_revert_after_a_promote_that_was_killed(pair):
    """Before the exchange there is nothing to take back, and one more back would be another wish; after it there is."""
    pair.load_both()
    kills = Kills(pair, "promote")
    pair.call_well("promote")
    pair.load(0, "--staging")  # a third file, so that there is one to go back to by mistake
    links = pair.links()
    # the second symlink and rename are those of dvf.previous.sqlite
    kills.kill(("rename", 1))
    assert pair.links() == links
    result = pair.call("revert")
    assert result.code == program.REFUSED and "say revert again" in result.out, str(result)
    assert pair.links() == links and pair.count() == pair.b
    kills.kill(("rename", 2))
    assert pair.links() == {**links, "live": "dvf.3.sqlite"} and pair.count() == pair.a
    result = pair.call_well("revert")
    assert "finished the promote" in result.out
    assert pair.links() == {"live": "dvf.2.sqlite", "staging": "dvf.3.sqlite"} and pair.count() == pair.b


def test_a_run_into_staging_after_a_promote_that_was_killed(pair):
    """The link of staging still leads to what is live: nothing may be loaded there."""
    pair.load_both()
    kills = Kills(pair, "promote")
    pair.call_well("promote")
    pair.call_well("revert")
    kills.kill(("rename", 2))
    assert pair.links()["staging"] == pair.links()["live"] == "dvf.2.sqlite"
    before = pair.ask("SELECT * FROM dvf_import_source")
    pair.load(0, "--staging")
    assert pair.links()["staging"] == "dvf.3.sqlite" and pair.ask("SELECT * FROM dvf_import_source") == before
    assert "finished the promote" in pair.call_well("promote").out
    assert pair.links() == {"live": "dvf.3.sqlite", "previous": "dvf.2.sqlite"} and pair.count() == pair.a
