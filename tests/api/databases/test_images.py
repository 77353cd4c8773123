"""As `tests/api/test_images.py`, but what looks into a SQLite file."""

from tests.api.test_images import *  # noqa: F403

del test_R_INF_1_a_user_who_goes_takes_them_along  # noqa: F821
