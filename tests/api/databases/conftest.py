"""The tests of the API once more, over a server as the database: R-OPS 2 says that nothing else changes.

The modules here only name the tests that run again, by `-m servers`.
"""

import pytest

from tests.api.streams.conftest import clips, open_streams, server
from tests.api.swap.conftest import house, open_swap

__all__ = ["clips", "house", "open_streams", "open_swap", "server"]


@pytest.fixture
def api_database(server_url: str) -> str:
    return server_url
