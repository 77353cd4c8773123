"""As `tests/api/test_calibrate.py`, but what reads JSON as the text that SQLite keeps."""

from tests.api.test_calibrate import *  # noqa: F403

del test_R_LIB_8_what_is_too_far_away_to_be_a_number_in_json_is_none  # noqa: F821
