"""The gallery as its routes see it: persons, enrolment and recognition over one database and one set of indexes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.bulk.requests import BulkRequests
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.enrolment import Enrolment
from lianpu.gallery.following import GalleryFollowing
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.insights.health_reports import HealthReports
from lianpu.gallery.insights.insights import Insights
from lianpu.gallery.liveness import LivenessCheck
from lianpu.gallery.moves.moves import Moves
from lianpu.gallery.packs.coverage import Coverage
from lianpu.gallery.packs.default_pack import DefaultPack
from lianpu.gallery.packs.reembedding import ReembeddingRequests
from lianpu.gallery.packs.shadow import Shadow
from lianpu.gallery.persons import Persons
from lianpu.gallery.recognition import Recognition
from lianpu.gallery.thresholds import GalleryThresholds
from lianpu.gallery.transfer.requests import Transfers


@dataclass(frozen=True, slots=True)
class Gallery:
    persons: Persons
    enrolment: Enrolment
    recognition: Recognition
    liveness: LivenessCheck
    analyzers: Analyzers
    indexes: GalleryIndexes
    coverage: Coverage
    thresholds: GalleryThresholds
    default_pack: DefaultPack
    shadow: Shadow
    moves: Moves
    bulk: BulkRequests
    transfers: Transfers
    changes: GalleryChanges
    following: GalleryFollowing
    reembedding: ReembeddingRequests
    insights: Insights
    health: HealthReports


async def _gallery(request: Request) -> Gallery:
    # Not `def`: FastAPI would send it through a thread.
    gallery: Gallery = request.app.state.gallery
    return gallery


GalleryDep = Annotated[Gallery, Depends(_gallery)]
