"""As `tests/api/test_merge_move.py`."""

from tests.api.test_merge_move import *  # noqa: F403
