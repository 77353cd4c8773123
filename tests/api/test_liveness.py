"""Liveness over HTTP: off, observed or enforced, in every answer that shows a face."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.calls import enrol
from tests.api.conftest import OpenClient
from tests.api.test_enrolment import state

pytestmark = pytest.mark.anyio


@pytest.fixture
def samples(testkit: Path) -> dict[str, bytes]:
    """T1 is live; F1 and F2 are pictures of a face."""
    return {name: (testkit / f"images/antispoof/image_{name}.jpg").read_bytes() for name in ("T1", "F1", "F2")}


async def post(client: httpx2.AsyncClient, route: str, *photos: bytes, **fields: Any) -> httpx2.Response:
    files = [("image", ("photo.jpg", photo)) for photo in photos]
    return await client.post(f"/api/v1/{route}", files=files, data=fields)


async def test_R_LIB_10_off_by_default_and_absent_from_answers(
    open_kit_client: OpenClient, samples: dict[str, bytes]
) -> None:
    async with open_kit_client() as client:
        assert (await enrol(client, samples["F2"], name="Fake")).json()["image"]["liveness"] is None
        for route in ("search", "detect"):
            assert (await post(client, route, samples["F2"])).json()["faces"][0]["liveness"] is None
        assert "liveness" not in (await client.get("/health")).json()["checks"]


async def test_R_LIB_10_observed_in_every_answer_and_kept_with_the_image(
    open_kit_client: OpenClient, samples: dict[str, bytes]
) -> None:
    async with open_kit_client(liveness__mode="observe") as client:
        for name, is_live in (("T1", True), ("F1", False), ("F2", False)):
            enrolled = (await enrol(client, samples[name], name=name, person_id=name)).json()
            found = enrolled["image"]["liveness"]
            assert (found["is_live"], found["pack"], found["pack_version"]) == (is_live, "minifasnet", "1")
            assert (found["score"] >= found["threshold"] == 0.5) == is_live
            image = (await client.get(f"/api/v1/faces/{name}/images")).json()["images"][0]
            assert image["liveness"] == found
            for route in ("search", "detect", "embeddings"):
                answer = (await post(client, route, samples[name])).json()
                assert answer["faces"][0]["liveness"] == found
                assert answer["timings_ms"]["liveness"] >= 0
            searched = (await post(client, "search", samples[name])).json()["faces"][0]
            assert searched["best_match"]["person_id"] == name
        compared = (await post(client, "compare", samples["T1"], samples["F2"])).json()
        assert [face["liveness"]["is_live"] for face in compared["faces"]] == [True, False]
        assert (await client.get("/health")).json()["checks"]["liveness"] == "ok"


async def test_R_LIB_10_enforced_pictures_of_faces_are_nobody_and_change_nothing(
    open_kit_client: OpenClient, samples: dict[str, bytes]
) -> None:
    async with open_kit_client() as client:
        for name in ("F2", "T1"):
            await enrol(client, samples[name], name=name, person_id=name)
    async with open_kit_client(liveness__mode="enforce") as client:
        before = await state(client)
        image_id = (await client.get("/api/v1/faces/T1")).json()["images"][0]["image_id"]
        photo: dict[str, Any] = {"files": {"image": ("photo.jpg", samples["F1"])}}
        for refused in (
            await client.post("/api/v1/faces", **photo, data={"name": "Fake"}),
            await client.post("/api/v1/faces/T1/images", **photo),
            await client.put(f"/api/v1/faces/T1/images/{image_id}", **photo),
            await post(client, "compare", samples["T1"], samples["F1"]),
            await post(client, "compare", samples["F1"], samples["T1"]),
        ):
            problem = refused.json()
            assert (refused.status_code, problem["code"]) == (422, "liveness_failed"), refused.text
            assert False in [face["liveness"]["is_live"] for face in problem["faces"]]
        assert await state(client) == before

        fake = (await post(client, "search", samples["F2"])).json()["faces"][0]
        assert (fake["liveness"]["is_live"], fake["matches"], fake["best_match"]) == (False, [], None)
        live = (await post(client, "search", samples["T1"])).json()["faces"][0]
        assert (live["liveness"]["is_live"], live["best_match"]["person_id"]) == (True, "T1")
        assert (await post(client, "compare", samples["T1"], samples["T1"])).json()["is_match"] is True
        assert (await enrol(client, samples["T1"], name="Live too", person_id="live")).status_code == 201


async def test_R_LIB_10_a_request_may_only_be_stricter(open_kit_client: OpenClient, samples: dict[str, bytes]) -> None:
    async with open_kit_client() as client:
        refused = await enrol(client, samples["F2"], name="Fake", liveness_mode="enforce")
        assert refused.json()["code"] == "liveness_failed"
        observed = await post(client, "detect", samples["F2"], liveness_mode="observe")
        assert observed.json()["faces"][0]["liveness"]["is_live"] is False
    async with open_kit_client(liveness__mode="enforce") as client:
        for weaker in ("off", "observe"):
            refused = await enrol(client, samples["F2"], name="Fake", liveness_mode=weaker)
            assert refused.json()["code"] == "liveness_failed"


async def test_R_LIB_10_the_threshold_is_a_setting(open_kit_client: OpenClient, samples: dict[str, bytes]) -> None:
    async with open_kit_client(liveness__mode="enforce", liveness__threshold=0.2) as client:
        found = (await enrol(client, samples["F1"], name="Passes")).json()["image"]["liveness"]
        assert (found["is_live"], found["threshold"]) == (True, 0.2)


async def test_R_LIB_10_a_missing_pack_is_told_at_every_call_and_by_health(
    open_client: OpenClient, samples: dict[str, bytes]
) -> None:
    async with open_client(liveness__mode="observe") as client:
        before = await state(client)
        health = await client.get("/health")
        assert health.status_code == 503
        assert "'minifasnet'" in health.json()["checks"]["liveness"]
        calls = [
            await enrol(client, samples["T1"], name="Ada"),
            *[await post(client, route, samples["T1"]) for route in ("search", "detect")],
            await post(client, "compare", samples["T1"], samples["T1"]),
        ]
        for response in calls:
            assert (response.status_code, response.json()["code"]) == (503, "pack_incomplete"), response.text
            assert "liveness.pack" in response.json()["detail"]
        assert await state(client) == before


@pytest.mark.parametrize("spoilt", ["damaged", "other"])
async def test_R_LIB_10_a_pack_that_cannot_judge_is_told_too(
    open_kit_client: OpenClient, home: Path, samples: dict[str, bytes], spoilt: str
) -> None:
    if spoilt == "damaged":
        file = home / "packs/minifasnet@1/minifasnet_v2_2.7_80x80.onnx"
        file.write_bytes(file.read_bytes()[:-1000])
    pack = {"damaged": "minifasnet", "other": "kit"}[spoilt]
    async with open_kit_client(liveness__mode="enforce", liveness__pack=pack) as client:
        response = await post(client, "search", samples["T1"])
        expected = {"damaged": (503, "pack_damaged"), "other": (503, "pack_incomplete")}[spoilt]
        assert (response.status_code, response.json()["code"]) == expected, response.text
        health = await client.get("/health")
        assert (health.status_code, health.json()["checks"]["liveness"] != "ok") == (503, True)


async def test_R_INF_5_the_liveness_pack_is_listed_and_is_no_recogniser(
    open_kit_client: OpenClient, samples: dict[str, bytes]
) -> None:
    async with open_kit_client(liveness__mode="observe") as client:
        packs = {pack["name"]: pack for pack in (await client.get("/api/v1/models")).json()["models"]}
        assert packs["minifasnet"]["roles"] == {
            "detector": None,
            "landmarks": None,
            "embedder": None,
            "liveness": "minifasnet",
            "attributes": None,
        }
        assert packs["minifasnet"]["provider"] == "CPUExecutionProvider"
        assert packs["kit"]["roles"]["liveness"] is None
        refused = await post(client, "detect", samples["T1"], pack="minifasnet")
        assert (refused.status_code, refused.json()["code"]) == (422, "pack_invalid")
