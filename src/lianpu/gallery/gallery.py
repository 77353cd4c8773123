"""The gallery as its routes see it: persons, enrolment and recognition over one database and one set of indexes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.enrolment import Enrolment
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.persons import Persons
from lianpu.gallery.recognition import Recognition


@dataclass(frozen=True, slots=True)
class Gallery:
    persons: Persons
    enrolment: Enrolment
    recognition: Recognition
    analyzers: Analyzers
    indexes: GalleryIndexes


async def _gallery(request: Request) -> Gallery:
    # Not `def`: FastAPI would send it through a thread.
    gallery: Gallery = request.app.state.gallery
    return gallery


GalleryDep = Annotated[Gallery, Depends(_gallery)]
