"""serve and report: the page, its stream, /healthz and /metrics, beside runs that work, end, are killed or refused."""
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import ledgers
import program
import shapes
from pages import Served, well_formed
from servers import wait_for


@pytest.fixture
def served():
    """served(importer): serve on a free port; ended afterwards, with 0 and nothing on stdout."""
    made = []

    def make(importer, *arguments, **options):
        made.append(Served(importer, *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            result = one.stop()
            assert (result.code, result.out) == (0, ""), str(result)


@pytest.fixture
def importer(site, make_destination, make_import):
    return make_import(make_destination("sqlite"))


@pytest.mark.sanitize
def test_without_a_ledger_and_with_one(importer, site, made_years, served):
    page = served(importer)
    said = page.process.stderr.readline()
    assert "level=info" in said and "nothing was imported with this --state yet" in said
    assert "nothing was imported with this --state yet" in well_formed(page.ask()[2])
    assert page.health()["state"] == "unknown"
    assert page.metrics()["dvf_import_ledger_readable"] == 0
    site.put(2021, made_years(1234))
    importer.run_well("--years", "2021")
    wait_for(lambda: page.health()["state"] == "done", 10, "the run to be seen")
    text = well_formed(page.ask()[2])
    assert "1,234" in text and "The chain is whole" in text and "All is in" in text
    assert page.metrics()["dvf_import_history_whole"] == 1
    assert os.listdir(importer.state).count("state.sqlite") == 1
    importer.run_well("--years", "2021")  # serve is in nobody's way


def test_live_while_a_run_works_and_is_killed(importer, site, made_years, served):
    site.put(2021, made_years(200_000))
    page = served(importer)
    with page.events() as events:
        assert [next(events)[0] for _ in range(9)] == [
            "head", "reason", "years", "plots", "map", "runs", "swaps", "rejects", "history"]
        process = importer.start("--years", "2021", "--chunk-rows", "200")
        ledgers.stop_in_loading(importer, process)
        until(events, "years", '<progress max="')
        until(events, "map", '<i class="f"')
        assert page.health()["state"] == "working"
        told = page.metrics()
        assert told["dvf_import_run_active"] == 1
        assert told["dvf_import_run_rows"] > 0
        assert 0 < told["dvf_import_run_memory_bytes"] < told["dvf_import_run_memory_limit_bytes"]
        text = well_formed(page.ask()[2])
        assert "at work" in text and "in flight" in text
        importer.kill(process)
        until(events, "head", "Killed")
        importer.run_well("--years", "2021")
        until(events, "head", "All is in")
    told = page.metrics()
    assert told['dvf_import_runs_total{outcome="killed"}'] == 1
    assert "dvf_import_run_rows" not in told and "dvf_import_run_memory_bytes" not in told


def until(events, section, words):
    """Listens until the stream tells words of a section."""
    end = time.monotonic() + 30 * program.SLOW
    for name, markup in events:
        if name == section and words in markup:
            return
        assert time.monotonic() < end, f"{section} never told {words}"


def test_rejects_refusals_and_markup(importer, site, made_years, served):
    """What comes from the file or a message is text on the page, whatever it looks like."""
    path = made_years(3000)
    table = shapes.table_of(path)
    shapes.changed(table, 700, "date_mutation", "<b>&'")
    site.put(2021, shapes.pack(shapes.written(table)))
    importer.run_well("--years", "2021")
    page = served(importer)
    status, _, text = page.ask()
    assert status == 200 and "&lt;b&gt;&amp;" in text and "<b>" not in text
    assert "date_mutation" in well_formed(text)
    assert text.count('class="d r"') == 2  # the cell and the key
    assert importer.run("--years", "2021", "--max-rejects", "0").code in (0, 1, 3)
    assert well_formed(page.ask()[2])


def test_the_history_that_was_edited(importer, site, made_years, served):
    site.put(2021, made_years(100))
    importer.run_well("--years", "2021")
    with ledgers.Forger(importer) as forger:
        forger.do("UPDATE event SET body = replace(body, '100', '999')")
    page = served(importer)
    assert "The history does not verify." in well_formed(page.ask()[2])
    assert page.metrics()["dvf_import_history_whole"] == 0


def test_a_ledger_that_is_broken_and_set_aside(importer, site, made_years, served):
    site.put(2021, made_years(100))
    importer.run_well("--years", "2021")
    page = served(importer)
    assert page.health()["healthy"]
    for ending in ("", "-wal", "-shm"):
        with open(ledgers.path_of(importer) + ending, "wb") as out:
            out.write(b"no ledger at all" * 100 if not ending else b"")
    wait_for(lambda: not page.health()["healthy"], 10, "the damage to be seen")
    assert well_formed(page.ask()[2])
    importer.run_well("--years", "2021")
    wait_for(lambda: page.health()["healthy"], 10, "the new ledger to be seen")
    shutil.rmtree(importer.state)
    wait_for(lambda: page.health()["state"] == "unknown", 10, "the loss to be seen")


def test_promises_of_every_answer(importer, served):
    page = served(importer)
    for path, code, kind in (("/", 200, "text/html"), ("/page.css", 200, "text/css"),
                             ("/page.js", 200, "text/javascript"), ("/dygraph.js", 200, "text/javascript"),
                             ("/icon.svg", 200, "image/svg+xml"), ("/metrics", 200, "text/plain"),
                             ("/healthz", 503, "application/json"), ("/other", 404, "text/plain")):
        status, headers, _ = page.ask(path)
        assert (status, headers["Content-Type"].split(";")[0]) == (code, kind), path
        assert headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    assert page.ask(method="HEAD")[2] == ""
    for method in ("POST", "PUT", "OPTIONS"):
        status, headers, _ = page.ask(method=method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert "Allow" not in page.ask()[1]
    assert page.ask("/?year=abc&lang=xx")[0] == page.ask("/?year=9999999999999999999999")[0] == 200


def test_languages(importer, served):
    page = served(importer)
    for path, accepted, french in (("/", "fr-FR,fr;q=0.9,en;q=0.5", True), ("/", "de, en;q=0.7, fr;q=0.3", False),
                                   ("/", "", False), ("/?lang=fr", "en", True), ("/?lang=en", "fr", False)):
        text = page.ask(path, Accept_Language=accepted)[2]
        assert ('<html lang="fr">' in text) == french and ("Années" in text) == french


def test_promtool_has_nothing_to_say(importer, site, made_years, served):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    page = served(importer)

    def check():
        done = subprocess.run(["promtool", "check", "metrics"], input=page.ask("/metrics")[2], capture_output=True,
                              text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done

    check()
    site.put(2021, made_years(1000))
    importer.run_well("--years", "2021")
    wait_for(lambda: page.health()["healthy"], 10, "the run to be seen")
    check()
    told = page.metrics()
    assert [value for name, value in told.items() if name.startswith("dvf_import_year_rows{")] == [1000]


@pytest.mark.sanitize
def test_many_streams_and_clients_that_go(importer, site, made_years, served):
    """More streams than there may be are refused in words; those that go leave nothing behind."""
    page = served(importer)
    streams = []
    for _ in range(40):
        stream = socket.create_connection((page.host, page.port), timeout=20)
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        streams.append(stream)
    answers = [stream.recv(15) for stream in streams]
    assert answers.count(b"HTTP/1.1 200 OK") == 32 and answers.count(b"HTTP/1.1 503 Se") == 8
    for stream in streams:
        stream.close()
    wait_for(lambda: b" 200 " in first_line(page), 10, "room for a stream")
    slow = socket.create_connection((page.host, page.port), timeout=20)  # says nothing, and is waited for by nobody
    assert page.ask()[0] == 200
    assert page.stop().code == 0
    slow.close()


def connected(page, words, receive=None):
    stream = socket.socket()
    if receive:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    stream.settimeout(20 * program.SLOW)
    stream.connect((page.host, page.port))
    stream.sendall(words)
    return stream


def is_ended(stream, with_byte=b""):
    """Whether the server has closed it; a byte is sent first."""
    stream.setblocking(False)
    try:
        if with_byte:
            stream.send(with_byte)
        return stream.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.sanitize
@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
                                  b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n"])
def test_nobody_keeps_others_out_by_asking_slowly(importer, served, head):
    """Every connection there is, a byte each now and then: the others come in all the same, streams stay."""
    page = served(importer)
    with page.events() as events:
        next(events)
        slow = [connected(page, head) for _ in range(80)]
        began = time.monotonic()
        assert page.ask("/healthz")[0] == 503
        assert time.monotonic() - began < 5 * program.SLOW
        wait_for(lambda: all([is_ended(one, b"x") for one in slow]), 20, "the slow ones to be sent away")
        next(events)
    for one in slow:
        one.close()


def test_one_that_takes_long_to_ask(importer, served):
    """Alone it has ten seconds, for a second request, too; who has asked by then is answered."""
    page = served(importer)
    rest = b"althz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    first, second = connected(page, b"GET /he"), connected(page, b"GET /he" + rest)
    assert second.recv(12) == b"HTTP/1.1 503"
    time.sleep(6)
    first.sendall(rest)
    assert first.recv(12) == b"HTTP/1.1 503"
    second.sendall(b"G")
    wait_for(lambda: is_ended(second, b"E"), 10, "the one that sends a letter now and then")
    first.close()
    second.close()


def test_nobody_keeps_others_out_by_reading_slowly(importer, served):
    page = served(importer)
    asks = b"GET /dygraph.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40
    slow = [connected(page, asks, receive=2048) for _ in range(64)]
    began = time.monotonic()
    assert page.ask("/healthz")[0] == 503
    assert time.monotonic() - began < 18 * program.SLOW
    for one in slow:
        one.close()


def first_line(page):
    with socket.create_connection((page.host, page.port), timeout=20) as stream:
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return stream.recv(20)


def test_addresses(importer, served):
    page = served(importer)
    taken = importer.call("serve", "--listen", f"127.0.0.1:{page.port}")
    assert taken.code == program.REFUSED and "Address already in use" in taken.err, str(taken)
    for wrong in ("127.0.0.1", "::1:80", "127.0.0.1:99999", "[::1]", "x" * 80 + ":1"):
        assert importer.call("serve", "--listen", wrong).code == program.USAGE, wrong
    everywhere = served(importer, listen="0.0.0.0:0")
    assert "without a password" in everywhere.process.stderr.readline()
    if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
        assert served(importer, listen="[::1]:0").ask(Host="[::1]:80")[0] == 200


WITHOUT_IPV6 = """
import ctypes, os, platform, struct, sys
here = platform.machine() == "x86_64"
program = b"".join(struct.pack("HBBI", *one) for one in (
    (0x20, 0, 0, 0),                              # the call's number
    (0x15, 0, 3, 41 if here else 198),            # socket
    (0x20, 0, 0, 16),                             # its family
    (0x15, 0, 1, 10),                             # AF_INET6
    (0x06, 0, 0, 0x00050000 | 97),                # EAFNOSUPPORT
    (0x06, 0, 0, 0x7fff0000)))
text = ctypes.create_string_buffer(program)
whole = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(text)))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
assert libc.prctl(38, 1, 0, 0, 0) == 0            # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.addressof(whole), 0, 0) == 0  # PR_SET_SECCOMP
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("listen", [":0", "localhost:0"])
def test_a_machine_without_ipv6(importer, served, listen):
    """As with ipv6.disable=1: the kernel makes no such socket."""
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("the number of socket(2) is not known here")
    page = served(importer.with_(wrapper=["/usr/bin/python3", "-c", WITHOUT_IPV6]), listen=listen)
    assert page.host == ("0.0.0.0" if listen == ":0" else "127.0.0.1")
    assert page.ask()[0] == 200
    taken = importer.call("serve", "--listen", f":{page.port}")
    assert taken.code == program.REFUSED and "Address already in use" in taken.err, str(taken)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:0"])
def test_names_it_is_asked_for(importer, served, listen):
    """Wherever it listens: a name that somebody else's page may have is not taken, nor is anything told under it."""
    page = served(importer, "--host", "dvf.example", "--host", "page", listen=listen)
    paths = ("/", "/healthz", "/metrics", "/events", "/page.js")
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::1].evil.example"):
        for path in paths:
            status, headers, text = page.ask(path, Host=host)
            assert (status, headers["Content-Type"]) == (421, "text/plain; charset=utf-8"), (host, path)
            assert text == "this host is not served here: dvf-import serve --host NAME allows it\n"
    for host in ("127.0.0.1", "localhost:1", "192.0.2.7:8080", "[2001:db8::7]:80", "dvf.example", "PAGE:8080"):
        assert page.ask(Host=host)[0] == page.ask("/metrics", Host=host)[0] == 200, host
    with socket.create_connection((page.host, page.port), timeout=20) as old:
        old.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert old.recv(15).endswith(b" 200 OK")
    by_variable = served(importer.with_(environment={"DVF_HOSTS": "a.example,b.example"}))
    assert [by_variable.ask(Host=host)[0] for host in ("a.example", "b.example:1", "c.example")] == [200, 200, 421]


def test_a_state_folder_of_somebody_else(open_place, importer, site, made_years):
    """Read only, as another user; nothing is written there."""
    site.put(2021, made_years(1000))
    importer = importer.with_(state=os.path.join(open_place, "state"))
    importer.run_well("--years", "2021")
    subprocess.run(["chmod", "-R", "a+rX", open_place], check=True)
    other = importer.with_(wrapper=["setpriv", "--reuid=65534", "--clear-groups"])
    before = sorted(os.listdir(importer.state))
    other.words = lambda command, arguments: [
        *other.wrapper, os.path.join(open_place, "dvf-import"), command, "--state", importer.state, *map(str, arguments)]
    os.chmod(importer.state, 0o700)
    page = Served(other)
    warned = page.process.stderr.readline()
    assert "level=warning" in warned and f"{importer.state}/lock: Permission denied: make it and its folder readable" in warned
    assert not page.health()["healthy"] and page.stop().code == 0
    os.chmod(importer.state, 0o755)
    assert "lock: Permission denied: make it and its folder writable" in other.call("clean").err
    page = Served(other)
    assert page.health()["healthy"]
    assert sorted(os.listdir(importer.state)) == before
    importer.run_well("--years", "2021")
    wait_for(lambda: page.metrics()['dvf_import_runs_total{outcome="done"}'] == 2, 10, "the second run")
    assert page.stop().code == 0


@pytest.mark.parametrize("language", ["en", "fr"])
def test_report_is_one_file(importer, site, made_years, language):
    site.put(2021, made_years(2000))
    path = os.path.join(importer.home, "report.html")
    none = importer.call("report", "--html", path)
    assert none.code == program.REFUSED and not os.path.exists(path), str(none)
    importer.run_well("--years", "2021")
    result = importer.call("report", "--html", path, "--lang", language)
    assert (result.code, result.out, result.err) == (0, "", ""), str(result)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert re.sub(r"[\u202f,]", "", well_formed(text)).count("2000") >= 1
    assert f'<html lang="{language}">' in text and "/events" not in re.sub(r"<script>.*?</script>", "", text,
                                                                           flags=re.DOTALL)
    assert [name for name in os.listdir(importer.home) if "report" in name] == ["report.html"]
    for wrong, said in (("/nowhere/report.html", "cannot write /nowhere/report.html: No such file or directory"),
                        (importer.home, f"cannot write {importer.home}: it is a folder")):
        result = importer.call("report", "--html", wrong)
        assert result.code == program.NONE and said in result.err, str(result)
    assert [name for name in os.listdir(os.path.dirname(importer.home))
            if name.startswith(os.path.basename(importer.home) + ".")] == []
    assert importer.call("report").code == program.USAGE


def test_report_beside_what_a_killed_one_left(importer, site, made_years):
    """In a container every call has the same PID: what one left does not stand in the way of the next."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a PID namespace")
    site.put(2021, made_years(100))
    importer.run_well("--years", "2021")
    path = os.path.join(importer.home, "report.html")
    as_first = importer.with_(wrapper=["unshare", "--pid", "--fork"])
    for left in (".new", ".1.new", ".XXXXXX"):
        with open(path + left, "w", encoding="utf-8") as file:
            file.write("half a page")
    before = os.umask(0o027)
    try:
        result = as_first.call("report", "--html", path)
    finally:
        os.umask(before)
    assert (result.code, result.err) == (program.ALL, ""), str(result)
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert sorted(os.listdir(importer.home)).count("report.html") == 1
    assert len([name for name in os.listdir(importer.home) if name.startswith("report.html")]) == 4
