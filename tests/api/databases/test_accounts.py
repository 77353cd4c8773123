"""As `tests/api/test_accounts.py`."""

from tests.api.test_accounts import *  # noqa: F403
