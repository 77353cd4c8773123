"""As `tests/audit/test_reading.py`, but what asks SQLite for its plans, on the other databases."""

from collections.abc import AsyncIterator

import pytest

from lianpu.database.session import Database
from tests.audit.test_reading import *  # noqa: F403

del test_R_ACC_4_every_filter_is_read_in_the_order_of_an_index  # noqa: F821


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    opened = Database(server_url)
    yield opened
    await opened.close()
