"""A password never shows: not in the output, the ledger, the witness, a log, the process list."""
import os
import urllib.parse

import pytest

import servers
from servers import wait_for

FORMS = {servers.PASSWORD, urllib.parse.quote(servers.PASSWORD, safe=""), urllib.parse.quote(servers.PASSWORD)}
SITE_PASSWORD = "s3cr3t-site"


def leaks(content, secrets):
    if isinstance(content, str):
        content = content.encode()
    return [secret for secret in secrets if secret.encode() in content]


def leaks_in_folder(folder, secrets):
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                found += [(name, secret) for secret in leaks(file.read(), secrets)]
    return found


@pytest.mark.sanitize
def test_password_of_the_destination(database, site, make_import, made_years):
    site.put(2021, made_years(500))
    importer = make_import(database)
    said = importer.run("--years", "2021,2022").said  # 2022 is not there: an error to print
    for command in ("status", "history", "check"):
        said += importer.call(command).said
    said += importer.call("status", "--json").said + importer.call("history", "--json").said
    assert leaks(said, FORMS) == []
    assert leaks_in_folder(importer.state, FORMS) == []
    assert leaks(database.server.log_tail(), FORMS) == []


def test_password_in_argv_is_scrubbed(database, site, make_import, made_years):
    site.put(2021, made_years(60_000))
    importer = make_import(database, "slow")
    process = importer.start("--years", "2021")
    wait_for(site.requests, 20, "a request")
    with open(f"/proc/{process.pid}/cmdline", "rb") as words:
        words = words.read()
    assert process.poll() is None
    assert b"dvf-import" in words and leaks(words, FORMS) == []
    importer.kill(process)


def test_password_of_the_source(destination, site, make_import, made_years):
    path = site.put(2021, made_years(500))
    importer = make_import(destination)
    source = site.source("login").replace("http://", f"http://reader:{SITE_PASSWORD}@")
    importer = importer.with_(source=source)
    said = importer.run_well("--years", "2021").said
    assert destination.differences(2021, path) == []
    wrong = importer.with_(source=source.replace(SITE_PASSWORD, "another-secret"))
    result = wrong.run("--years", "2021,2022", "--retries", "0")
    said += result.said + importer.call("status").said + importer.call("history").said
    secrets = {SITE_PASSWORD, "another-secret"}
    assert leaks(said, secrets) == []
    assert leaks_in_folder(importer.state, secrets) == []
    urls = [url for url, in destination.query("SELECT url FROM {source}")]
    assert urls and leaks(" ".join(urls), secrets) == []


def test_query_of_the_source(destination, site, make_import, made_years):
    """It may be a signature. That it is another one shows."""
    path = site.put(2021, made_years(500))
    importer = make_import(destination)
    one, other = (importer.with_(source=f"{site.source()}?sig={secret}") for secret in ("s3cr3t-one", "s3cr3t-two"))
    said = one.run_well("--years", "2021").said
    site.put(2022, b"no gzip, and no year")
    said += one.run("--years", "2021,2022", "--retries", "0").said + one.call("check").said
    assert other.run_well("--years", "2021").code == 0
    assert destination.differences(2021, path) == []
    said += one.call("status").said + one.call("history").said + one.call("history", "--json").said
    assert leaks(said, {"s3cr3t"}) == [] and "full.csv.gz?~" in said
    assert leaks_in_folder(importer.state, {"s3cr3t"}) == []
    urls = [url for url, in destination.query("SELECT url FROM {source}")]
    assert urls and leaks(" ".join(urls), {"s3cr3t"}) == []


def test_ledger_is_for_its_owner_only(destination, site, make_import, made_years):
    site.put(2021, made_years(100))
    importer = make_import(destination)
    importer.run_well("--years", "2021")
    for place, _, names in os.walk(importer.state):
        for path in [place, *(os.path.join(place, name) for name in names)]:
            assert os.stat(path).st_mode & 0o077 == 0, path


def test_function_of_another_role_is_not_run(database, make_import, site, made_years):
    """Who may create in a schema of the search_path (before PostgreSQL 15 everybody in public) gets nothing run by whoever
    connects."""
    server = database.server
    site.put(2021, made_years(300, year=2021))
    importer = make_import(database)
    importer.run_well("--years", "2021")
    server.sql("CREATE ROLE mallory")
    try:
        server.sql("GRANT CREATE ON SCHEMA public TO mallory; CREATE TABLE public.ran (by_whom text);"
                   " GRANT INSERT ON public.ran TO PUBLIC; SET ROLE mallory;"
                   " CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE plpgsql AS"
                   " $$BEGIN INSERT INTO public.ran VALUES (current_user); RETURN pg_catalog.quote_ident($1::text); END$$",
                   database.name)
        assert "unchanged" in importer.run_well("--years", "2021").out
        assert database.query("SELECT * FROM public.ran") == []
    finally:
        server.sql("DROP OWNED BY mallory", database.name)
        server.sql("DROP ROLE mallory")
