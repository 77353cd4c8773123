"""A running stream: it looks, shows, ends for a reason, comes back after a break, and leaves nothing behind."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianpu.engines.face.face import Box, DetectedFace, Embeddings, Image
from lianpu.engines.lettering import Lettering
from lianpu.errors import BusyError
from lianpu.packs.metric import Metric
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams import runner as runner_module
from lianpu.streams import source_thread
from lianpu.streams.addresses import SourceRules
from lianpu.streams.health import EndReason, StreamState
from lianpu.streams.pipeline import Pipeline, PipelineOptions, Probe
from lianpu.streams.runner import AskGallery, RunnerOptions, Sighting, StreamRunner
from lianpu.streams.voting import Recognised
from tests.streams.clips import made_clip
from tests.streams.video_server import video_server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Square:
    """Takes the bright square of the test's clips for a face."""

    metric = Metric.COSINE

    def detect(self, image: Image, *, max_faces: int | None = None) -> list[DetectedFace]:
        columns = np.flatnonzero(image[60, :, 0] > 180)
        if not len(columns):
            return []
        left = float(columns[0])
        return [DetectedFace(Box(left, 40, left + 40, 80), 0.9, None)]

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> Embeddings:
        return np.tile(np.eye(4, dtype=np.float32)[:1], (len(faces), 1))


@dataclass
class Watched:
    runner: StreamRunner
    queue: InferenceQueue
    ended: list[tuple[EndReason, str | None]] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)


async def ask(probes: Sequence[Probe]) -> list[tuple[int, Recognised, str | None]]:
    return [(probe.track_id, Recognised("ann", 0.9, 0.2, 0.5), "安") for probe in probes]


@asynccontextmanager
async def watched(
    source: str, rules: SourceRules, *, asked: AskGallery = ask, **options: Any
) -> AsyncIterator[Watched]:
    before = set(threading.enumerate())
    queue = InferenceQueue(1, 4)
    pipeline = Pipeline(Square(), PipelineOptions(min_quality=0.0, min_side_px=20), Lettering(fonts=[]))
    watching: Watched

    async def on_sighting(sighting: Sighting) -> None:
        watching.sightings.append(sighting)

    runner = StreamRunner(
        "s1",
        source,
        rules,
        pipeline,
        asked,
        queue,
        options=RunnerOptions(**options),
        on_sighting=on_sighting,
        on_end=lambda reason, detail: watching.ended.append((reason, detail)),
        resolve=lambda *_: ["127.0.0.1"],
    )
    watching = Watched(runner, queue)
    runner.start()
    try:
        yield watching
    finally:
        await runner.stop(EndReason.STOPPED)
        await queue.close()
        left = {thread for thread in threading.enumerate() if "asyncio" not in thread.name} - before
        assert left == set()
        assert len(watching.ended) == 1


@pytest.fixture
def folder(tmp_path: Path) -> SourceRules:
    (tmp_path / "clip.mp4").write_bytes(made_clip("mp4", 45))
    return SourceRules(folders=(tmp_path,), hosts=frozenset({"camera.example"}))


async def test_R_STR_3_a_file_ends_at_its_end_and_says_who_was_there(folder: SourceRules) -> None:
    async with watched("clip.mp4", folder) as one:
        await one.until(lambda: bool(one.ended))
        assert one.ended == [(EndReason.END_OF_FILE, None)]
        assert one.runner.health.state is StreamState.ENDED
        names = [person.name for sighting in one.sightings for person in sighting.changed]
        assert names == ["安"]
        assert [person.name for sighting in one.sightings for person in sighting.ended] == ["安"]


