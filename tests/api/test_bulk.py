"""R-LIB-5: many photos at once, each with an outcome of its own; refused as a whole only where the whole is wrong."""

import asyncio
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.conftest import OpenClient

pytestmark = pytest.mark.anyio
BATCH = "/api/v1/faces/batch"
LARGEST = "/api/v1/faces/batch?face_selection=largest"
ZIP = {"Content-Type": "application/zip"}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


async def ended(client: httpx2.AsyncClient, answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    job_id = answer.json()["job"]["job_id"]
    while True:
        job = (await client.get(f"/api/v1/jobs/{job_id}")).json()["job"]
        if job["finished_at"] is not None:
            return job
        await asyncio.sleep(0.02)


async def items(client: httpx2.AsyncClient, job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    page = (await client.get(f"/api/v1/jobs/{job['job_id']}/items", params={"limit": 1000})).json()
    assert page["next_cursor"] is None
    return {item["name"]: item for item in page["items"]}


async def persons(client: httpx2.AsyncClient) -> dict[str, int]:
    listed = (await client.get("/api/v1/faces", params={"limit": 200})).json()["persons"]
    return {person["person_id"]: person["image_count"] for person in listed}


@pytest.fixture
def people(lfw_people: dict[str, list[bytes]]) -> dict[str, bytes]:
    """Two photos each of four people, as an archive names them."""
    return {
        f"{name}/{number}.jpg": photo
        for name, photos in list(lfw_people.items())[:4]
        for number, photo in enumerate(photos[:2])
    }


@pytest.mark.parametrize(
    "kind",
    [
        "zip",
        pytest.param("tar.gz", marks=pytest.mark.slow),
        pytest.param("tar", marks=pytest.mark.slow),
        pytest.param("multipart archive", marks=pytest.mark.slow),
        "multipart images",
    ],
)
async def test_R_LIB_5_an_upload_of_folders_becomes_persons(
    open_kit_client: OpenClient, people: dict[str, bytes], blank_photo: bytes, kind: str
) -> None:
    files = {**people, "Nobody/blank.png": blank_photo, "张 三/broken.jpg": b"\xff\xd8 no photo", "notes.txt": b"hello"}
    async with open_kit_client() as client:
        match kind:
            case "zip":
                answer = await client.post(LARGEST, content=zipped(files), headers=ZIP)
            case "tar.gz":
                answer = await client.post(LARGEST, content=tarred(files), headers={"Content-Type": "application/gzip"})
            case "tar":
                body = tarred(files, "w:")
                answer = await client.post(LARGEST, content=body, headers={"Content-Type": "application/x-tar"})
            case "multipart archive":
                answer = await client.post(LARGEST, files={"archive": ("photos.zip", zipped(files))})
            case _:
                answer = await client.post(LARGEST, files=[("image", (name, data)) for name, data in files.items()])
        job = await ended(client, answer)
        assert job["status"] == "completed", job
        assert job["items"] == {"enrolled": 8, "failed": 2, "skipped": 1}
        assert job["result"]["persons_created"] == 4
        outcome = await items(client, job)
        assert outcome["Nobody/blank.png"]["detail"]["code"] == "face_not_found"
        assert outcome["张 三/broken.jpg"]["detail"]["code"] == "image_format_unsupported"
        assert outcome["notes.txt"]["status"] == "skipped"
        assert [item["position"] for item in outcome.values()] == list(range(11))
        assert await persons(client) == {name.partition("/")[0]: 2 for name in people}
        name, photo = next(iter(people.items()))
        found = (await client.post("/api/v1/search", files={"image": ("probe.jpg", photo)})).json()
        assert found["faces"][0]["best_match"]["person_id"] == name.partition("/")[0]


async def test_R_LIB_5_doing_it_again_adds_nothing_and_failed_items_can_be_tried_again(
    open_kit_client: OpenClient, people: dict[str, bytes], tmp_path: Path
) -> None:
    broken = {**people, "Late/1.jpg": b"\xff\xd8"}
    async with open_kit_client() as client:
        job = await ended(client, await client.post(LARGEST, content=zipped(broken), headers=ZIP))
        assert job["items"] == {"enrolled": 8, "failed": 1}
        assert job["result"]["upload_kept"] is True
        upload = client.platform.jobs.folder_of(job["job_id"]) / "upload"  # type: ignore[attr-defined]
        assert upload.is_file()
        # Somebody mends the photo in the upload: only that item is tried.
        upload.write_bytes(zipped({**people, "Late/1.jpg": next(iter(people.values()))}))
        answer = await client.post(f"/api/v1/jobs/{job['job_id']}/retry")
        assert answer.status_code == 200
        while (again := (await client.get(f"/api/v1/jobs/{job['job_id']}")).json()["job"])["finished_at"] is None:
            await asyncio.sleep(0.02)
        assert again["items"] == {"enrolled": 9}
        assert not upload.exists()
        second = await ended(client, await client.post(LARGEST, content=zipped(people), headers=ZIP))
        assert second["items"] == {"duplicate": 8}
        assert (await persons(client))["Late"] == 1


@pytest.mark.parametrize("kind", ["json", "csv"])
async def test_R_LIB_5_the_manifest_says_who_is_who(
    open_kit_client: OpenClient, lfw_people: dict[str, list[bytes]], t1_photo: bytes, kind: str
) -> None:
    (_, first), (_, second), *_ = lfw_people.items()
    files = {"a.jpg": first[0], "b.jpg": first[1], "c.jpg": second[0], "group.jpg": t1_photo}
    entries = [
        {"file": "a.jpg", "person_id": "e-1", "name": "张三", "metadata": {"department": "R&D"}},
        {"file": "b.jpg", "person_id": "e-1"},
        {"file": "c.jpg", "name": "Li Si"},
        {"file": "group.jpg", "person_id": "e-9", "name": "Third from left", "face_index": 2},
    ]
    table = 'file,person_id,name,department,face_index\na.jpg,e-1,张三,"R&D",\nb.jpg,e-1,,,\nc.jpg,,Li Si,,\n'
    table += "group.jpg,e-9,Third from left,,2\n"
    async with open_kit_client() as client:
        if kind == "json":
            sent = {"archive": ("x.zip", zipped({**files, "manifest.json": json.dumps(entries).encode()}))}
            answer = await client.post(LARGEST, files=sent)
        else:
            sent = {"archive": ("x.zip", zipped(files))}
            answer = await client.post(LARGEST, files=sent, data={"manifest": table})
        job = await ended(client, answer)
        assert job["items"] == {"enrolled": 4}, await items(client, job)
        assert await persons(client) == {"e-1": 2, "Li_Si": 1, "e-9": 1}
        person = (await client.get("/api/v1/faces/e-1")).json()["person"]
        assert (person["name"], person["metadata"]) == ("张三", {"department": "R&D"})
        gone = await client.request("DELETE", BATCH, json={"person_ids": ["e-1", "Li_Si", "e-9", "nobody"]})
        assert [item["status"] for item in gone.json()["items"]] == ["deleted"] * 3 + ["not_found"]
        assert gone.json()["deleted"] == 3
        assert all(item["receipt"]["verified"] for item in gone.json()["items"][:3])
        assert await persons(client) == {}


async def test_R_LIB_5_options_hold_for_all_photos_and_a_dry_run_stores_nothing(
    open_kit_client: OpenClient, people: dict[str, bytes], t1_photo: bytes
) -> None:
    files = {**people, "Group/t1.jpg": t1_photo}
    async with open_kit_client() as client:
        dry = await client.post(BATCH, content=zipped(files), headers=ZIP, params={"dry_run": "true"})
        job = await ended(client, dry)
        assert job["items"]["would_enrol"] + job["items"]["failed"] == 9
        assert (await items(client, job))["Group/t1.jpg"]["detail"]["code"] == "several_faces"
        assert await persons(client) == {}
        assert not list((client.platform.settings.home / "gallery").rglob("*.jp*g"))  # type: ignore[attr-defined]
        largest = {"face_selection": "largest"}
        job = await ended(client, await client.post(BATCH, content=zipped(files), headers=ZIP, params=largest))
        assert job["items"] == {"enrolled": 9}
        more = {**files, "New/1.jpg": next(iter(people.values()))}
        skip = {"face_selection": "largest", "on_existing": "skip"}
        job = await ended(client, await client.post(BATCH, content=zipped(more), headers=ZIP, params=skip))
        assert job["items"] == {"skipped": 9, "enrolled": 1}


async def test_R_LIB_5_the_same_key_starts_one_job(open_kit_client: OpenClient, people: dict[str, bytes]) -> None:
    headers = {**ZIP, "Idempotency-Key": "monday"}
    async with open_kit_client() as client:
        first, second = await asyncio.gather(
            *(client.post(LARGEST, content=zipped(people), headers=headers) for _ in range(2))
        )
        assert first.json()["job"]["job_id"] == second.json()["job"]["job_id"]
        job = await ended(client, first)
        assert job["items"] == {"enrolled": 8}
        other = await client.post(LARGEST, content=zipped({"x/1.jpg": b"x"}), headers=headers)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
        folders = [path.name for path in (client.platform.settings.home / "jobs").iterdir()]  # type: ignore[attr-defined]
        assert folders == [job["job_id"]]


REFUSED: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "no archive": (b"hello", ZIP, 422, "archive_damaged"),
    "empty": (b"", ZIP, 422, "archive_damaged"),
    "no photo": (zipped({"readme.txt": b"x"}), ZIP, 422, "manifest_invalid"),
    "leads out": (zipped({"../../x.jpg": b"x"}), ZIP, 422, "archive_unsafe"),
    "absolute": (tarred({"/x.jpg": b"x"}), ZIP, 422, "archive_unsafe"),
    "backslash": (zipped({"a\\..\\x.jpg": b"x"}), ZIP, 422, "archive_unsafe"),
    "bomb": (b"", ZIP, 413, "archive_too_large"),
    "cut short": (tarred({"a/x.jpg": b"x" * 5000}, "w:")[:3000], ZIP, 422, "archive_damaged"),
    "manifest": (zipped({"a/x.jpg": b"x", "manifest.json": b"{"}), ZIP, 422, "manifest_invalid"),
    "manifest names others": (
        zipped({"a/x.jpg": b"x", "manifest.json": b'[{"file": "b.jpg"}]'}),
        ZIP,
        422,
        "manifest_invalid",
    ),
    "type": (b"x", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    "multipart frame": (b"x", {"Content-Type": "multipart/form-data; boundary=q"}, 400, "malformed_request"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_R_LIB_5_what_is_wrong_as_a_whole_is_refused_and_leaves_nothing(
    client: httpx2.AsyncClient, case: str
) -> None:
    body, headers, status, code = REFUSED[case]
    if case == "bomb":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/x.jpg", bytes(20_000_000))
        body = buffer.getvalue()
    answer = await client.post(BATCH, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    home = client.platform.settings.home  # type: ignore[attr-defined]
    assert not (home / "jobs").exists() or list((home / "jobs").iterdir()) == []
    assert (await client.get("/api/v1/jobs")).json()["jobs"] == []


async def test_R_LIB_5_limits_and_options_are_checked(open_client: OpenClient) -> None:
    limits = {"bulk__max_upload_bytes": 20_000, "bulk__max_items": 3, "bulk__max_item_bytes": 1000}
    async with open_client(**limits) as client:
        for body, code in (
            (zipped({f"a/{number}.jpg": b"x" for number in range(4)}), "archive_too_large"),
            (zipped({"a/1.jpg": b"x" * 1001}), "archive_too_large"),
            (bytes(20_001), "upload_too_large"),
        ):
            answer = await client.post(BATCH, content=body, headers=ZIP)
            assert (answer.status_code, answer.json()["code"]) == (413, code)
        photo = {"image": ("a/1.jpg", b"x" * 1001)}
        assert (await client.post(BATCH, files=photo)).json()["code"] == "archive_too_large"
        wrong = await client.post(BATCH, content=zipped({"a/1.jpg": b"x"}), headers=ZIP, params={"on_existing": "eat"})
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "on_existing")
        unknown = await client.post(BATCH, files={"image": ("a/1.jpg", b"x")}, data={"colour": "red"})
        assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "colour")
        twice = [("image", ("a/1.jpg", b"x")), ("image", ("a/1.jpg", b"y"))]
        assert (await client.post(BATCH, files=twice)).json()["code"] == "archive_unsafe"
        both = [("image", ("a/1.jpg", b"x")), ("archive", ("a.zip", zipped({"a/1.jpg": b"x"})))]
        assert (await client.post(BATCH, files=both)).json()["code"] == "validation_failed"


async def test_R_LIB_5_a_person_deleted_meanwhile_stays_deleted(
    open_kit_client: OpenClient, lfw_people: dict[str, list[bytes]]
) -> None:
    photos = [photo for of_one in lfw_people.values() for photo in of_one]
    files = {f"Solo/{number:02}.jpg": photo for number, photo in enumerate(photos)}
    async with open_kit_client() as client:
        started = await client.post(LARGEST, content=zipped(files), headers=ZIP)
        while (gone := await client.delete("/api/v1/faces/Solo")).status_code == 404:
            await asyncio.sleep(0.01)
        assert gone.json()["receipt"]["verified"] is True
        job = await ended(client, started)
        assert job["items"]["skipped"] > 0
        assert job["items"]["skipped"] + job["items"]["enrolled"] == len(files)
        assert await persons(client) == {}
        assert not list((client.platform.settings.home / "gallery").rglob("*.jp*g"))  # type: ignore[attr-defined]


async def test_R_LIB_5_a_cancelled_upload_goes_on_where_it_was(
    open_kit_client: OpenClient, people: dict[str, bytes], lfw_people: dict[str, list[bytes]]
) -> None:
    files = {
        f"{name}/{number}.jpg": photo for name, photos in lfw_people.items() for number, photo in enumerate(photos)
    }
    async with open_kit_client() as client:
        started = await client.post(LARGEST, content=zipped(files), headers=ZIP)
        job_id = started.json()["job"]["job_id"]
        while not (await client.get(f"/api/v1/jobs/{job_id}")).json()["job"]["items"]:
            await asyncio.sleep(0.01)
        await client.post(f"/api/v1/jobs/{job_id}/cancel")
        job = await ended(client, started)
        assert job["status"] == "cancelled"
        assert 0 < job["items"]["enrolled"] < len(files)
        await client.post(f"/api/v1/jobs/{job_id}/retry")
        job = await ended(client, started)
        assert (job["status"], job["items"]) == ("completed", {"enrolled": len(files)})
        assert await persons(client) == {name: len(photos) for name, photos in lfw_people.items()}
