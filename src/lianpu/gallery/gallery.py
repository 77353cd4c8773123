"""The gallery as its routes see it: persons, enrolment and recognition over one database and one set of indexes."""

from dataclasses import dataclass

from fastapi import Request

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


def gallery_of(request: Request) -> Gallery:
    """The dependency of the routes."""
    gallery: Gallery = request.app.state.gallery
    return gallery
