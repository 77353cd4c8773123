"""R-STR-9 without a server: when a frame says something new, and what it costs."""

import asyncio
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from lianpu.engines.face.face import Box, DetectedFace, Embeddings, Image
from lianpu.engines.image import ImageLimits, encode_jpeg
from lianpu.engines.lettering import Lettering
from lianpu.errors import PackNotFoundError
from lianpu.packs.metric import Metric
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import LivenessMode
from lianpu.streams.live import search as search_module
from lianpu.streams.live.messages import FrameProblem, SearchQuery, SearchResult
from lianpu.streams.live.search import LiveSearch
from lianpu.streams.pipeline import PipelineOptions, Probe
from lianpu.streams.voting import Recognised

pytestmark = pytest.mark.anyio
SIDE = 60


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Square:
    """Takes a bright square for a face."""

    metric = Metric.COSINE

    def detect(self, image: Image, *, max_faces: int | None = None) -> list[DetectedFace]:
        bright = np.flatnonzero((image[..., 0] > 180).any(axis=0))
        if not len(bright):
            return []
        left, right = float(bright[0]), float(bright[-1] + 1)
        return [DetectedFace(Box(left, 40, right, 40 + right - left), 0.9, None)]

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> Embeddings:
        return np.tile(np.eye(4, dtype=np.float32)[:1], (len(faces), 1))


class People:
    """A gallery of one person at most."""

    def __init__(self) -> None:
        self.finder = Square()
        self.names_by_id = {"a1": "Ann"}
        self.margin = 0.2
        self.asked = 0

    def mode_for(self, liveness: LivenessMode | None) -> LivenessMode:
        return liveness or LivenessMode.OFF

    async def analyzer(self, pack: str | None, liveness: LivenessMode | None = None) -> Any:
        if self.finder is None:
            raise PackNotFoundError("It is gone.")
        return self.finder

    async def ask(self, analyzer: Any, threshold: float | None, probes: Sequence[Probe]) -> Any:
        self.asked += len(probes)
        person_id = next(iter(self.names_by_id), None)
        name = self.names_by_id.get(person_id or "")
        margin = self.margin if person_id else -0.3
        return [(probe.track_id, Recognised(person_id, 0.6 + margin, margin, 0.5), name) for probe in probes]

    async def names(self, person_ids: set[str]) -> dict[str, str]:
        return {person_id: self.names_by_id[person_id] for person_id in person_ids & self.names_by_id.keys()}


def frame(left: int | None, side: int = SIDE, noise: int = 0) -> bytes:
    pixels = np.full((200, 320, 3), 90, np.uint8)
    if left is not None:
        pixels[40 : 40 + side, left : left + side] = 230
    pixels += np.random.default_rng(noise).integers(0, 8, pixels.shape, dtype=np.uint8)
    return encode_jpeg(pixels, quality=95)


