"""Live search: one client's frames, looked at one at a time, and what is new in them."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box
from lianpu.engines.image import ImageLimits
from lianpu.engines.lettering import Lettering
from lianpu.errors import BusyError, ImageError, PackError, PackNotFoundError
from lianpu.gallery.faces import box_fractions, box_pixels
from lianpu.gallery.schemas import NormalizedBox, PixelBox
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import LivenessMode
from lianpu.streams.frames import Frame, NewestFrame
from lianpu.streams.live.messages import FrameProblem, ImageSize, LiveFace, SearchQuery, SearchResult
from lianpu.streams.naming import FaceNaming
from lianpu.streams.pipeline import Person, Pipeline, PipelineOptions, Seen
from lianpu.streams.pushing import decoded_jpeg

REFRESH_S = 1.0
"""How late it may be noticed that somebody of the picture was renamed or deleted."""
MOVED = 0.05
"""A box that has moved by less than this part of its own sides is where it was."""
_log = logging.getLogger(__name__)


class LiveSearch:
    """Of one connection; on one event loop. `put` frames while `run` runs."""

    def __init__(
        self,
        naming: FaceNaming,
        queue: InferenceQueue,
        query: SearchQuery,
        *,
        options: PipelineOptions,
        limits: ImageLimits,
        lettering: Lettering,
    ) -> None:
        self._naming = naming
        self._queue = queue
        self._query = query
        self._limits = limits
        self._lettering = lettering
        self._mode = naming.mode_for(query.liveness_mode)
        # The answer to a single frame names its faces: they are not made to prove that they stay.
        tracker = replace(options.tracker, confirm_hits=1)
        live_only = self._mode is LivenessMode.ENFORCE
        self._options = replace(options, detect_every=1, tracker=tracker, live_only=live_only)
        self._analyzer: FaceAnalyzer | None = None
        self._pipeline: Pipeline | None = None
        self._frames = NewestFrame()
        self._seen: tuple[int, float, ImageSize] | None = None
        """Number, moment and size of the newest frame that was looked at."""
        self._told: SearchResult | FrameProblem | None = None
        self._refused_total = 0
        self.looked_total = 0
        self.found: dict[str, float] = {}
        """The persons that were named so far, and the best score of each."""

    @property
    def received_total(self) -> int:
        return self._frames.put_total

    @property
    def dropped_total(self) -> int:
        return self._frames.dropped_total + self._refused_total

    async def prepare(self) -> FaceAnalyzer:
        """Take up the pack that is meant by now.

        Raises:
            PackNotFoundError, PackError: it cannot be used.
        """
        analyzer = await self._naming.analyzer(self._query.pack, self._mode)
        if analyzer is not self._analyzer:
            judge_live = None if self._mode is LivenessMode.OFF else partial(self._naming.are_live, liveness=self._mode)
            self._analyzer = analyzer
            self._pipeline = Pipeline(analyzer, self._options, self._lettering, judge_live=judge_live)
        return analyzer

    def put(self, jpeg: bytes) -> None:
        """A frame that waits gives way to this one."""
        pixels = partial(decoded_jpeg, jpeg, self._limits)
        self._frames.put(Frame(self._frames.put_total + 1, pixels, time.monotonic()))

    async def run(self, tell: Callable[[SearchResult | FrameProblem], None]) -> None:
        """For ever.

        Args:
            tell: called with what is new.

        Raises:
            PackNotFoundError, PackError: the pack cannot be used any more.
        """
        refreshed_s = time.monotonic()
        while True:
            frame = await self._next(refreshed_s + REFRESH_S)
            problem = None if frame is None else await self._look(frame)
            if time.monotonic() - refreshed_s >= REFRESH_S:
                await self._refresh()
                refreshed_s = time.monotonic()
            outcome = problem or self._result()
            if outcome is not None and not _is_same(outcome, self._told):
                self._told = outcome
                tell(outcome)

    async def _next(self, until_s: float) -> Frame | None:
        """None: none came in time."""
        try:
            async with asyncio.timeout(max(0.0, until_s - time.monotonic())):
                return await self._frames.take()
        except TimeoutError:
            return None

    async def _look(self, frame: Frame) -> FrameProblem | None:
        analyzer, pipeline = self._analyzer, self._pipeline
        assert analyzer is not None
        assert pipeline is not None
        try:
            size, seen = await self._queue.run(_looked, pipeline, frame)
            if seen.probes:
                pipeline.take_names(await self._naming.ask(analyzer, self._query.threshold, seen.probes))
        except ImageError as error:
            return FrameProblem(frame=frame.number, code=error.code, detail=error.detail)
        except BusyError:
            # This frame goes by, as under any other overload.
            self._refused_total += 1
            return None
        self.looked_total += 1
        self._seen = (frame.number, frame.moment_s, size)
        return None

    async def _refresh(self) -> None:
        """What became of the gallery meanwhile. Who is enrolled is found when the face is looked at again."""
        try:
            await self.prepare()
            assert self._pipeline is not None
            persons = self._pipeline.persons
            named = {person.voting.name for person in persons if person.voting.name is not None}
            names = await self._naming.names(named) if named else {}
        except (PackError, PackNotFoundError):
            raise
        except Exception as error:  # a database that is away: asked again soon
            _log.warning("the gallery cannot be asked who is still in it", exc_info=error)
            return
        for person_id in named - names.keys():
            self._pipeline.forget(person_id)
        for person in persons:
            if person.voting.name is not None:
                person.name = names[person.voting.name]

    def _result(self) -> SearchResult | None:
        """None: no frame was looked at yet."""
        if self._seen is None or self._pipeline is None:
            return None
        number, moment_s, size = self._seen
        faces = [self._face(person, moment_s, size) for person in self._pipeline.persons]
        for face in faces:
            if face.person_id is not None and face.score is not None:
                self.found[face.person_id] = max(face.score, self.found.get(face.person_id, 0.0))
        return SearchResult(frame=number, dropped=self.dropped_total, image=size, faces=faces)

    def _face(self, person: Person, moment_s: float, size: ImageSize) -> LiveFace:
        box = Box(*(float(side) for side in person.track.box_at(moment_s)))
        is_match = person.voting.name is not None and (person.is_live is not False or not self._options.live_only)
        score = person.voting.score if is_match else None
        return LiveFace(
            track=person.track.id,
            state=person.tone,
            person_id=person.voting.name if is_match else None,
            name=person.name if is_match else None,
            score=None if score is None else round(score, 4),
            is_match=is_match,
            is_live=person.is_live,
            box=PixelBox(**box_pixels(box)),
            box_normalized=NormalizedBox(**box_fractions(box, size.width, size.height)),
        )


def _looked(pipeline: Pipeline, frame: Frame) -> tuple[ImageSize, Seen]:
    """On an inference worker."""
    height, width = frame.pixels.shape[:2]
    return ImageSize(width=width, height=height), pipeline.look(frame)


def _is_same(new: SearchResult | FrameProblem, told: SearchResult | FrameProblem | None) -> bool:
    if isinstance(new, FrameProblem):
        return isinstance(told, FrameProblem) and new.code == told.code
    if not isinstance(told, SearchResult) or new.image != told.image or len(new.faces) != len(told.faces):
        return False
    return all(_is_same_face(one, other) for one, other in zip(new.faces, told.faces, strict=True))


def _is_same_face(new: LiveFace, told: LiveFace) -> bool:
    boxes = {"box", "box_normalized"}
    if new.model_dump(exclude=boxes) != told.model_dump(exclude=boxes):
        return False
    shifts = (
        abs(new.box.x - told.box.x) / told.box.width,
        abs(new.box.y - told.box.y) / told.box.height,
        abs(new.box.width / told.box.width - 1),
        abs(new.box.height / told.box.height - 1),
    )
    return max(shifts) < MOVED
