"""R-OPS 5: CompreFace's API over the gallery, as its clients call it; off unless it is switched on."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import numpy as np
import pytest

from lianpu import errors
from lianpu.compreface import dialect
from lianpu.compreface.dialect import is_compreface
from lianpu.engines.image import decode_image, encode_jpeg
from tests.api.calls import enrol
from tests.api.conftest import OpenClient
from tests.api.logins import anonymous, create_user, log_in

pytestmark = pytest.mark.anyio
ROOT = "/api/v1/recognition"
Answer = dict[str, Any]


@pytest.fixture
async def client(open_client: OpenClient) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client(compreface__enabled=True) as one:
        yield one


@pytest.fixture(scope="session")
def two_faces(t1_photo: bytes) -> bytes:
    """The first and the fourth person of `portraits` side by side."""
    return encode_jpeg(np.ascontiguousarray(decode_image(t1_photo).pixels[180:540, 380:900]), quality=95)


async def add(client: httpx2.AsyncClient, subject: str, photo: bytes, **options: Any) -> httpx2.Response:
    return await client.post(f"{ROOT}/faces", params={"subject": subject, **options}, files={"file": ("a.jpg", photo)})


async def send(client: httpx2.AsyncClient, path: str, photo: bytes, **options: Any) -> httpx2.Response:
    return await client.post(f"/api/v1{path}", params=options, files={"file": ("a.jpg", photo)})


def problem(answer: httpx2.Response) -> tuple[int, int]:
    """Status and CompreFace's code."""
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document.keys() == {"message", "code"}
    assert document["message"]
    return answer.status_code, document["code"]


async def test_R_OPS_5_subjects_are_added_listed_renamed_merged_and_deleted(
    client: httpx2.AsyncClient, portraits: Sequence[bytes]
) -> None:
    added = await client.post(f"{ROOT}/subjects", json={"subject": "张 三"})
    assert (added.status_code, added.json()) == (201, {"subject": "张 三"})
    assert problem(await client.post(f"{ROOT}/subjects", json={"subject": "张 三"})) == (400, 43)
    first = (await add(client, "张 三", portraits[0])).json()
    await add(client, "Other", portraits[1])
    assert (await client.get(f"{ROOT}/subjects")).json() == {"subjects": ["Other", "张 三"]}
    assert (await client.get(f"{ROOT}/subjects/")).json() == {"subjects": ["Other", "张 三"]}

    renamed = await client.put(f"{ROOT}/subjects/张 三", json={"subject": "a/b"})
    assert (renamed.status_code, renamed.json()) == (200, {"updated": True})
    merged = await client.put(f"{ROOT}/subjects/Other", json={"subject": "a/b"})
    assert merged.json() == {"updated": True}
    faces = (await client.get(f"{ROOT}/faces")).json()["faces"]
    assert {face["subject"] for face in faces} == {"a/b"}
    assert first["image_id"] in {face["image_id"] for face in faces}
    assert len(faces) == 2

    assert problem(await client.put(f"{ROOT}/subjects/Nobody", json={"subject": "x"})) == (404, 42)
    assert problem(await client.delete(f"{ROOT}/subjects/Nobody")) == (404, 42)
    deleted = await client.delete(f"{ROOT}/subjects/a%2Fb")
    assert (deleted.status_code, deleted.json()) == (200, {"subject": "a/b"})
    await add(client, "one", portraits[2])
    await client.post(f"{ROOT}/subjects", json={"subject": "ONE"})
    assert (await client.get(f"{ROOT}/subjects")).json() == {"subjects": ["ONE", "one"]}
    assert (await client.delete(f"{ROOT}/subjects")).json() == {"deleted": 2}
    assert (await client.get("/api/v1/faces")).json()["persons"] == []


