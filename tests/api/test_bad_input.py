"""Whatever is sent, the answer is a documented problem and nothing changes."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.calls import enrol
from tests.api.test_enrolment import state

pytestmark = pytest.mark.anyio

# Every file of the kit's folder of awkward files: what enrolment answers. None: it is enrolled.
EDGE: dict[str, str | None] = {
    "anim.gif": None,
    "anim.webp": None,
    "avif.avif": None,
    "base.jpg": None,
    "bmp24.bmp": None,
    "bomb_20000x20000_1bit.png": "image_too_large",
    "cmyk.jpg": None,
    "empty.jpg": "image_empty",
    "exif_gps.jpg": None,
    "exif_orientation_2.jpg": None,
    "exif_orientation_3.jpg": None,
    "exif_orientation_4.jpg": None,
    "exif_orientation_5.jpg": None,
    "exif_orientation_6.jpg": None,
    "exif_orientation_7.jpg": None,
    "exif_orientation_8.jpg": None,
    "extreme_aspect.jpg": "face_not_found",
    "grey.jpg": None,
    "grey_alpha.png": None,
    "lossless.webp": None,
    "lossy.webp": None,
    "not_an_image.jpg": "image_format_unsupported",
    "one_pixel.png": "face_not_found",
    "png_16bit_alpha.png": "face_not_found",  # a tree
    "png_16bit_grey.png": None,
    "png_1bit.png": None,
    "png_named.jpg": None,
    "png_palette.png": None,
    "png_rgba_alpha.png": None,
    "progressive.jpg": None,
    "tiff_lzw.tif": None,
    "tiny_face_24px.jpg": "face_not_found",
    "truncated.jpg": "image_damaged",
    "uniform_grey_noface.jpg": "face_not_found",
}


async def test_R_LIB_2_all_awkward_files_give_their_documented_answer(
    client: httpx2.AsyncClient, testkit: Path
) -> None:
    files = sorted((testkit / "images" / "edge").iterdir())
    assert [file.name for file in files] == sorted(EDGE)
    wrong: dict[str, Any] = {}
    for file in files:
        before = await state(client)
        response = await enrol(client, file.read_bytes(), name=file.name, face_selection="largest")
        given = None if response.status_code == 201 else response.json()["code"]
        if given != EDGE[file.name]:
            wrong[file.name] = (given, response.json().get("detail"))
        if given is not None and await state(client) != before:
            wrong[file.name] = "changed something"
    assert wrong == {}


async def test_R_LIB_2_bomb_is_refused_before_it_is_decoded(
    client: httpx2.AsyncClient, testkit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL.ImageFile import ImageFile

    def decoded(*_: object) -> None:
        pytest.fail("pixels of the bomb were decoded")

    monkeypatch.setattr(ImageFile, "load", decoded)
    data = (testkit / "images" / "edge" / "bomb_20000x20000_1bit.png").read_bytes()
    for route in ("faces", "search", "detect", "embeddings"):
        response = await client.post(f"/api/v1/{route}", files={"image": data})
        assert (response.status_code, response.json()["code"]) == (413, "image_too_large")


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({}, "name", "missing"),
        ({"name": "   "}, "name", "value_error"),
        ({"name": "x" * 201}, "name", "value_error"),
        ({"name": "a\x00b"}, "name", "value_error"),
        ({"name": "A", "person_id": "a/b"}, "person_id", "value_error"),
        ({"name": "A", "person_id": ".."}, "person_id", "value_error"),
        ({"name": "A", "person_id": ""}, "person_id", "value_error"),
        ({"name": "A", "person_id": "x" * 129}, "person_id", "value_error"),
        ({"name": "A", "metadata": "{not json"}, "metadata", "value_error"),
        ({"name": "A", "metadata": "[1]"}, "metadata", "dict_type"),
        ({"name": "A", "metadata": '{"a": NaN}'}, "metadata", "value_error"),
        ({"name": "A", "metadata": r'{"a": "\ud800"}'}, "metadata", "value_error"),
        ({"name": "A", "metadata": json.dumps({"a": "x" * 20_000})}, "metadata", "value_error"),
        ({"name": "A", "threshold": "1.5"}, "threshold", "less_than_equal"),
        ({"name": "A", "threshold": "nan"}, "threshold", "finite_number"),
        ({"name": "A", "face_index": "-1"}, "face_index", "greater_than_equal"),
        ({"name": "A", "nmae": "B"}, "nmae", "field_unknown"),
    ],
)
async def test_R_OPS_5_wrong_fields_are_named_and_change_nothing(
    client: httpx2.AsyncClient, portraits: list[bytes], fields: dict[str, str], field: str, code: str
) -> None:
    before = await state(client)
    response = await enrol(client, portraits[0], **fields)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "validation_failed"), problem
    assert {"field": field, "code": code}.items() <= problem["errors"][0].items(), problem
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:lianpu:problem:validation_failed"
    assert await state(client) == before


async def test_R_OPS_5_all_wrong_fields_are_named_at_once_with_the_nearest_name(
    client: httpx2.AsyncClient, portraits: list[bytes]
) -> None:
    response = await client.post(
        "/api/v1/faces", files={"imge": portraits[0]}, data={"metadata": "x", "threshold": "high"}
    )
    errors = {error["field"]: error for error in response.json()["errors"]}
    assert set(errors) == {"imge", "metadata", "threshold"}
    assert "did you mean `image`" in errors["imge"]["message"]


@pytest.mark.parametrize("person_id", ["张三-01", "employee_17", "Ärzte.1", "名@x:1", "مريم"])
async def test_R_LIB_1_ids_of_any_script_work_in_paths(
    client: httpx2.AsyncClient, portraits: list[bytes], person_id: str
) -> None:
    assert (await enrol(client, portraits[0], name="N", person_id=person_id)).status_code == 201
    found = await client.get(f"/api/v1/faces/{person_id}")
    assert found.json()["person"]["person_id"] == person_id
    assert (await client.delete(f"/api/v1/faces/{person_id}")).status_code == 200


async def test_R_OPS_5_path_that_is_no_id_is_not_found_as_a_problem(client: httpx2.AsyncClient) -> None:
    for path in ("/api/v1/faces/a%2Fb", "/api/v1/faces/..%2F..%2Fetc%2Fpasswd", "/api/v1/nothing"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
    for address in ("/api/v1/faces?name=%00", "/api/v1/faces?metadata.a=%00", "/api/v1/faces/%00"):
        response = await client.get(address)
        assert (response.status_code, response.json()["code"]) == (400, "malformed_request")
    wrong_method = await client.delete("/api/v1/faces")
    assert (wrong_method.status_code, wrong_method.json()["code"]) == (405, "method_not_allowed")


async def test_R_LIB_2_upload_over_the_limit_is_refused_before_it_is_read(client: httpx2.AsyncClient) -> None:
    before = await state(client)
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        for _ in range(800):
            sent += 65536
            yield b"\xff" * 65536

    announced = await client.post(
        "/api/v1/faces?name=A", content=b"x" * 50_000_000, headers={"content-type": "image/jpeg"}
    )
    assert (announced.status_code, announced.json()["code"]) == (413, "upload_too_large")
    chunked = await client.post("/api/v1/faces?name=A", content=endless(), headers={"content-type": "image/jpeg"})
    assert (chunked.status_code, chunked.json()["code"]) == (413, "upload_too_large")
    assert sent <= 34_000_000 + 65536
    for method, path in (("PATCH", "/api/v1/faces/x"), ("POST", "/api/v1/search")):
        large = await client.request(
            method, path, content=b'{"a": "' + b"x" * 40_000_000, headers={"content-type": "application/json"}
        )
        assert (large.status_code, large.json()["code"]) == (413, "upload_too_large")
    assert await state(client) == before


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_request"),
        (b"[]", "application/json", 400, "malformed_request"),
        (b'{"image": "%%%"}', "application/json", 422, "validation_failed"),
        (b'{"image": 7}', "application/json", 422, "validation_failed"),
        (b'{"image": ""}', "application/json", 422, "image_empty"),
        (b"{}", "application/json", 422, "validation_failed"),
        (b"[" * 100_000, "application/json", 400, "malformed_request"),
        (b"nonsense", "multipart/form-data", 400, "malformed_request"),
        (b"nonsense", "multipart/form-data; boundary=x", 400, "malformed_request"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", 400, "malformed_request"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"", "", 415, "unsupported_media_type"),
        (b"hello", "image/jpeg", 415, "image_format_unsupported"),
        (b"", "image/jpeg", 422, "image_empty"),
    ],
)
async def test_R_OPS_5_broken_bodies_have_their_codes(
    client: httpx2.AsyncClient, content: bytes, content_type: str, status: int, code: str
) -> None:
    response = await client.post("/api/v1/search", content=content, headers={"content-type": content_type})
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


async def test_R_OPS_5_unknown_pack_names_the_known_ones(client: httpx2.AsyncClient, portraits: list[bytes]) -> None:
    for route, field in (
        ("search", "pack"),
        ("detect", "pack"),
        ("embeddings", "pack"),
        ("faces", "models_to_generate"),
    ):
        response = await client.post(
            f"/api/v1/{route}",
            files={"image": portraits[0]},
            data={field: "dlb"} | ({"name": "A"} if route == "faces" else {}),
        )
        assert (response.status_code, response.json()["code"]) == (404, "pack_not_found")
        assert "dlib" in response.json()["detail"]
    assert (await state(client))[0]["gallery"]["persons"] == 0


async def test_R_OPS_3_damaged_model_file_is_mended_or_named(
    open_client: Any, home: Path, portraits: list[bytes]
) -> None:
    """The embedded pack is made again from its package; health stays honest either way."""
    for network in home.rglob("*.onnx"):
        network.write_bytes(b"\x00" * network.stat().st_size)
    async with open_client() as client:
        health = await client.get("/health")
        answer = await client.post("/api/v1/detect", files={"image": portraits[0]})
        if health.status_code == 200:
            assert len(answer.json()["faces"]) == 1
        else:
            assert (answer.status_code, answer.json()["code"]) == (503, "pack_damaged")


async def test_R_OPS_3_default_pack_that_is_missing_is_said_by_health_and_every_call(
    open_client: Any, portraits: list[bytes]
) -> None:
    async with open_client(packs__default="buffalo_l") as client:
        health = await client.get("/health")
        assert health.status_code == 503
        assert health.json()["checks"]["pack"] != "ok"
        response = await client.post("/api/v1/search", files={"image": portraits[0]})
        assert (response.status_code, response.json()["code"]) == (404, "pack_not_found")
        assert (await client.get("/health/live")).status_code == 200


async def test_R_OPS_5_full_queue_is_503_with_retry_after(open_client: Any, portraits: list[bytes]) -> None:
    import asyncio

    async with open_client(runtime__workers=1, runtime__queue_capacity=1) as client:
        calls = [client.post("/api/v1/detect", files={"image": portraits[0]}) for _ in range(12)]
        answers = await asyncio.gather(*calls)
        busy = [answer for answer in answers if answer.status_code == 503]
        assert {answer.status_code for answer in answers} == {200, 503}
        assert {answer.json()["code"] for answer in busy} == {"server_busy"}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in busy)
        assert (await client.post("/api/v1/detect", files={"image": portraits[0]})).status_code == 200


async def test_R_OPS_5_failed_write_leaves_no_person_and_no_file(
    client: httpx2.AsyncClient, portraits: list[bytes], home: Path
) -> None:
    (home / "gallery").write_text("a file where the folder should be")
    response = await enrol(client, portraits[0], name="Ada")
    assert (response.status_code, response.json()["code"]) == (507, "storage_unwritable")
    assert (await client.get("/api/v1/faces")).json()["persons"] == []
