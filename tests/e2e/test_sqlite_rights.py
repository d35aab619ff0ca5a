"""Who may open the SQLite file that a promote or revert makes live: whoever could open what was live."""
import os
import shutil
import stat

import pytest

import program
from sqlite_slots import Pair

READERS = 65534  # a group that the importer is not of

needs_root = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="gives files away")


@pytest.fixture
def pair(tmp_path, made_years, make_import):
    return Pair(tmp_path / "files", made_years, make_import)


def rights(path):
    status = os.stat(path)
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


def rights_put(path, uid, gid, mode):
    os.chown(path, uid, gid)
    os.chmod(path, mode)


@needs_root
def test_readers_of_live_may_open_what_takes_its_place(pair):
    """A web server reads live as of a group of its own; staging was made under another umask, and somebody has it
    open. Whatever live is by then, link or file, what is to be live gets its owner, group and mode."""
    pair.load_both()
    staging = pair.path("dvf.2.sqlite")
    rights_put(pair.path("live"), 1234, READERS, 0o664)
    rights_put(staging, 0, 0, 0o640)
    before = pair.state()
    assert pair.call("promote", "--dry-run").code == program.ALL
    assert pair.state() == before and rights(staging) == (0, 0, 0o640)
    with pair.open("dvf.2.sqlite") as looking:
        looking.execute("SELECT count(*) FROM dvf").fetchone()
        pair.call_well("promote")
        for ending in ("", "-wal", "-shm"):
            assert rights(staging + ending) == (1234, READERS, 0o664), ending
    assert pair.links() == {"live": "dvf.2.sqlite", "previous": "dvf.1.sqlite"} and rights(pair.path("previous")) == (1234, READERS, 0o664)
    rights_put(pair.path("live"), 0, READERS, 0o640)
    pair.call_well("revert")
    assert rights(pair.path("live")) == rights(pair.path("staging")) == (0, READERS, 0o640)


@needs_root
@pytest.mark.parametrize("who", ["a user", "root without the capability"])
def test_rights_that_cannot_be_given(pair, who):
    """Found before anything is exchanged, with what root is to say."""
    pair.load_both()
    dry = ["--dry-run"]
    if who == "a user":
        pair.importer.wrapper = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups",
                                 "--inh-caps=+dac_override,+dac_read_search",
                                 "--ambient-caps=+dac_override,+dac_read_search"]
        owner = 12345
    else:
        pair.importer.wrapper = ["setpriv", "--bounding-set=-chown"]
        owner, dry = 0, None  # that is only known when it is tried
    staging = pair.path("dvf.2.sqlite")
    rights_put(pair.path("live"), owner, READERS, 0o664)
    rights_put(staging, owner, owner, 0o640)
    for arguments in filter(lambda one: one is not None, (dry, [])):
        result = pair.call("promote", *arguments)
        assert result.code == program.REFUSED, str(result)
        assert "whoever reads live could not open it" in result.said, str(result)
        assert f"chown {owner}:{READERS} {staging}" in result.said and "chmod 664" in result.said, str(result)
        assert pair.count() == pair.a and rights(staging) == (owner, owner, 0o640)
    rights_put(staging, owner, READERS, 0o664)
    pair.call_well("promote")
    assert pair.count() == pair.b and rights(pair.path("live")) == (owner, READERS, 0o664)
