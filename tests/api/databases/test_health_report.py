"""As `tests/api/test_health_report.py`."""

from tests.api.test_health_report import *  # noqa: F403