class Running:
    """A live search that runs, and what it told."""

    def __init__(self, people: People, queue: InferenceQueue) -> None:
        options = PipelineOptions(min_quality=0.0, min_side_px=20, try_again_s=0, recheck_s=3600, look_again_s=0)
        limits = ImageLimits(max_pixels=100_000, max_side_px=1000)
        self.search = LiveSearch(
            people,  # type: ignore[arg-type]
            queue,
            SearchQuery(),
            options=options,
            limits=limits,
            lettering=Lettering(fonts=()),
        )
        self.told: list[SearchResult | FrameProblem] = []

    async def show(self, jpeg: bytes) -> None:
        """Until it was looked at."""
        looked = self.search.looked_total + len([one for one in self.told if isinstance(one, FrameProblem)])
        self.search.put(jpeg)
        while self.search.looked_total + len([one for one in self.told if isinstance(one, FrameProblem)]) == looked:
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.005)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.told) < count:
                await asyncio.sleep(0.005)

    @property
    def newest(self) -> SearchResult:
        assert isinstance(self.told[-1], SearchResult)
        return self.told[-1]


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
async def running(people: People, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(search_module, "REFRESH_S", 0.02)
    queue = InferenceQueue(1, 4)
    one = Running(people, queue)
    await one.search.prepare()
    task = asyncio.create_task(one.search.run(one.told.append))
    yield one
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await queue.close()


async def test_R_STR_9_only_what_changed_is_told(running: Running) -> None:
    await running.show(frame(None))
    assert [len(one.faces) for one in running.told] == [0]
    for number in range(5):
        await running.show(frame(100, noise=number))
    assert len(running.told) == 2
    [face] = running.newest.faces
    assert (face.name, face.is_match, face.state) == ("Ann", True, "known")
    # The box follows only when it has moved by more than a twentieth of its side.
    for left in (101, 102):
        await running.show(frame(left))
    assert len(running.told) == 2
    for left in (106, 112, 118):
        await running.show(frame(left))
    assert len(running.told) > 2
    assert {one.faces[0].track for one in running.told[1:]} == {face.track}
    assert running.newest.faces[0].box.x > face.box.x + 5
    await running.show(frame(None))
    assert running.newest.faces == []
    assert running.newest.frame == running.search.received_total


async def test_R_STR_9_a_name_does_not_flicker(running: Running, people: People) -> None:
    await running.show(frame(100))
    people.names_by_id = {"b2": "Bob", "a1": "Ann"}
    people.margin = 0.01
    for number in range(3):
        await running.show(frame(100, noise=number))
    assert {face.name for one in running.told for face in one.faces} == {"Ann"}
    assert people.asked == 1


async def test_R_STR_9_a_doubtful_face_is_named_by_the_second_frame(running: Running, people: People) -> None:
    people.margin = 0.01
    await running.show(frame(100))
    assert [face.state for face in running.newest.faces] == ["looking"]
    await running.show(frame(100, noise=1))
    assert [face.name for face in running.newest.faces] == ["Ann"]


async def test_R_STR_9_renamed_and_deleted_persons_are_told_without_a_new_frame(
    running: Running, people: People
) -> None:
    await running.show(frame(100))
    people.names_by_id["a1"] = "Anne"
    await running.until(2)
    assert [face.name for face in running.newest.faces] == ["Anne"]
    people.names_by_id.clear()
    await running.until(3)
    assert [(face.name, face.person_id, face.is_match) for face in running.newest.faces] == [(None, None, False)]
    assert {one.frame for one in running.told if isinstance(one, SearchResult)} == {1}
    assert running.search.found == {"a1": 0.8}


async def test_R_STR_9_another_default_pack_is_taken_up(running: Running, people: People) -> None:
    await running.show(frame(100))
    people.finder, people.names_by_id = Square(), {"b2": "Bob"}
    await running.until(2)
    assert running.newest.faces == []  # the other pack has seen no frame yet
    await running.show(frame(100))
    assert [face.name for face in running.newest.faces] == ["Bob"]


async def test_R_STR_9_one_bad_frame_after_another_is_told_once(running: Running) -> None:
    for data in (b"nonsense", b"more nonsense"):
        running.search.put(data)
        await running.until(1)
        await asyncio.sleep(0.05)
    assert [one.type for one in running.told] == ["problem"]
    await running.show(frame(None))
    assert [one.type for one in running.told] == ["problem", "result"]


async def test_R_STR_9_frames_come_and_go_without_a_queue(people: People) -> None:
    queue = InferenceQueue(1, 4)
    one = Running(people, queue)
    await one.search.prepare()
    for number in range(50):
        one.search.put(frame(100, noise=number))
    task = asyncio.create_task(one.search.run(one.told.append))
    await one.until(1)
    assert (one.search.looked_total, one.search.dropped_total, one.search.received_total) == (1, 49, 50)
    assert (one.newest.frame, one.newest.dropped) == (50, 49)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await queue.close()


async def test_R_STR_9_a_pack_that_is_gone_ends_the_search(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "REFRESH_S", 0.02)
    queue = InferenceQueue(1, 4)
    one = Running(people, queue)
    await one.search.prepare()
    people.finder = None  # type: ignore[assignment]
    with pytest.raises(PackNotFoundError):
        await asyncio.wait_for(one.search.run(one.told.append), 10)
    await queue.close()


def test_R_STR_9_the_square_is_found() -> None:
    """The tests' own detector."""
    pixels = cv2.imdecode(np.frombuffer(frame(100), np.uint8), cv2.IMREAD_COLOR_RGB)
    [face] = Square().detect(np.asarray(pixels, np.uint8))
    assert abs(face.box.x1 - 100) <= 1
    assert abs(face.box.width - SIDE) <= 2
