"""As `tests/api/test_images.py`, but what looks into a SQLite file.

A start clears what a crash has left at once on SQLite alone: elsewhere another node may be writing it.
"""

from tests.api.test_images import *  # noqa: F403

del test_R_INF_1_a_restart_clears_up_what_a_crash_left  # noqa: F821
del test_R_INF_1_a_user_who_goes_takes_them_along  # noqa: F821
