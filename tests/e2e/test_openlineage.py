"""OpenLineage events: one for each thing that happens, whole and in order."""
import json
import os
import signal

import pytest

import lineage
import program
import reference
import servers
import shapes
from servers import wait_for


@pytest.fixture
def told_into(make_import, tmp_path):
    """told_into(destination): how it is called, and the file its events go to."""
    def make(destination, part="latest"):
        events = str(tmp_path / "events.jsonl")
        importer = make_import(destination, part)
        return importer.with_(environment={"OPENLINEAGE_URL": events}), events

    return make


def table_of(destination, staging=False):
    """(namespace, name) of dvf, by OpenLineage's conventions."""
    if destination.kind == "postgres":
        return (f"postgres://127.0.0.1:{destination.server.port}",
                f"{destination.name}{'_staging' if staging else ''}.public.dvf")
    folder = os.path.realpath(os.path.dirname(destination.path))
    return "file", f"{folder}/dvf{'.staging' if staging else ''}.sqlite"


def names_of(facet):
    return [field["name"] for field in facet["fields"]]


def test_published_schemas_are_used():
    """They refuse what is wrong: else nothing here would show anything."""
    if not os.path.isdir(lineage.SCHEMAS):
        pytest.skip("the published schemas (../shared/openlineage) are not there")
    import jsonschema
    schemas = lineage.schemas()
    facet = {"_producer": "urn:x", "_schemaURL": lineage.SPEC + "facets/1-0-1/ErrorMessageRunFacet.json"
             "#/$defs/ErrorMessageRunFacet", "message": "x", "programmingLanguage": "C"}
    event = {"eventType": "FAIL", "eventTime": "2026-01-01T00:00:00.000Z", "producer": "urn:x",
             "schemaURL": lineage.SPEC + "2-0-2/OpenLineage.json#/$defs/RunEvent",
             "run": {"runId": "01a2162b-5d39-72f6-95b8-712b485805cc", "facets": {"errorMessage": facet}},
             "job": {"namespace": "n", "name": "j"}}
    schemas.check_event(event)
    for name, wrong in {"eventType": "GONE", "run": {"facets": {}}, "job": {"name": "j"}}.items():
        with pytest.raises(jsonschema.ValidationError):
            schemas.check_event({**event, name: wrong})
    del facet["message"]
    with pytest.raises(jsonschema.ValidationError):
        schemas.check_event(event)


@pytest.mark.sanitize
def test_two_years(destination, site, told_into, made_years):
    site.put(2021, made_years(900))
    site.put(2022, made_years(700, 2022))
    importer, path = told_into(destination)
    importer.run_well("--years", "2021,2022")
    events = lineage.read(path)
    assert lineage.told(events) == [("START", ""), ("START", "2021"), ("COMPLETE", "2021"), ("START", "2022"),
                                    ("COMPLETE", "2022"), ("COMPLETE", "")]
    ids = [event["run"]["runId"] for event in events]
    assert len(set(ids)) == 3 and ids[1] == ids[2] and ids[3] == ids[4] and ids[0] == ids[5]
    assert events[1]["run"]["facets"]["parent"]["run"]["runId"] == ids[0]
    for start, end, year, rows in ((events[1], events[2], 2021, 900), (events[3], events[4], 2022, 700)):
        for event in (start, end):
            source, table = event["inputs"][0], event["outputs"][0]
            assert len(event["inputs"]) == len(event["outputs"]) == 1
            assert source["namespace"] == f"http://127.0.0.1:{site.port}"
            assert source["name"] == f"/latest/csv/{year}/full.csv.gz"
            assert source["facets"]["dataSource"]["uri"] == source["namespace"] + source["name"]
            assert names_of(source["facets"]["schema"]) == list(reference.NAMES)
            assert (table["namespace"], table["name"]) == table_of(destination)
            assert names_of(table["facets"]["schema"]) == [*reference.NAMES, "source_year", "source_row"]
            assert table["facets"]["dataSource"]["uri"].startswith(
                "postgres://127.0.0.1:" if destination.kind == "postgres" else "file:///")
        assert "inputFacets" not in start["inputs"][0] and "outputFacets" not in start["outputs"][0]
        sha256 = destination.query(f"SELECT sha256, packed_size, plain_size FROM {{source}} WHERE year = {year}")[0]
        quality = end["inputs"][0]["inputFacets"]["dataQualityMetrics"]
        assert (quality["rowCount"], quality["bytes"]) == (rows, sha256[1])
        assert end["inputs"][0]["facets"]["version"]["datasetVersion"] == sha256[0]
        table = end["outputs"][0]
        assert table["facets"]["version"]["datasetVersion"] == f"{year}:{sha256[0]}"
        statistics = table["outputFacets"]["outputStatistics"]
        assert (statistics["rowCount"], statistics["size"]) == (rows, sha256[2])
        columns = table["facets"]["dataQualityMetrics"]["columnMetrics"]
        assert columns["source_row"] == {"nullCount": 0, "distinctCount": rows, "count": rows}
        assert columns["id_parcelle"] == {"nullCount": 0, "count": rows}
    types = {field["name"]: field["type"] for field in table["facets"]["schema"]["fields"]}
    declared = dict(destination.query(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'dvf'::regclass"
        " AND attnum > 0" if destination.kind == "postgres" else
        "SELECT i.name, i.type FROM {source} s, pragma_table_info(s.table_name) i WHERE s.year = 2022"))
    assert types == declared


