"""As `tests/api/test_concurrency.py`."""

from tests.api.test_concurrency import *  # noqa: F403
