"""What `ninja install` brings: where it goes, that it works there, the units, the completion."""
import os
import re
import shutil
import subprocess

import pytest

import program
import test_man

COMPLETION = os.path.join(program.ROOT, "ops", "completion", "dvf-import")
PLACES = {"bin/dvf-import", "share/man/man1/dvf-import.1", "share/man/man5/dvf-import-state.5",
          "share/bash-completion/completions/dvf-import",
          "share/doc/dvf-import/copyright", "share/doc/dvf-import/dvf-import.default",
          "lib/systemd/system/dvf-import.service", "lib/systemd/system/dvf-import.timer"}


def files_below(folder):
    return {os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder) for name in names}


def install(**environment):
    words = [os.path.join(program.ROOT, "ops", "install"), program.PATH]
    return subprocess.run(words, capture_output=True, text=True, env={"PATH": os.environ["PATH"], **environment})


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix")
    done = install(PREFIX=str(folder))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_places(prefix, tmp_path):
    assert files_below(prefix) == PLACES
    assert install(PREFIX="/usr", DESTDIR=str(tmp_path), UNITDIR="/lib/systemd/system").returncode == 0
    assert files_below(tmp_path) == {place if "systemd" in place else "usr/" + place for place in PLACES}
    assert "ExecStart=/usr/bin/dvf-import " in (tmp_path / "lib/systemd/system/dvf-import.service").read_text()
    assert install(PREFIX="usr").returncode == program.USAGE


def test_target_of_ninja(tmp_path):
    """The prefix configure.py was told; the program of the tree, and nothing built that was there."""
    if os.path.dirname(os.path.realpath(program.PATH)) != os.path.realpath(os.path.join(program.ROOT, "build")):
        pytest.skip("another tree's program is tested")
    subprocess.run(["ninja", "install"], cwd=program.ROOT, check=True, capture_output=True,
                   env={**os.environ, "DESTDIR": str(tmp_path)})
    with open(os.path.join(program.ROOT, "config.ninja"), encoding="ascii") as config:
        prefix = re.search(r"^prefix = /(.*)$", config.read(), re.MULTILINE).group(1)
    assert files_below(tmp_path) == {os.path.join(prefix, place) for place in PLACES}


def test_program_runs_there(prefix, tmp_path):
    done = subprocess.run([str(prefix / "bin/dvf-import"), "--version"], capture_output=True, text=True)
    assert re.fullmatch(r"dvf-import \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_units(prefix):
    units = prefix / "lib/systemd/system"
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(units / "dvf-import.service"),
                           str(units / "dvf-import.timer")], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=15",
                           str(units / "dvf-import.service")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout  # over 1.5


def test_settings_of_the_unit(prefix):
    """What the sample names is a setting, and the files it points to are credentials of the unit."""
    sample = (prefix / "share/doc/dvf-import/dvf-import.default").read_text()
    unit = (prefix / "lib/systemd/system/dvf-import.service").read_text()
    page = test_man.page("dvf-import.1")
    for name, value in re.findall(r"^#?([A-Z_]+)=(.*)$", sample, re.MULTILINE):
        assert name in page or f"${name}" in unit, name
        if name.endswith("_FILE"):
            assert f"LoadCredential={os.path.basename(value)}\n" in unit, value


def complete(*words, source=COMPLETION):
    """What Tab offers after these words; the last one is begun."""
    script = """source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _dvf_import "$1" "${!#}" "${@:$#-1:1}"; printf '%s\\n' "${COMPREPLY[@]}" """
    done = subprocess.run(["bash", "-uc", script, "bash", source, program.PATH, *words], capture_output=True,
                          text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_completion_offers_what_help_names():
    assert complete("") == test_man.commands()
    assert complete("re") == ["revert", "report"]
    for command in test_man.commands():
        assert complete(command, "-") == sorted(test_man.options_of_help(command)), command
    assert complete("status", "--w") == ["--watch"] and complete("health", "--w") == ["--within"]


def test_completion_of_values(tmp_path):
    (tmp_path / "sheet.csv").touch()
    (tmp_path / "state").mkdir()
    assert complete("run", "--log-format", "") == ["text", "json", "logfmt"]
    assert complete("report", "--lang", "=", "f") == complete("report", "--lang", "f") == ["fr"]
    assert complete("run", "--state", f"{tmp_path}/s") == [f"{tmp_path}/state"]
    assert complete("mend", f"{tmp_path}/sh") == [f"{tmp_path}/sheet.csv"]
    assert complete("run", "--years", "") == complete("run", "--to", "") == []
