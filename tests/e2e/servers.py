"""The real servers around the program: a private PostgreSQL cluster and an nginx that serves the years."""
import contextlib
import glob
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import psycopg2
import pytest

PASSWORD = "p@ss:w/ord %1'é\"\\$&?#"  # every character that a URL, a conninfo or a shell could trip over


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what):
    """Asks until the condition holds; its value. Ends the test when it does not in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.01)


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def children_of(pid):
    """PIDs whose parent is `pid`."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(path.split("/")[2]))
    return found


def title_of(pid):
    """What a process calls itself; "" when it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as title:
        return title.read()
    return ""


@contextlib.contextmanager
def running(server):
    """Inside, a cluster that is up and has the role the importer connects with; removed at the end."""
    try:
        server.start()
        server.make_role()
        yield server
    finally:
        server.remove()


def end_process(process, first=signal.SIGTERM, seconds=10):
    """Ends a child of ours, politely and then not."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(first)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(seconds)


class Postgres:
    """A cluster of its own: socket and data in a temporary folder, a free port on loopback."""

    def __init__(self, durable=False, settings=()):
        self.folder = tempfile.mkdtemp(prefix="dvf-pg-")
        self.port = free_port()
        self.data = os.path.join(self.folder, "data")
        self.process = None
        self.as_user = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self.settings = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder,
            "shared_buffers": "64MB", "max_connections": "60", "log_line_prefix": "%m [%p] %d ",
            "fsync": "on" if durable else "off", "full_page_writes": "on" if durable else "off",
            "timezone": "UTC", **dict(settings)}
        self.make()

    @staticmethod
    def tool(name):
        """A program of PostgreSQL: DVF_TEST_POSTGRES is a folder of a server's programs, which may lack clients."""
        chosen = os.path.join(os.environ.get("DVF_TEST_POSTGRES", ""), name)
        if os.path.isabs(chosen) and os.access(chosen, os.X_OK):
            return chosen
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}")) or [shutil.which(name)]
        return found[-1]

    def version(self):
        return int(self.sql("SHOW server_version_num")[0][0]) // 10000

    def file_copy(self):
        """For CREATE DATABASE; before 15 there was no other way."""
        return "STRATEGY file_copy" if self.version() >= 15 else ""

    def needs_pg_dump(self):
        """Skips the test where pg_dump is older than the server, which it then refuses."""
        server = self.version()
        said = subprocess.run([self.tool("pg_dump"), "--version"], check=True, capture_output=True, text=True).stdout
        if int(re.search(r"\d+", said).group()) < server:
            pytest.skip(f"needs a pg_dump of PostgreSQL {server}; here it is {said.split()[2]}")

    def make(self):
        password_file = os.path.join(self.folder, "password")
        with open(password_file, "w", encoding="utf-8") as out:
            out.write(PASSWORD + "\n")
        os.chmod(password_file, 0o644)
        done = subprocess.run(
            [*self.as_user, self.tool("initdb"), "-D", self.data, "-U", "postgres", "-E", "UTF8",
             "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync",
             f"--pwfile={password_file}"],
            cwd=self.folder, capture_output=True, text=True, timeout=120)
        os.unlink(password_file)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, port=None):
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [*self.as_user, self.tool("postgres"), "-D", self.data, f"--port={port or self.port}", *options],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: self.is_up(port), 30, f"PostgreSQL to start, see {self.folder}/log:\n{self.log_tail()}")

    def is_up(self, port=None):
        assert self.process.poll() is None, "PostgreSQL ended:\n" + self.log_tail()
        with contextlib.suppress(psycopg2.OperationalError):
            self.connect("postgres", port=port).close()
            return True
        return False

    def log_tail(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def connect(self, database, user="postgres", port=None):
        connection = psycopg2.connect(host=self.folder, port=port or self.port, dbname=database, user=user)
        connection.autocommit = True
        return connection

    def sql(self, statement, database="postgres"):
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def make_role(self, name="importer"):
        with contextlib.closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD %s", (PASSWORD,))

    def backends_of(self, database):
        """PIDs of the server processes that serve a database's clients."""
        return [pid for pid, in self.sql(
            f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND backend_type = 'client backend'"
            " AND usename = 'importer'")]

    def hold_wal_writer(self):
        """From now on asynchronous commits stay in memory until something else must write the log."""
        found = wait_for(lambda: [pid for pid in children_of(self.process.pid) if "walwriter" in title_of(pid)], 20,
                         "the WAL writer to start")
        assert len(found) == 1
        os.kill(found[0], signal.SIGSTOP)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            for pid in children_of(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        end_process(self.process, signal.SIGINT)
        self.process = None

    def crash(self):
        """SIGKILL for all of it at once: nothing is written any more, shared memory is gone."""
        os.kill(self.process.pid, signal.SIGSTOP)  # or it would start new children
        for pid in children_of(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait(10)
        self.process = None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.data, "postmaster.pid"))

    def remove(self):
        if self.process is not None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def pgbouncer(server, mode, size, wait_s=120):
    """The port of a pgbouncer in front of all databases of a server, with at most `size` connections to each. Who waits
    longer for one is sent away."""
    binary, port = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", free_port()
    if not os.access(binary, os.X_OK):
        pytest.skip("pgbouncer is not there")
    with tempfile.NamedTemporaryFile("w", prefix="dvf-pool-", suffix=".ini") as settings:
        settings.write(f"""[databases]
* = host={server.folder} port={server.port} user=importer
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
server_login_retry = 2
query_wait_timeout = {wait_s}
""")
        settings.flush()
        os.chmod(settings.name, 0o644)
        process = subprocess.Popen([*server.as_user, binary, "-q", settings.name], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: listens(port), 10, "pgbouncer to listen")
            yield port
        finally:
            end_process(process, signal.SIGINT)


class HoldingProxy:
    """Between clients and a server, message by message, until `armed`: then the next COMMIT of a chunk (one that
    follows a COPY) is held in every connection until `let_go`. So a test can have, on purpose, what otherwise
    takes luck: a client that is dead and a COMMIT that is still on its way."""

    def __init__(self, port):
        self.server_port = port
        self.armed, self.let_go = threading.Event(), threading.Event()
        self.held = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server_port))
                self.sockets += [client, server]
                threading.Thread(target=self.answers, args=(server, client), daemon=True).start()
                threading.Thread(target=self.questions, args=(client, server), daemon=True).start()

    @staticmethod
    def answers(server, client):
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                client.sendall(piece)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def questions(self, client, server):
        copied, typed = False, False
        with contextlib.suppress(OSError, EOFError), client.makefile("rb") as stream:
            while True:
                kind = self.exactly(stream, 1) if typed else b""
                length = self.exactly(stream, 4)
                body = self.exactly(stream, int.from_bytes(length, "big") - 4)
                if not typed:  # 80877103 and 80877104 ask for encryption; what follows is still untyped
                    typed = body[:4] not in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30")
                if kind == b"c":
                    copied = True
                if copied and kind in (b"Q", b"P") and b"COMMIT" in body:
                    copied = False
                    if self.armed.is_set():
                        self.held += 1
                        self.let_go.wait(60)
                server.sendall(kind + length + body)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    @staticmethod
    def exactly(stream, size):
        piece = stream.read(size)
        if len(piece) < size:
            raise EOFError
        return piece

    def close(self):
        self.let_go.set()
        for one in self.sockets:
            one.close()


