"""A gallery goes from one installation to another as a signed archive, whole or not at all."""

import asyncio
import errno
import shutil
from collections import namedtuple
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from lianpu.api.app import create_app
from lianpu.database.base import now_utc
from lianpu.gallery.transfer.signing import SigningKey
from lianpu.settings import load_settings
from lianpu.storage.local import LocalStorage
from tests.api.calls import enrol
from tests.api.conftest import API_KEY, OpenClient
from tests.gallery.archives import entries_of, noise, with_number, with_value, write_archive

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ZIP = {"Content-Type": "application/zip"}


async def finished(client: httpx2.AsyncClient, answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    job = answer.json()["job"]
    while job["finished_at"] is None:
        await asyncio.sleep(0.01)
        job = (await client.get(f"/api/v1/jobs/{job['job_id']}")).json()["job"]
    return job


async def export(client: httpx2.AsyncClient, **fields: Any) -> tuple[dict[str, Any], bytes]:
    job = await finished(client, await client.post("/api/v1/gallery/export", json=fields))
    assert job["status"] == "completed", job["error"]
    answer = await client.get(f"/api/v1/gallery/exports/{job['job_id']}/archive")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    return job["result"], answer.content


async def send(client: httpx2.AsyncClient, archive: bytes, **options: Any) -> httpx2.Response:
    headers = {**ZIP, **options.pop("headers", {})}
    return await client.post("/api/v1/gallery/import", content=archive, params=options, headers=headers)


async def take_in(client: httpx2.AsyncClient, archive: bytes, **options: Any) -> dict[str, Any]:
    return await finished(client, await send(client, archive, **options))


async def answers(client: httpx2.AsyncClient, photos: list[bytes]) -> list[Any]:
    """All that a search says of each photo but how long it took."""
    found: list[Any] = []
    for photo in photos:
        answer = await client.post("/api/v1/search", files={"image": ("a.jpg", photo)}, data={"top_k": "10"})
        found.append([face["matches"] for face in answer.json()["faces"]])
    return found


async def listing(client: httpx2.AsyncClient) -> list[Any]:
    """Every person as the API shows them, with images; where files lie is not shown."""
    persons = (await client.get("/api/v1/faces")).json()["persons"]
    details = [(await client.get(f"/api/v1/faces/{person['person_id']}")).json() for person in persons]
    return [{key: value for key, value in detail.items() if key != "request_id"} for detail in details]


async def state(client: httpx2.AsyncClient) -> Any:
    """Rows, index and files: what a refused import must leave as it was."""
    platform = client.platform  # type: ignore[attr-defined]
    async with platform.database.session() as session:
        rows = [
            (await session.execute(text(f"SELECT * FROM {table} ORDER BY 1"))).all()
            for table in ("persons", "person_images", "face_embeddings")
        ]
    home = platform.settings.home
    files = {path: path.read_bytes() for folder in ("gallery", "unfinished") for path in home.glob(f"{folder}/**/*.*")}
    archives = list(home.glob("jobs/*/*"))
    return rows, platform.gallery.indexes.owners(("dlib", "1")), files, archives


@dataclass(frozen=True)
class Source:
    """A real gallery, what searches find in it, and its archives."""

    fingerprint: str
    archive: bytes
    sealed: bytes
    bare: bytes
    result: dict[str, Any]
    persons: list[Any]
    found: list[Any]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, translated_packs: Path, portraits: list[bytes]) -> Source:
    home = tmp_path_factory.mktemp("source")
    shutil.copytree(translated_packs, home / "cache" / "packs")

    async def make() -> Source:
        values = {"home": str(home), "server.api_key": API_KEY}
        app = create_app(load_settings(values, environment={}, folder=home).settings)
        async with app.router.lifespan_context(app):
            transport, headers = httpx2.ASGITransport(app), {"X-API-Key": API_KEY}
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
                for number, photo in enumerate(portraits[:3]):
                    fields = {"person_id": f"人-{number}", "name": f"名 {number}", "metadata": '{"n": 1}'}
                    assert (await enrol(client, photo, threshold="0.7", **fields)).status_code == 201
                assert (await enrol(client, portraits[3], person_id="人-0")).status_code == 201
                result, archive = await export(client)
                _, sealed = await export(client, passphrase="密码 is long enough")
                _, bare = await export(client, include_images=False, filter={"metadata": {"n": "1"}})
                fingerprint = (await client.get("/api/v1/gallery/signing-key")).json()["fingerprint"]
                found = await answers(client, portraits)
                return Source(fingerprint, archive, sealed, bare, result, await listing(client), found)

    return asyncio.run(make())


