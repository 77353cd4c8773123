"""Recognise, verify and detect, as CompreFace asks for them, by this gallery's own recognition and thresholds."""

import numpy as np
from numpy.typing import NDArray

from lianpu.compreface import schemas
from lianpu.compreface.faces import (
    ATTRIBUTES,
    CALCULATOR,
    FaceOptions,
    face_fields,
    matches_alone,
    plugins_versions,
    similar_subjects,
    wanted_faces,
)
from lianpu.compreface.repository import CompreFaceRepository
from lianpu.database.session import Database
from lianpu.engines.face.face import Embeddings
from lianpu.errors import ImageNotFoundError, LivenessFailedError, SeveralFacesError
from lianpu.gallery.analyzers import key_of
from lianpu.gallery.recognition import Detection, Embedded, FaceMatches, Recognition
from lianpu.packs.metric import raw_value, score_of


class CompreFaceRecognition:
    def __init__(self, recognition: Recognition, database: Database) -> None:
        self._recognition = recognition
        self._database = database

    async def detect(self, data: bytes, options: FaceOptions) -> schemas.DetectionAnswer:
        """
        Raises (here and below):
            FaceNotFoundError: no face is sure enough.
        """
        found = await self._recognition.detect(data, None)
        places = wanted_faces(found, options.least_probability, options.limit)
        embeddings = await self._embeddings(data, options)
        faces = [schemas.FoundFace(**face_fields(found, place, options, found, embeddings)) for place in places]
        return schemas.DetectionAnswer(result=faces, plugins_versions=plugins_versions(found, options))

    async def recognise(
        self, data: bytes, options: FaceOptions, prediction_count: int
    ) -> tuple[schemas.RecognitionAnswer, list[FaceMatches]]:
        """The answer, and whom it names."""
        search = await self._recognition.search(data, top_k=prediction_count)
        found = search.detection
        places = wanted_faces(found, options.least_probability, options.limit)
        attributed = await self._attributed(data, options)
        embeddings = await self._embeddings(data, options)
        faces = [
            schemas.RecognisedFace(
                **face_fields(found, place, options, attributed, embeddings),
                subjects=similar_subjects(matches_alone(search.faces[place])),
            )
            for place in places
        ]
        named = [matches_alone(search.faces[place]) for place in places]
        return schemas.RecognitionAnswer(result=faces, plugins_versions=plugins_versions(found, options)), named

    async def verify_example(
        self, image_id: str, data: bytes, options: FaceOptions
    ) -> schemas.ExampleVerificationAnswer:
        """Each face of the photo against the stored example.

        Raises:
            ImageNotFoundError: the example has no embedding of the active pack.
        """
        embedded = await self._recognition.embeddings(data, None)
        analyzer = embedded.detection.analyzer
        async with self._database.session() as session:
            stored = await CompreFaceRepository(session).embedding(image_id, *key_of(analyzer))
        if stored is None:
            raise ImageNotFoundError(
                f"Image {image_id!r} has no embedding of the pack {analyzer.pack_name!r}, by which faces are compared."
            )
        faces = await self._verified(data, embedded, stored.vector, options)
        versions = plugins_versions(embedded.detection, options)
        return schemas.ExampleVerificationAnswer(result=faces, plugins_versions=versions)

    async def verify(self, source: bytes, target: bytes, options: FaceOptions) -> schemas.VerificationAnswer:
        """Each face of the target against the one of the source.

        Raises:
            SeveralFacesError: the source shows more than one.
            LivenessFailedError: liveness is enforced and that one is not live.
        """
        first = await self._recognition.embeddings(source, None)
        places = wanted_faces(first.detection, options.least_probability, 0)
        if len(places) > 1:
            raise SeveralFacesError(f"The source image shows {len(places)} faces, and one is wanted.")
        if first.detection.refuses(places[0]):
            raise LivenessFailedError("The face of the source image does not look live.")
        second = await self._recognition.embeddings(target, None)
        matches = await self._verified(target, second, first.embeddings[places[0]], options)
        attributed = await self._attributed(source, options)
        fields = face_fields(first.detection, places[0], options, attributed, first.embeddings)
        compared = schemas.ComparedFaces(
            source_image_face=schemas.FoundFace(**fields),
            face_matches=matches,
            plugins_versions=plugins_versions(second.detection, options),
        )
        return schemas.VerificationAnswer(result=[compared])

    async def _verified(
        self, data: bytes, embedded: Embedded, reference: NDArray[np.float32], options: FaceOptions
    ) -> list[schemas.VerifiedFace]:
        found, metric = embedded.detection, embedded.detection.analyzer.metric
        attributed = await self._attributed(data, options)
        faces: list[schemas.VerifiedFace] = []
        for place in wanted_faces(found, options.least_probability, options.limit):
            score = score_of(metric, raw_value(metric, embedded.embeddings[place], reference))
            # Where liveness is enforced, a face that is not live is nobody's.
            similarity = 0.0 if found.refuses(place) else round(score, 5)
            fields = face_fields(found, place, options, attributed, embedded.embeddings)
            faces.append(schemas.VerifiedFace(**fields, similarity=similarity))
        return sorted(faces, key=lambda face: -face.similarity)

    async def _attributed(self, data: bytes, options: FaceOptions) -> Detection | None:
        return await self._recognition.detect(data, None) if options.wants(ATTRIBUTES) else None

    async def _embeddings(self, data: bytes, options: FaceOptions) -> Embeddings | None:
        return (await self._recognition.embeddings(data, None)).embeddings if options.wants({CALCULATOR}) else None