async def test_R_STR_6_pictures_are_made_while_somebody_watches(folder: SourceRules) -> None:
    async with watched("clip.mp4", folder, loops=True) as one:
        await one.until(lambda: one.runner.health.processed_fps > 0)
        assert one.runner.broadcast.published_total == 0

        async def view(wanted: int) -> list[bytes]:
            seen: list[bytes] = []
            async for jpeg in one.runner.broadcast.pictures():
                seen.append(jpeg)
                if len(seen) == wanted:
                    return seen
            return seen

        viewers = [asyncio.create_task(view(10)) for _ in range(20)]
        await asyncio.sleep(0)
        pictures = await asyncio.gather(*viewers)
        # The same bytes for everybody: drawn and encoded once.
        assert len({jpeg for seen in pictures for jpeg in seen}) <= one.runner.broadcast.published_total
        assert one.runner.broadcast.published_total < 40
        await one.until(lambda: one.runner.broadcast.viewers == 0)
        assert all(jpeg.startswith(b"\xff\xd8") for jpeg in pictures[0])


async def test_R_STR_3_stopping_ends_viewers_too(folder: SourceRules) -> None:
    async with watched("clip.mp4", folder, loops=True) as one:
        viewer = asyncio.create_task(_count(one.runner))
        await one.until(lambda: one.runner.broadcast.published_total > 3)
        await one.runner.stop(EndReason.EXPIRED)
        assert await viewer > 0
        assert one.ended == [(EndReason.EXPIRED, None)]
        assert one.runner.health.state is StreamState.ENDED


async def _count(runner: StreamRunner) -> int:
    return len([jpeg async for jpeg in runner.broadcast.pictures()])


async def test_R_STR_3_a_stream_may_end_when_nobody_watches(
    folder: SourceRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "UNWATCHED_S", 1.0)
    async with watched("clip.mp4", folder, loops=True, stop_when_unwatched=True) as one:
        viewer = asyncio.create_task(_count(one.runner))
        await asyncio.sleep(1.5)
        assert one.ended == []
        viewer.cancel()
        await one.until(lambda: bool(one.ended))
        assert one.ended == [(EndReason.UNWATCHED, None)]


async def test_R_STR_4_a_file_that_begins_again_goes_on_running(folder: SourceRules) -> None:
    """No break between the turns either: the first wait of a source that was lost is a second."""
    async with watched("clip.mp4", folder, loops=True, paced=False) as one:
        await one.until(lambda: one.runner.health.state is StreamState.RUNNING)
        states: set[StreamState] = set()

        def seen_often() -> bool:
            states.add(one.runner.health.state)
            return one.runner._frames.put_total > 20 * 45

        await one.until(seen_often)
        assert states == {StreamState.RUNNING}


async def test_R_STR_4_an_empty_file_that_begins_again_is_no_busy_loop(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"no video at all")
    async with watched("clip.mp4", SourceRules(folders=(tmp_path,)), loops=True) as one:
        await one.until(lambda: bool(one.ended))
        assert one.ended[0][0] is EndReason.LOST


async def test_R_LIB_7_another_pack_looks_from_the_next_frame_on_and_names_stay(folder: SourceRules) -> None:
    class Mirror(Square):
        """Another pack: its vectors have nothing to do with the first one's."""

        def embed(self, image: Image, faces: Sequence[DetectedFace]) -> Embeddings:
            return np.tile(np.eye(7, dtype=np.float32)[:1], (len(faces), 1))

    asked: list[int] = []

    async def ask_other(probes: Sequence[Probe]) -> list[tuple[int, Recognised, str | None]]:
        asked.extend(len(probe.embedding) for probe in probes)
        return await ask(probes)

    changes: list[int] = []
    async with watched("clip.mp4", folder, loops=True) as one:
        await one.until(lambda: any(person.name == "安" for person in one.runner.persons))
        told = len(one.sightings)
        one.runner.use(Mirror(), ask_other, lambda: changes.append(told))
        await one.until(lambda: bool(asked))
        assert set(asked) == {7}
        assert changes == [told]
        # Nobody left or came for its sake.
        assert [person.name for sighting in one.sightings for person in sighting.changed] == ["安"]