@pytest.fixture
async def other(open_client: OpenClient, source: Source) -> AsyncIterator[httpx2.AsyncClient]:
    """Another installation, which trusts the source."""
    async with open_client(transfer__trusted_keys=[source.fingerprint]) as client:
        yield client


async def test_R_LIB_12_import_into_an_empty_home_gives_the_same_answers(
    other: httpx2.AsyncClient, source: Source, portraits: list[bytes]
) -> None:
    assert (source.result["persons"], source.result["images"], source.result["embeddings"]) == (3, 4, 4)
    assert source.result["gallery_id"] == source.fingerprint
    before = await state(other)
    examined = await take_in(other, source.archive, dry_run=True)
    report = examined["result"]
    assert report["persons"] == {"added": 3, "merged": 0, "unchanged": 0, "skipped": 0, "conflict": 0}
    assert report["packs"] == [{"name": "dlib", "version": "1", "embeddings": 4, "is_taken": True, "reason": None}]
    assert (await state(other))[:3] == before[:3]

    path = f"/api/v1/gallery/imports/{examined['job_id']}/apply"
    job = await finished(other, await other.post(path, json={}))
    assert (job["status"], job["items"]) == ("completed", {"added": 3})
    assert job["result"]["images"] == {"new": 4, "known": 0}
    assert await listing(other) == source.persons
    assert await answers(other, portraits) == source.found
    assert (await state(other))[3] == [], "the archive is not kept once it is taken in"
    assert (await other.post(path, json={})).json()["code"] == "archive_gone"

    check = await finished(other, await other.post("/api/v1/gallery/check", json={}))
    assert check["result"]["is_clean"], check["result"]
    again = await take_in(other, source.archive)
    assert again["result"]["persons"]["unchanged"] == 3
    assert await listing(other) == source.persons


async def test_R_LIB_12_persons_who_exist_are_left_merged_or_refused(
    other: httpx2.AsyncClient, source: Source, portraits: list[bytes]
) -> None:
    await enrol(other, portraits[0], person_id="人-0", name="another name")
    before = await state(other)
    refused = await take_in(other, source.archive)
    assert (refused["status"], refused["error"]["code"]) == ("failed", "import_conflict")
    assert refused["error"]["errors"] == [
        {"field": "人-0", "message": "differs in name, metadata, threshold", "code": "conflict"}
    ]
    assert (await state(other))[:3] == before[:3]

    skipped = await take_in(other, source.archive, on_conflict="skip")
    assert skipped["items"] == {"skipped": 1, "added": 2}
    assert (await other.get("/api/v1/faces/人-0")).json()["person"]["image_count"] == 1

    merged = await take_in(other, source.archive, on_conflict="merge")
    assert merged["items"] == {"merged": 1, "unchanged": 2}
    assert merged["result"]["images"] == {"new": 1, "known": 3}
    person = (await other.get("/api/v1/faces/人-0")).json()["person"]
    assert (person["name"], person["image_count"]) == ("another name", 2)
    assert person["packs"][0]["embedding_count"] == 2
    check = await finished(other, await other.post("/api/v1/gallery/check", json={}))
    assert check["result"]["is_clean"], check["result"]


