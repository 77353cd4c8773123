"""As `tests/api/test_search.py`."""

from tests.api.test_search import *  # noqa: F403
