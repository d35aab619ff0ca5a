"""The container files: every command in them is one, every variable a setting, limits and users as promised. What they do
when they are run is ops/test-packages'."""
import os
import re

import pytest

import program
import test_man

yaml = pytest.importorskip("yaml")


def text_of(name):
    with open(os.path.join(program.ROOT, "ops", name), encoding="utf-8") as file:
        return file.read()


def of_kind(kind):
    return [document for document in yaml.safe_load_all(text_of("kubernetes.yaml")) if document["kind"] == kind]


def pods():
    return [of_kind("Job")[0]["spec"]["template"]["spec"],
            of_kind("CronJob")[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]]


def services(name):
    """Those that run our image."""
    return {service: made for service, made in yaml.safe_load(text_of(name))["services"].items() if "build" in made}


def calls():
    """(where, words) of everything that calls the program."""
    for name in ("compose.yaml", "coolify.yaml"):
        for service, made in services(name).items():
            yield f"{name}: {service}", made["command"]
    for pod in pods():
        yield "kubernetes.yaml", pod["containers"][0]["args"]
    for words in re.findall(r'(?:CMD|ENTRYPOINT) (\[.*\])', text_of("Dockerfile")):
        words = [word for word in yaml.safe_load(words) if word != "/usr/bin/dvf-import"]
        if words:
            yield "Dockerfile", words


def settings():
    """(where, name, value) of every variable it is given."""
    for name in ("compose.yaml", "coolify.yaml"):
        for made in services(name).values():
            yield from ((name, *item) for item in made.get("environment", {}).items())
    yield from (("kubernetes.yaml", *item) for item in of_kind("ConfigMap")[0]["data"].items())
    for name, value in re.findall(r"^ENV (\w+)=(.*)$", text_of("Dockerfile"), re.MULTILINE):
        yield "Dockerfile", name, value


def test_commands():
    seen = list(calls())
    assert len(seen) >= 8
    for where, (command, *words) in seen:
        options = test_man.options_of_help(command)
        for word in words:
            assert not word.startswith("--") or word in options, f"{where}: {command} {word}"


def test_variables():
    told = test_man.section(test_man.page("dvf-import.1"), "ENVIRONMENT")
    for where, name, _ in settings():
        assert re.search(rf"\b{name}\b", told), f"{where}: {name}"


def test_old_env_works_unchanged():
    """Every name of the importer this one replaces reaches the program; its password as a file, and never beside one."""
    old = {"POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_DB", "YEARS_TO_IMPORT", "CSV_CHUNK_SIZE",
           "DOWNLOAD_CHUNK_SIZE"}
    for service in ("importer", "staging"):
        given = services("compose.yaml")[service]["environment"]
        assert {name for name, value in given.items() if value is None or f"${{{name}:-" in value} >= old
        assert "POSTGRES_PASSWORD" not in given
        assert given["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres_password"
    secret = yaml.safe_load(text_of("compose.yaml"))["secrets"]["postgres_password"]
    assert secret == {"environment": "POSTGRES_PASSWORD"}
    coolify = services("coolify.yaml")["dvf"]["environment"]
    assert set(coolify) == old | {"POSTGRES_PASSWORD", "DVF_HOSTS"}


def test_limits():
    compose = yaml.safe_load(text_of("compose.yaml"))["services"]
    assert compose["postgres"]["mem_limit"] == "1g"
    for made in services("compose.yaml").values():
        assert (made["mem_limit"], made["memswap_limit"]) == ("64m", "64m")
        assert made["cap_drop"] == ["ALL"] and made["security_opt"] == ["no-new-privileges:true"]
    for pod in pods():
        assert pod["containers"][0]["resources"]["limits"]["memory"] == "64Mi"


def test_ordinary_user():
    user = re.search(r"^USER (\d+):(\d+)$", text_of("Dockerfile"), re.MULTILINE).groups()
    for pod in pods():
        context = pod["securityContext"]
        assert (str(context["runAsUser"]), str(context["runAsGroup"])) == user and context["runAsNonRoot"] is True
        assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert f"--chown={user[0]}:{user[1]}" in text_of("Dockerfile")


def test_both_pods_are_the_same():
    job, cron = pods()
    assert job == cron
    once, timed = of_kind("Job")[0]["spec"], of_kind("CronJob")[0]["spec"]["jobTemplate"]["spec"]
    assert once["podFailurePolicy"] == timed["podFailurePolicy"]


def test_years_of_the_timers():
    """systemd, Kubernetes and Coolify's page look in the same months."""
    assert "OnCalendar=*-04,05,10,11-* 03:00:00" in text_of("systemd/dvf-import.timer")
    schedule = of_kind("CronJob")[0]["spec"]["schedule"]
    assert schedule == "0 3 * 4,5,10,11 *"
    with open(os.path.join(program.ROOT, "docs", "COOLIFY.md"), encoding="utf-8") as file:
        assert f"`{schedule}`" in file.read()


def test_version_of_the_image():
    with open(os.path.join(program.ROOT, "configure.py"), encoding="utf-8") as file:
        version = re.search(r'^VERSION = "(.*)"$', file.read(), re.MULTILINE).group(1)
    assert f'image.version="{version}"' in text_of("Dockerfile")
    assert {pod["containers"][0]["image"] for pod in pods()} == {f"dvf-import:{version}"}
