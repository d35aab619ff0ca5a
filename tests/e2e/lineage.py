"""OpenLineage events: what each must have, the published schemas if they are there, and a server that records."""
import contextlib
import datetime
import http.server
import json
import os
import threading
import urllib.parse
import uuid

import program

SCHEMAS = os.path.join(os.path.dirname(program.ROOT), "shared", "openlineage")
SPEC = "https://openlineage.io/spec/"
PARENT = SPEC + "facets/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet"  # not among the schemas that are shared


class Schemas:
    """The published schemas; those they refer to are taken from the folder, never from the network."""

    def __init__(self):
        import jsonschema
        self.by_id = {}
        for name in sorted(os.listdir(SCHEMAS)):
            if name.endswith(".json"):
                with open(os.path.join(SCHEMAS, name), encoding="utf-8") as file:
                    schema = json.load(file)
                self.by_id[schema["$id"]] = schema
        self.resolver = jsonschema.RefResolver("", {}, store=self.by_id, handlers={
            "https": self.refuse, "http": self.refuse})
        self.validator = jsonschema.Draft202012Validator

    @staticmethod
    def refuse(url):
        raise AssertionError(f"{url} is not in {SCHEMAS}")

    def check(self, url, thing):
        assert url.partition("#")[0] in self.by_id, f"no published schema is {url}"
        self.validator({"$ref": url}, resolver=self.resolver, format_checker=self.validator.FORMAT_CHECKER
                       if hasattr(self.validator, "FORMAT_CHECKER") else None).validate(thing)

    def check_event(self, event):
        self.check(SPEC + "2-0-2/OpenLineage.json", event)
        self.check(event["schemaURL"], event)
        for _, facet in facets_of(event):
            if facet["_schemaURL"] != PARENT:
                self.check(facet["_schemaURL"], facet)


def schemas():
    """None when they are not there."""
    if not os.path.isdir(SCHEMAS):
        return None
    return Schemas()


def facets_of(event):
    """(name, facet) of every facet."""
    for thing in (event["run"], event["job"], *event.get("inputs", []), *event.get("outputs", [])):
        for kind in ("facets", "inputFacets", "outputFacets"):
            yield from thing.get(kind, {}).items()


def is_uri(text):
    parts = urllib.parse.urlsplit(text)
    return parts.scheme != "" and " " not in text and (parts.netloc or parts.path) != ""


def check_shape(event):
    """What holds for every event, published schemas or not."""
    assert event["eventType"] in ("START", "COMPLETE", "FAIL", "ABORT")
    assert event["eventTime"].endswith("Z")
    datetime.datetime.fromisoformat(event["eventTime"].replace("Z", "+00:00"))
    assert event["schemaURL"] == SPEC + "2-0-2/OpenLineage.json#/$defs/RunEvent"
    assert is_uri(event["producer"])
    assert str(uuid.UUID(event["run"]["runId"])) == event["run"]["runId"]
    assert event["job"]["namespace"] and event["job"]["name"].startswith("dvf-import")
    engine = event["run"]["facets"]["processing_engine"]
    assert engine["name"] == "dvf-import" and engine["version"]
    for dataset in (*event.get("inputs", []), *event.get("outputs", [])):
        assert dataset["namespace"] and dataset["name"]
    for name, facet in facets_of(event):
        assert is_uri(facet["_producer"]) and facet["_schemaURL"].startswith(SPEC + "facets/"), (name, facet)
    assert ("errorMessage" in event["run"]["facets"]) == (event["eventType"] in ("FAIL", "ABORT")), event


def check_all(events):
    """The shape and schema of each; every run began, ended at most once, and ended before its parent did."""
    published = schemas()
    state = {}
    for event in events:
        check_shape(event)
        if published:
            published.check_event(event)
        run, kind = event["run"]["runId"], event["eventType"]
        if kind == "START":
            assert run not in state, "begun twice"
        else:
            assert state.get(run) in ("START", None), (run, kind)
        state[run] = kind
        parent = event["run"]["facets"].get("parent")
        assert (parent is None) == (event["job"]["name"] == "dvf-import")
        if parent:
            assert parent["job"] == {"namespace": event["job"]["namespace"], "name": "dvf-import"}
            assert state.get(parent["run"]["runId"]) in ("START", None), "its parent had ended"
    return events


def read(path):
    """The events of a file, checked; each is a line."""
    with open(path, encoding="utf-8") as file:
        content = file.read()
    assert content == "" or content.endswith("\n")
    return check_all([json.loads(line) for line in content.splitlines()])


def told(events):
    """[(what, which job)], short."""
    return [(event["eventType"], event["job"]["name"].removeprefix("dvf-import").lstrip(".")) for event in events]


class Server(http.server.ThreadingHTTPServer):
    """Records what is POSTed. `answers`: statuses, the last one for ever; "hang": none comes; a text: a redirect."""

    daemon_threads = True

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers) or [201]
        self.requests, self.over = [], threading.Event()
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path, headers, body):
        with self.lock:
            self.requests.append((path, headers, body))
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def events(self):
        return check_all([json.loads(body) for _, _, body in self.requests])

    def close(self):
        self.over.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answer(self.path, dict(self.headers), body)
        if answer == "hang":
            self.server.over.wait(60)
            self.close_connection = True
            return
        with contextlib.suppress(OSError):
            self.send_response(302 if isinstance(answer, str) else answer)
            if isinstance(answer, str):
                self.send_header("Location", answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_GET = do_POST  # what a redirect that is followed becomes

    def log_message(self, *_):
        pass
