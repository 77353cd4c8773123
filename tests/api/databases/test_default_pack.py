"""As `tests/api/test_default_pack.py`."""

from tests.api.test_default_pack import *  # noqa: F403