def test_year_that_is_in_already_makes_no_events(destination, site, told_into, made_years):
    site.put(2021, made_years(300))
    importer, path = told_into(destination)
    importer.run_well("--years", "2021")
    first = len(lineage.read(path))
    importer.run_well("--years", "2021")
    site.put(2021, made_years(300))  # the same bytes, published anew
    importer.run_well("--years", "2021")
    site.take_away(2021)
    importer.run_well("--years", "2021")
    assert lineage.told(lineage.read(path)[first:]) == [("START", ""), ("COMPLETE", "")] * 3
    site.put(2021, made_years(310, seed=2))
    importer.run_well("--years", "2021")
    assert lineage.told(lineage.read(path)[first + 6:]) == [
        ("START", ""), ("START", "2021"), ("COMPLETE", "2021"), ("COMPLETE", "")]


@pytest.mark.sanitize
def test_failed_refused_and_held_years(destination, site, told_into, made_years):
    packed = bytearray(shapes.pack(shapes.plain_of(made_years(900, 2020))))
    packed[-6] ^= 0xFF
    site.put(2020, bytes(packed))
    lines = shapes.plain_of(made_years(400)).split(b"\n")
    site.put(2021, shapes.pack(b"\n".join([lines[0], *(b"rubbish," + line for line in lines[1:-1]), b""])))
    site.put(2023, made_years(500, 2023))
    importer, path = told_into(destination)
    importer.run_well("--years", "2023")
    site.put(2023, made_years(200, 2023))
    before = len(lineage.read(path))
    result = importer.run("--years", "2020,2021,2022,2023", "--retries", "0")  # 2022 is not there at all
    assert result.code == program.NONE, str(result)
    events = lineage.read(path)[before:]
    ends = {what[1]: event for what, event in zip(lineage.told(events), events) if what[0] != "START"}
    assert set(ends) == {"", "2020", "2021", "2022", "2023"}
    for job, event in ends.items():
        assert event["eventType"] == "FAIL"
        assert "outputFacets" not in event.get("outputs", [{}])[0]
    assert lineage.told(events)[0] == ("START", "") and lineage.told(events)[-1] == ("FAIL", "")
    messages = {job: event["run"]["facets"]["errorMessage"]["message"] for job, event in ends.items()}
    assert "CRC" in messages["2020"] and "--max-rejects" in messages["2021"]
    assert "404" in messages["2022"] and "--allow-shrink" in messages["2023"]
    assert messages[""].startswith("0 of 4 years are in; 2020: ")
    assert "version" not in ends["2022"]["inputs"][0]["facets"]
    for year in ("2020", "2021", "2022", "2023"):
        assert messages[year] in result.said, "the same words as for people"


def test_default_years_that_are_not_there_make_no_events(make_destination, site, told_into, made_years):
    site.put(2024, made_years(100, 2024))
    importer, path = told_into(make_destination("sqlite"))
    importer.run_well()
    assert lineage.told(lineage.read(path)) == [("START", ""), ("START", "2024"), ("COMPLETE", "2024"),
                                                ("COMPLETE", "")]


@pytest.mark.sanitize
def test_interrupted(destination, site, told_into, made_years):
    site.put(2021, made_years(60_000))
    importer, path = told_into(destination)
    process = importer.start("--years", "2021", "--loaders", "1", "--chunk-rows", "500")
    wait_for(lambda: destination.committed() > 0 or process.poll() is not None, 60, "rows")
    process.send_signal(signal.SIGTERM)
    result = importer.finish(process)
    assert result.code == program.INTERRUPTED, str(result)
    assert lineage.told(lineage.read(path)) == [("START", ""), ("START", "2021"), ("ABORT", "2021"), ("ABORT", "")]
    importer.run_well("--years", "2021")
    events = lineage.read(path)
    assert lineage.told(events[4:]) == [("START", ""), ("START", "2021"), ("COMPLETE", "2021"), ("COMPLETE", "")]
    assert events[6]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 60_000, "of the whole year"


