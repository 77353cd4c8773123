"""`/api/v1/images`: one's own images."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response, status

from lianpu.accounts.access import PrincipalDep, requires
from lianpu.accounts.roles import Scope
from lianpu.engines.image_header import ImageFormat
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.images.receiving import FIELD
from lianpu.images.schemas import (
    IMAGES_PATH,
    ImageAnswer,
    ImageListAnswer,
    ImageOnlyAnswer,
    ResultAnswer,
    ResultListAnswer,
)
from lianpu.images.service import ImagesDep, InferenceDep

router = APIRouter(prefix=IMAGES_PATH, tags=["images"])
UPLOAD_PATH = f"{IMAGES_PATH}/upload"
MAX_SKIP = 1_000_000
Skip = Annotated[int, Query(ge=0, le=MAX_SKIP)]
Limit = Annotated[int, Query(ge=1, le=200)]
# One's own photos: no shared cache may keep them, and no browser may take them for anything else.
PRIVATE = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}
UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "The image: JPEG, PNG, BMP, GIF or WebP.",
                        }
                    },
                    "required": [FIELD],
                    "additionalProperties": False,
                }
            }
        },
    }
}


@router.post(
    "/upload",
    dependencies=[audited(Action.IMAGE_UPLOAD), requires(Scope.IMAGES)],
    status_code=status.HTTP_201_CREATED,
    openapi_extra=UPLOAD_BODY,
    responses=problems(400, 409, 413, 415, 422, 503, 507),
)
async def upload_image(
    request: Request, images: ImagesDep, principal: PrincipalDep, note: AuditNoteDep, request_id: RequestId
) -> ImageOnlyAnswer:
    """Store an image of one's own. Its type is that of its content; limits hold while it arrives."""
    image = await images.upload(principal.id, request.headers.get("content-type", ""), request.stream())
    note.about(image.id, size_bytes=image.size_bytes)
    return ImageOnlyAnswer(image=ImageAnswer.of(image), request_id=request_id)


@router.get("/", dependencies=[audited(Action.IMAGE_LIST), requires(Scope.IMAGES)], responses=problems(422))
async def list_images(
    images: ImagesDep, principal: PrincipalDep, request_id: RequestId, skip: Skip = 0, limit: Limit = 50
) -> ImageListAnswer:
    """One's own images, newest first."""
    page, total = await images.page(principal.id, skip, limit)
    answers = [ImageAnswer.of(image) for image in page]
    return ImageListAnswer(images=answers, total=total, skip=skip, limit=limit, request_id=request_id)


@router.get("/{image_id}", dependencies=[audited(Action.IMAGE_READ), requires(Scope.IMAGES)], responses=problems(404))
async def get_image(
    image_id: str, images: ImagesDep, principal: PrincipalDep, request_id: RequestId
) -> ImageOnlyAnswer:
    return ImageOnlyAnswer(image=ImageAnswer.of(await images.get(principal.id, image_id)), request_id=request_id)


@router.delete(
    "/{image_id}",
    dependencies=[audited(Action.IMAGE_DELETE), requires(Scope.IMAGES)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
async def delete_image(image_id: str, images: ImagesDep, principal: PrincipalDep) -> None:
    """Delete the image with its file and all results. Tasks that wait for it fail with `image_not_found`."""
    await images.delete(principal.id, image_id)


@router.get(
    "/{image_id}/content",
    dependencies=[audited(Action.IMAGE_CONTENT), requires(Scope.IMAGES)],
    response_class=Response,
    responses=problems(404),
)
async def get_image_content(image_id: str, images: ImagesDep, principal: PrincipalDep) -> Response:
    """The image, byte for byte as it was uploaded."""
    image, data = await images.content(principal.id, image_id)
    disposition = f"inline; filename*=UTF-8''{quote(image.name, safe='')}"
    headers = {**PRIVATE, "Content-Disposition": disposition}
    return Response(data, media_type=ImageFormat(image.format).media_type, headers=headers)


@router.get(
    "/{image_id}/thumbnail",
    dependencies=[audited(Action.IMAGE_THUMBNAIL, gathered=True), requires(Scope.IMAGES)],
    response_class=Response,
    responses=problems(404),
)
async def get_image_thumbnail(image_id: str, images: ImagesDep, principal: PrincipalDep) -> Response:
    """The whole image as a small JPEG."""
    return Response(await images.thumbnail(principal.id, image_id), media_type="image/jpeg", headers=PRIVATE)


@router.get(
    "/{image_id}/results",
    dependencies=[audited(Action.INFERENCE_READ), requires(Scope.IMAGES)],
    responses=problems(404, 422),
)
async def list_results(
    image_id: str,
    inference: InferenceDep,
    principal: PrincipalDep,
    request_id: RequestId,
    skip: Skip = 0,
    limit: Limit = 50,
) -> ResultListAnswer:
    """What models made of the image, newest first."""
    page, total = await inference.results(principal.id, image_id, skip, limit)
    answers = [ResultAnswer.of(result) for result in page]
    return ResultListAnswer(results=answers, total=total, skip=skip, limit=limit, request_id=request_id)
