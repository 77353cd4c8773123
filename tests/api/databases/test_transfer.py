"""As `tests/api/test_transfer.py`: archives are written from one moment of the gallery."""

from tests.api.test_transfer import *  # noqa: F403