def test_staging(destination, site, told_into, made_years, request):
    """The table is staging's; a year that left the site comes from live's."""
    if destination.kind == "postgres":
        destination.server.sql("ALTER ROLE importer CREATEDB")
        request.addfinalizer(lambda: destination.server.sql("ALTER ROLE importer NOCREATEDB"))
        request.addfinalizer(lambda: destination.server.sql(
            f"DROP DATABASE IF EXISTS {destination.name}_staging WITH (FORCE)"))
    site.put(2021, made_years(300))
    site.put(2022, made_years(200, 2022))
    importer, path = told_into(destination)
    importer.run_well("--years", "2021,2022")
    before = len(lineage.read(path))
    site.take_away(2021)
    site.put(2022, made_years(210, 2022, seed=2))
    importer.run_well("--years", "2022", "--staging")
    events = lineage.read(path)[before:]
    assert sorted(lineage.told(events)) == sorted([
        ("START", ""), ("START", "2022"), ("COMPLETE", "2022"), ("START", "2021"), ("COMPLETE", "2021"),
        ("COMPLETE", "")])
    sha256 = destination.query("SELECT sha256 FROM {source} WHERE year = 2021")[0][0]
    for event in events[1:-1]:
        source, table = event["inputs"][0], event["outputs"][0]
        assert (table["namespace"], table["name"]) == table_of(destination, staging=True)
        if event["job"]["name"] == "dvf-import.2022":
            assert source["name"] == "/latest/csv/2022/full.csv.gz"
        else:
            assert (source["namespace"], source["name"]) == table_of(destination)
            assert source["facets"]["version"]["datasetVersion"] == f"2021:{sha256}"
    copied = [event for event in events if lineage.told([event]) == [("COMPLETE", "2021")]][0]
    assert copied["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 300


def test_killed_run_is_ended_by_the_next(destination, site, told_into, made_years):
    site.put(2021, made_years(60_000))
    importer, path = told_into(destination)
    process = importer.start("--years", "2021", "--loaders", "1", "--chunk-rows", "500")
    wait_for(lambda: destination.committed() > 0 or process.poll() is not None, 60, "rows")
    importer.kill(process)
    killed = lineage.read(path)
    assert lineage.told(killed) == [("START", ""), ("START", "2021")]
    importer.run_well("--years", "2021")
    events = lineage.read(path)
    assert lineage.told(events[2:]) == [("ABORT", "2021"), ("ABORT", ""), ("START", ""), ("START", "2021"),
                                        ("COMPLETE", "2021"), ("COMPLETE", "")]
    for start, abort in ((killed[0], events[3]), (killed[1], events[2])):
        assert start["run"]["runId"] == abort["run"]["runId"] and start["job"] == abort["job"]
    assert "killed" in events[2]["run"]["facets"]["errorMessage"]["message"]
    importer.run_well("--years", "2021")
    assert lineage.told(lineage.read(path)[8:]) == [("START", ""), ("COMPLETE", "")], "said twice"


def test_server_that_went_away(database, site, told_into, made_years):
    """The destination cannot be reached: the run failed, though no year began."""
    importer, path = told_into(database)
    importer = importer.with_(to=f"postgresql://importer@127.0.0.1:{servers.free_port()}/x")
    assert importer.run("--years", "2021", "--wait", "0").code == program.NONE
    events = lineage.read(path)
    assert lineage.told(events) == [("START", ""), ("FAIL", "")]
    assert "cannot be reached" in events[1]["run"]["facets"]["errorMessage"]["message"]


def test_full_disk_and_torn_lines(make_destination, site, make_import, made_years, small_disk):
    """Only whole lines; a full disk is one warning; what an earlier writer left unfinished ends as a line."""
    site.put(2021, made_years(300))
    disk = small_disk(64 << 10)
    path = os.path.join(disk, "events.jsonl")
    with open(path, "w", encoding="ascii") as file:
        file.write('{"torn":')
    importer = make_import(make_destination("sqlite"))
    importer.run_well("--years", "2021", "--openlineage", path)
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    assert lines[0] == '{"torn":' and lines[-1] == ""
    assert len(lineage.check_all([json.loads(line) for line in lines[1:-1]])) == 4
    size = os.path.getsize(path)
    with open(os.path.join(disk, "filler"), "wb") as filler:
        filler.write(b"x" * ((64 << 10) - (size // 4096 + 1) * 4096))
    site.put(2021, made_years(310, seed=2))
    result = importer.run_well("--years", "2021", "--openlineage", path)
    assert len([line for line in result.lines if "level=warning" in line]) == 1, str(result)
    assert "lineage" in result.err and "No space" in result.err, str(result)
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    assert lines[-1] == ""
    assert lineage.told([json.loads(line) for line in lines[5:-1]])[0] == ("START", ""), "there was room for one"
    result = importer.run_well("--years", "2021", "--openlineage", "/not/there/events.jsonl")
    assert len([line for line in result.lines if "level=warning" in line]) == 1, str(result)
