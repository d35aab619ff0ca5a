"""ops/deps beside an apt-get that only says it installed: what it leaves behind on the machine."""
import os
import stat
import subprocess

import pytest

import program

DEPS = os.path.join(program.ROOT, "ops", "deps")
COMMANDS = {
    # Nothing is installed before apt-get install, all of it after.
    "dpkg-query": 'test -e "$FAKE/installed" && printf installed',
    "apt-get": '''case " $* " in *" -s "*) exit 0 ;; esac
cp /etc/postgresql-common/createcluster.d/dvf-import.conf "$FAKE/seen-setting" 2>/dev/null
touch "$FAKE/installed"; exit ${APT_CODE:-0}''',
    "systemctl": 'echo "$@" >> "$FAKE/systemctl-calls"',
}


@pytest.fixture
def deps(tmp_path):
    """Runs it where /etc/postgresql-common is that of a machine without PostgreSQL."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for a mount of its own")
    if not os.path.isdir("/etc/postgresql-common"):
        pytest.skip("needs PostgreSQL of Debian")
    for name, text in COMMANDS.items():
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(*words, **environment):
        script = ("mount -t tmpfs none /etc/postgresql-common && { " + DEPS + ' "$@"; code=$?; '
                  "find /etc/postgresql-common -type f; exit $code; }")
        return subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *words], capture_output=True, text=True,
                              env=os.environ | environment | {"FAKE": str(tmp_path),
                                                              "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    return run


def test_no_cluster_and_no_setting_left(deps, tmp_path):
    """The setting is there while apt-get works and not after; how one makes a cluster is said."""
    done = deps("--postgres")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen-setting").read_text() == "create_main_cluster = false\n"
    assert "createcluster.d" not in done.stdout
    assert "no cluster was made: pg_createcluster 15 main --start\n" in done.stdout


def test_setting_goes_when_apt_fails(deps):
    done = deps("--postgres", APT_CODE="1")
    assert done.returncode != 0
    assert "createcluster" not in done.stdout, done.stdout


def test_nothing_is_said_of_clusters_without_a_server(deps):
    done = deps("--demo")
    assert done.returncode == 0 and "cluster" not in done.stdout, done.stdout


def test_packages_can_be_built(deps):
    """What dpkg-buildpackage takes to be there is installed by name."""
    done = deps("--package")
    assert " build-essential " in done.stdout


def test_new_services_do_not_start_with_the_machine(deps, tmp_path):
    """Those that were there before are left as they are."""
    (tmp_path / "dpkg-query").write_text(
        '#!/bin/sh\ncase "$*" in *pgbouncer) printf installed; exit ;; esac\n' + COMMANDS["dpkg-query"] + "\n")
    assert deps("--test").returncode == 0
    assert (tmp_path / "systemctl-calls").read_text() == "disable --quiet nginx\ndisable --quiet prometheus\n"
