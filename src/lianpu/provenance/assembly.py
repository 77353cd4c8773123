"""Puts labels together from the settings; nothing is read or made yet."""

from collections.abc import Callable
from pathlib import Path

from lianpu.database.session import Database
from lianpu.engines.face.face import Image
from lianpu.engines.image import ImageLimits
from lianpu.engines.provenance.labelling import Labeller
from lianpu.engines.swap.video import Picture, rewrite
from lianpu.provenance.keys import ProvenanceKey
from lianpu.provenance.provenance import Provenance
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import Settings


def assemble_provenance(
    settings: Settings, *, database: Database, queue: InferenceQueue, mark_key: Callable[[], bytes]
) -> Provenance:
    """
    Args:
        mark_key: gives the 32 bytes that ids of outputs are made with.
    """
    rules = settings.provenance
    key = ProvenanceKey(settings.home / "keys", rules.producer, key=rules.key_file, certificates=rules.certificate_file)
    return Provenance(
        database,
        Labeller(key.signer, _rewrite),
        key,
        queue,
        settings.home / "uploads",
        mark_key=mark_key,
        producer=rules.producer,
        enhanced=rules.enhanced,
        max_bytes=rules.max_upload_bytes,
        limits=ImageLimits(max_pixels=settings.images.max_pixels, max_side_px=settings.images.max_side_px),
    )


def _rewrite(source: Path, target: Path, paint: Callable[[Image], Image]) -> None:
    def of_picture(picture: Picture) -> Image:
        return paint(picture.pixels)

    rewrite(source, target, of_picture)
