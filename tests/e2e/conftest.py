"""What every test here may ask for stands in fixtures.py, which tests/prove shares."""
from fixtures import *  # noqa: F401,F403
