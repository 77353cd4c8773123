"""As `tests/api/test_shadow.py`."""

from tests.api.test_shadow import *  # noqa: F403
