"""As `tests/api/test_conflicts.py`."""

from tests.api.test_conflicts import *  # noqa: F403
