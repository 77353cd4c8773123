"""Search, compare, detect and embeddings over HTTP with real faces."""

import httpx2
import numpy as np
import pytest

from tests.api.calls import enrol
from tests.api.conftest import OpenClient

pytestmark = pytest.mark.anyio
NAMES = ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn"]


@pytest.fixture
async def gallery(client: httpx2.AsyncClient, portraits: list[bytes]) -> httpx2.AsyncClient:
    for name, photo in zip(NAMES, portraits, strict=True):
        assert (await enrol(client, photo, name=name, person_id=name.lower())).status_code == 201
    return client


async def test_R_LIB_11_search_names_every_face_of_a_group_photo(gallery: httpx2.AsyncClient, t1_photo: bytes) -> None:
    answer = (await gallery.post("/api/v1/search", files={"image": t1_photo})).json()
    assert [face["best_match"]["name"] for face in answer["faces"]] == NAMES
    assert (answer["pack"], answer["pack_version"], answer["metric"]) == ("dlib", "1", "euclidean")
    for face in answer["faces"]:
        best, runner_up = face["matches"][:2]
        assert (best["is_match"], runner_up["is_match"]) == (True, False)
        assert best["raw_value"] < 0.55 < runner_up["raw_value"]
        assert best["threshold_source"] == "pack"
        assert face["margin"] == pytest.approx(best["score"] - runner_up["score"], abs=1e-5)


async def test_R_LIB_11_stranger_is_unknown_with_the_nearest_shown(
    gallery: httpx2.AsyncClient, astronaut_photo: bytes
) -> None:
    (face,) = (await gallery.post("/api/v1/search", files={"image": astronaut_photo})).json()["faces"]
    assert face["best_match"] is None
    assert face["matches"][0]["is_match"] is False
    assert len(face["matches"]) == 5


async def test_R_LIB_8_threshold_of_request_goes_before_person_before_pack(
    gallery: httpx2.AsyncClient, portraits: list[bytes], astronaut_photo: bytes
) -> None:
    async def nearest(**fields: str) -> dict[str, object]:
        answer = await gallery.post("/api/v1/search", files={"image": astronaut_photo}, data=fields)
        return answer.json()["faces"][0]["matches"][0]

    by_pack = await nearest()
    assert (by_pack["threshold_source"], by_pack["is_match"]) == ("pack", False)
    await gallery.patch(f"/api/v1/faces/{by_pack['person_id']}", json={"threshold": 0.0})
    by_person = await nearest()
    assert (by_person["threshold_source"], by_person["threshold"], by_person["is_match"]) == ("person", 0.0, True)
    by_request = await nearest(threshold="0.99")
    assert (by_request["threshold_source"], by_request["is_match"]) == ("request", False)


async def test_R_LIB_11_top_k_and_largest_face(gallery: httpx2.AsyncClient, t1_photo: bytes) -> None:
    answer = await gallery.post("/api/v1/search", files={"image": t1_photo}, data={"top_k": "1", "faces": "largest"})
    (face,) = answer.json()["faces"]
    assert [match["name"] for match in face["matches"]] == ["Ada"]
    assert face["margin"] > 0


async def test_R_LIB_11_empty_gallery_and_empty_photo_are_answers_not_errors(
    client: httpx2.AsyncClient, portraits: list[bytes], blank_photo: bytes
) -> None:
    (face,) = (await client.post("/api/v1/search", files={"image": portraits[0]})).json()["faces"]
    assert (face["matches"], face["best_match"], face["margin"]) == ([], None, None)
    nothing = await client.post("/api/v1/search", files={"image": blank_photo})
    assert (nothing.status_code, nothing.json()["faces"]) == (200, [])


async def test_R_LIB_11_deleted_person_is_never_found_again(
    gallery: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    await gallery.delete("/api/v1/faces/ada")
    (face,) = (await gallery.post("/api/v1/search", files={"image": portraits[0]})).json()["faces"]
    assert "ada" not in [match["person_id"] for match in face["matches"]]
    assert face["best_match"] is None


async def test_R_LIB_11_compare_tells_same_from_different(
    client: httpx2.AsyncClient, portraits: list[bytes], t1_photo: bytes
) -> None:
    async def compare(first: bytes, second: bytes, **fields: str) -> httpx2.Response:
        files = [("image", ("a.jpg", first)), ("image", ("b.jpg", second))]
        return await client.post("/api/v1/compare", files=files, data=fields)

    same = (await compare(portraits[0], t1_photo, face_selection="largest")).json()
    assert same["is_match"] is (same["score"] >= same["threshold"]) is True
    different = (await compare(portraits[0], portraits[1])).json()
    assert not different["is_match"]
    assert (await compare(portraits[0], portraits[1], threshold="0.01")).json()["threshold_source"] == "request"
    several = await compare(portraits[0], t1_photo)
    assert (several.status_code, several.json()["code"]) == (422, "several_faces")
    one = await client.post("/api/v1/compare", files={"image": portraits[0]})
    assert (one.status_code, one.json()["errors"][0]["code"]) == (422, "image_count")


async def test_R_LIB_11_embeddings_agree_with_compare(client: httpx2.AsyncClient, portraits: list[bytes]) -> None:
    vectors = []
    for photo in portraits[:2]:
        answer = (await client.post("/api/v1/embeddings", files={"image": photo})).json()
        assert answer["dimension"] == 128
        vectors.append(np.array(answer["faces"][0]["embedding"]))
    files = [("image", ("a.jpg", portraits[0])), ("image", ("b.jpg", portraits[1]))]
    compared = (await client.post("/api/v1/compare", files=files)).json()
    assert compared["raw_value"] == pytest.approx(float(np.linalg.norm(vectors[0] - vectors[1])), abs=1e-5)


async def test_R_LIB_11_detect_gives_both_boxes_points_and_quality(client: httpx2.AsyncClient, t1_photo: bytes) -> None:
    answer = (await client.post("/api/v1/detect", files={"image": t1_photo})).json()
    assert answer["image"] == {"width": 1280, "height": 886}
    assert len(answer["faces"]) == 6
    areas = [face["box"]["width"] * face["box"]["height"] for face in answer["faces"]]
    assert areas == sorted(areas, reverse=True)
    for face in answer["faces"]:
        assert face["box_normalized"]["left"] * 1280 == pytest.approx(face["box"]["x"], abs=0.01)
        assert len(face["landmarks"]) == 5
        assert face["quality"]["size_px"] == pytest.approx(face["box"]["width"], abs=1)


async def test_R_LIB_11_the_side_that_detectors_see_is_a_setting(open_kit_client: OpenClient, t1_photo: bytes) -> None:
    found: dict[int | None, int] = {}
    for size in (None, 320, 64):
        async with open_kit_client(packs__detector_input_size=size) as client:
            answer = (await client.post("/api/v1/detect", files={"image": t1_photo})).json()
            found[size] = len(answer["faces"])
    assert found == {None: 6, 320: 6, 64: 0}
