"""R-STR-2: frames that a client pushes, as a source of a running stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import numpy as np
import pytest

from lianpu.engines.image import ImageLimits, encode_jpeg
from lianpu.engines.lettering import Lettering
from lianpu.errors import SourceRefusedError
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams import source_thread
from lianpu.streams.addresses import SourceKind, SourceRules, checked_source
from lianpu.streams.health import EndReason, StreamState
from lianpu.streams.pipeline import Pipeline, PipelineOptions
from lianpu.streams.pushing import PushedFrames, Pusher, Taken
from lianpu.streams.runner import RunnerOptions, StreamRunner
from tests.streams.test_runner import Square, Watched, ask

pytestmark = pytest.mark.anyio
LIMITS = ImageLimits(max_pixels=100_000, max_side_px=1000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def frame(left: int) -> bytes:
    pixels = np.full((120, 160, 3), 90, np.uint8)
    pixels[40:80, left : left + 40] = 220
    return encode_jpeg(pixels, quality=90)


class Client:
    def __init__(self, frames: PushedFrames) -> None:
        self._frames = frames
        self.taken: list[Taken] = []
        self.ended: list[bool] = []
        self._parts = ExitStack()

    def begin(self) -> Pusher:
        return self._parts.enter_context(self._frames.pusher(self.taken.append, self.ended.append))

    def leave(self) -> None:
        self._parts.close()


@asynccontextmanager
async def pushed_stream() -> AsyncIterator[tuple[Watched, PushedFrames]]:
    queue, frames = InferenceQueue(1, 4), PushedFrames(LIMITS)
    watching: Watched
    runner = StreamRunner(
        "s1",
        "push:",
        SourceRules(),
        Pipeline(Square(), PipelineOptions(min_quality=0.0, min_side_px=20, detect_every=1), Lettering(fonts=[])),
        ask,
        queue,
        options=RunnerOptions(),
        on_sighting=lambda sighting: _append(watching.sightings, sighting),
        on_end=lambda reason, detail: watching.ended.append((reason, detail)),
        pushed=frames,
    )
    watching = Watched(runner, queue)
    runner.start()
    try:
        yield watching, frames
    finally:
        await runner.stop(EndReason.STOPPED)
        await queue.close()
        assert len(watching.ended) == 1


async def _append(listed: list, one: object) -> None:
    listed.append(one)


async def test_R_STR_2_pushed_frames_are_looked_at_like_any_others() -> None:
    async with pushed_stream() as (one, frames):
        client = Client(frames)
        pusher = client.begin()
        assert one.runner.health.state is StreamState.CONNECTING
        for number in range(1, 6):
            pusher.put(frame(20 + 2 * number))
            await one.until(lambda number=number: bool(client.taken) and client.taken[-1].number == number)
        await one.until(lambda: one.runner.health.persons == 1)
        assert one.runner.health.state is StreamState.RUNNING
        assert [taken.number for taken in client.taken] == [1, 2, 3, 4, 5]
        assert [person.name for person in one.runner.persons] == ["安"]


async def test_R_STR_4_who_pushes_may_go_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_thread, "FIRST_WAIT_S", 0.02)
    async with pushed_stream() as (one, frames):
        client = Client(frames)
        client.begin().put(frame(20))
        await one.until(lambda: one.runner.health.state is StreamState.RUNNING)
        client.leave()
        await one.until(lambda: one.runner.health.state is StreamState.RECONNECTING)
        assert one.runner.health.reason == "Whoever pushed its frames has gone."
        again = Client(frames)
        again.begin().put(frame(24))
        await one.until(lambda: one.runner.health.state is StreamState.RUNNING)
        assert one.ended == []
        assert (client.ended, again.ended) == ([], [])


async def test_R_STR_2_another_pusher_takes_the_place_of_the_first() -> None:
    async with pushed_stream() as (one, frames):
        first, second = Client(frames), Client(frames)
        old = first.begin()
        old.put(frame(20))
        await one.until(lambda: bool(first.taken))
        new = second.begin()
        old.put(frame(30))
        new.put(frame(40))
        await one.until(lambda: bool(second.taken))
        assert first.ended == [True]
        assert [taken.number for taken in first.taken] == [1]
        first.leave()
        assert one.runner.health.state is StreamState.RUNNING


async def test_R_STR_5_of_pushed_frames_only_the_newest_waits() -> None:
    frames = PushedFrames(LIMITS)
    client = Client(frames)
    pusher = client.begin()
    for number in range(20):
        pusher.put(frame(number))
    taken = frames.take(lambda: False, was_pushed=False)
    assert taken is not None
    assert taken[1] == 20
    assert (pusher.dropped_total, frames.dropped_total) == (19, 19)


async def test_R_STR_2_frames_that_cannot_be_used_are_told_and_end_nothing() -> None:
    async with pushed_stream() as (one, frames):
        client = Client(frames)
        pusher = client.begin()
        large = encode_jpeg(np.zeros((500, 500, 3), np.uint8))
        bad = (b"", b"nonsense", frame(20)[:400], large)
        for number, data in enumerate(bad, 1):
            pusher.put(data)
            await one.until(lambda number=number: len(client.taken) == number)
        codes = [taken.problem.code for taken in client.taken if taken.problem is not None]
        assert codes == ["image_empty", "image_format_unsupported", "image_damaged", "image_too_large"]
        pusher.put(frame(20))
        await one.until(lambda: one.runner.health.state is StreamState.RUNNING)
        assert client.taken[-1] == Taken(5, 0, None)


async def test_R_STR_3_the_end_of_the_stream_ends_the_pusher() -> None:
    async with pushed_stream() as (one, frames):
        client = Client(frames)
        client.begin()
        await one.runner.stop(EndReason.EXPIRED)
        await one.until(lambda: client.ended == [False])
        late = Client(frames)
        late.begin().put(frame(20))
        await one.until(lambda: late.ended == [False])


async def test_R_STR_3_a_stream_that_nobody_pushes_can_be_stopped() -> None:
    async with pushed_stream() as (one, _):
        await asyncio.sleep(0.05)
        await one.runner.stop(EndReason.STOPPED)
        assert one.runner.health.state is StreamState.ENDED


def test_R_STR_2_push_is_a_source_of_its_own() -> None:
    source = checked_source(" push: ", SourceRules())
    assert (source.kind, source.shown) == (SourceKind.PUSH, "push:")
    for text in ("push:x", "push://host/", "push", "PUSH:"):
        with pytest.raises(SourceRefusedError):
            checked_source(text, SourceRules())