class CuttingProxy(HoldingProxy):
    """Once `armed`, the next COMMIT of a fence (one that follows an UPDATE of the destination's row) reaches the
    server and is done, but its answer never arrives: the connection is cut instead. `cut` counts."""

    cut = 0

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server_port))
                self.sockets += [client, server]
                deaf = threading.Event()
                threading.Thread(target=self.answers_unless, args=(server, client, deaf), daemon=True).start()
                threading.Thread(target=self.questions_of, args=(client, server, deaf), daemon=True).start()

    @staticmethod
    def answers_unless(server, client, deaf):
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                if deaf.is_set():
                    break  # the COMMIT is answered, so it is done
                client.sendall(piece)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def questions_of(self, client, server, deaf):
        fencing = False
        with contextlib.suppress(OSError):
            while piece := client.recv(65536):
                fencing |= b"UPDATE dvf_import.destination" in piece
                if fencing and self.armed.is_set() and b"COMMIT" in piece:
                    self.armed.clear()
                    self.cut += 1
                    deaf.set()
                server.sendall(piece)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)


class Request:
    """One line of nginx's access log."""

    def __init__(self, line):
        self.method, self.path, self.status, self.sent, self.range, self.if_none_match, self.if_range, \
            self.port = shlex.split(line)
        self.status, self.sent = int(self.status), int(self.sent)

    def __repr__(self):
        return f"<{self.method} {self.path} {self.status} range={self.range} sent={self.sent}>"


