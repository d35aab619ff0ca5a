"""A lineage server: what it gets, and that an import never waits for it, fails for it or shows it a secret too many."""
import os
import re
import signal
import time

import pytest

import lineage
import program
import servers
from servers import wait_for

TOKEN = "t0ken-of-the-lineage-server"
PASSWORD = "p4ss-of-the-lineage-server"
WAITS = 3.5  # seconds that a run may take longer because of a server that does not answer


@pytest.fixture
def server():
    """server(answers...): one that records."""
    made = []

    def make(*answers):
        made.append(lineage.Server(*answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def importer(make_destination, site, make_import, made_years):
    site.put(2021, made_years(300))
    site.put(2022, made_years(200, 2022))
    destination = make_destination("sqlite")
    importer = make_import(destination)
    importer.destination = destination
    return importer


def warnings(result):
    return [line for line in result.lines if "level=warning" in line]


@pytest.mark.sanitize
@pytest.mark.threads
def test_events_are_posted(importer, server):
    one = server()
    importer.run_well("--years", "2021,2022", "--openlineage", one.url)
    assert lineage.told(one.events()) == [
        ("START", ""), ("START", "2021"), ("COMPLETE", "2021"), ("START", "2022"), ("COMPLETE", "2022"),
        ("COMPLETE", "")]
    for path, headers, _ in one.requests:
        assert path == "/api/v1/lineage"
        assert headers["Content-Type"] == "application/json" and "Expect" not in headers
        assert "Authorization" not in headers


def test_variables(importer, server, tmp_path):
    one, two = server(), server()
    key = tmp_path / "key"
    key.write_text(TOKEN + "\n", encoding="ascii")
    environment = {"OPENLINEAGE_URL": one.url + "/elsewhere", "OPENLINEAGE_API_KEY_FILE": str(key),
                   "OPENLINEAGE_NAMESPACE": "my space"}
    importer.with_(environment=environment).run_well("--years", "2021")
    assert len(one.events()) == 4
    for event in one.events():
        assert event["job"]["namespace"] == "my space"
    assert {(path, headers["Authorization"]) for path, headers, _ in one.requests} == {
        ("/elsewhere", f"Bearer {TOKEN}")}
    importer.with_(environment={**environment, "OPENLINEAGE_API_KEY_FILE": "", "OPENLINEAGE_API_KEY": "other"}
                   ).run_well("--years", "2021", "--openlineage", two.url + "/")
    assert {(path, headers["Authorization"]) for path, headers, _ in two.requests} == {
        ("/api/v1/lineage", "Bearer other")}
    importer.with_(environment={**environment, "OPENLINEAGE_DISABLED": "true"}).run_well("--years", "2021")
    assert len(one.requests) == 4 and len(two.requests) == 2


@pytest.mark.parametrize("words, environment, said", [
    (["--openlineage", "kafka://me:s3cr3t@host/topic"], {}, "--openlineage.*kafka://"),
    (["--openlineage", "http:///lineage"], {}, "--openlineage.*host"),
    (["--openlineage", "http://me:s3/cr3t@host/"], {}, "--openlineage.*percent-encoded"),
    ([], {"OPENLINEAGE_URL": "ftp://me:s3cr3t@host/"}, "OPENLINEAGE_URL.*ftp://"),
    (["--openlineage", "http://host"], {"OPENLINEAGE_API_KEY": "s3cr3t\r\nX: y"}, "OPENLINEAGE_API_KEY"),
    (["--openlineage", "http://host"], {"OPENLINEAGE_API_KEY": "s3cr3t", "OPENLINEAGE_API_KEY_FILE": "f"},
     "OPENLINEAGE_API_KEY and OPENLINEAGE_API_KEY_FILE"),
])
def test_wrong_settings(importer, words, environment, said):
    result = importer.with_(environment=environment).run(*words)
    assert result.code == program.USAGE and len(result.lines) == 1, str(result)
    assert re.search(said, result.err), str(result)
    assert "s3cr3t" not in result.said and "cr3t" not in result.said
    assert not os.path.exists(importer.state)


def test_other_commands_do_not_look_at_it(importer):
    importer.run_well("--years", "2021")
    wrong = importer.with_(environment={"OPENLINEAGE_URL": "kafka://host"})
    assert wrong.call("status").code == program.ALL


@pytest.mark.sanitize
@pytest.mark.parametrize("trouble", ["refuses", "hangs", "500", "302", "401", "no such host"])
def test_server_in_trouble_changes_nothing(trouble, importer, server):
    elsewhere = server()
    url = {"refuses": f"http://127.0.0.1:{servers.free_port()}", "hangs": server("hang").url, "500": server(500).url,
           "302": server(elsewhere.url + "/api/v1/lineage").url, "401": server(401).url,
           "no such host": "http://lineage.invalid:5000"}[trouble]
    result = importer.with_(environment={"OPENLINEAGE_URL": url, "OPENLINEAGE_API_KEY": TOKEN}).run(
        "--years", "2021,2022")
    assert result.code == program.ALL, str(result)
    assert importer.destination.counts() == {2021: 300, 2022: 200}
    assert len(warnings(result)) == 1 and "lineage" in result.err and url in result.err, str(result)
    assert result.seconds < (2 + WAITS) * program.SLOW, str(result)
    assert elsewhere.requests == [], "a redirect was followed"
    assert TOKEN not in result.said


def test_server_that_recovers(importer, server):
    """What was refused for a moment is sent again, in order, and nothing is said of it."""
    one = server(503, 429, 201)
    result = importer.run_well("--years", "2021", "--openlineage", one.url)
    assert warnings(result) == [], str(result)
    assert lineage.told(lineage.check_all([lineage.json.loads(body) for _, _, body in one.requests[2:]])) == [
        ("START", ""), ("START", "2021"), ("COMPLETE", "2021"), ("COMPLETE", "")]
    assert one.requests[0][2] == one.requests[1][2] == one.requests[2][2]


def test_interrupted_run_tells_the_server(importer, server, site, made_years):
    site.put(2021, made_years(60_000))
    one = server()
    process = importer.start("--years", "2021", "--loaders", "1", "--chunk-rows", "500", "--openlineage", one.url)
    wait_for(lambda: importer.destination.committed() > 0 or process.poll() is not None, 60, "rows")
    process.send_signal(signal.SIGTERM)
    assert importer.finish(process).code == program.INTERRUPTED
    assert lineage.told(one.events()) == [("START", ""), ("START", "2021"), ("ABORT", "2021"), ("ABORT", "")]


def test_interrupted_run_does_not_wait_for_a_server_that_hangs(importer, server, site, made_years):
    site.put(2021, made_years(60_000))
    one = server("hang")
    process = importer.start("--years", "2021", "--loaders", "1", "--chunk-rows", "500", "--openlineage", one.url)
    wait_for(lambda: importer.destination.committed() > 0 or process.poll() is not None, 60, "rows")
    process.send_signal(signal.SIGTERM)
    since = time.monotonic()
    assert importer.finish(process).code == program.INTERRUPTED
    assert time.monotonic() - since < (1 + WAITS) * program.SLOW


def test_secrets_do_not_show(importer, server):
    one = server()
    url = one.url.replace("http://", f"http://someone:{PASSWORD}@") + "/api?key=" + PASSWORD
    secret = importer.with_(environment={"OPENLINEAGE_API_KEY": TOKEN})
    process = secret.start("--years", "2021", "--openlineage", url)
    wait_for(lambda: one.requests, 20, "an event")
    with open(f"/proc/{process.pid}/cmdline", "rb") as words:
        words = words.read().decode()
    said = secret.finish(process).said
    refused = secret.run("--years", "2021", "--openlineage",
                         url.replace(f":{one.server_port}", f":{servers.free_port()}"))
    assert len(warnings(refused)) == 1, str(refused)
    said += refused.said + words
    for command in ("status", "history"):
        said += importer.call(command).said + importer.call(command, "--json").said
    assert PASSWORD not in said and TOKEN not in said
    assert f'"openlineage": "{one.url}/api"' in said or f'"openlineage":"{one.url}/api"' in said
    for place, _, names in os.walk(importer.state):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                content = file.read()
            assert PASSWORD.encode() not in content and TOKEN.encode() not in content, name
    assert not any(PASSWORD.encode() in body or TOKEN.encode() in body for _, _, body in one.requests)


def test_source_password_is_not_told(importer, server, site):
    one = server()
    source = site.source("login").replace("http://", "http://reader:s3cr3t-site@") + "?signature=s3cr3t-query"
    importer.with_(source=source).run_well("--years", "2021", "--openlineage", one.url)
    start = one.events()[1]
    assert start["inputs"][0]["namespace"] == f"http://127.0.0.1:{site.port}"
    assert start["inputs"][0]["name"] == "/login/csv/2021/full.csv.gz"
    assert not any(b"s3cr3t" in body or b"reader" in body for _, _, body in one.requests)