async def test_R_OPS_5_examples_are_added_paged_fetched_and_deleted(
    client: httpx2.AsyncClient, portraits: Sequence[bytes]
) -> None:
    ids = [(await add(client, name, photo)).json()["image_id"] for name, photo in zip("aabc", portraits, strict=False)]
    again = await add(client, "a", portraits[0])
    assert (again.status_code, again.json()) == (201, {"image_id": ids[0], "subject": "a"})
    page = (await client.get(f"{ROOT}/faces", params={"page": 1, "size": 3})).json()
    assert page == {
        "faces": [{"image_id": ids[3], "subject": "c"}],
        "page_number": 1,
        "page_size": 3,
        "total_pages": 2,
        "total_elements": 4,
    }
    of_a = (await client.get(f"{ROOT}/faces", params={"subject": "a"})).json()
    assert ([face["image_id"] for face in of_a["faces"]], of_a["total_elements"]) == (ids[:2], 2)
    photo = await client.get(f"{ROOT}/faces/{ids[1]}/img")
    assert (photo.content, photo.headers["content-type"]) == (portraits[1], "image/jpeg")
    assert problem(await client.get(f"{ROOT}/faces/nothing/img")) == (404, 44)

    one = await client.delete(f"{ROOT}/faces/{ids[0]}")
    assert (one.status_code, one.json()) == (200, {"image_id": ids[0], "subject": "a"})
    assert problem(await client.delete(f"{ROOT}/faces/{ids[0]}")) == (404, 44)
    several = await client.post(f"{ROOT}/faces/delete", json=[ids[0], ids[3]])
    assert several.json() == [{"image_id": ids[3], "subject": "c"}]
    assert (await client.delete(f"{ROOT}/faces", params={"subject": "a"})).json() == {"deleted": 1}
    assert problem(await client.delete(f"{ROOT}/faces", params={"subject": "z"})) == (404, 42)
    assert (await client.delete(f"{ROOT}/faces")).json() == {"deleted": 1}
    # As in CompreFace, subjects stay when their last example goes.
    assert (await client.get(f"{ROOT}/subjects")).json() == {"subjects": ["a", "b", "c"]}


async def test_R_OPS_5_recognise_names_those_who_match_by_our_thresholds_and_nobody_else(
    client: httpx2.AsyncClient, two_faces: bytes, portraits: Sequence[bytes]
) -> None:
    await add(client, "first", portraits[0])
    await add(client, "second", portraits[1])
    answer = (await send(client, "/recognition/recognize", two_faces, prediction_count=3)).json()
    named = [[subject["subject"] for subject in face["subjects"]] for face in answer["result"]]
    # Of the second face nobody is near enough: it is not given the nearest name.
    assert named == [["first"], []]
    best = next(face for face in answer["result"] if face["subjects"])
    assert best.keys() == {"box", "subjects"}
    assert 0 < best["subjects"][0]["similarity"] <= 1
    assert best["box"].keys() == {"probability", "x_min", "y_min", "x_max", "y_max"}
    assert 0 <= best["box"]["probability"] <= 1
    found = (await client.post("/api/v1/search", files={"image": ("a.jpg", two_faces)})).json()["faces"]
    assert [face["best_match"] is not None for face in found] == [bool(names) for names in named]
    one = (await send(client, "/recognition/recognize", two_faces, limit=1)).json()["result"]
    assert [face["box"] for face in one] == [best["box"]]
    assert len((await send(client, "/recognition/recognize", two_faces, detect_faces="false")).json()["result"]) == 1


async def test_R_OPS_5_plugins_and_status_add_what_there_is(
    client: httpx2.AsyncClient, portraits: Sequence[bytes]
) -> None:
    plugins = "landmarks,calculator,pose,age,gender,mask"
    answer = (await send(client, "/detection/detect", portraits[0], face_plugins=plugins, status="true")).json()
    (face,) = answer["result"]
    # The embedded pack has no network for age and gender, and this server none for masks.
    assert face.keys() == {"box", "landmarks", "embedding", "pose", "execution_time"}
    assert len(face["embedding"]) == 128
    assert len(face["landmarks"]) == 5
    # Nor do its landmarks tell how far a head is raised.
    assert face["pose"].keys() == {"roll", "yaw"}
    assert face["execution_time"]["detector"] > 0
    assert answer["plugins_versions"] == {"detector": "dlib@1", "calculator": "dlib@1"}
    embedded = (await client.post("/api/v1/embeddings", files={"image": ("a.jpg", portraits[0])})).json()["faces"][0]
    assert face["embedding"] == pytest.approx(embedded["embedding"])


async def test_R_OPS_5_verify_compares_with_a_stored_example_and_two_photos_with_each_other(
    client: httpx2.AsyncClient, two_faces: bytes, portraits: Sequence[bytes]
) -> None:
    image_id = (await add(client, "first", portraits[0])).json()["image_id"]
    faces = (await send(client, f"/recognition/faces/{image_id}/verify", two_faces)).json()["result"]
    scores = [face["similarity"] for face in faces]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    compared = await client.post(
        "/api/v1/compare",
        files=[("image", ("a", portraits[0])), ("image", ("b", two_faces))],
        data={"face_selection": "largest"},
    )
    files = {"source_image": ("a.jpg", portraits[0]), "target_image": ("b.jpg", two_faces)}
    answer = (await client.post("/api/v1/verification/verify", files=files, params={"status": "true"})).json()
    (result,) = answer["result"]
    assert result.keys() == {"source_image_face", "face_matches", "plugins_versions"}
    assert [face["similarity"] for face in result["face_matches"]] == scores
    assert compared.json()["score"] in [pytest.approx(score, abs=1e-5) for score in scores]
    assert problem(await send(client, "/recognition/faces/none/verify", two_faces)) == (404, 44)
    swapped = {"source_image": files["target_image"], "target_image": files["source_image"]}
    assert problem(await client.post("/api/v1/verification/verify", files=swapped)) == (400, 31)


