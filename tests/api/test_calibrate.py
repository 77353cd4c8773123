"""Calibration over HTTP: what the gallery's own people say about thresholds, and setting one."""

import json
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from tests.api.calls import ended, enrol, search
from tests.api.conftest import OpenClient
from tests.api.synthetic import add_people

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def calibrated(client: Any, **fields: Any) -> dict[str, Any]:
    job = await ended(client, await client.post("/api/v1/gallery/calibrate", json=fields))
    assert job["status"] == "completed", job
    return job["result"]


@pytest.fixture
def crowd() -> dict[str, np.ndarray]:
    """60 people with one to three images each; the first two look alike."""
    random = np.random.default_rng(11)
    people: dict[str, np.ndarray] = {}
    for number in range(60):
        centre = random.normal(size=128)
        images = centre + 0.5 * random.normal(size=(1 + number % 3, 128))
        people[f"p{number:02d}"] = images.astype(np.float32)
    people["p01"][0] = people["p00"][0] + 0.8 * random.normal(size=128)
    return people


async def test_R_LIB_8_calibration_tells_what_each_threshold_means(open_pair_client: OpenClient, crowd: Any) -> None:
    async with open_pair_client() as client:
        await add_people(client.platform, "foamliu", crowd)
        report = await calibrated(client, wanted_fmr=0.01)
        assert (report["pack"], report["people"], report["images"]) == ("foamliu", 60, 120)
        assert report["people_with_several_images"] == 40
        assert report["comparisons"] == 60 * 59
        assert report["sampled"] is None
        proposed = report["proposed"]
        assert proposed["fmr"] <= 0.01
        assert proposed["fmr_interval"]["low"] < proposed["fmr"] < proposed["fmr_interval"]["high"]
        assert proposed["raw_threshold"] == pytest.approx(2 * proposed["threshold"] - 1)
        assert proposed["expected_false_matches"] == pytest.approx(60 * proposed["fmr"])
        assert proposed["wrong_searches_per_1000"] == pytest.approx(1000 * (1 - (1 - proposed["fmr"]) ** 60))
        # p01, whose first image is rather p00, is the only one of 40 with several who is missed.
        assert proposed["fnmr"]["rate"] == pytest.approx(1 / 40)
        rows = report["thresholds"]
        assert {row["kind"] for row in rows} == {"proposed", "pack", "ladder"}
        assert [row["threshold"] for row in rows] == sorted(row["threshold"] for row in rows)
        assert [row["fmr"] for row in rows] == sorted((row["fmr"] for row in rows), reverse=True)
        assert report["is_promised"]
        assert "60 people" in report["advice"]
        alike = report["look_alikes"][0]
        assert set(alike["person_ids"]) == {"p00", "p01"}
        assert alike["suggested_threshold"] > alike["score"]
        curves = report["curves"]
        assert curves["thresholds"] == sorted(curves["thresholds"])
        assert curves["fmr"] == sorted(curves["fmr"], reverse=True)
        assert curves["fnmr"] == sorted(curves["fnmr"])
        for shares in ("searches", "images", "genuine"):
            assert sum(report["histogram"][shares]) == pytest.approx(1)
        latest = (await client.get("/api/v1/gallery/calibrate", params={"pack": "foamliu"})).json()
        assert latest["calibration"] == report
        for name in report["plots"]:
            picture = await client.get(f"/api/v1/gallery/calibrate/{latest['job_id']}/plots/{name}")
            start = b"\x89PNG" if name.endswith("png") else b"<?xml"
            assert picture.content.startswith(start)
        assert sorted(report["plots"]) == [
            "error_rates.png", "error_rates.svg", "histogram.png", "histogram.svg"
        ]  # fmt: skip


async def test_R_LIB_8_wished_by_wrong_searches_and_for_more_than_can_be_promised(
    open_pair_client: OpenClient, crowd: Any
) -> None:
    async with open_pair_client() as client:
        await add_people(client.platform, "foamliu", crowd)
        report = await calibrated(client, expected_false_matches=300)
        assert report["proposed"]["wrong_searches_per_1000"] <= 300
        assert report["wanted_fmr"] == pytest.approx(1 - 0.7 ** (1 / 60))
        both = {"wanted_fmr": 0.1, "expected_false_matches": 1}
        refused = await client.post("/api/v1/gallery/calibrate", json=both)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        few = await calibrated(client, wanted_fmr=1e-5)
        assert not few["is_promised"]
        assert few["least_fmr"] > 1e-4
        assert few["proposed"]["matches"] == 0


