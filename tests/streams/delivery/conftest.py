"""Receivers, and an asyncio loop for every test."""

from collections.abc import Iterator

import pytest

from tests.streams.delivery.receiver import Receiver, receiver


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def taker() -> Iterator[Receiver]:
    with receiver() as one:
        yield one
