"""An unknown person gets a name: its crops are enrolled as images of a person, and it leaves the inbox."""

from collections.abc import Sequence
from dataclasses import dataclass

from lianpu.database.base import new_id
from lianpu.database.session import Database
from lianpu.errors import (
    FieldError,
    LianpuError,
    PersonExistsError,
    UnknownConflictError,
    UnknownNotFoundError,
    UnknownNotNamedError,
)
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.enrolment import Enrolled, Enrolment, FaceChoice, ImageOptions, PersonFields
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.repository import GalleryRepository
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams.inbox.inbox import UnknownInbox
from lianpu.streams.inbox.models import UnknownFace, UnknownPerson
from lianpu.streams.inbox.repository import InboxRepository

CROP_OPTIONS = ImageOptions(choice=FaceChoice(selection="largest"))
"""A crop is made around its face; a neighbour may look in at its edge."""


@dataclass(frozen=True, slots=True)
class NamedFace:
    """What became of one crop: an image of the person, or the reason why not."""

    face_id: str
    enrolled: Enrolled | None
    error: LianpuError | None


@dataclass(frozen=True, slots=True)
class Named:
    person_id: str
    faces: list[NamedFace]


class UnknownNaming:
    def __init__(
        self,
        database: Database,
        inbox: UnknownInbox,
        enrolment: Enrolment,
        changes: GalleryChanges,
        queue: InferenceQueue,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._enrolment = enrolment
        self._changes = changes
        self._queue = queue

    async def name(self, unknown_id: str, person: PersonFields, *, is_new: bool) -> Named:
        """Enrol the crops one by one, the best first, each together with its leaving the inbox.

        The unknown person is gone once one of them is an image of the person; what could not be enrolled goes with it.

        Args:
            person: `is_new`: of the person to be made; else the id of one who exists.

        Raises:
            UnknownNotFoundError, PersonNotFoundError: there is no such unknown person, or no such person.
            PersonExistsError: the new person's id is taken.
            UnknownConflictError: somebody said that it is not that person, or somebody else is naming it.
            UnknownNotNamedError: none of the crops could be enrolled; all is as it was.
        """
        with self._inbox.held(unknown_id):
            return await self._name(unknown_id, person, is_new=is_new)

    async def _name(self, unknown_id: str, person: PersonFields, *, is_new: bool) -> Named:
        unknown, faces = await self._found(unknown_id, person, is_new=is_new)
        person_id = person.person_id or new_id()
        outcomes: list[NamedFace] = []
        for face in faces:
            # Whoever deletes the person meanwhile does not get it made again.
            makes = is_new and not any(one.enrolled for one in outcomes)
            try:
                enrolled = await self._enrol((unknown.pack, unknown.pack_version), face, person_id, person, makes=makes)
            except LianpuError as error:
                outcomes.append(NamedFace(face.id, None, error))
            else:
                outcomes.append(NamedFace(face.id, enrolled, None))
        if not any(one.enrolled for one in outcomes):
            raise UnknownNotNamedError(
                "None of the faces could be enrolled.",
                errors=[FieldError(one.face_id, one.error.detail, one.error.code) for one in outcomes if one.error],
            )
        await self._leave(unknown_id)
        return Named(person_id, outcomes)

    async def _found(
        self, unknown_id: str, person: PersonFields, *, is_new: bool
    ) -> tuple[UnknownPerson, Sequence[UnknownFace]]:
        async with self._database.session() as session:
            repository, gallery = InboxRepository(session), GalleryRepository(session)
            unknown = await repository.unknown(unknown_id)
            if person.person_id is not None:
                if not is_new:
                    await gallery.person(person.person_id)
                elif await gallery.find_person(person.person_id) is not None:
                    raise PersonExistsError(f"There is a person {person.person_id!r} already.")
                if person.person_id in (await repository.vetoes([unknown_id])).get(unknown_id, ()):
                    raise UnknownConflictError(
                        f"Somebody said that this is not {person.person_id!r}. Withdraw that first."
                    )
            return unknown, (await repository.faces_of([unknown_id]))[unknown_id]

    async def _enrol(
        self, key: PackKey, face: UnknownFace, person_id: str, person: PersonFields, *, makes: bool
    ) -> Enrolled:
        try:
            data = await self._inbox.read(face.stored_path)
        except FileNotFoundError as error:
            raise UnknownNotFoundError("The face is gone.") from error
        prepared = await self._queue.run_patiently(self._enrolment.prepare, person_id, data, CROP_OPTIONS)
        async with self._inbox.lock:
            async with self._changes.change(prepared.files) as change:
                repository = InboxRepository(change.session)
                # It may have been purged, or given to somebody else, while it was looked at.
                await repository.delete_faces([await repository.face(face.unknown_id, face.id)])
                if makes:
                    enrolled = await self._enrolment.enrol_into(change, person, prepared)
                else:
                    row = await change.repository.person(person_id)
                    enrolled = await self._enrolment.add_to(change, row, prepared)
            self._inbox.memory.forget_face(key, face.unknown_id, face.vector)
        await self._inbox.delete_files([face.stored_path])
        return enrolled

    async def _leave(self, unknown_id: str) -> None:
        async with self._inbox.change() as repository:
            faces = (await repository.faces_of([unknown_id]))[unknown_id]
            await repository.delete_unknown(unknown_id)
        await self._inbox.delete_files([face.stored_path for face in faces])