async def test_R_STR_2_a_refused_source_fails_with_the_reason(folder: SourceRules) -> None:
    async with watched("/etc/passwd", folder) as one:
        await one.until(lambda: bool(one.ended))
        assert one.ended[0][0] is EndReason.REFUSED
        assert one.runner.health.state is StreamState.FAILED


async def test_R_STR_4_a_source_that_goes_away_is_waited_for(
    folder: SourceRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_thread, "FIRST_WAIT_S", 0.1)
    with video_server() as server:
        server.gives_parts = False
        server.files["/feed"] = made_clip("mpegts", 30)
        async with watched(f"http://admin:geheim@camera.example:{server.port}/feed", folder) as one:
            await one.until(lambda: one.runner.health.state is StreamState.RECONNECTING)
            assert "geheim" not in (one.runner.health.reason or "")
            del server.files["/feed"]
            await one.until(lambda: "404" in (one.runner.health.reason or ""))
            looked = one.runner.health.processed_fps
            server.files["/feed"] = made_clip("mpegts", 30)
            await one.until(lambda: one.runner.health.state is StreamState.RUNNING)
            await one.until(lambda: one.runner.health.processed_fps > looked / 2)
        assert one.ended == [(EndReason.STOPPED, None)]


async def test_R_STR_4_nobody_is_in_a_picture_that_there_is_not(
    folder: SourceRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "SILENCE_S", 0.3)
    monkeypatch.setattr(source_thread, "FIRST_WAIT_S", 0.1)
    monkeypatch.setattr(source_thread, "LONGEST_WAIT_S", 0.2)
    with video_server() as server:
        server.gives_parts = False
        server.files["/feed"] = made_clip("mpegts", 30)
        async with watched(f"http://camera.example:{server.port}/feed", folder) as one:
            await one.until(lambda: bool(one.runner.persons))
            del server.files["/feed"]
            await one.until(lambda: not one.runner.persons)
            assert [person.name for sighting in one.sightings for person in sighting.ended] == ["安"]
            server.files["/feed"] = made_clip("mpegts", 30)
            await one.until(lambda: bool(one.runner.persons))


@pytest.mark.parametrize("failure", [BusyError("full", retry_after_s=1), OSError("the database is away")])
async def test_R_STR_5_a_gallery_that_cannot_be_asked_for_a_while_ends_no_stream(
    folder: SourceRules, failure: Exception
) -> None:
    asked = 0

    async def sometimes(probes: Sequence[Probe]) -> list[tuple[int, Recognised, str | None]]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise failure
        return await ask(probes)

    async with watched("clip.mp4", folder, asked=sometimes, loops=True) as one:
        await one.until(lambda: [person.name for person in one.runner.persons] == ["安"])


async def test_R_STR_8_a_stream_goes_on_although_an_event_cannot_be_kept(folder: SourceRules) -> None:
    async with watched("clip.mp4", folder, loops=True) as one:

        async def refuse(sighting: Sighting) -> None:
            raise OSError("the disk is full")

        one.runner._on_sighting = refuse
        await one.until(lambda: [person.name for person in one.runner.persons] == ["安"])
        assert one.ended == []


async def test_R_STR_1_detection_can_be_paused_while_the_picture_goes_on(folder: SourceRules) -> None:
    async with watched("clip.mp4", folder, loops=True) as one:
        one.runner.detection_paused = True
        viewer = asyncio.create_task(_count(one.runner))
        await one.until(lambda: one.runner.broadcast.published_total > 5)
        await one.runner.stop(EndReason.STOPPED)
        await viewer
        assert one.runner.health.processed_fps == 0
        assert one.sightings == [Sighting([], [])]


async def test_R_STR_3_started_and_stopped_many_times_nothing_is_left(folder: SourceRules) -> None:
    for _ in range(10):
        async with watched("clip.mp4", folder, loops=True):
            await asyncio.sleep(0.02)