async def test_R_LIB_8_too_small_a_gallery_is_refused_with_what_is_needed(
    open_pair_client: OpenClient, crowd: Any
) -> None:
    async with open_pair_client() as client:
        await add_people(client.platform, "foamliu", {name: crowd[name] for name in sorted(crowd)[:9]})
        refused = await client.post("/api/v1/gallery/calibrate", json={})
        assert (refused.status_code, refused.json()["code"]) == (409, "gallery_too_small")
        assert "9 persons" in refused.json()["detail"]
        assert "needs 10" in refused.json()["detail"]
        none = await client.get("/api/v1/gallery/calibrate")
        assert (none.status_code, none.json()["code"]) == (404, "report_not_found")
        # People of another pack do not help.
        await add_people(client.platform, "insightface", {f"q{name}": crowd[name] for name in sorted(crowd)})
        refused = await client.post("/api/v1/gallery/calibrate", json={})
        assert refused.json()["code"] == "gallery_too_small"
        assert (await calibrated(client, pack="insightface"))["people"] == 60


async def test_R_LIB_8_the_gallerys_threshold_goes_between_person_and_pack(
    open_pair_client: OpenClient, lfw_people: dict[str, list[bytes]]
) -> None:
    name, photos = next(iter(lfw_people.items()))
    async with open_pair_client() as client:
        await enrol(client, photos[0], person_id="one", name=name, face_selection="largest")

        async def best() -> dict[str, Any]:
            answer = (await search(client, photos[1], faces="largest")).json()
            return answer["faces"][0]["matches"][0]

        assert (await best())["threshold_source"] == "pack"
        answer = (await client.put("/api/v1/models/foamliu/threshold", json={"threshold": 0.99})).json()
        assert (answer["threshold"], answer["threshold_source"]) == (0.99, "gallery")
        assert answer["pack_threshold"] == pytest.approx(0.7)
        models = {model["name"]: model for model in (await client.get("/api/v1/models")).json()["models"]}
        assert [models[pack]["gallery_threshold"] for pack in ("foamliu", "insightface")] == [0.99, None]
        found = await best()
        assert (found["threshold_source"], found["threshold"], found["is_match"]) == ("gallery", 0.99, False)
        files = [("image", ("a.jpg", photo)) for photo in photos[:2]]
        compared = await client.post("/api/v1/compare", files=files, data={"face_selection": "largest"})
        assert compared.json()["threshold_source"] == "gallery"
        await client.patch("/api/v1/faces/one", json={"threshold": 0.2})
        assert (await best())["threshold_source"] == "person"
        await client.patch("/api/v1/faces/one", json={"threshold": None})
    async with open_pair_client() as client:  # after a restart
        assert (await best())["threshold_source"] == "gallery"
        other = await search(client, photos[1], faces="largest", pack="insightface")
        assert other.json()["faces"][0]["matches"] == []
        await client.put("/api/v1/models/foamliu/threshold", json={"threshold": None})
        assert (await best())["threshold_source"] == "pack"
        wrong = await client.put("/api/v1/models/foamliu/threshold", json={"threshold": 2})
        assert wrong.status_code == 422
        missing = await client.put("/api/v1/models/nobody/threshold", json={"threshold": 0.5})
        assert missing.json()["code"] == "pack_not_found"


async def test_R_LIB_8_what_is_too_far_away_to_be_a_number_in_json_is_none(open_client: OpenClient) -> None:
    """The embedded pack measures distances: every one of them reaches a score of 0."""
    random = np.random.default_rng(12)
    far_apart = {f"p{number:02d}": 5 * random.normal(size=(2, 128)).astype(np.float32) for number in range(12)}
    async with open_client() as client:
        await add_people(client.platform, "dlib", far_apart)
        answer = (await client.put("/api/v1/models/dlib/threshold", json={"threshold": 0})).json()
        assert (answer["threshold"], answer["raw_threshold"]) == (0, None)
        report = await calibrated(client, wanted_fmr=0.5)
        (of_gallery,) = [row for row in report["thresholds"] if row["kind"] == "gallery"]
        assert (of_gallery["threshold"], of_gallery["raw_threshold"]) == (0, None)
        assert {row["raw_threshold"] is None for row in report["thresholds"] if row["threshold"] > 0} == {False}
        alike = report["look_alikes"][0]
        first, second = (far_apart[person_id] for person_id in alike["person_ids"])
        distances = np.linalg.norm(first[:, None] - second[None], axis=2)
        assert np.abs(distances - alike["raw_value"]).min() < 1e-3
        async with client.platform.database.session() as session:
            stored = (await session.execute(text("SELECT result FROM jobs WHERE kind = 'gallery.calibrate'"))).scalar()
        json.loads(stored, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
