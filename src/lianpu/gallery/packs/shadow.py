"""Shadow mode: searches are answered by the active pack as ever, and repeated behind by a candidate to compare them."""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import BusyError, FieldError, FieldsInvalidError, LianpuError
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.generation import SAME_FACE_IOU, Generation
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.packs.agreement import ENOUGH_FACES, Agreement, Disagreement, Outcome, Verdict, outcome_of
from lianpu.gallery.packs.coverage import Coverage, GalleryCoverage
from lianpu.gallery.packs.repository import PackRepository
from lianpu.gallery.recognition import FaceMatches, Recognition, Search
from lianpu.packs.folder import folder_name
from lianpu.runtime.scheduling import InferenceQueue

STATE = "shadow"
AGREEMENT_STATE = "shadow_agreement"
WAITING_PHOTOS = 4
SAVE_INTERVAL_S = 10.0
WORK_STAGES = ("decode", "detect", "quality", "embed", "search")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Which pack runs in the shadow, and on what part of the searches (0…1]."""

    key: PackKey
    sample_rate: float
    since: str


@dataclass(frozen=True, slots=True)
class ShadowReport:
    candidate: Candidate
    agreement: Agreement
    coverage: GalleryCoverage
    advice: str


class Shadow:
    """`offer` never waits: photos beyond a few are dropped and counted, and nothing runs while searches wait."""

    def __init__(
        self,
        recognition: Recognition,
        analyzers: Analyzers,
        generation: Generation,
        coverage: Coverage,
        database: Database,
        changes: GalleryChanges,
        queue: InferenceQueue,
    ) -> None:
        self._recognition = recognition
        self._analyzers = analyzers
        self._generation = generation
        self._coverage = coverage
        self._database = database
        self._changes = changes
        self._queue = queue
        self._candidate: Candidate | None = None
        self._agreement = Agreement(analyzers.active)
        self._photos: asyncio.Queue[tuple[bytes, Search]] = asyncio.Queue(WAITING_PHOTOS)
        self._task: asyncio.Task[None] | None = None
        self._share = 0.0
        self._saved_at = time.monotonic()

    @property
    def candidate(self) -> Candidate | None:
        return self._candidate

    async def restore(self) -> None:
        """At the start: what was on goes on, and what was counted is known again."""
        async with self._database.session() as session:
            repository = PackRepository(session)
            state, kept = await repository.state(STATE), await repository.state(AGREEMENT_STATE)
        if state is not None:
            candidate = Candidate((state["pack"], state["version"]), state["sample_rate"], state["since"])
            self._begin(candidate, Agreement(self._analyzers.active) if kept is None else Agreement.of_kept(kept))
            _log.info("%s runs in the shadow of %s", folder_name(*candidate.key), self._analyzers.active)

    async def follow(self) -> None:
        """Another node may have put a pack into the shadow, or ended that: this node counts its own searches anew."""
        async with self._database.session() as session:
            state = await PackRepository(session).state(STATE)
        if state is None:
            self._end()
            return
        candidate = Candidate((state["pack"], state["version"]), state["sample_rate"], state["since"])
        known = self._candidate
        is_known = known is not None and (known.key, known.since) == (candidate.key, candidate.since)
        self._begin(candidate, self._agreement if is_known else Agreement(self._analyzers.active))

    async def run(self) -> None:
        """Compare until cancelled; then keep what was counted."""
        self._task = asyncio.current_task()
        try:
            while True:
                data, search = await self._photos.get()
                await self._compare(data, search)
                if time.monotonic() - self._saved_at > SAVE_INTERVAL_S:
                    await self._save()
        finally:
            self._task = None
            await self._save()

    async def begin(self, named: str, sample_rate: float) -> ShadowReport:
        """Put a pack into the shadow; images enrolled from now on get its embedding too.

        The same pack again only changes the sample rate. Another one begins to count anew.

        Raises:
            PackNotFoundError, PackError: the pack cannot be used.
            FieldsInvalidError: it is the active pack.
        """
        key = key_of(await self._queue.run_patiently(self._analyzers.get, named))
        if key == self._analyzers.active_key:
            message = "is the active pack; a candidate is another one"
            raise FieldsInvalidError(f"{named!r} {message}.", errors=[FieldError("pack", message, "is_active")])
        known = self._candidate
        if known is not None and known.key == key:
            candidate, agreement = Candidate(key, sample_rate, known.since), self._agreement
        else:
            candidate = Candidate(key, sample_rate, now_utc().isoformat())
            agreement = Agreement(self._analyzers.active)
        value = {"pack": key[0], "version": key[1], "sample_rate": sample_rate, "since": candidate.since}
        async with self._changes.change() as change:
            await PackRepository(change.session).put_state(STATE, value)
            change.changed_states.append(STATE)
            change.after_commit.append(lambda: self._begin(candidate, agreement))
        return await self._report(candidate)

    async def end(self) -> ShadowReport | None:
        """The last report; None: no pack was in the shadow."""
        candidate = self._candidate
        if candidate is None:
            return None
        report = await self._report(candidate)
        async with self._changes.change() as change:
            for key in (STATE, AGREEMENT_STATE):
                await PackRepository(change.session).forget_state(key)
            change.changed_states.append(STATE)
            change.after_commit.append(self._end)
        return report

    async def report(self) -> ShadowReport | None:
        """None: no pack is in the shadow."""
        return None if self._candidate is None else await self._report(self._candidate)

    def offer(self, data: bytes, search: Search) -> None:
        """Take the photo of a search that was just answered by the active pack."""
        candidate = self._candidate
        answered_by = search.detection.analyzer
        if candidate is None or self._task is None or key_of(answered_by) == candidate.key:
            return
        if self._agreement.active_pack != folder_name(*key_of(answered_by)):
            self._agreement = Agreement(folder_name(*key_of(answered_by)))
        # Every photo adds its share: exact at any rate, and the same each time.
        self._share += candidate.sample_rate
        if self._share < 1.0:
            return
        self._share -= 1.0
        try:
            self._photos.put_nowait((data, search))
        except asyncio.QueueFull:
            self._agreement.dropped += 1

    def _begin(self, candidate: Candidate, agreement: Agreement) -> None:
        self._candidate, self._agreement = candidate, agreement
        self._generation.put_beside("shadow", candidate.key)

    def _end(self) -> None:
        self._candidate = None
        self._generation.put_beside("shadow", None)

    async def _compare(self, data: bytes, search: Search) -> None:
        candidate, agreement = self._candidate, self._agreement
        if candidate is None or agreement.active_pack != folder_name(*key_of(search.detection.analyzer)):
            return
        if self._queue.numbers.waiting:
            agreement.dropped += 1
            return
        try:
            liveness = search.detection.liveness_mode
            found = await self._recognition.search(data, pack=folder_name(*candidate.key), top_k=1, liveness=liveness)
            await self._count(agreement, candidate.key, search, found)
        except BusyError:
            agreement.dropped += 1
        except LianpuError as error:
            agreement.errors += 1
            agreement.last_error = error.detail
        except Exception as error:  # a comparison that fails must not end the mode
            _log.error("a search could not be repeated in the shadow", exc_info=error)
            agreement.errors += 1
            agreement.last_error = type(error).__name__

    async def _count(self, agreement: Agreement, key: PackKey, search: Search, found: Search) -> None:
        moment = now_utc().isoformat()
        for face in search.faces:
            active = _verdict(face)
            candidate = _verdict_at(search, face, found)
            outcome = outcome_of(active, candidate)
            if not await self._can_judge(outcome, active, candidate, key, key_of(search.detection.analyzer)):
                outcome = Outcome.NOT_COVERED
            agreement.count(outcome, Disagreement(moment, outcome, active, candidate))
        agreement.compared += 1
        agreement.active_ms.append(_work_ms(search))
        agreement.candidate_ms.append(_work_ms(found))

    async def _can_judge(
        self, outcome: Outcome, active: Verdict, candidate: Verdict | None, key: PackKey, active_key: PackKey
    ) -> bool:
        """A person whom only one pack covers is known to that one alone, however good the other is."""
        if outcome in {Outcome.SAME_PERSON, Outcome.BOTH_UNKNOWN, Outcome.FACE_NOT_FOUND}:
            return True
        async with self._database.session() as session:
            repository = PackRepository(session)
            if active.person_id is not None and not await repository.covers(key, active.person_id):
                return False
            known = None if candidate is None else candidate.person_id
            return known is None or await repository.covers(active_key, known)

    async def _report(self, candidate: Candidate) -> ShadowReport:
        coverage = await self._coverage.of(candidate.key)
        is_active = candidate.key == self._analyzers.active_key
        return ShadowReport(
            candidate, self._agreement, coverage, _advice(candidate, self._agreement, coverage, is_active)
        )

    async def _save(self) -> None:
        self._saved_at = time.monotonic()
        if self._candidate is None:
            return
        with suppress(Exception):  # counted again or not: no reason to fail
            async with self._database.session() as session:
                await PackRepository(session).put_state(AGREEMENT_STATE, self._agreement.kept())
                await session.commit()


def _verdict(face: FaceMatches) -> Verdict:
    best = face.best_match
    nearest = face.matches[0] if face.matches else None
    return Verdict(
        None if best is None else best.row.person_id,
        None if nearest is None else round(nearest.score, 6),
        None if face.margin is None else round(face.margin, 6),
    )


def _verdict_at(search: Search, face: FaceMatches, found: Search) -> Verdict | None:
    """What the candidate says of the same face; its detector has boxes and an order of its own."""
    box = search.detection.photo.faces[face.face_index].box
    seen = found.detection.photo.faces
    best = max(found.faces, key=lambda other: seen[other.face_index].box.iou(box), default=None)
    if best is None or seen[best.face_index].box.iou(box) < SAME_FACE_IOU:
        return None
    return _verdict(best)


def _work_ms(search: Search) -> float:
    stages = search.detection.timings.stages_ms
    return sum(stages.get(stage, 0.0) for stage in WORK_STAGES)


def _advice(candidate: Candidate, agreement: Agreement, coverage: GalleryCoverage, is_active: bool) -> str:
    named = folder_name(*candidate.key)
    if is_active:
        return f"{named} is the active pack by now: end the shadow mode."
    if not coverage.is_complete:
        return (
            f"{coverage.missing} of {coverage.images} images lack an embedding of {named}: run "
            f"`lianpu gallery reembed {named}` first."
        )
    interval = agreement.interval()
    if interval is None or agreement.judged < ENOUGH_FACES:
        return f"{agreement.judged} faces were compared; wait for {ENOUGH_FACES} or more before you decide."
    different = agreement.counts[Outcome.DIFFERENT_PERSONS]
    if different:
        return (
            f"The packs named different persons for {different} of {agreement.judged} faces: look at those "
            "disagreements, and at the thresholds, before you switch."
        )
    if interval[0] >= 0.99:
        return f"The packs agree; switch by `lianpu models default {named}` when you like."
    lost, won = agreement.counts[Outcome.ONLY_ACTIVE_KNOWS], agreement.counts[Outcome.ONLY_CANDIDATE_KNOWS]
    return (
        f"{named} does not know {lost} faces that {agreement.active_pack} names, and names {won} that it does not: "
        "look at those disagreements, and calibrate the candidate's threshold, before you switch."
    )
