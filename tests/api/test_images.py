"""R-INF 1: one's own images, which nobody else sees."""

import asyncio
import hashlib
import io
import sqlite3
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from PIL import Image as PillowImage

from lianpu.database.base import new_id
from lianpu.engines.image import decode_image
from tests.api.conftest import OpenClient
from tests.api.logins import anonymous, create_user, log_in

pytestmark = pytest.mark.anyio
IMAGES = "/api/v1/images"


async def upload(
    client: httpx2.AsyncClient, content: bytes, name: str = "photo.png", headers: dict[str, str] | None = None
) -> httpx2.Response:
    return await client.post(f"{IMAGES}/upload", files={"file": (name, content)}, headers=headers)


async def uploaded(client: httpx2.AsyncClient, content: bytes, **kwargs: Any) -> dict[str, Any]:
    answer = await upload(client, content, **kwargs)
    assert answer.status_code == 201, answer.text
    return answer.json()["image"]


def stored_files(home: Path) -> list[str]:
    return sorted(
        str(path.relative_to(home)) for folder in ("images", "uploads") for path in (home / folder).rglob("*.*")
    )


async def test_R_INF_1_upload_list_read_and_delete(
    client: httpx2.AsyncClient, astronaut_photo: bytes, t1_photo: bytes, home: Path
) -> None:
    first = await uploaded(client, astronaut_photo, name="宇航员.png")
    second = await uploaded(client, t1_photo, name="a/b/group.webp")
    assert first["name"] == "宇航员.png"
    assert (first["media_type"], first["width"], first["height"]) == ("image/png", 512, 512)
    assert (first["size_bytes"], first["sha256"]) == (
        len(astronaut_photo),
        hashlib.sha256(astronaut_photo).hexdigest(),
    )
    assert (second["name"], second["media_type"], second["width"]) == ("group.webp", "image/jpeg", 1280)

    listed = (await client.get(f"{IMAGES}/")).json()
    assert [image["image_id"] for image in listed["images"]] == [second["image_id"], first["image_id"]]
    assert (listed["total"], listed["skip"], listed["limit"]) == (2, 0, 50)
    page = (await client.get(f"{IMAGES}/", params={"skip": 1, "limit": 1})).json()
    assert [image["image_id"] for image in page["images"]] == [first["image_id"]]

    assert (await client.get(f"{IMAGES}/{first['image_id']}")).json()["image"] == first
    content = await client.get(first["content_url"])
    assert content.content == astronaut_photo
    assert content.headers["content-type"] == "image/png"
    assert content.headers["x-content-type-options"] == "nosniff"
    assert content.headers["content-disposition"].startswith("inline; filename*=UTF-8''%E5%AE%87")
    thumbnail = await client.get(f"{IMAGES}/{second['image_id']}/thumbnail")
    small = decode_image(thumbnail.content)
    assert (small.width, small.height) == (320, 222)
    assert thumbnail.headers["content-type"] == "image/jpeg"

    assert (await client.delete(f"{IMAGES}/{first['image_id']}")).status_code == 204
    for path in ("", "/content", "/thumbnail", "/results"):
        gone = await client.get(f"{IMAGES}/{first['image_id']}{path}")
        assert (gone.status_code, gone.json()["code"]) == (404, "image_not_found")
    assert (await client.delete(f"{IMAGES}/{first['image_id']}")).status_code == 404
    names = stored_files(home)
    assert len(names) == 2
    assert all(second["image_id"] in name for name in names)


async def test_R_INF_1_size_is_that_of_the_upright_image(client: httpx2.AsyncClient) -> None:
    """A phone's photo that lies on its side: width and height as models see it, and as its thumbnail shows it."""
    file = io.BytesIO()
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.fromarray(np.zeros((300, 500, 3), np.uint8)).save(file, "JPEG", exif=exif)
    image = await uploaded(client, file.getvalue())
    assert (image["width"], image["height"]) == (300, 500)
    thumbnail = decode_image((await client.get(f"{IMAGES}/{image['image_id']}/thumbnail")).content)
    assert (thumbnail.width, thumbnail.height) == (192, 320)


async def test_R_INF_1_nobody_else_sees_them_not_even_an_administrator(
    client: httpx2.AsyncClient, astronaut_photo: bytes
) -> None:
    for name, role in (("ada", "viewer"), ("bob", "viewer"), ("root", "admin")):
        await create_user(client, name, role)
    async with anonymous(client) as browser:
        ada, bob, root = [await log_in(client, name) for name in ("ada", "bob", "root")]
        image = await uploaded(browser, astronaut_photo, headers=ada.headers)
        made = await browser.post(
            f"{IMAGES}/inference",
            json={"image_id": image["image_id"], "model": "face-analysis"},
            headers=ada.headers,
        )
        result = f"{IMAGES}/inference/{made.json()['result']['result_id']}"
        for other in (bob, root):
            assert (await browser.get(f"{IMAGES}/", headers=other.headers)).json()["total"] == 0
            address = f"{IMAGES}/{image['image_id']}"
            for path in (address, f"{address}/content", f"{address}/thumbnail", f"{address}/results", result):
                assert (await browser.get(path, headers=other.headers)).status_code == 404
            assert (await browser.delete(address, headers=other.headers)).status_code == 404
            asked = {"image_id": image["image_id"], "model": "face-analysis"}
            for path in ("inference", "inference/async"):
                answer = await browser.post(f"{IMAGES}/{path}", json=asked, headers=other.headers)
                assert (answer.status_code, answer.json()["code"]) == (404, "image_not_found")
        assert (await browser.get(result, headers=ada.headers)).status_code == 200


