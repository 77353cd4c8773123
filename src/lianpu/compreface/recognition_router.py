"""`recognize`, `verify` and `detect`, as CompreFace's clients call them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.compreface import schemas
from lianpu.compreface.compreface import SWITCHED_ON, CompreFaceDep
from lianpu.compreface.dialect import DETECTION, RECOGNITION, VERIFICATION
from lianpu.compreface.faces import FaceOptions, plugins_of
from lianpu.gallery.answers import persons_found
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import problems
from lianpu.http.uploads import named_images

router = APIRouter(tags=["compreface"], responses=problems(400, 404, 413, 503))
Photo = Annotated[dict[str, bytes], Depends(named_images("file"))]
PLUGINS_MAX_CHARS = 200


async def _options(
    limit: Annotated[int, Query(ge=0, description="Most faces, the largest first; 0: all.")] = 0,
    det_prob_threshold: Annotated[float, Query(ge=0, le=1, description="Least probability that it is a face.")] = 0.0,
    face_plugins: Annotated[
        str, Query(max_length=PLUGINS_MAX_CHARS, description="age, gender, landmarks, calculator, pose; by commas.")
    ] = "",
    status: Annotated[bool, Query(description="With times and the pack's version.")] = False,
    detect_faces: Annotated[bool, Query(description="False: the photo is of one face, and the largest counts.")] = True,
) -> FaceOptions:
    return FaceOptions(limit if detect_faces else 1, det_prob_threshold, plugins_of(face_plugins), status)


Options = Annotated[FaceOptions, Depends(_options)]


@router.post(
    f"{RECOGNITION}/recognize",
    dependencies=[audited(Action.FACE_SEARCH), requires(Scope.GALLERY_RECOGNISE), SWITCHED_ON],
    openapi_extra=schemas.photo_body("file"),
    response_model_exclude_none=True,
)
async def recognize(
    photos: Photo,
    options: Options,
    compreface: CompreFaceDep,
    note: AuditNoteDep,
    prediction_count: Annotated[int, Query(ge=1, le=100, description="Most subjects a face.")] = 1,
) -> schemas.RecognitionAnswer:
    """1:N: whom each face matches, by this server's thresholds."""
    answer, named = await compreface.recognition.recognise(photos["file"], options, prediction_count)
    note.about(faces=len(answer.result), persons=persons_found(named))
    return answer


@router.post(
    f"{RECOGNITION}/faces/{{image_id}}/verify",
    dependencies=[audited(Action.FACE_COMPARE), requires(Scope.GALLERY_RECOGNISE), SWITCHED_ON],
    openapi_extra=schemas.photo_body("file"),
    response_model_exclude_none=True,
)
async def verify_example(
    image_id: str, photos: Photo, options: Options, compreface: CompreFaceDep, note: AuditNoteDep
) -> schemas.ExampleVerificationAnswer:
    """1:1 with a stored example."""
    person_id = (await compreface.examples.get(image_id)).person_id
    answer = await compreface.recognition.verify_example(image_id, photos["file"], options)
    note.about(image_id, person_id=person_id, score=round(answer.result[0].similarity, 3))
    return answer


@router.post(
    f"{DETECTION}/detect",
    dependencies=[audited(Action.FACE_DETECT), requires(Scope.GALLERY_RECOGNISE), SWITCHED_ON],
    openapi_extra=schemas.photo_body("file"),
    response_model_exclude_none=True,
)
async def detect(
    photos: Photo, options: Options, compreface: CompreFaceDep, note: AuditNoteDep
) -> schemas.DetectionAnswer:
    """Boxes, and what the plugins say."""
    answer = await compreface.recognition.detect(photos["file"], options)
    note.about(faces=len(answer.result))
    return answer


@router.post(
    f"{VERIFICATION}/verify",
    dependencies=[audited(Action.FACE_COMPARE), requires(Scope.GALLERY_RECOGNISE), SWITCHED_ON],
    openapi_extra=schemas.photo_body("source_image", "target_image"),
    response_model_exclude_none=True,
)
async def verify(
    photos: Annotated[dict[str, bytes], Depends(named_images("source_image", "target_image"))],
    options: Options,
    compreface: CompreFaceDep,
    note: AuditNoteDep,
) -> schemas.VerificationAnswer:
    """1:1: the one face of the source with each face of the target."""
    answer = await compreface.recognition.verify(photos["source_image"], photos["target_image"], options)
    note.about(score=round(answer.result[0].face_matches[0].similarity, 3))
    return answer
