"""R-LIB-5: an upload beside everything else: deletions, single enrolments, clients that go away."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.calls import enrol
from tests.api.conftest import API_KEY, OpenClient
from tests.api.test_bulk import BATCH, LARGEST, ZIP, ended, items, people, persons, zipped

pytestmark = pytest.mark.anyio
__all__ = ["people"]


async def photos_of(client: httpx2.AsyncClient) -> list[Path]:
    home: Path = client.platform.settings.home  # type: ignore[attr-defined]
    return [path for path in (home / "gallery").rglob("*") if path.is_file()]


async def test_R_LIB_5_single_enrolments_searches_and_deletions_go_on_meanwhile(
    open_kit_client: OpenClient, people: dict[str, bytes], lfw_people: dict[str, list[bytes]]
) -> None:
    singles = list(lfw_people.items())[4:7]
    photo = singles[0][1][0]
    async with open_kit_client() as client:
        await enrol(client, photo, person_id="stays", name="Stays", face_selection="largest")

        async def come_and_go(name: str, photos: list[bytes]) -> None:
            for one in photos:
                answer = await enrol(client, one, person_id=name, name=name, face_selection="largest")
                assert answer.status_code == 201, answer.text
                receipt = (await client.delete(f"/api/v1/faces/{name}")).json()["receipt"]
                assert (receipt["images"], receipt["verified"]) == (1, True)

        async def search() -> None:
            for _ in range(6):
                answer = await client.post("/api/v1/search", files={"image": photo}, data={"faces": "largest"})
                assert answer.json()["faces"][0]["best_match"]["person_id"] == "stays", answer.text

        started = await client.post(LARGEST, content=zipped(people), headers=ZIP)
        # The same persons by another job and one by one: each photo counts once.
        again = await client.post(LARGEST, content=zipped(people), headers=ZIP)
        name, one = next(iter(people.items()))
        person = name.partition("/")[0]
        by_hand, *_ = await asyncio.gather(
            enrol(client, one, person_id=person, name=person, face_selection="largest"),
            search(),
            *(come_and_go(single, photos[1:3]) for single, photos in singles[1:]),
        )
        assert by_hand.status_code in {201, 409}
        jobs = [await ended(client, answer) for answer in (started, again)]
        added = sum(job["items"].get("enrolled", 0) for job in jobs) + (by_hand.status_code == 201)
        known = sum(job["items"].get("duplicate", 0) for job in jobs) + (by_hand.status_code == 409)
        assert (added, known) == (len(people), len(people) + 1), jobs
        assert await persons(client) == {"stays": 1} | {name.partition("/")[0]: 2 for name in people}
        status = (await client.get("/api/status")).json()
        assert status["gallery"] == {"persons": 5, "images": 9, "embeddings": 9}
        assert status["indexes"] == {"kit@1": 9}
        assert len(await photos_of(client)) == 2 * 9


@pytest.mark.parametrize("when", ["while it waits", "between two attempts"])
async def test_R_LIB_1_who_was_deleted_is_not_brought_back_by_an_upload(
    open_kit_client: OpenClient, people: dict[str, bytes], lfw_people: dict[str, list[bytes]], when: str
) -> None:
    """Even one of whom the job has not done any photo."""
    last = sorted(people)[-1].partition("/")[0]
    async with open_kit_client() as client:
        workers = client.platform.workers  # type: ignore[attr-defined]
        await enrol(client, lfw_people[last][2], person_id=last, name=last, face_selection="largest")
        if when == "while it waits":
            await workers.stop()
        started = await client.post(LARGEST, content=zipped(people), headers=ZIP)
        job_id = started.json()["job"]["job_id"]
        if when != "while it waits":
            while not (await client.get(f"/api/v1/jobs/{job_id}")).json()["job"]["items"]:
                await asyncio.sleep(0.01)
            await client.post(f"/api/v1/jobs/{job_id}/cancel")
            assert (await ended(client, started))["status"] == "cancelled"
        assert (await client.delete(f"/api/v1/faces/{last}")).json()["receipt"]["images"] == 1
        if when == "while it waits":
            await workers.start()
        else:
            await client.post(f"/api/v1/jobs/{job_id}/retry")
        job = await ended(client, started)
        assert job["items"] == {"enrolled": len(people) - 2, "skipped": 2}
        told = {item["detail"]["code"] for item in (await items(client, job)).values() if item["status"] == "skipped"}
        assert told == {"person_deleted"}
        assert last not in await persons(client)


async def test_R_LIB_5_a_photo_twice_is_a_duplicate_even_in_a_dry_run(
    open_kit_client: OpenClient, people: dict[str, bytes]
) -> None:
    name, photo = next(iter(people.items()))
    person = name.partition("/")[0]
    body = zipped({f"{person}/1.jpg": photo, f"{person}/2.jpg": photo})
    async with open_kit_client() as client:
        for dry_run, outcome in ((True, "would_enrol"), (False, "enrolled")):
            answer = await client.post(LARGEST, content=body, headers=ZIP, params={"dry_run": dry_run})
            job = await ended(client, answer)
            assert job["items"] == {outcome: 1, "duplicate": 1}
            assert (await items(client, job))[f"{person}/2.jpg"]["detail"]["code"] == "duplicate_image"


async def test_R_LIB_5_names_of_any_machine_come_through(open_kit_client: OpenClient, people: dict[str, bytes]) -> None:
    import io
    import tarfile

    photo = next(iter(people.values()))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, encoding="gbk") as archive:
        member = tarfile.TarInfo("张三/照片.jpg")
        member.size = len(photo)
        archive.addfile(member, io.BytesIO(photo))
    async with open_kit_client() as client:
        answer = await client.post(LARGEST, content=buffer.getvalue(), headers={"Content-Type": "application/x-tar"})
        job = await ended(client, answer)
        assert (job["status"], job["items"]) == ("completed", {"enrolled": 1}), job
        assert await persons(client) == {"张三": 1}


async def test_R_LIB_5_a_body_that_grows_too_large_is_read_no_further(open_client: OpenClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield bytes(1000)

    async with open_client(bulk__max_upload_bytes=20_000) as client:
        answer = await client.post(BATCH, content=endless(), headers=ZIP)
        assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
        assert sent < 25_000
        assert list((client.platform.settings.home / "jobs").iterdir()) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("content_type", ["application/zip", "multipart/form-data; boundary=q"])
async def test_R_LIB_5_a_client_that_goes_away_leaves_nothing(
    client: httpx2.AsyncClient, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    begun = b'--q\r\nContent-Disposition: form-data; name="image"; filename="a/1.jpg"\r\n\r\nhalf a photo'
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": begun, "more_body": True},
        {"type": "http.disconnect"},
    ]
    headers = [(b"host", b"127.0.0.1"), (b"x-api-key", API_KEY.encode()), (b"content-type", content_type.encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": BATCH,
        "raw_path": BATCH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        del message

    await client._transport.app(scope, receive, send)  # type: ignore[attr-defined]
    assert list((client.platform.settings.home / "jobs").iterdir()) == []  # type: ignore[attr-defined]
    assert (await client.get("/api/v1/jobs")).json()["jobs"] == []
    assert [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}] == []


async def test_R_LIB_5_an_empty_key_is_no_key(open_kit_client: OpenClient) -> None:
    headers = {**ZIP, "Idempotency-Key": ""}
    async with open_kit_client() as client:
        first, second = [await client.post(BATCH, content=zipped({"a/1.jpg": b"x"}), headers=headers) for _ in "12"]
        assert (first.status_code, second.status_code) == (202, 202)
        assert first.json()["job"]["job_id"] != second.json()["job"]["job_id"]


async def test_R_LIB_5_a_dry_run_tried_again_says_that_the_upload_is_gone(open_kit_client: OpenClient) -> None:
    body = zipped({"a/1.jpg": b"x", "manifest.json": json.dumps([{"file": "a/1.jpg", "name": "A"}]).encode()})
    async with open_kit_client() as client:
        started = await client.post(BATCH, content=body, headers=ZIP, params={"dry_run": True})
        job = await ended(client, started)
        assert (job["status"], job["items"]) == ("completed", {"failed": 1})
        await client.post(f"/api/v1/jobs/{job['job_id']}/retry")
        job = await ended(client, started)
        assert (job["status"], job["error"]["code"]) == ("failed", "archive_gone")