async def test_R_OPS_5_photos_may_come_as_base64(client: httpx2.AsyncClient, portraits: Sequence[bytes]) -> None:
    encoded = [base64.b64encode(photo).decode() for photo in portraits[:2]]
    added = await client.post(f"{ROOT}/faces", params={"subject": "s"}, json={"file": encoded[0]})
    assert added.status_code == 201
    answer = (await client.post(f"{ROOT}/recognize", json={"file": encoded[0]})).json()
    assert answer["result"][0]["subjects"][0]["subject"] == "s"
    both = {"source_image": encoded[0], "target_image": encoded[1]}
    assert (await client.post("/api/v1/verification/verify", json=both)).status_code == 200
    assert problem(await client.post(f"{ROOT}/recognize", json={"file": "not base64!"})) == (400, 26)


async def test_R_OPS_5_errors_have_the_shape_and_the_numbers_of_compreface(
    client: httpx2.AsyncClient, blank_photo: bytes, two_faces: bytes, portraits: Sequence[bytes]
) -> None:
    for path in ("/recognition/recognize", "/detection/detect"):
        assert problem(await send(client, path, blank_photo)) == (400, 28)
        assert problem(await send(client, path, b"no photo")) == (400, 21)
        assert problem(await send(client, path, portraits[0], limit=-1)) == (400, 26)
    assert problem(await add(client, "s", blank_photo)) == (400, 28)
    assert problem(await add(client, "s", two_faces)) == (400, 31)
    assert problem(await add(client, "s", portraits[0], det_prob_threshold=1.01)) == (400, 26)
    assert problem(await client.post(f"{ROOT}/faces", files={"file": ("a", portraits[0])})) == (400, 33)
    assert problem(await client.post(f"{ROOT}/faces", params={"subject": "s"}, files={"x": ("a", b"b")})) == (400, 34)
    assert problem(
        await client.post(f"{ROOT}/subjects", content=b"{", headers={"Content-Type": "application/json"})
    ) == (400, 26)
    assert problem(await client.post(f"{ROOT}/recognize", content=b"x", headers={"Content-Type": "text/plain"})) == (
        400,
        26,
    )
    async with anonymous(client) as nobody:
        assert problem(await nobody.get(f"{ROOT}/subjects")) == (401, 20)
        assert problem(await nobody.get(f"{ROOT}/subjects", headers={"x-api-key": "wrong"})) == (401, 10)


def test_R_OPS_5_the_numbers_are_of_errors_that_there_are() -> None:
    codes = {error.code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, Exception)}
    assert set(dialect._CODES) <= codes


async def test_R_OPS_5_det_prob_threshold_passes_over_faces_that_are_not_sure_enough(
    open_kit_client: OpenClient, two_faces: bytes
) -> None:
    async with open_kit_client(compreface__enabled=True) as client:
        everybody = (await send(client, "/detection/detect", two_faces)).json()["result"]
        less, more = sorted(face["box"]["probability"] for face in everybody)
        least = {"det_prob_threshold": (less + more) / 2}
        (sure,) = (await send(client, "/detection/detect", two_faces, **least)).json()["result"]
        assert sure["box"]["probability"] == more
        assert problem(await add(client, "s", two_faces)) == (400, 31)
        added = (await add(client, "s", two_faces, **least)).json()
        image = (await client.get(f"/api/v1/faces/s/images/{added['image_id']}")).json()["image"]
        assert abs(image["box"]["x"] - sure["box"]["x_min"]) <= 0.5
        assert problem(await send(client, "/detection/detect", two_faces, det_prob_threshold=1)) == (400, 28)


async def test_R_OPS_5_scopes_hold_as_everywhere(client: httpx2.AsyncClient, portraits: Sequence[bytes]) -> None:
    await create_user(client, "olga", "operator")
    login = await log_in(client, "olga")

    async def key(*scopes: str) -> dict[str, str]:
        fields = {"name": "-".join(scopes), "scopes": list(scopes)}
        made = await client.post("/api/v1/keys", json=fields, headers={"X-API-Key": login.access_token})
        return {"x-api-key": made.json()["secret"]}

    async with anonymous(client) as somebody:
        recogniser, enroller = await key("gallery:recognise"), await key("gallery:enrol", "gallery:read")
        photo = {"file": ("a.jpg", portraits[0])}
        assert (await somebody.post("/api/v1/detection/detect", files=photo, headers=recogniser)).status_code == 200
        assert problem(await somebody.get(f"{ROOT}/subjects", headers=recogniser)) == (403, 1)
        params = {"subject": "s"}
        added = await somebody.post(f"{ROOT}/faces", params=params, files=photo, headers=enroller)
        assert added.status_code == 201
        # What takes everybody's away needs more than what takes one's.
        assert problem(await somebody.delete(f"{ROOT}/faces", headers=enroller)) == (403, 1)
        assert problem(await somebody.delete(f"{ROOT}/subjects", headers=enroller)) == (403, 1)
        assert (await somebody.delete(f"{ROOT}/faces", params=params, headers=enroller)).json() == {"deleted": 1}


