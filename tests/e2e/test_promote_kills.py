"""Killed or crashed anywhere in a promote or revert, the same command finishes it; nobody is ever locked out.

KILLS=all kills at every system call, KILLS=300-600 at those of that number (the whole takes an hour, so in pieces,
which can go on side by side); CRASHES=50 is the full proof of the other one."""
import os
import random
import re
import time

import pytest

import program
import slots
from slots import COUNTS

CALLS = "%network,%desc,%file,%process"
ACTS = {"sendto", "write", "pwrite64", "fdatasync", "ftruncate", "unlink", "rename", "exit_group"}  # others can see it
KILLS = os.environ.get("KILLS", "6")
CRASHES = int(os.environ.get("CRASHES", "2"))
SIDES = {"promote": ("a", "b"), "revert": ("b", "a")}  # what live is before and after


def seeded():
    seed = int(os.environ.get("KILLS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"KILLS_SEED={seed}")
    return random.Random(seed)


def right_in_between(swap, command):
    """Whatever was killed: connections are allowed, and live is wholly one or the other."""
    assert swap.server.sql("SELECT datname FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'") == []
    assert swap.live.counts() in [COUNTS[side] for side in SIDES[command]]


def right_at_the_end(swap, command, uuids):
    before, after = SIDES[command]
    other = swap.previous if command == "promote" else swap.staging
    assert swap.databases() == sorted([swap.name, other.name])
    assert (swap.live.counts(), other.counts()) == (COUNTS[after], COUNTS[before])
    assert (swap.uuid(swap.live), swap.uuid(other)) == (uuids[after], uuids[before])
    for destination in (swap.live, other):
        last = destination.query("SELECT kind, live::text, done_at IS NOT NULL FROM dvf_import.swap"
                                 " ORDER BY number DESC LIMIT 1")
        assert last == [(command, uuids[after], True)]
    assert swap.server.sql("SELECT datname FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'") == []


def something_makes_room(swap, command):
    swap.loaded.copy("a", (swap.previous if command == "promote" else swap.staging).name)


def killed_at(swap, command, call):
    """SIGKILL before a system call: (its name, the how many-th of that name); whether it came so far."""
    wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call[0]}", "-e",
               f"inject={call[0]}:signal=SIGKILL:when={call[1]}"]
    process = swap.importer.with_(wrapper=wrapper).start("--drain", "0", command=command)
    result = swap.importer.finish(process, 60)
    assert result.code in (program.ALL, -9, 137), str(result)
    return result.code != program.ALL


def calls_of(swap, command, folder):
    """Every system call it makes since it began to connect, as (name, the how many-th), those first that are an act or
    the first after one, for only there is another state of the world to be killed in; and their number. It is done
    then."""
    path = folder / "calls"
    words = ["strace", "-qq", "-o", path, "-e", f"trace={CALLS}"]
    result = swap.importer.with_(wrapper=words).call(command, "--drain", "0")
    assert result.code == program.ALL, str(result)
    counts, telling, others, last = {}, [], [], None
    for name in re.findall(r"^(\w+)\(", path.read_text(), re.MULTILINE):
        counts[name] = counts.get(name, 0) + 1
        if counts.get("socket"):
            (telling if ACTS & {name, last} else others).append((name, counts[name]))
        last = name
    return telling + others, len(telling)


def chosen(calls, telling, rng):
    if KILLS == "all":
        return calls
    if "-" in KILLS:
        first, end = KILLS.split("-")
        return calls[int(first):int(end)]
    return sorted(rng.sample(calls[:telling], int(KILLS)), key=calls.index)


