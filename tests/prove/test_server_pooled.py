"""A pgbouncer in transaction mode between an import and its server: its connections to the server are ended, it is
stopped for a while, and it is SIGKILLed, at random messages."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest

import program
from met_server import MeetingProxy, Met, PHASES, SECONDS, SETTINGS, closing_all, messages
from proof import how_many, random_source
from servers import end_process, free_port, listens, wait_for

PGBOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"


class Pool:
    """pgbouncer, with at most 4 connections to the server."""

    def __init__(self, server):
        self.server, self.port = server, free_port()
        self.settings = os.path.join(server.folder, f"pool-{self.port}.ini")
        with open(self.settings, "w", encoding="utf-8") as out:
            out.write(f"[databases]\n* = host={server.folder} port={server.port} user=importer\n[pgbouncer]\n"
                      f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = any\n"
                      "pool_mode = transaction\ndefault_pool_size = 4\nserver_login_retry = 1\n")
        os.chmod(self.settings, 0o644)
        self.start()

    def start(self):
        self.process = subprocess.Popen([*self.server.as_user, PGBOUNCER, "-q", self.settings],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self.port), 20, "pgbouncer to listen")

    def killed(self, _, __):
        self.process.kill()
        self.process.wait()
        self.start()

    def stopped_for_a_while(self, _, rng):
        os.kill(self.process.pid, signal.SIGSTOP)
        time.sleep(rng.uniform(0, 1))
        os.kill(self.process.pid, signal.SIGCONT)

    def its_connections_ended(self, one, rng):
        for pid in one.server.backends_of(one.database.name):
            if rng.random() < 0.7:
                one.server.sql(f"SELECT pg_terminate_backend({pid})")

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGCONT)
        end_process(self.process, signal.SIGINT)
        os.unlink(self.settings)


DONE = ("killed", "stopped_for_a_while", "its_connections_ended")


def test_a_pool_in_between(proof, world):
    if not os.access(PGBOUNCER, os.X_OK):
        pytest.skip("pgbouncer is not there")
    rng = random_source()
    proofs = {what: proof("server kills", f"pgbouncer, {what.replace('_', ' ')}") for what in DONE}
    for turn in range(how_many(30, few=1)):
        what = DONE[turn % 3] if turn else rng.choice(DONE)
        phase = rng.choice(PHASES)
        moment = Met(phase, rng.randint(1, messages(world)[phase]), rng.choice(Met.MOMENTS), rng.uniform(0, 0.01))
        with proofs[what].point(f"{moment}"):
            one = world()
            pool = Pool(one.server)
            proxy = MeetingProxy(pool.port)
            with closing_all(proxy, pool):
                proxy.meet(moment, lambda _: getattr(pool, what)(one, rng))
                one.proxy = proxy
                importer = one.importer.with_(to=f"postgresql://importer@127.0.0.1:{proxy.port}/{one.database.name}")
                result = importer.run(*SETTINGS, "--wait", str(SECONDS), seconds=SECONDS)
                assert proxy.met.wait(20), f"it never came: {result}"
            one.fair(result)
            assert result.code == program.ALL, f"it did not go on by itself: {result}"
            one.ends_right(proofs[what])
