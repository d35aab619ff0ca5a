"""health: 0 while a run gets on or when the last one ended well, 1 otherwise; one line says why."""
import os
import shutil
import signal
import subprocess
import tempfile

import pytest

import ledgers
import program
from servers import wait_for


def health(importer, within=2):
    result = importer.call("health", "--within", str(within))
    assert len(result.out.splitlines()) == 1 and result.err == "", str(result)
    return result


def expect(importer, code, words, within=2):
    result = health(importer, within)
    assert result.code == code and words in result.out, str(result)
    return result


@pytest.mark.sanitize
def test_before_during_and_after(site, make_destination, make_import, made_years):
    site.put(2021, made_years(100_000))
    importer = make_import(make_destination("sqlite"))
    expect(importer, 1, "nothing was imported with this --state yet")
    process = importer.start("--years", "2021", "--chunk-rows", "200")
    ledgers.stop_in_loading(importer, process)
    result = expect(importer, 1, "nothing has moved: 2021 loading", within=1)
    assert 0.9 < result.seconds < 30 * program.SLOW
    looking = importer.start("--within", "20", command="health")
    os.kill(process.pid, signal.SIGCONT)
    assert importer.finish(looking).code == 0
    importer.kill(process)
    expect(importer, 1, "was killed and none goes on: dvf-import run does")
    importer.run_well("--years", "2021")
    expect(importer, 0, "ended well")


def test_a_slow_download_is_progress_and_a_stuck_one_is_not(site, make_destination, make_import, made_years):
    site.rate = "50k"
    site.stop()
    site.start()
    site.put(2021, made_years(200_000))
    importer = make_import(make_destination("sqlite"), part="slow")
    process = importer.start("--years", "2021")
    wait_for(lambda: "fetching" in health(importer).out, 60, "the download")
    expect(importer, 0, "2021 fetching", within=10)
    os.kill(site.process.pid, signal.SIGSTOP)
    try:
        # What was on its way arrives first.
        wait_for(lambda: health(importer).code == 1, 30, "health to see that nothing comes")
    finally:
        os.kill(site.process.pid, signal.SIGCONT)
    process.terminate()
    assert importer.finish(process).code == program.INTERRUPTED
    expect(importer, 1, "exit code 75 (stopped)")


def test_a_year_that_is_missing(site, make_destination, make_import, made_years):
    site.put(2021, made_years(100))
    importer = make_import(make_destination("sqlite"))
    assert importer.run("--years", "2021,2022").code == program.SOME
    expect(importer, 1, "exit code 2 (partial)")
    importer.run_well("--years", "2021")
    expect(importer, 0, "every year asked for is in")


def test_it_keeps_no_run_from_starting(site, make_destination, make_import, made_years):
    """The lock is looked at, never taken."""
    site.put(2021, made_years(100))
    importer = make_import(make_destination("sqlite"))
    importer.run_well("--years", "2021")
    for _ in range(5):
        looking = [importer.start(command="health") for _ in range(3)]
        importer.run_well("--years", "2021")
        for one in looking:
            assert importer.finish(one).code in (0, 1)


@pytest.mark.parametrize("left", ["ended", "at work", "killed"])
def test_a_folder_that_may_only_be_read(site, make_destination, make_import, made_years, left):
    """As another user, who may write neither the ledger nor its log."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    site.put(2021, made_years(300_000 if left == "at work" else 20_000))
    place = tempfile.mkdtemp(prefix="dvf-health-")
    os.chmod(place, 0o755)
    shutil.copy(program.PATH, place)
    importer = make_import(make_destination("sqlite"), state=os.path.join(place, "state"))
    process = importer.start("--years", "2021", "--chunk-rows", "500")
    if left != "ended":
        wait_for(lambda: "loading" in importer.call("status").out, 60, "the load")
    if left == "killed":
        importer.kill(process)
    elif left == "ended":
        assert importer.finish(process).code == 0
    subprocess.run(["chmod", "-R", "a+rX", place], check=True)
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", os.path.join(place, "dvf-import"), "health",
                           "--state", importer.state], capture_output=True, text=True, timeout=60)
    assert {"ended": "ended well", "at work": "is at work", "killed": "was killed"}[left] in done.stdout, done
    assert done.returncode == (1 if left == "killed" else 0), done
    if process.poll() is None:
        importer.kill(process)
    shutil.rmtree(place)
