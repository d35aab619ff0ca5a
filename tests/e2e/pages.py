"""serve as a client sees it: started on a free port, asked, listened to."""
import contextlib
import html.parser
import http.client
import http.server
import json
import re
import signal
import socket
import threading

import program
from servers import wait_for


class Served:
    """A `serve` of an importer's state folder."""

    def __init__(self, importer, *arguments, listen="127.0.0.1:0"):
        self.importer = importer
        self.process = importer.start("--listen", listen, "--log-format", "logfmt", *arguments, command="serve")
        line = self.process.stderr.readline()
        found = re.search(r"serving http://(\[?[0-9a-f.:]+\]?):(\d+)/", line)
        assert found, line + self.process.stderr.read()
        self.host, self.port = found.group(1).strip("[]"), int(found.group(2))
        self.url = f"http://{found.group(1)}:{self.port}/"

    def ask(self, path="/", method="GET", **headers):
        """(status, headers, text)"""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20 * program.SLOW)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode("utf-8")
        finally:
            connection.close()

    def health(self):
        status, _, text = self.ask("/healthz")
        told = json.loads(text)
        assert status == (200 if told["healthy"] else 503)
        return told

    def metrics(self):
        """{name with labels: value}"""
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
                for line in self.ask("/metrics")[2].splitlines() if not line.startswith("#")}

    @contextlib.contextmanager
    def events(self, query="lang=en"):
        """Yields a generator of (id, html) as the stream tells them."""
        with socket.create_connection((self.host, self.port), timeout=20 * program.SLOW) as stream:
            stream.sendall(f"GET /events?{query} HTTP/1.0\r\nHost: {self.host}\r\n\r\n".encode())
            with stream.makefile("rb") as lines:
                status = lines.readline()
                assert b" 200 " in status, status
                yield ((told["id"], told["html"]) for told in
                       (json.loads(line[6:]) for line in lines if line.startswith(b"data: ")))

    def stop(self):
        """Its Result; it must end by itself, soon."""
        self.process.send_signal(signal.SIGTERM)
        return self.importer.finish(self.process, 10)


class Between:
    """A reverse proxy before a Served whose streams have moods: "pass"; "refuse": a 502, and those that are open break;
    "mute": they stay open and say nothing; "alive": nothing but that. `asked` counts streams. The page waits a tenth as
    long for a word."""

    def __init__(self, served):
        between, self.mood, self.asked = self, "pass", 0

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/events"):
                    between.asked += 1
                    if between.mood == "refuse":
                        self.send_error(502)
                        return
                with contextlib.suppress(OSError), contextlib.closing(
                        http.client.HTTPConnection(served.host, served.port, timeout=20 * program.SLOW)) as connection:
                    connection.request("GET", self.path)
                    answer = connection.getresponse()
                    self.send_response(answer.status)
                    self.send_header("Content-Type", answer.getheader("Content-Type"))
                    self.end_headers()
                    if self.path.startswith("/events"):
                        between.carry(answer, self.wfile)
                    else:
                        self.wfile.write(answer.read().replace(b"SILENT_MS = 25000", b"SILENT_MS = 2500"))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def carry(self, answer, out):
        while self.mood != "refuse" and (line := answer.readline()):
            if self.mood == "pass":
                out.write(line)
            elif self.mood == "alive" and line.startswith(b"event:"):
                out.write(b"event: alive\ndata:\n\n")

    def close(self):
        self.mood = "refuse"
        self.server.shutdown()
        self.server.server_close()


class Outline(html.parser.HTMLParser):
    """What must hold of every page: elements are closed, ids are single, nothing is inline or from elsewhere."""

    VOID = {"meta", "link", "br", "input", "img", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.wrong, self.words = [], [], [], []
        self.feed(text)
        if self.open:
            self.wrong.append(f"not closed: {self.open}")
        self.wrong += [f"id {one} is there twice" for one in set(self.ids) if self.ids.count(one) > 1]

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.wrong += [f"{tag} has {name}" for name in attributes if name == "style" or name.startswith("on")]
        self.wrong += [f"{tag} names {value}" for name, value in attrs if name in ("src", "href")
                       and re.match(r"(https?:)?//", value or "")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes something else")

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))


def well_formed(text):
    """The text of a page that holds what every page must."""
    outline = Outline(text)
    assert outline.wrong == []
    return outline.text


__all__ = ["Between", "Served", "Outline", "well_formed", "wait_for"]
