"""As `tests/api/swap/test_consents.py`."""

from tests.api.swap.test_consents import *  # noqa: F403
