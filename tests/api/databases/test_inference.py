"""As `tests/api/test_inference.py`, but what looks into a SQLite file."""

from tests.api.test_inference import *  # noqa: F403

del test_R_INF_2_an_image_deleted_while_a_model_looks_at_it_leaves_no_result  # noqa: F821
