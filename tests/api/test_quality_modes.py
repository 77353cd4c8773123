"""Quality at enrolment: warned about, refused or passed over, with every reason told."""

import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import load_analyzer
from lianpu.engines.face.face import DetectedFace
from lianpu.engines.face.quality import QualityLimits, measure_quality, shortfalls
from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.packs.folder import read_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.settings import default_settings
from tests.api.calls import enrol
from tests.api.conftest import OpenClient
from tests.api.test_enrolment import state

pytestmark = pytest.mark.anyio

Pixels = NDArray[np.uint8]
SHARP = "images/lfw_small/Abdoulaye_Wade/Abdoulaye_Wade_0001.jpg"
TURNED = "images/pose_rotate/pose/left_face.jpeg"
LOWERED = "images/pose_rotate/pose/lower_face.jpeg"
TILTED = "images/pose_rotate/pose/left_wryneck.png"


def codes(answer: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in answer["warnings"]]


def changed(testkit: Path, change: Callable[[Pixels], Any]) -> bytes:
    """A sharp portrait after a change to its pixels."""
    return encode_jpeg(np.asarray(change(decode_image((testkit / SHARP).read_bytes()).pixels), np.uint8), quality=95)


async def test_R_LIB_9_poor_photos_are_enrolled_with_every_reason_told(
    open_kit_client: OpenClient, testkit: Path
) -> None:
    cases = {
        "quality_too_blurred": changed(testkit, lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 4)),
        "quality_badly_exposed": changed(testkit, lambda pixels: pixels * 0.12),
        "quality_too_small": changed(
            testkit, lambda pixels: cv2.resize(pixels, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
        ),
        "quality_turned_away": (testkit / TURNED).read_bytes(),
        "quality_tilted": (testkit / TILTED).read_bytes(),
    }
    async with open_kit_client() as client:
        for code, photo in cases.items():
            response = await enrol(client, photo, name=code, conflict_mode="off")
            assert response.status_code == 201, response.text
            found = [warning for warning in response.json()["warnings"] if warning["code"] == code]
            assert len(found) == 1, response.json()["warnings"]
            short = found[0]["value"] < found[0]["limit"]
            assert short == (code not in {"quality_turned_away", "quality_tilted"})
            assert str(found[0]["limit"]).removesuffix(".0") in found[0]["message"]
        plain = await enrol(client, (testkit / SHARP).read_bytes(), name="plain", conflict_mode="off")
        assert plain.json()["warnings"] == []
        assert plain.json()["image"]["quality"]["occlusion"] is None


async def test_R_LIB_9_yaw_and_pitch_are_told_apart_from_each_other_by_the_message(
    open_kit_client: OpenClient, testkit: Path
) -> None:
    async with open_kit_client(quality__max_pitch_degrees=20) as client:
        turned = (await enrol(client, (testkit / TURNED).read_bytes(), name="turned")).json()
        lowered = (await enrol(client, (testkit / LOWERED).read_bytes(), name="lowered")).json()
    (yaw,) = (warning for warning in turned["warnings"] if warning["code"] == "quality_turned_away")
    assert yaw["message"].startswith("yaw")
    assert yaw["value"] == pytest.approx(-turned["image"]["quality"]["yaw_degrees"], abs=0.1)
    assert yaw["value"] > yaw["limit"] == 50
    (pitch,) = (warning for warning in lowered["warnings"] if warning["code"] == "quality_turned_away")
    assert pitch["message"].startswith("pitch")
    assert pitch["value"] == pytest.approx(-lowered["image"]["quality"]["pitch_degrees"], abs=0.1)
    assert pitch["value"] > pitch["limit"] == 20