async def test_R_ACC_4_limits_of_size_and_rate_hold_and_are_told_in_compreface_s_shape(
    open_client: OpenClient, portraits: Sequence[bytes]
) -> None:
    small = {"compreface__enabled": True, "server__max_upload_bytes": 1000, "limits__per_user": "2/minute"}
    async with open_client(**small) as client:
        assert problem(await send(client, "/recognition/recognize", portraits[0])) == (413, 0)
        await client.get(f"{ROOT}/subjects")
        limited = await client.get(f"{ROOT}/subjects")
        assert problem(limited) == (429, 0)
        assert int(limited.headers["Retry-After"]) > 0
        assert limited.headers["X-Request-ID"]


async def test_R_OPS_5_several_persons_of_one_name_are_one_subject_to_readers_and_not_changed_by_name(
    client: httpx2.AsyncClient, portraits: Sequence[bytes]
) -> None:
    for number in range(2):
        await enrol(client, portraits[number], person_id=f"p{number}", name="Li Wei")
    assert (await client.get(f"{ROOT}/subjects")).json() == {"subjects": ["Li Wei"]}
    assert (await client.get(f"{ROOT}/faces", params={"subject": "Li Wei"})).json()["total_elements"] == 2
    for answer in (
        await add(client, "Li Wei", portraits[2]),
        await client.delete(f"{ROOT}/subjects/Li Wei"),
        await client.put(f"{ROOT}/subjects/Li Wei", json={"subject": "x"}),
        await client.delete(f"{ROOT}/faces", params={"subject": "Li Wei"}),
    ):
        status, code = problem(answer)
        assert (status, code) == (400, 0)
        assert "by their ids" in answer.json()["message"]
    assert len((await client.get("/api/v1/faces")).json()["persons"]) == 2


async def test_R_OPS_5_a_subject_gets_the_id_that_an_import_would_give_it(
    client: httpx2.AsyncClient, portraits: Sequence[bytes]
) -> None:
    await add(client, "Ada L", portraits[0])
    await enrol(client, portraits[1], person_id="Bob_X", name="Somebody else")
    await add(client, "Bob X", portraits[2])
    persons = {one["name"]: one["person_id"] for one in (await client.get("/api/v1/faces")).json()["persons"]}
    assert persons["Ada L"] == "Ada_L"
    assert persons["Bob X"] not in {"Bob_X", "Ada_L"}


async def test_R_OPS_5_names_of_subjects_are_in_no_log(
    client: httpx2.AsyncClient, portraits: Sequence[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await add(client, "Greta Geheim", portraits[0])
    await client.put(f"{ROOT}/subjects/Greta Geheim", json={"subject": "Hanna Geheim"})
    async with anonymous(client) as nobody:
        await nobody.delete(f"{ROOT}/subjects/Hanna Geheim")
    await client.delete(f"{ROOT}/subjects/Hanna Geheim")
    events = (await client.get("/api/v1/audit", params={"limit": 20})).json()["events"]
    assert {"person.enrol", "person.update", "person.delete"} <= {event["action"] for event in events}
    deleted = next(event for event in events if event["action"] == "person.delete" and event["outcome"] == "ok")
    assert deleted["target"] == "Greta_Geheim"
    assert "Hanna" not in json.dumps(events)
    assert "/api/v1/recognition/subjects/-" in caplog.text
    assert "Geheim" not in "".join(record.getMessage() for record in caplog.records if record.name == "lianpu.access")


async def test_R_OPS_5_it_is_off_unless_it_is_switched_on(open_client: OpenClient, portraits: Sequence[bytes]) -> None:
    async with open_client() as client:
        document = (await client.get("/openapi.json")).json()
        calls = [
            (method, path) for path, methods in document["paths"].items() for method in methods if is_compreface(path)
        ]
        assert len(calls) == 15
        for method, path in calls:
            address = path.format(image_id="x", subject="x")
            assert problem(await client.request(method, address, params={"subject": "x"})) == (404, 0), path
        assert (await client.get("/api/v1/faces")).json()["persons"] == []
        # Ours are not among them.
        assert (await enrol(client, portraits[0], name="n")).status_code == 201
