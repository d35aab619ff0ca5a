"""The answer to a COMMIT that does not come: whatever is done to the connection, to the one server process behind it,
or to a proxy in between. Nobody but the witness knows whether it was done."""
import contextlib
import os
import signal
import subprocess
import sys
import time

import program
from met_server import MeetingProxy, Met, SECONDS, SETTINGS, closing_all, messages
from proof import chosen, random_source
from servers import end_process, free_port, listens, wait_for

RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")


class Relay:
    """A process between the MeetingProxy and the server."""

    def __init__(self, port):
        self.server_port, self.port = port, free_port()
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, RELAY, str(self.port), str(self.server_port)],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self.port), 20, "the relay to listen")

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGCONT)
        end_process(self.process)


class Scene:
    """What can be done when the COMMIT of `connection` is met."""

    def __init__(self, one, rng):
        self.one, self.rng = one, rng
        self.relay = None
        self.stopped = []

    def backend(self, connection):
        port = connection.server.getsockname()[1]
        return self.one.server.sql(f"SELECT pid FROM pg_stat_activity WHERE client_port = {port}")[0][0]

    def send(self, pid, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def cut(self, connection):
        connection.cut()

    def cut_all(self, _):
        for one in list(self.one.proxy.connections):
            one.cut()

    def process_killed(self, connection):
        """The server ends all its sessions and recovers; what was committed asynchronously is undone."""
        self.send(self.backend(connection), signal.SIGKILL)

    def process_stopped_and_killed(self, connection):
        pid = self.backend(connection)
        self.send(pid, signal.SIGSTOP)
        time.sleep(self.rng.uniform(0, 0.7))
        self.send(pid, signal.SIGKILL)

    def process_stopped_for_a_while(self, connection):
        """For the client the connection is lost; the COMMIT is in the process's socket, and done when it goes on."""
        pid = self.backend(connection)
        self.send(pid, signal.SIGSTOP)
        self.stopped.append((pid, time.monotonic() + self.rng.uniform(0, 2)))
        connection.server.sendall(b"Q\0\0\0\x0bCOMMIT\0")
        connection.cut()

    def relay_killed(self, _):
        self.relay.process.kill()
        self.relay.process.wait()
        self.relay.start()

    def relay_stopped_and_killed(self, connection):
        self.send(self.relay.process.pid, signal.SIGSTOP)
        time.sleep(self.rng.uniform(0, 0.7))
        self.relay_killed(connection)

    def go_on(self):
        for pid, at in self.stopped:
            time.sleep(max(0, at - time.monotonic()))
            self.send(pid, signal.SIGCONT)


# What is done, and in which moments of the message that makes sense.
DONE = {
    "cut": Met.MOMENTS, "cut_all": Met.MOMENTS, "process_killed": Met.MOMENTS,
    "process_stopped_and_killed": ("before", "at work"), "process_stopped_for_a_while": ("before",),
    "relay_killed": Met.MOMENTS, "relay_stopped_and_killed": ("before", "at work")}


def lose(one, scene, moment, what):
    """An import whose COMMIT meets it; its Result, when it has ended by itself."""
    between = []
    if what.startswith("relay"):
        scene.relay = Relay(one.server.port)
        between.append(scene.relay)
    proxy = MeetingProxy(scene.relay.port if scene.relay else one.server.port)
    with closing_all(proxy, *between):
        importer = one.through(proxy)
        proxy.meet(moment, getattr(scene, what))
        process = importer.start(*SETTINGS)
        wait_for(lambda: proxy.met.is_set() or process.poll() is not None, SECONDS, f"{moment}")
        scene.go_on()
        result = importer.finish(process, SECONDS)
        assert proxy.met.wait(20), f"it never came: {result}"
    wait_for(one.server.is_up, 30, "the server to have recovered")
    return result


def test_the_answer_to_a_commit_is_lost(proof, world):
    rng = random_source()
    last = messages(world)["COMMIT"]
    proofs = {what: proof("server kills", f"the answer to a COMMIT lost: {what.replace('_', ' ')}") for what in DONE}
    for what in chosen([what for what in DONE for _ in range(20)], few=2):
        moment = Met("COMMIT", rng.randint(1, last), rng.choice(DONE[what]), rng.uniform(0, 0.01))
        with proofs[what].point(f"{moment}"):
            one = world()
            result = lose(one, Scene(one, rng), moment, what)
            one.fair(result)
            assert moment.number < 5 or result.code == program.ALL, f"it did not go on by itself: {result}"
            one.ends_right(proofs[what])


def test_the_answer_to_a_publish_is_lost(proof, world):
    """The year is this run's own work, in its report and in the history."""
    lost = proof("server kills", "the answer to the COMMIT of a publish lost")
    with lost.point("the first of two years"):
        one = world()
        moment = Met("publishing", messages(world)["publishing"] // 2, "unanswered")
        result = lose(one, Scene(one, random_source()), moment, "cut")
        assert result.code == program.ALL and "unchanged" not in result.out, str(result)
        one.right(lost)