async def test_R_INF_1_a_user_who_goes_takes_them_along(
    client: httpx2.AsyncClient, astronaut_photo: bytes, home: Path
) -> None:
    user_id = await create_user(client, "ada")
    await uploaded(client, astronaut_photo)
    ada = await log_in(client, "ada")
    async with anonymous(client) as browser:
        for _ in range(3):
            await uploaded(browser, astronaut_photo, headers=ada.headers)
    assert len(stored_files(home)) == 8
    assert (await client.delete(f"/api/v1/users/{user_id}")).status_code == 204
    assert len(stored_files(home)) == 2
    with sqlite3.connect(home / "lianpu.db") as database:
        assert database.execute("SELECT owner_id FROM images").fetchall() == [("configured",)]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "image_empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "image_format_unsupported"),
        (b"\xff\xd8\xff\xe0" + bytes(100), 422, "image_damaged"),
        (b"II*\x00" + bytes(100), 415, "image_format_unsupported"),
    ],
)
async def test_R_INF_1_a_bad_file_is_refused_and_leaves_nothing(
    client: httpx2.AsyncClient, home: Path, content: bytes, status: int, code: str
) -> None:
    answer = await upload(client, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert stored_files(home) == []
    assert (await client.get(f"{IMAGES}/")).json()["total"] == 0


async def test_R_INF_1_a_photo_cut_in_the_middle_is_refused(
    client: httpx2.AsyncClient, t1_photo: bytes, home: Path
) -> None:
    answer = await upload(client, t1_photo[: len(t1_photo) // 2])
    assert (answer.status_code, answer.json()["code"]) == (422, "image_damaged")
    assert stored_files(home) == []


async def test_R_INF_1_limits_are_those_of_the_settings(open_client: OpenClient, home: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    large = cv2.imencode(".bmp", noise)[1].tobytes()
    async with open_client(images__max_upload_bytes=100_000, images__max_per_user=2) as client:
        answer = await upload(client, large)
        assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
        small = cv2.imencode(".png", noise[:50, :50])[1].tobytes()
        await uploaded(client, small)
        kept = await uploaded(client, small)
        full = await upload(client, small)
        assert (full.status_code, full.json()["code"]) == (409, "image_quota")
        await client.delete(f"{IMAGES}/{kept['image_id']}")
        await uploaded(client, small)
    async with open_client(images__max_pixels=1000) as client:
        answer = await upload(client, small)
        assert (answer.status_code, answer.json()["code"]) == (413, "image_too_large")
    assert len(stored_files(home)) == 4


async def test_R_INF_1_many_uploads_at_once_keep_apart(client: httpx2.AsyncClient) -> None:
    photos = [cv2.imencode(".png", np.full((20, 20 + n, 3), n, np.uint8))[1].tobytes() for n in range(12)]
    images = await asyncio.gather(*(uploaded(client, photo, name=f"{n}.png") for n, photo in enumerate(photos)))
    for number, image in enumerate(images):
        assert (await client.get(image["content_url"])).content == photos[number]
        assert image["width"] == 20 + number


async def test_R_INF_1_a_restart_clears_up_what_a_crash_left(
    open_client: OpenClient, home: Path, astronaut_photo: bytes
) -> None:
    async with open_client() as client:
        image = await uploaded(client, astronaut_photo)
    kept = stored_files(home)
    left = new_id()
    (home / "images" / left[-2:]).mkdir(exist_ok=True)
    (home / "images" / left[-2:] / f"{left}.png").write_bytes(astronaut_photo)
    (home / "uploads" / left).write_bytes(astronaut_photo[:100])
    (home / "images" / "notes.txt").write_text("somebody's own")
    async with open_client() as client:
        assert (await client.get(image["content_url"])).content == astronaut_photo
    assert stored_files(home) == sorted([*kept, "images/notes.txt"])
    assert list((home / "uploads").iterdir()) == []


async def test_R_INF_1_while_the_server_runs_only_what_is_old_is_cleared(
    client: httpx2.AsyncClient, home: Path, astronaut_photo: bytes
) -> None:
    """Another node may be in the middle of an upload."""
    await uploaded(client, astronaut_photo)
    kept = stored_files(home)
    new, old = new_id(), "0190" + new_id()[4:]
    for image_id in (new, old):
        (home / "images" / image_id[-2:]).mkdir(exist_ok=True)
        (home / "images" / image_id[-2:] / f"{image_id}.png").write_bytes(b"left")
    await client.platform.images.clear(is_start=False)  # type: ignore[attr-defined]
    assert stored_files(home) == sorted([*kept, f"images/{new[-2:]}/{new}.png"])


async def test_R_INF_1_a_file_that_is_missing_is_told(
    client: httpx2.AsyncClient, home: Path, astronaut_photo: bytes
) -> None:
    image = await uploaded(client, astronaut_photo)
    for path in (home / "images").rglob("*.png"):
        path.unlink()
    answer = await client.get(image["content_url"])
    assert (answer.status_code, answer.json()["code"]) == (404, "image_not_found")
    asked = {"image_id": image["image_id"], "model": "face-analysis"}
    run = await client.post(f"{IMAGES}/inference", json=asked)
    assert (run.status_code, run.json()["code"]) == (404, "image_not_found")
