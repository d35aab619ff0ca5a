"""The contract of sinks (tests/unit/test_sink*.c), held against a real PostgreSQL; SQLite is in the unit tests."""
import os
import subprocess

import pytest

import program

UNIT = os.path.join(os.path.dirname(program.PATH), "tests", "unit")


def on_postgres(name, database):
    environment = dict(os.environ, TEST_POSTGRES_URL=database.to)
    done = subprocess.run([os.path.join(UNIT, name)], env=environment, capture_output=True, text=True, timeout=120)
    told = done.stdout + done.stderr
    assert done.returncode == 0 and "SKIPPED" not in told, told
    return told


@pytest.mark.parametrize("name", ["test_sink", "test_sink_publish", "test_sink_kept", "test_sink_heads"])
@pytest.mark.sanitize
def test_contract_on_postgres(name, database):
    told = on_postgres(name, database)
    # Once for SQLite, once for PostgreSQL.
    assert told.count("[  PASSED  ]") == 2, told


@pytest.mark.sanitize
def test_pg_on_postgres(database):
    on_postgres("test_pg", database)
