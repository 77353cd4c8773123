"""The façade as its routes see it, and whether it is on."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from lianpu.compreface.examples import Examples
from lianpu.compreface.recognition import CompreFaceRecognition
from lianpu.compreface.subjects import Subjects
from lianpu.database.session import Database
from lianpu.errors import CompreFaceDisabledError
from lianpu.gallery.gallery import Gallery


@dataclass(frozen=True, slots=True)
class CompreFace:
    subjects: Subjects
    examples: Examples
    recognition: CompreFaceRecognition
    is_enabled: bool


def assemble_compreface(*, enabled: bool, database: Database, gallery: Gallery) -> CompreFace:
    subjects = Subjects(database, gallery.changes, gallery.persons, gallery.moves)
    return CompreFace(
        subjects,
        Examples(database, subjects, gallery.enrolment, gallery.persons, gallery.recognition),
        CompreFaceRecognition(gallery.recognition, database),
        enabled,
    )


async def _compreface(request: Request) -> CompreFace:
    compreface: CompreFace = request.app.state.compreface
    return compreface


CompreFaceDep = Annotated[CompreFace, Depends(_compreface)]


async def _switched_on(compreface: CompreFaceDep) -> None:
    """
    Raises:
        CompreFaceDisabledError: it is off.
    """
    if not compreface.is_enabled:
        raise CompreFaceDisabledError(
            "CompreFace's API is off on this server; its operator may set `compreface.enabled`."
        )


SWITCHED_ON = Depends(_switched_on)
"""For `dependencies=[…]` of a route, after its access rule and before its body is read."""
