"""People whose embeddings are made up: rows as an enrolment leaves them, without photos."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianpu.bootstrap import Platform
from lianpu.database.base import new_id
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage

GOOD = {
    "overall": 0.9,
    "sharpness": 0.9,
    "size_px": 120.0,
    "yaw_degrees": 0.0,
    "pitch_degrees": 0.0,
    "roll_degrees": 0.0,
    "exposure": 0.9,
    "detection_score": 0.9,
}


async def add_people(
    platform: Platform,
    pack: str,
    people: Mapping[str, NDArray[np.float32]],
    *,
    quality: Mapping[str, dict[str, Any]] | None = None,
    hashes: Mapping[str, list[str]] | None = None,
) -> dict[str, list[str]]:
    """Image ids by person. `people`: [images, dimension] by person id; empty: an image without an embedding."""
    ids: dict[str, list[str]] = {}
    async with platform.gallery.changes.change() as change:
        for person_id, vectors in people.items():
            change.session.add(Person(id=person_id, name=person_id.title(), details={}))
            await change.session.flush()
            ids[person_id] = [new_id() for _ in range(max(1, len(vectors)))]
            for place, image_id in enumerate(ids[person_id]):
                digest = (hashes or {}).get(person_id)
                change.session.add(
                    PersonImage(
                        id=image_id,
                        person_id=person_id,
                        sha256=digest[place] if digest else image_id,
                        is_primary=place == 0,
                        format="jpeg",
                        width=200,
                        height=200,
                        size_bytes=1000,
                        box=[10, 10, 100, 100],
                        quality={**GOOD, **(quality or {}).get(person_id, {})},
                        stored_path=f"gallery/{image_id}.jpeg",
                        thumbnail_path=f"gallery/{image_id}.thumbnail.jpeg",
                    )
                )
            await change.session.flush()
            change.add_embeddings(
                [
                    FaceEmbedding(
                        person_id=person_id,
                        image_id=image_id,
                        pack=pack,
                        pack_version="1",
                        dimension=len(vector),
                        vector=vector,
                    )
                    for image_id, vector in zip(ids[person_id], vectors, strict=False)
                ]
            )
    return ids