def _flip(archive: bytes) -> bytes:
    changed = bytearray(archive)
    changed[len(archive) // 2] ^= 4
    return bytes(changed)


async def test_R_LIB_12_refused_archive_leaves_nothing_behind(
    other: httpx2.AsyncClient, source: Source, portraits: list[bytes], tmp_path: Path
) -> None:
    await enrol(other, portraits[4], person_id="here", name="Here")
    before = await state(other)
    strange = SigningKey(tmp_path / "strange.pem")
    foreign = write_archive(tmp_path / "foreign.zip", strange, entries_of(strange)).read_bytes()
    newer = entries_of(strange)
    with_value("manifest.json", format_version=7)(newer)
    newer_version = write_archive(tmp_path / "newer.zip", strange, newer).read_bytes()
    trust = {"trust": strange.fingerprint}
    cases: list[tuple[bytes, dict[str, Any], str]] = [
        (_flip(source.archive), {}, "archive_damaged"),
        (source.archive[:-1000], {}, "archive_damaged"),
        (b"", {}, "archive_damaged"),
        (foreign, {}, "archive_untrusted"),
        (newer_version, trust, "archive_version_unsupported"),
        (source.sealed, {}, "archive_passphrase"),
        (source.sealed, {"headers": {"X-Archive-Passphrase": "wrong"}}, "archive_passphrase"),
    ]
    for archive, options, code in cases:
        answer = await send(other, archive, **options)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert await state(other) == before
    assert (await send(other, foreign)).json()["fingerprint"] == strange.fingerprint
    refused = await send(other, source.archive, headers={"Content-Type": "text/plain"})
    assert refused.json()["code"] == "unsupported_media_type"

    # Signed by a key that is trusted, and yet not what a gallery holds: found before anything is taken in.
    evil = entries_of(strange)
    with_number(float("nan"))(evil)
    job = await take_in(other, write_archive(tmp_path / "evil.zip", strange, evil).read_bytes(), **trust)
    assert (job["status"], job["error"]["code"]) == ("failed", "archive_damaged")
    assert await state(other) == before


async def test_R_LIB_12_encrypted_archive_is_taken_in_with_its_passphrase(
    other: httpx2.AsyncClient, source: Source
) -> None:
    assert b"persons.jsonl" not in source.sealed
    # "密码 is long enough", percent-encoded
    headers = {"X-Archive-Passphrase": "%E5%AF%86%E7%A0%81%20is%20long%20enough"}
    job = await take_in(other, source.sealed, headers=headers)
    assert job["items"] == {"added": 3}
    assert "enough" not in str(job)
    assert await listing(other) == source.persons


async def test_R_LIB_12_embeddings_of_other_weights_are_left_out_and_archives_without_photos_hold_names(
    other: httpx2.AsyncClient, source: Source, tmp_path: Path
) -> None:
    key = SigningKey(tmp_path / "key.pem")
    archive = write_archive(tmp_path / "a.zip", key, entries_of(key)).read_bytes()
    job = await take_in(other, archive, trust=key.fingerprint)
    assert job["result"]["packs"][0]["reason"] == "the pack is not installed here"
    assert job["result"]["images"] == {"new": 6, "known": 0}
    assert job["result"]["embeddings"] == {"new": 0}
    assert "6 images get no embedding" in job["result"]["notes"][0]

    bare = await take_in(other, source.bare)
    assert bare["items"] == {"added": 3}
    assert "no photos" in bare["result"]["notes"][0]
    assert (await other.get("/api/v1/faces/人-0")).json()["person"]["image_count"] == 0
    check = await finished(other, await other.post("/api/v1/gallery/check", json={}))
    assert check["result"]["is_clean"], check["result"]


async def test_R_LIB_12_full_disk_refuses_export_and_import_and_leaves_nothing(
    other: httpx2.AsyncClient, source: Source, portraits: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    await enrol(other, portraits[4], person_id="here", name="Here")
    await other.get("/api/v1/gallery/signing-key")
    before = await state(other)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        exported = await finished(other, await other.post("/api/v1/gallery/export", json={}))
        assert exported["error"]["code"] == "storage_unwritable"
        assert await state(other) == before
        job = await take_in(other, source.archive)
        assert (job["status"], job["error"]["code"]) == ("failed", "storage_unwritable")
        assert (await state(other))[:3] == before[:3]

    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: usage(10**12, 10**12 - 1000, 1000))
        early = await take_in(other, source.archive)
        assert (early["error"]["code"], early["items"]) == ("storage_unwritable", {})

    # Once there is room again, the job goes on where it was.
    retried = await finished(
        other, httpx2.Response(202, json=(await other.post(f"/api/v1/jobs/{job['job_id']}/retry")).json())
    )
    assert retried["items"] == {"added": 3}


async def test_R_LIB_12_part_of_a_gallery_is_exported_while_it_changes(
    client: httpx2.AsyncClient, portraits: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, photo in enumerate(portraits[:3]):
        await enrol(client, photo, person_id=f"p{number}", name=f"Person {number}")
    one, _ = await export(client, person_ids=["p1"])
    assert (one["persons"], one["images"]) == (1, 1)
    named, _ = await export(client, filter={"name": "person 2"})
    assert named["persons"] == 1
    unknown = await client.post("/api/v1/gallery/export", json={"person_ids": ["p1", "nobody"]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "person_not_found")
    both = await client.post("/api/v1/gallery/export", json={"person_ids": ["p1"], "filter": {}})
    assert both.json()["code"] == "validation_failed"

    # A person who is deleted between the reading of the rows and that of the files.
    read = LocalStorage.read
    loop = asyncio.get_running_loop()

    def read_and_delete(storage: LocalStorage, name: str) -> bytes:
        if name.startswith("gallery/") and not deleted:
            deleted.append(name)
            asyncio.run_coroutine_threadsafe(client.delete("/api/v1/faces/p2"), loop).result()
        return read(storage, name)

    deleted: list[str] = []
    monkeypatch.setattr(LocalStorage, "read", read_and_delete)
    result, archive = await export(client)
    assert (result["persons"], result["images"], result["embeddings"], result["left_out"]) == (3, 2, 2, 1)
    assert len(result["left_out_images"]) == 1
    job = await take_in(client, archive)
    assert job["items"] == {"unchanged": 2, "added": 1}


async def test_R_LIB_12_archives_have_their_time_and_uploads_their_limit(
    open_client: OpenClient, source: Source
) -> None:
    limits = {"transfer__max_upload_bytes": len(source.archive) - 1, "server__max_upload_bytes": 1000}
    async with open_client(**limits, transfer__trusted_keys=[source.fingerprint]) as client:
        refused = await send(client, source.archive)
        assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")

        async def in_parts() -> AsyncIterator[bytes]:
            for start in range(0, len(source.archive), 10_000):
                yield source.archive[start : start + 10_000]

        answer = await client.post("/api/v1/gallery/import", content=in_parts(), headers=ZIP)
        assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
        assert (await state(client))[3] == []

        job = await finished(client, await client.post("/api/v1/gallery/export", json={}))
        path = f"/api/v1/gallery/exports/{job['job_id']}/archive"
        assert (await client.get(path)).status_code == 200
        platform = client.platform  # type: ignore[attr-defined]
        async with platform.database.session() as session:
            values = {"moment": (now_utc() - timedelta(hours=25)).replace(tzinfo=None)}
            await session.execute(text("UPDATE jobs SET finished_at = :moment"), values)
            await session.commit()
        gone = await client.get(path)
        assert (gone.status_code, gone.json()["code"]) == (410, "archive_gone")
        clearing = asyncio.create_task(platform.gallery.transfers.run_clearing(platform.jobs))
        while (await state(client))[3]:
            await asyncio.sleep(0.01)
        clearing.cancel()
        assert (await client.get("/api/v1/gallery/exports/nope/archive")).json()["code"] == "job_not_found"


async def test_R_LIB_12_same_idempotency_key_imports_once(other: httpx2.AsyncClient, source: Source) -> None:
    headers = {"Idempotency-Key": "one"}
    first = (await send(other, source.archive, headers=headers)).json()["job"]
    second = (await send(other, source.archive, headers=headers)).json()["job"]
    assert first["job_id"] == second["job_id"]
    answer = await send(
        other, source.sealed, headers={**headers, "X-Archive-Passphrase": "%E5%AF%86%E7%A0%81%20is%20long%20enough"}
    )
    assert answer.json()["code"] == "idempotency_key_reused"


async def test_R_LIB_12_cancelled_import_goes_on_where_it_ended(
    other: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SigningKey(tmp_path / "key.pem")
    archive = write_archive(tmp_path / "a.zip", key, entries_of(key, noise(persons=8))).read_bytes()
    write, written = LocalStorage.write, list[str]()
    held = asyncio.Event()
    loop = asyncio.get_running_loop()

    def write_and_hold(storage: LocalStorage, name: str, data: bytes) -> None:
        written.append(name)
        if len(written) == 9:  # a note and four files are a person's
            asyncio.run_coroutine_threadsafe(held.wait(), loop).result()
        write(storage, name, data)

    monkeypatch.setattr(LocalStorage, "write", write_and_hold)
    answer = await send(other, archive, trust=key.fingerprint)
    job_id = answer.json()["job"]["job_id"]
    while len(written) < 9:
        await asyncio.sleep(0.01)
    assert (await other.post(f"/api/v1/jobs/{job_id}/cancel")).status_code == 200
    held.set()
    cancelled = await finished(other, answer)
    assert (cancelled["status"], cancelled["items"]) == ("cancelled", {"added": 2})
    check = await finished(other, await other.post("/api/v1/gallery/check", json={}))
    assert check["result"]["is_clean"], check["result"]
    await other.post(f"/api/v1/jobs/{job_id}/retry")
    resumed = await finished(other, answer)
    assert (resumed["status"], resumed["items"]) == ("completed", {"added": 8})
    assert resumed["result"]["images"] == {"new": 16, "known": 0}