async def test_R_LIB_9_reject_refuses_with_every_reason_and_stores_nothing(
    open_kit_client: OpenClient, testkit: Path
) -> None:
    dark = changed(testkit, lambda pixels: pixels * 0.12)
    async with open_kit_client() as client:
        ada = (await enrol(client, (testkit / SHARP).read_bytes(), name="Ada", person_id="ada")).json()
        image_id = ada["image"]["image_id"]
        before = await state(client)
        images = "/api/v1/faces/ada/images"
        body: dict[str, Any] = {"files": {"image": ("photo.jpg", dark)}, "data": {"quality_mode": "reject"}}
        refused = [
            await client.post("/api/v1/faces", files=body["files"], data={**body["data"], "name": "Eva"}),
            await client.post(images, **body),
            await client.put(f"{images}/{image_id}", **body),
        ]
        assert await state(client) == before
    for response in refused:
        problem = response.json()
        assert (response.status_code, problem["code"]) == (422, "quality_too_low"), response.text
        reasons = {error["code"] for error in problem["errors"]}
        assert {"quality_too_blurred", "quality_badly_exposed"} <= reasons
        assert reasons == {warning["code"] for warning in problem["warnings"]}
        assert {error["field"] for error in problem["errors"]} == {"image"}


async def test_R_LIB_9_a_request_may_say_otherwise_than_the_setting(open_kit_client: OpenClient, testkit: Path) -> None:
    turned = (testkit / TURNED).read_bytes()
    async with open_kit_client(quality__mode="reject") as client:
        assert (await enrol(client, turned, name="A")).json()["code"] == "quality_too_low"
        warned = await enrol(client, turned, name="A", quality_mode="warn")
        assert "quality_turned_away" in codes(warned.json())
        silent = await enrol(client, turned, name="B", quality_mode="off", conflict_mode="off")
        assert (silent.status_code, silent.json()["warnings"]) == (201, [])
        unknown = await enrol(client, turned, name="C", quality_mode="strict")
        assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "quality_mode")
    async with open_kit_client(quality__mode=False) as client:  # as YAML reads a bare `off`
        assert (await enrol(client, turned, name="D", conflict_mode="off")).json()["warnings"] == []


async def test_R_LIB_9_the_embedded_pack_has_no_pitch_and_is_not_blamed_for_it(
    client: httpx2.AsyncClient, testkit: Path
) -> None:
    answer = (await enrol(client, (testkit / LOWERED).read_bytes(), name="lowered")).json()
    assert answer["image"]["quality"]["pitch_degrees"] is None
    assert not any("pitch" in warning["message"] for warning in answer["warnings"])


@pytest.mark.slow
def test_R_LIB_9_default_limits_pass_nearly_all_of_lfw_and_catch_what_is_degraded(
    testkit: Path, kit_packs: Path
) -> None:
    analyzer = load_analyzer(read_pack(next(kit_packs.glob("kit@*"))), OnnxSessionFactory(["cpu"]))
    limits = QualityLimits(**default_settings(kit_packs).quality.model_dump(exclude={"mode"}))

    def warned(pixels: Pixels) -> bool | None:
        """Of the face nearest the middle, which is whom LFW's photo is of; None: no face was found."""
        faces = analyzer.detect(pixels)
        if not faces:
            return None
        height, width = pixels.shape[:2]

        def off_centre(face: DetectedFace) -> float:
            return math.hypot(face.box.x1 + face.box.x2 - width, face.box.y1 + face.box.y2 - height)

        return bool(shortfalls(measure_quality(pixels, min(faces, key=off_centre)), limits))

    def share(outcomes: list[bool | None]) -> float:
        found = [outcome for outcome in outcomes if outcome is not None]
        assert len(found) > 0.9 * len(outcomes)
        return sum(found) / len(found)

    with zipfile.ZipFile(testkit / "images/lfw_view2.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        photos = [decode_image(archive.read(name)).pixels for name in names[::24]]
    assert len(photos) > 300
    assert share([warned(photo) for photo in photos]) < 0.02
    some = photos[::16]
    assert share([warned(np.asarray(cv2.GaussianBlur(photo, (0, 0), 4), np.uint8)) for photo in some]) == 1
    assert share([warned((photo * 0.12).astype(np.uint8)) for photo in some]) == 1
    small = [cv2.resize(photo, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA) for photo in some]
    assert share([warned(np.asarray(photo, np.uint8)) for photo in small]) == 1
