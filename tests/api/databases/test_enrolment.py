"""As `tests/api/test_enrolment.py`."""

from tests.api.test_enrolment import *  # noqa: F403
