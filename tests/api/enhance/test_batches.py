"""R-ENH 2: an archive of photos in, one ZIP out: folders and names kept, what failed listed, whatever kind came in."""

import asyncio
import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable
from struct import pack

import httpx2
import pytest

from lianpu.storage.foreign_archive import has_libarchive
from tests.api.conftest import OpenClient
from tests.api.enhance.calls import batched, ended, send_archive, status
from tests.api.enhance.conftest import jpeg
from tests.api.enhance.lanczos import LanczosEnhancer
from tests.archives import encrypted_zip, rar5, rar5_link, seven_zip_link, seven_zipped, tarred, zipped

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PHOTOS = {
    "旅行/第一天/海边.jpg": jpeg(1),
    "旅行/第一天/海边.png": jpeg(2, suffix=".png"),
    "旅行/café.JPEG": jpeg(3),
    "a/b/c/d/deep.webp": jpeg(4, suffix=".webp"),
    "top.jpg": jpeg(5),
}
needs_libarchive = pytest.mark.skipif(not has_libarchive(), reason="the system has no libarchive")


def files_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def report_of(archive: bytes) -> dict[str, dict[str, object]]:
    photos = json.loads(files_of(archive)["enhancement-report.json"])["photos"]
    return {photo["name"]: photo for photo in photos}


async def test_R_ENH_2_folders_and_names_are_kept(client: httpx2.AsyncClient) -> None:
    told, result = await batched(client, zipped(PHOTOS))
    assert (told["status"], told["done"], told["total"], told["is_batch"]) == ("completed", 5, 5, True)
    assert told["result"]["file_name"] == "photos-enhanced.zip"
    files = files_of(result)
    assert set(files) == {*PHOTOS, "enhancement-report.json"}
    assert all(len(files[name]) > 1000 for name in PHOTOS)
    assert {photo["status"] for photo in told["photos"]} == {"completed"}
    assert report_of(result)["top.jpg"]["output_name"] == "top.jpg"


@needs_libarchive
async def test_R_ENH_2_the_result_is_the_same_whichever_archive_came_in(open_client: OpenClient) -> None:
    """But for the labels, which give each photo an id of its own."""
    turned = dict(reversed(PHOTOS.items()))
    packers: list[Callable[..., bytes]] = [zipped, tarred, lambda files: tarred(files, "w:xz"), rar5, seven_zipped]
    async with open_client(provenance__enhanced="off") as client:
        results = {(await batched(client, packer(files)))[1] for packer in packers for files in (PHOTOS, turned)}
    assert len(results) == 1


async def test_R_ENH_2_another_format_changes_suffixes_and_no_file_is_lost(client: httpx2.AsyncClient) -> None:
    _, result = await batched(client, zipped(PHOTOS), output_format="png")
    assert set(files_of(result)) == {
        "旅行/第一天/海边.png",
        "旅行/第一天/海边.jpg.png",
        "旅行/café.png",
        "a/b/c/d/deep.png",
        "top.png",
        "enhancement-report.json",
    } or set(files_of(result)) == {
        "旅行/第一天/海边.png",
        "旅行/第一天/海边.png.png",
        "旅行/café.png",
        "a/b/c/d/deep.png",
        "top.png",
        "enhancement-report.json",
    }


