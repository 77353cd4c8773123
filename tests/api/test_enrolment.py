"""Enrolment and the persons' own routes, over HTTP with the embedded pack and real faces."""

import base64
from typing import Any

import httpx2
import pytest

from tests.api.calls import enrol

pytestmark = pytest.mark.anyio


async def state(client: httpx2.AsyncClient) -> tuple[dict[str, Any], list[str]]:
    """Rows and files: what an error must not change."""
    platform = client.platform  # type: ignore[attr-defined]
    counts = (await client.get("/api/status")).json()
    files = sorted(str(path) for path in (platform.settings.home / "gallery").rglob("*") if path.is_file())
    return {"gallery": counts["gallery"], "indexes": counts["indexes"]}, files


async def test_R_LIB_2_enrolment_answers_with_person_image_quality_and_generated_embeddings(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    response = await enrol(client, portraits[0], name="张三", person_id="员工-17", metadata='{"部门": "研发"}')
    assert response.status_code == 201, response.text
    answer = response.json()
    assert answer["person"]["person_id"] == "员工-17"
    assert answer["person"]["name"] == "张三"
    assert answer["person"]["metadata"] == {"部门": "研发"}
    assert answer["generated_embeddings"] == [
        {"model_name": "dlib", "model_version": "1", "status": "generated", "feature_size": 128, "detail": None}
    ]
    assert answer["person"]["packs"] == [{"name": "dlib", "version": "1", "embedding_count": 1}]
    image = answer["image"]
    assert image["is_primary"] is True
    assert image["format"] == "jpeg"
    assert 0 < image["quality"]["overall"] <= 1
    assert 0 <= image["box_normalized"]["left"] < 1
    assert response.headers["x-request-id"] == answer["request_id"]


async def test_R_LIB_2_second_photo_of_the_same_id_is_added_to_the_person(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    assert (await enrol(client, portraits[0], name="Ada", person_id="ada")).status_code == 201
    second = await enrol(client, portraits[1], person_id="ada")
    assert second.status_code == 201
    assert second.json()["person"]["image_count"] == 2
    assert second.json()["image"]["is_primary"] is False


async def test_R_LIB_2_same_photo_twice_is_refused_and_changes_nothing(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    await enrol(client, portraits[0], name="Ada", person_id="ada")
    before = await state(client)
    again = await enrol(client, portraits[0], person_id="ada")
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_image")
    assert await state(client) == before


async def test_R_LIB_2_id_of_somebody_else_is_refused_not_overwritten(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    await enrol(client, portraits[0], name="Ada", person_id="p")
    other = await enrol(client, portraits[1], name="Ben", person_id="p")
    assert (other.status_code, other.json()["code"]) == (409, "person_exists")
    assert other.json()["errors"][0]["field"] == "name"
    assert (await client.get("/api/v1/faces/p")).json()["person"]["image_count"] == 1


async def test_R_LIB_2_json_base64_and_raw_body_enrol_like_multipart(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    encoded = base64.b64encode(portraits[0]).decode()
    as_json = await client.post("/api/v1/faces", json={"image": encoded, "name": "Ada", "metadata": {"n": 1}})
    assert as_json.status_code == 201, as_json.text
    data_url = await client.post("/api/v1/faces", json={"image": f"data:image/jpeg;base64,{encoded}", "name": "Eva"})
    assert data_url.status_code == 201
    raw = await client.post(
        "/api/v1/faces?name=Ben&person_id=ben", content=portraits[1], headers={"content-type": "image/jpeg"}
    )
    assert raw.status_code == 201, raw.text
    assert raw.json()["person"]["person_id"] == "ben"


async def test_R_LIB_2_several_faces_are_listed_and_one_can_be_named(
    client: httpx2.AsyncClient, t1_photo: bytes
) -> None:
    refused = await enrol(client, t1_photo, name="Ada")
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "several_faces")
    assert [face["face_index"] for face in problem["faces"]] == [0, 1, 2, 3, 4, 5]
    assert problem["image"] == {"width": 1280, "height": 886}
    third = await enrol(client, t1_photo, name="Ada", face_index="3")
    assert third.status_code == 201
    assert third.json()["image"]["box"] == problem["faces"][3]["box"]
    largest = await enrol(client, t1_photo, name="Ben", face_selection="largest")
    assert largest.json()["image"]["box"] == problem["faces"][0]["box"]
    beyond = await enrol(client, t1_photo, name="Cleo", face_index="6")
    assert (beyond.status_code, beyond.json()["errors"][0]["field"]) == (422, "face_index")


async def test_R_LIB_3_list_pages_by_cursor_and_filters_by_name_metadata_and_pack(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    for number, photo in enumerate(portraits):
        metadata = f'{{"floor": {number % 2}, "team": "T{number % 3}"}}'
        await enrol(client, photo, name=f"Person {number} 100%", person_id=f"p{number}", metadata=metadata)
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": "4"} | ({} if cursor is None else {"cursor": cursor})
        page = (await client.get("/api/v1/faces", params=query)).json()
        seen += [person["person_id"] for person in page["persons"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["p5", "p4", "p3", "p2", "p1", "p0"]

    async def found(**query: str) -> list[str]:
        persons = (await client.get("/api/v1/faces", params=query)).json()["persons"]
        return [person["person_id"] for person in persons]

    assert await found(name="pERSON 3") == ["p3"]
    assert await found(name="100%") == seen
    assert await found(name="%%") == []
    assert await found(**{"metadata.team": "T1"}) == ["p4", "p1"]
    assert await found(**{"metadata.team": "T1", "metadata.floor": "0"}) == ["p4"]
    assert await found(pack="dlib") == seen
    assert await found(pack="other") == []


async def test_R_OPS_5_cursor_of_other_filters_or_none_of_ours_is_refused(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    for number in range(2):
        await enrol(client, portraits[number], name=f"P{number}")
    cursor = (await client.get("/api/v1/faces?limit=1")).json()["next_cursor"]
    for url in (f"/api/v1/faces?name=P&cursor={cursor}", "/api/v1/faces?cursor=abc", "/api/v1/faces?cursor=W10"):
        response = await client.get(url)
        assert (response.status_code, response.json()["code"]) == (422, "cursor_invalid")


async def test_R_LIB_3_patch_changes_what_is_given_and_put_the_whole(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    await enrol(client, portraits[0], name="Ada", person_id="ada", metadata='{"a": 1}', threshold="0.8")
    patched = (await client.patch("/api/v1/faces/ada", json={"name": "Ada L."})).json()["person"]
    assert (patched["name"], patched["metadata"], patched["threshold"]) == ("Ada L.", {"a": 1}, 0.8)
    assert patched["updated_at"] > patched["created_at"]
    cleared = (await client.patch("/api/v1/faces/ada", json={"threshold": None})).json()["person"]
    assert cleared["threshold"] is None
    put = (await client.put("/api/v1/faces/ada", json={"name": "A"})).json()["person"]
    assert (put["name"], put["metadata"]) == ("A", {})
    assert (await client.patch("/api/v1/faces/nobody", json={"name": "x"})).json()["code"] == "person_not_found"
    assert (await client.patch("/api/v1/faces/ada", json={"name": None})).status_code == 422
    assert (await client.patch("/api/v1/faces/ada", json={"nmae": "x"})).json()["errors"][0]["field"] == "nmae"


async def test_R_LIB_1_deleting_a_person_leaves_no_row_no_vector_no_file(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    empty = await state(client)
    await enrol(client, portraits[0], name="Ada", person_id="ada")
    await enrol(client, portraits[1], person_id="ada")
    assert len((await state(client))[1]) == 4
    assert (await client.delete("/api/v1/faces/ada")).status_code == 200
    after, files = await state(client)
    assert files == []
    assert after["gallery"] == empty[0]["gallery"] == {"persons": 0, "images": 0, "embeddings": 0}
    assert after["indexes"] == {"dlib@1": 0}
    assert (await client.get("/api/v1/faces/ada")).json()["code"] == "person_not_found"
    assert (await client.delete("/api/v1/faces/ada")).status_code == 404


async def test_R_LIB_4_images_can_be_listed_downloaded_made_primary_replaced_and_deleted(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    first = (await enrol(client, portraits[0], name="Ada", person_id="ada")).json()["image"]["image_id"]
    added = await client.post("/api/v1/faces/ada/images", files={"image": portraits[1]})
    second = added.json()["image"]["image_id"]
    content = await client.get(f"/api/v1/faces/ada/images/{first}/content")
    assert content.content == portraits[0]
    assert content.headers["content-type"] == "image/jpeg"
    thumbnail = await client.get(f"/api/v1/faces/ada/images/{second}/thumbnail")
    assert thumbnail.content[:2] == b"\xff\xd8"
    made = await client.patch(f"/api/v1/faces/ada/images/{second}", json={"is_primary": True})
    assert made.json()["image"]["is_primary"] is True
    listed = (await client.get("/api/v1/faces/ada/images")).json()["images"]
    assert [(item["image_id"], item["is_primary"]) for item in listed] == [(second, True), (first, False)]
    assert (await client.get("/api/v1/faces/ada/thumbnail")).content == thumbnail.content

    replaced = await client.put(f"/api/v1/faces/ada/images/{second}", files={"image": portraits[2]})
    third = replaced.json()["image"]
    assert third["is_primary"] is True
    assert {item["image_id"] for item in (await client.get("/api/v1/faces/ada/images")).json()["images"]} == {
        first,
        second,
        third["image_id"],
    }
    again = await client.put(
        f"/api/v1/faces/ada/images/{third['image_id']}", files={"image": portraits[3]}, data={"keep_previous": "false"}
    )
    assert again.status_code == 201
    gone = await client.get(f"/api/v1/faces/ada/images/{third['image_id']}")
    assert gone.json()["code"] == "image_not_found"

    dropped = again.json()["image"]["image_id"]
    assert (await client.delete(f"/api/v1/faces/ada/images/{dropped}")).status_code == 200
    rest = (await client.get("/api/v1/faces/ada")).json()
    assert rest["person"]["image_count"] == 2
    assert [image["is_primary"] for image in rest["images"]] == [True, False]
    assert (await client.get(f"/api/v1/faces/nobody/images/{first}")).status_code == 404


async def test_R_OPS_1_gallery_and_index_are_there_again_after_a_restart(
    open_client: Any, portraits: list[bytes]
) -> None:
    async with open_client() as client:
        await enrol(client, portraits[0], name="Ada", person_id="ada")
        await enrol(client, portraits[1], name="Ben", person_id="ben")
    async with open_client() as client:
        found = await client.post("/api/v1/search", files={"image": portraits[1]})
        assert found.json()["faces"][0]["best_match"]["person_id"] == "ben"
