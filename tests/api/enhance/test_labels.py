"""Enhanced photos say that networks added detail to them: the labels of the settings, put on by the real engines."""

from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from skimage import data

from tests.api.conftest import OpenClient
from tests.api.enhance.calls import fetch, send

pytestmark = pytest.mark.anyio

VERIFY = "/api/v1/provenance/verify"


@pytest.fixture
def enhancer() -> None:
    """The packs' own engines."""


@pytest.fixture(scope="module")
def portrait() -> bytes:
    face = data.astronaut()[20:220, 120:320]
    return cv2.imencode(".jpg", cv2.cvtColor(face, cv2.COLOR_RGB2BGR))[1].tobytes()


async def enhanced(client: httpx2.AsyncClient, photo: bytes, **fields: Any) -> bytes:
    submitted = await send(client, photo, enhancement_level=2, restorer="none", **fields)
    assert submitted.status_code in {200, 202}, submitted.text
    told = submitted.json()
    while told["enhancement"]["status"] in {"pending", "processing"}:
        told |= (await client.get(f"/api/v1/enhance/{told['enhancement']['enhancement_id']}")).json()
    result = await fetch(client, submitted.json())
    assert result.status_code == 200, told
    return result.content


async def verified(client: httpx2.AsyncClient, photo: bytes) -> dict[str, Any]:
    answer = await client.post(VERIFY, files={"file": ("photo.jpg", photo)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def pixels_of(photo: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)


async def test_R_SWP_4_enhanced_photos_say_in_their_metadata_that_they_are(
    open_client: OpenClient, portrait: bytes
) -> None:
    async with open_client(enhance__quick_s=60) as client:
        photo = await enhanced(client, portrait, upscaler="realesrgan-compact")
        told = await verified(client, photo)
        assert told["metadata"]["digital_source_type"].endswith("/algorithmicallyEnhanced")
        assert told["metadata"]["aigc"]["Label"] == "1"
        assert told["manifest"]["valid"]
        assert told["manifest"]["trusted"]
        (mark,) = told["marks"]
        output = mark["output"]
        assert mark["is_own"]
        assert (output["kind"], output["labels"]) == ("enhancement", ["xmp", "aigc", "c2pa"])
        assert "realesrgan-compact" in output["engine"]
        assert output["sha256"] == ""
        assert not told["visible"]["found"]
        assert told["watermark"] is None

        without = await enhanced(client, portrait, upscaler="lanczos")
        told = await verified(client, without)
        assert told["conclusion"] == "unlabelled"
    async with open_client(enhance__quick_s=60, provenance__enhanced="off") as client:
        plain = await enhanced(client, portrait, upscaler="realesrgan-compact")
        assert (await verified(client, plain))["metadata"]["digital_source_type"] is None
        assert np.array_equal(pixels_of(plain), pixels_of(photo))


async def test_R_SWP_4_enhanced_photos_are_marked_as_swaps_are_where_that_is_wanted(
    open_client: OpenClient, portrait: bytes
) -> None:
    async with open_client(enhance__quick_s=60, provenance__enhanced="full") as client:
        photo = await enhanced(client, portrait, upscaler="realesrgan-compact")
        told = await verified(client, photo)
        assert told["visible"]["found"]
        (mark,) = told["marks"]
        assert mark["output"]["labels"] == ["visible", "watermark", "xmp", "aigc", "c2pa"]
        assert told["watermark"]["mark"] == told["metadata"]["aigc"]["ProduceID"]
