"""As `tests/api/test_calibrate.py`."""

from tests.api.test_calibrate import *  # noqa: F403