def png_bomb() -> bytes:
    """A PNG of 40,000 × 40,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


async def test_R_ENH_2_what_fails_is_listed_and_harms_no_other(client: httpx2.AsyncClient) -> None:
    bad = {
        "bad/bomb.png": png_bomb(),
        "bad/cut.jpg": jpeg(6)[:500],
        "bad/notes.txt": b"no photo",
        "bad/empty.jpg": b"",
        "bad/liar.jpg": b"GIF89a" + bytes(100),
        "../evil.jpg": jpeg(7),
        "/etc/evil.jpg": jpeg(8),
    }
    told, result = await batched(client, zipped({**PHOTOS, **bad}))
    assert (told["status"], told["done"], told["total"]) == ("completed", 12, 12)
    codes = {photo["name"]: photo["error"]["code"] for photo in told["photos"] if photo["error"]}
    assert codes == {
        "bad/bomb.png": "image_too_large",
        "bad/cut.jpg": "image_damaged",
        "bad/notes.txt": "image_format_unsupported",
        "bad/empty.jpg": "image_format_unsupported",
        "bad/liar.jpg": "image_format_unsupported",
        "../evil.jpg": "archive_unsafe",
        "/etc/evil.jpg": "archive_unsafe",
    }
    files = files_of(result)
    assert set(files) == {*PHOTOS, "enhancement-report.json", "failed-files.txt"}
    listed = files["failed-files.txt"].decode().splitlines()
    assert [line.partition(": ")[0] for line in listed] == sorted(bad)
    assert {name for name, photo in report_of(result).items() if photo["status"] == "failed"} == set(bad)


@pytest.mark.parametrize(
    ("archive", "code"),
    [
        (zipped({"bomb.jpg": bytes(30_000_000)}), "nothing_enhanced"),
        (tarred({"bomb.jpg": bytes(19_000_000)}, "w:gz"), "archive_too_large"),
        (zipped({f"{number}.jpg": b"" for number in range(10_000)}), "archive_too_large"),
        (zipped(PHOTOS)[:-40], "archive_damaged"),
        (tarred(PHOTOS, "w:gz")[:-400], "archive_damaged"),
        (b"PK\x07\x08" + zipped(PHOTOS), "archive_damaged"),
        (b"no archive " * 50, "archive_damaged"),
        (encrypted_zip(PHOTOS), "nothing_enhanced"),
        (zipped({}), "nothing_enhanced"),
        pytest.param(rar5(PHOTOS)[:-300], "archive_damaged", marks=needs_libarchive),
        pytest.param(rar5_link(), "nothing_enhanced", marks=needs_libarchive),
        pytest.param(rar5(PHOTOS, volume=True, cut_bytes=50), "nothing_enhanced", marks=needs_libarchive),
        pytest.param(seven_zip_link(), "nothing_enhanced", marks=needs_libarchive),
        pytest.param(seven_zipped({"bomb.jpg": bytes(19_000_000)}), "archive_too_large", marks=needs_libarchive),
    ],
    ids=[
        "zip bomb",
        "tar bomb",
        "10,000 empty files",
        "zip cut",
        "tar cut",
        "split zip",
        "no archive",
        "encrypted zip",
        "empty zip",
        "rar cut",
        "rar link",
        "rar split",
        "7z link",
        "7z bomb",
    ],
)
async def test_R_ENH_2_what_is_no_archive_of_photos_fails_with_its_reason(
    client: httpx2.AsyncClient, enhancer: LanczosEnhancer, archive: bytes, code: str
) -> None:
    told, _ = await batched(client, archive)
    assert (told["status"], told["error"]["code"], told["cleaned_by"]) == ("failed", code, "failed")
    assert enhancer.enhanced == 0
    assert client.platform.enhancement.held.admission.working == 0  # type: ignore[attr-defined]


async def test_R_ENH_2_an_archive_that_is_too_large_or_empty_is_not_taken(open_client: OpenClient) -> None:
    async with open_client(enhance__max_archive_bytes=5000) as client:
        for content, code in ((zipped({"a.jpg": os.urandom(6000)}), "upload_too_large"), (b"", "image_empty")):
            answer = await send_archive(client, content)
            assert answer.json()["code"] == code


async def test_R_ENH_2_a_result_that_grows_too_large_keeps_what_fits(open_client: OpenClient) -> None:
    async with open_client(enhance__max_result_bytes=40_000) as client:
        told, result = await batched(client, zipped({f"{number}.jpg": jpeg(number) for number in range(8)}))
    assert told["status"] == "completed"
    failed = [photo["error"]["code"] for photo in told["photos"] if photo["error"]]
    assert set(failed) == {"archive_too_large"}
    assert 0 < len(failed) < 8
    assert len(files_of(result)) == 8 - len(failed) + 2


async def test_R_ENH_2_a_batch_that_is_ended_stops_at_the_next_step(
    client: httpx2.AsyncClient, enhancer: LanczosEnhancer
) -> None:
    enhancer.stage_s = 0.05
    submitted = (await send_archive(client, zipped({f"{number}.jpg": jpeg(number) for number in range(30)}))).json()
    enhancement_id = submitted["enhancement"]["enhancement_id"]
    while (await status(client, enhancement_id))["done"] < 2:
        await asyncio.sleep(0.02)
    await client.delete(f"/api/v1/enhance/{enhancement_id}")
    told = await ended(client, enhancement_id)
    assert (told["status"], told["cleaned_by"]) == ("cleaned", "deleted")
    assert enhancer.enhanced < 30