def test_killed_at_system_calls(swap, tmp_path):
    rng = seeded()
    uuids = {"a": swap.uuid(swap.live), "b": swap.uuid(swap.staging)}
    calls = {}
    swap.promote(), swap.revert()  # the first to come makes the ledger, with calls that come only once
    for command in SIDES:
        something_makes_room(swap, command)  # so that there is a database to drop as well
        every, telling = calls_of(swap, command, tmp_path)
        print(f"{command} makes {len(every)} system calls, {telling} of them acts or the first after one")
        calls[command] = chosen(every, telling, rng)
    tried, killed, in_between = 0, {command: 0 for command in SIDES}, {command: 0 for command in SIDES}
    for turn in range(max(len(every) for every in calls.values())):
        for command, every in calls.items():
            call = every[min(turn, len(every) - 1)]
            if turn % 2 == 1 or not KILLS.isdigit():
                something_makes_room(swap, command)
            came_so_far = killed_at(swap, command, call)
            tried, killed[command] = tried + 1, killed[command] + came_so_far
            assert 2 * (sum(killed.values()) + 5) > tried, "it is not killed where it should be"
            right_in_between(swap, command)
            in_between[command] += swap.uuid(swap.live) == uuids[SIDES[command][1]]
            result = swap.importer.call(command, "--drain", "0")
            assert result.code == program.ALL, f"{command} after a kill at {call}\n{result}"
            print(f"{command} {'killed' if came_so_far else 'done before it came'} at {call}: {result.out}")
            right_at_the_end(swap, command, uuids)
    print(f"{tried} tried, kills {killed}; live had changed already at {in_between}")
    assert sum(killed.values()) > 0
    assert swap.importer.call("history", "--verify").code == program.ALL


@pytest.mark.parametrize("read_only", ["off", "on"])
def test_revert_after_a_promote_that_was_killed(swap, read_only):
    """Before the rename there is nothing to take back, and one more back would be another wish."""
    swap.server.sql(f"ALTER DATABASE {swap.name} SET default_transaction_read_only = {read_only}")
    swap.promote()
    swap.loaded.copy("a", swap.staging.name)
    stays = swap.server.connect(swap.name, "importer")
    process = swap.importer.start("--drain", "60", "--drop-year", "2022", command="promote")
    swap.draining(process)
    swap.importer.kill(process)
    stays.close()
    dry = swap.revert("--dry-run", code=program.REFUSED)
    result = swap.revert(code=program.REFUSED)
    for said in (dry.out, result.out):
        assert "the last promote ended before it changed anything" in said and "say revert again" in said, said
    assert swap.live.counts() == COUNTS["b"]
    swap.revert()
    assert swap.live.counts() == COUNTS["a"] and swap.staging.counts() == COUNTS["b"]


def test_server_crashes(postgres_crash, made_years, tmp_path):
    """The server dies with SIGKILL and comes back; the command that was at work looks again by itself, or the same
    command said again finishes."""
    rng = seeded()
    postgres_crash.sql("ALTER ROLE importer CREATEDB")
    folder = tmp_path / "loaded"
    folder.mkdir()
    swap = slots.Slots(slots.Loaded(postgres_crash, made_years, folder), tmp_path)
    uuids = {"a": swap.uuid(swap.live), "b": swap.uuid(swap.staging)}
    longest = {command: swap.call(command).seconds for command in SIDES}
    crashes = finished = changed = 0
    while crashes < CRASHES:
        for command in SIDES:
            if rng.random() < 0.3:
                something_makes_room(swap, command)
            process = swap.importer.start("--drain", "0", "--wait", "60", command=command)
            time.sleep(rng.uniform(0.03, longest[command] * 1.2))
            crashes += process.poll() is None
            postgres_crash.crash()
            postgres_crash.start()
            result = swap.importer.finish(process, 60)
            finished += result.code == program.ALL
            right_in_between(swap, command)
            changed += swap.uuid(swap.live) == uuids[SIDES[command][1]]
            swap.call(command)
            right_at_the_end(swap, command, uuids)
    print(f"{crashes} crashes; {finished} finished by themselves, live had changed at {changed}")
    assert swap.importer.call("history", "--verify").code == program.ALL
