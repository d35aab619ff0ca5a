"""The fixtures of tests/e2e, and `proof`, which counts."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

pytest.register_assert_rewrite("everywhere", "proof")  # they assert what a test would

from fixtures import *  # noqa: E402,F401,F403
from met_server import World, crashing_server  # noqa: E402
from proof import Proof  # noqa: E402


@pytest.fixture
def proof(request):
    """proof(group, case): a Proof, told to ops/prove and judged at the end of the test."""
    request.node.proofs = []

    def make(group, case):
        request.node.proofs.append(Proof(group, case))
        return request.node.proofs[-1]

    return make


@pytest.fixture(scope="session")
def crashing():
    """A PostgreSQL that may be killed at any time."""
    with crashing_server() as server:
        yield server


@pytest.fixture
def world(crashing, site, made_years, make_database, make_import):
    """world(): two years, a fresh database on `crashing`, or on another server, and the program."""
    def make(server=None):
        if crashing.process is None:  # a point before this one ended while it was down
            crashing.start()
        return World(server or crashing, site, made_years, make_database, make_import)

    return make


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs the test; one with a point that was not survived has failed, whatever came after it."""
    names = pyfuncitem._fixtureinfo.argnames  # as pytest's own does it
    try:
        pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    finally:
        made = getattr(pyfuncitem, "proofs", [])
        for one in made:
            one.write()
    wrong = [text for one in made for text in one.wrong]
    if wrong:
        pytest.fail(f"{len(wrong)} did not survive:\n" + "\n\n".join(wrong[:5]), pytrace=False)
    return True
