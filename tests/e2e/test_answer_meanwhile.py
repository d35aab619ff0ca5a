"""A source answers while the destination is in the middle of something else: nothing may come in between there."""
import contextlib
import http.server
import threading
import time

import pytest

import program
from test_health import stages_of

ROWS = 3000


class Late(http.server.ThreadingHTTPServer):
    """Two years; who asks again whether 2022 has changed is answered no, and only when `may` is set."""

    def __init__(self, files):
        self.files, self.may, self.asked = files, threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def source(self):
        return f"http://127.0.0.1:{self.server_port}/{{year}}.csv.gz"

    def close(self):
        self.may.set()
        self.shutdown()
        self.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words):  # pylint: disable=arguments-differ
        pass

    def do_GET(self):
        year = int(self.path[1:5])
        content = self.server.files[year]
        unchanged = year == 2022 and self.headers["If-None-Match"] is not None
        if unchanged:
            self.server.asked.set()
            self.server.may.wait(60)
        self.send_response(304 if unchanged else 200)
        self.send_header("ETag", f'"{year}-{len(content)}"')
        self.send_header("Content-Length", str(0 if unchanged else len(content)))
        self.end_headers()
        if not unchanged:
            self.wfile.write(content)


@contextlib.contextmanager
def in_the_way(database):
    """Keeps the publish waiting, inside a statement."""
    with contextlib.closing(database.server.connect(database.name)) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE dvf IN ACCESS SHARE MODE")
        yield


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("known", ["as it is", "otherwise"])
def test_unchanged_while_another_year_is_published(database, make_import, made_years, known):
    """`otherwise`: what the destination knows of 2022 is to be put right, which is a transaction of its own."""
    site = Late({2021: bytes_of(made_years(ROWS)), 2022: bytes_of(made_years(ROWS, 2022))})
    with contextlib.closing(site):
        importer = make_import(database).with_(source=site.source())
        importer.run_well("--years", "2021,2022")
        if known == "otherwise":
            database.query("UPDATE {source} SET etag = '\"other\"' WHERE year = 2022")
        newer = made_years(ROWS + 7, seed=2)
        site.files[2021] = bytes_of(newer)
        with in_the_way(database):
            process = importer.start("--years", "2021,2022")
            assert site.asked.wait(20)
            time.sleep(2)  # the statement that waits has been waiting when the answer comes
            assert process.poll() is None and stages_of(importer)[2021] != "published"
            site.may.set()
            time.sleep(2)
        result = importer.finish(process)
    assert result.code == program.ALL and "level=warning" not in result.err, str(result)
    assert database.differences(2021, newer) == [] and database.counts() == {2021: ROWS + 7, 2022: ROWS}
    assert database.query("SELECT DISTINCT stage FROM {source}") == [("published",)]
    assert database.query("SELECT etag FROM {source} WHERE year = 2022")[0][0].startswith('"2022-')
    database.tiles()
