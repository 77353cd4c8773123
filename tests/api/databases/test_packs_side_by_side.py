"""As `tests/api/test_packs_side_by_side.py`."""

from tests.api.test_packs_side_by_side import *  # noqa: F403
