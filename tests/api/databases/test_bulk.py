"""As `tests/api/test_bulk.py`."""

from tests.api.test_bulk import *  # noqa: F403
