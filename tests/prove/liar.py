"""A server of one year's file that tells the truth or, on request, something else.

    liar = Liar(folder)
    liar.publish(packed, etag='"b"')
    liar.tell(lambda talk: talk.send(talk.truth().cut(100)))     # every request from now on
    liar.tell(lie, times=1)                                      # the next one only
    liar.tell(None)                                              # the truth again

It speaks HTTP/1.1 a request a connection, byte by byte as it is told: no library puts right what is to be wrong.
A lie is called with a Talk: what was asked, and the way to answer it. `other_port` is a second door, always without
TLS; `liar.certificate` (a file of key and chain) puts TLS before the first.
"""
import contextlib
import email.utils
import re
import socket
import ssl
import threading

MODIFIED = 1_700_000_000


class File:
    """One published version: the bytes and what the server says of them."""

    def __init__(self, packed, etag, modified):
        self.packed, self.etag = packed, etag
        self.modified = modified and email.utils.formatdate(modified, usegmt=True)


class Answer:
    """Status, headers and body of one answer; headers are a list, so that one can stand there twice."""

    def __init__(self, status, headers=(), body=b"", reason="Fine"):
        self.status, self.reason, self.body, self.headers = status, reason, body, list(headers)

    def without(self, *names):
        wanted = {name.lower() for name in names}
        self.headers = [(name, value) for name, value in self.headers if name.lower() not in wanted]
        return self

    def having(self, *headers):
        """The same with these headers, in place of those of the same name."""
        self.without(*(name for name, _ in headers))
        self.headers += headers
        return self

    def cut(self, size):
        """Announces all and sends `size` bytes."""
        self.body = self.body[:size]
        return self

    def chunked(self, final=True):
        """No length; in chunks, with or without the one that says that it was all."""
        pieces = [self.body[at:at + 1000] for at in range(0, len(self.body), 1000)]
        self.body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n" * final
        return self.without("Content-Length").having(("Transfer-Encoding", "chunked"))

    def head(self):
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{name}: {value}" for name, value in self.headers),
                 "Connection: close"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Talk:
    """One request and the socket to answer it on."""

    def __init__(self, liar, connection, port):
        self.liar, self.connection, self.port = liar, connection, port
        self.file = liar.file
        with connection.makefile("rb") as stream:
            if not stream.peek(1)[:1].isalpha():  # TLS where none is spoken, or nothing
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                raise OSError
            self.request = stream.readline().decode("latin-1").split()
            self.headers = {}
            while (line := stream.readline().strip()):
                name, _, value = line.decode("latin-1").partition(":")
                self.headers[name.lower()] = value.strip()
        self.path = self.request[1] if len(self.request) == 3 else ""

    @property
    def first(self):
        """Where the asked range begins; None: the whole was asked for."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        return found and int(found.group(1))

    def whole(self, packed=None):
        """200 with the file, or with other bytes under its validators."""
        packed = self.file.packed if packed is None else packed
        return Answer(200, [("Content-Length", len(packed)), *self.validators()], packed)

    def rest(self, first=None, packed=None):
        """206 with the file from `first` on, or with other bytes under its validators."""
        packed = self.file.packed if packed is None else packed
        first = self.first if first is None else first
        return Answer(206, [("Content-Length", len(packed) - first), *self.validators(),
                            ("Content-Range", f"bytes {first}-{len(packed) - 1}/{len(packed)}")], packed[first:])

    def validators(self):
        both = ("ETag", self.file.etag), ("Last-Modified", self.file.modified)
        return [(name, value) for name, value in both if value]

    def truth(self, packed=None):
        """What an honest server answers (with other bytes: one that takes them for the file)."""
        if "latest" not in self.path:
            return Answer(404, [("Content-Length", 0)])
        if self.file.etag and self.headers.get("if-none-match") == self.file.etag:
            return Answer(304, self.validators())
        size = len(self.file.packed if packed is None else packed)
        if self.first is None or self.headers.get("if-range") not in (self.file.etag, self.file.modified):
            return self.whole(packed)
        if self.first >= size:
            return Answer(416, [("Content-Range", f"bytes */{size}"), ("Content-Length", 0)])
        return self.rest(packed=packed)

    def send(self, answer):
        self.write(answer.head() + (b"" if self.request[0] == "HEAD" else answer.body))

    def write(self, content):
        self.connection.sendall(content)

    def to_other(self, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.liar.other_port}{self.path}"

    def wait(self, seconds):
        """True when the client has gone meanwhile, or the liar is to end."""
        self.connection.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            return self.connection.recv(1) == b""
        return self.liar.closed


class Liar:
    def __init__(self):
        self.file = self.certificate = self.lie = None
        self.left = 0      # how often the lie is still told; -1: always
        self.talks = []    # what was asked
        self.closed = False
        self.listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.port, self.other_port = (listener.getsockname()[1] for listener in self.listeners)
        for listener, port in zip(self.listeners, (self.port, self.other_port)):
            threading.Thread(target=self.accept, args=(listener, port), daemon=True).start()

    def source(self, host="127.0.0.1"):
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}/latest/csv/{{year}}/full.csv.gz"

    def publish(self, packed, etag, modified=MODIFIED):
        self.file = File(packed, etag, modified)

    def tell(self, lie, times=-1):
        self.lie, self.left = lie, times
        self.talks = []

    def ranges(self):
        """Where the ranges began that were asked for since the last `tell`, each with an If-Range."""
        return [talk.first for talk in self.talks if talk.first is not None and "if-range" in talk.headers]

    def accept(self, listener, port):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self.serve, args=(connection, port), daemon=True).start()

    def serve(self, connection, port):
        with contextlib.suppress(OSError), connection:  # a client may go when it likes
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(60)
            if self.certificate and port == self.port:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                connection = context.wrap_socket(connection, server_side=True)
            with connection:
                self.answer(Talk(self, connection, port))
                self.part_friendly(connection)

    @staticmethod
    def part_friendly(connection):
        """What was sent arrives; with unread bytes left, close() would send a reset that overtakes it."""
        if isinstance(connection, ssl.SSLSocket):
            connection.unwrap()
        connection.shutdown(socket.SHUT_WR)

    def answer(self, talk):
        self.talks.append(talk)
        lie, self.left = (self.lie, self.left - 1) if self.left != 0 and talk.port == self.port else (None, self.left)
        if lie:
            lie(talk)
        else:
            talk.send(talk.truth())

    def close(self):
        self.closed = True
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