class Site:
    """nginx, serving `folder`/latest/csv/<year>/full.csv.gz, with what a real site does besides.

    /latest/...    the files, with ETag, Last-Modified and ranges
    /slow/...      the same at `rate` bytes a second
    /moved/...     302 to the same path on another port
    /busy/...      503 with Retry-After
    /login/...     the files, but only for user "reader" with password "s3cr3t-site"
    """

    def __init__(self, folder, rate="2m"):
        self.folder, self.rate = str(folder), rate
        self.work = tempfile.mkdtemp(prefix="dvf-nginx-")
        self.port, self.other_port = free_port(), free_port()
        self.log = os.path.join(self.work, "access.log")
        self.seen = 0
        self.process = None
        self.tick = 1_700_000_000
        os.makedirs(self.folder, exist_ok=True)

    def configuration(self):
        temporary = "".join(f"{kind}_temp_path {self.work}/{kind};\n" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{self.work}/users", "w", encoding="ascii") as users:
            users.write("reader:{PLAIN}s3cr3t-site\n")
        return f"""
daemon off; master_process off; pid {self.work}/pid;
events {{}}
http {{
    {temporary}
    log_format requests '$request_method "$uri" $status $body_bytes_sent "$http_range" "$http_if_none_match" '
                        '"$http_if_range" $server_port';
    access_log {self.log} requests;
    server {{
        listen 127.0.0.1:{self.port};
        location /latest/ {{ root "{self.folder}"; }}
        location /slow/ {{ alias "{self.folder}/latest/"; limit_rate {self.rate}; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ http://127.0.0.1:{self.other_port}/latest/$1 redirect; }}
        location /busy/ {{ add_header Retry-After 1 always; return 503; }}
        location /login/ {{
            alias "{self.folder}/latest/"; auth_basic "years"; auth_basic_user_file {self.work}/users;
        }}
    }}
    server {{
        listen 127.0.0.1:{self.other_port};
        location /latest/ {{ root "{self.folder}"; }}
    }}
}}
"""

    def start(self):
        path = os.path.join(self.work, "nginx.conf")
        with open(path, "w", encoding="utf-8") as out:
            out.write(self.configuration())
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([nginx, "-p", self.work, "-e", f"{self.work}/error.log", "-c", path],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self.port) and listens(self.other_port), 10, "nginx to start")

    def stop(self):
        end_process(self.process)
        self.process = None

    def slow_down(self, rate):
        """What is below /slow/, from now on."""
        self.rate = rate
        self.stop()
        self.start()

    def remove(self):
        self.stop()
        shutil.rmtree(self.work, ignore_errors=True)

    def source(self, part="latest", ending="full.csv.gz"):
        return f"http://127.0.0.1:{self.port}/{part}/csv/{{year}}/{ending}"

    def path(self, year, ending="full.csv.gz"):
        return os.path.join(self.folder, "latest", "csv", str(year), ending)

    def put(self, year, content, ending="full.csv.gz"):
        """Publishes bytes, or a copy of a file; each time with another Last-Modified, so with another ETag."""
        path = self.path(year, ending)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(content, bytes):
            with open(path + ".new", "wb") as out:
                out.write(content)
        else:
            shutil.copyfile(content, path + ".new")
        self.tick += 60
        os.utime(path + ".new", (self.tick, self.tick))
        os.replace(path + ".new", path)
        return path

    def take_away(self, year):
        os.unlink(self.path(year))

    def requests(self):
        """What was asked since the last call."""
        with open(self.log, encoding="utf-8") as log:
            log.seek(self.seen)
            lines = log.readlines()
            self.seen = log.tell()
        return [Request(line) for line in lines]
