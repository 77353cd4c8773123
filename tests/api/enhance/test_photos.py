"""R-ENH 1, 5, 6: a photo comes in, a better one goes out once, and nothing of it is left."""

import asyncio
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image as PillowImage

from lianpu.enhance.results import new_token, spelt
from tests.api.conftest import OpenClient
from tests.api.enhance.calls import ENHANCE, ended, fetch, send, status
from tests.api.enhance.conftest import jpeg
from tests.api.enhance.lanczos import LanczosEnhancer
from tests.api.logins import anonymous, create_user, log_in

pytestmark = pytest.mark.anyio


def size_of(content: bytes) -> tuple[int, int]:
    return PillowImage.open(io.BytesIO(content)).size


async def test_R_ENH_1_a_quick_photo_is_answered_at_once_and_fetched_once(
    client: httpx2.AsyncClient, photo: bytes
) -> None:
    answer = await send(client, photo, "海边.JPG", enhancement_level=2)
    assert answer.status_code == 200, answer.text
    told = answer.json()["enhancement"]
    assert (told["status"], told["progress"], told["done"], told["total"]) == ("completed", 1.0, 1, 1)
    (step,) = told["photos"]
    assert (step["name"], step["status"], step["output_name"]) == ("海边.JPG", "completed", "海边.JPG")
    assert (step["report"]["width_after"], step["report"]["engines"]["upscaler"]) == (120, "lanczos")
    assert told["result"]["media_type"] == "image/jpeg"
    assert told["cleaned_at"] is None

    result = await fetch(client, answer.json())
    assert result.status_code == 200
    assert (result.headers["cache-control"], result.headers["content-type"]) == ("no-store", "image/jpeg")
    assert result.headers["x-content-type-options"] == "nosniff"
    assert result.headers["content-disposition"] == "attachment; filename*=UTF-8''%E6%B5%B7%E8%BE%B9.JPG"
    assert len(result.content) == told["result"]["size_bytes"]
    assert size_of(result.content) == (120, 80)

    again = await fetch(client, answer.json())
    assert (again.status_code, again.json()["code"]) == (410, "enhancement_gone")
    told = await status(client, told["enhancement_id"])
    assert (told["status"], told["cleaned_by"], told["result"]) == ("cleaned", "retrieved", None)
    assert told["cleaned_at"] is not None


@pytest.mark.parametrize(("level", "scale"), [(1, 1), (2, 2), (3, 4), (4, 8)])
async def test_R_ENH_1_levels_are_scales(client: httpx2.AsyncClient, photo: bytes, level: int, scale: int) -> None:
    answer = await send(client, photo, enhancement_level=level, output_format="png")
    result = await fetch(client, answer.json())
    assert size_of(result.content) == (60 * scale, 40 * scale)
    assert answer.json()["enhancement"]["result"]["file_name"] == "photo.png"


async def test_R_ENH_1_what_takes_longer_becomes_a_task_whose_steps_are_told(
    client: httpx2.AsyncClient, photo: bytes, enhancer: LanczosEnhancer
) -> None:
    enhancer.estimated_s, enhancer.stage_s = 60.0, 0.15
    answer = await send(client, photo)
    assert answer.status_code == 202
    enhancement_id = answer.json()["enhancement"]["enhancement_id"]
    early = await fetch(client, answer.json())
    assert (early.status_code, early.json()["code"]) == (409, "enhancement_state")
    stages: list[str] = []
    progress: list[float] = []
    while (told := await status(client, enhancement_id))["status"] in {"pending", "processing"}:
        (step,) = told["photos"]
        progress.append(told["progress"])
        if step["stage"] and step["stage"] not in stages:
            stages.append(step["stage"])
        await asyncio.sleep(0.02)
    assert told["status"] == "completed"
    assert stages == ["decoding", "detecting", "upscaling", "restoring", "measuring", "encoding"]
    assert progress == sorted(progress)
    assert size_of((await fetch(client, answer.json())).content) == (120, 80)


async def test_R_ENH_1_the_estimate_needs_the_header_alone(
    client: httpx2.AsyncClient, enhancer: LanczosEnhancer
) -> None:
    enhancer.estimated_s = 7.0
    large = jpeg(2, 1800, 1200)
    assert len(large) > 2 << 20
    for content in (large, large[:2000]):
        answer = await client.post(
            f"{ENHANCE}/estimate", files={"image": ("a.jpg", content)}, data={"enhancement_level": "3"}
        )
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["width_after"], told["height_after"], told["estimated_s"]) == (7200, 4800, 7.0)
        assert told["is_quick"] is False
    assert enhancer.enhanced == 0


async def test_R_ENH_1_engines_and_limits_are_told(client: httpx2.AsyncClient) -> None:
    told = (await client.get(f"{ENHANCE}/engines")).json()
    assert [engine["name"] for engine in told["upscalers"]] == ["lanczos"]
    assert (told["max_upload_bytes"], told["max_archive_bytes"]) == (20 << 20, 100 << 20)
    assert told["archive_formats"][:2] == ["zip", "tar"]


@pytest.mark.parametrize(
    ("content", "fields", "status_code", "code"),
    [
        (b"", {}, 422, "image_empty"),
        (b"<svg/>", {}, 415, "image_format_unsupported"),
        (b"GIF89a" + bytes(50), {}, 415, "image_format_unsupported"),
        (b"\xff\xd8\xff\xe0" + bytes(100), {}, 422, "image_damaged"),
        (jpeg(3), {"enhancement_level": "5"}, 422, "validation_failed"),
        (jpeg(3), {"enhancement_level": "two"}, 422, "validation_failed"),
        (jpeg(3), {"output_format": "gif"}, 422, "validation_failed"),
        (jpeg(3), {"fidelity": "1.5"}, 422, "validation_failed"),
        (jpeg(3), {"strength": "9"}, 422, "validation_failed"),
        (jpeg(3)[:400], {}, 422, "image_damaged"),
    ],
)
async def test_R_ENH_1_bad_input_is_refused_and_leaves_nothing(
    client: httpx2.AsyncClient, content: bytes, fields: dict[str, str], status_code: int, code: str
) -> None:
    answer = await send(client, content, **fields)
    assert (answer.status_code, answer.json()["code"]) == (status_code, code)
    admission = client.platform.enhancement.held.admission  # type: ignore[attr-defined]
    assert admission.working == 0


@pytest.mark.parametrize("size", ["photo", "header"])
async def test_R_ENH_1_limits_hold_while_the_photo_arrives(open_client: OpenClient, size: str) -> None:
    noise = jpeg(4, 400, 400)
    async with open_client(enhance__max_upload_bytes=50_000) as client:
        content = noise if size == "photo" else noise * 10
        answer = await send(client, content)
        assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")


async def test_R_ENH_1_a_photo_that_would_take_too_much_memory_is_refused_before_it_is_worked_on(
    open_client: OpenClient, photo: bytes, enhancer: LanczosEnhancer
) -> None:
    enhancer.peak_bytes = 3 << 30
    async with open_client() as client:
        answer = await send(client, photo)
        assert answer.status_code == 413
        assert "bytes of memory" in answer.json()["detail"]
    assert enhancer.enhanced == 0


async def test_R_ENH_6_a_wrong_token_takes_nothing_away(client: httpx2.AsyncClient, photo: bytes) -> None:
    submitted = (await send(client, photo)).json()
    address = f"{ENHANCE}/{submitted['enhancement']['enhancement_id']}/result"
    for wrong in (None, "", "x", spelt(new_token()), "é", "A" * 90):
        headers = {} if wrong is None else {"X-Retrieval-Token": wrong.encode()}
        answer = await client.get(address, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "retrieval_token_invalid")
    assert (await client.get(address, params={"token": submitted["retrieval_token"]})).status_code == 200


async def test_R_ENH_6_of_many_who_fetch_at_once_one_gets_it(client: httpx2.AsyncClient, photo: bytes) -> None:
    submitted = (await send(client, photo)).json()
    answers = await asyncio.gather(*(fetch(client, submitted) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[410] * 7]


async def test_R_ENH_6_nobody_else_sees_it_not_even_with_the_token(client: httpx2.AsyncClient, photo: bytes) -> None:
    for name, role in (("ada", "viewer"), ("root", "admin")):
        await create_user(client, name, role)
    async with anonymous(client) as browser:
        ada, root = [await log_in(client, name) for name in ("ada", "root")]
        submitted = (await send(browser, photo, "secret-name.jpg", headers=ada.headers)).json()
        enhancement_id = submitted["enhancement"]["enhancement_id"]
        assert (await browser.get(f"{ENHANCE}/{enhancement_id}", headers=root.headers)).status_code == 404
        assert (await fetch(browser, submitted, headers=root.headers)).status_code == 404
        assert (await browser.delete(f"{ENHANCE}/{enhancement_id}", headers=root.headers)).status_code == 404
        job = (await browser.get(f"/api/v1/jobs/{enhancement_id}", headers=root.headers)).json()["job"]
        assert (job["kind"], job["is_withheld"], job["result"]) == ("photos.enhance", True, None)
        assert "secret-name" not in json.dumps(job)
        assert (await fetch(browser, submitted, headers=ada.headers)).status_code == 200


async def test_R_ENH_6_what_nobody_fetches_is_overwritten_when_its_time_is_over(
    open_client: OpenClient, photo: bytes
) -> None:
    async with open_client(enhance__result_ttl_s=0.3) as client:
        submitted = (await send(client, photo)).json()
        enhancement_id = submitted["enhancement"]["enhancement_id"]
        while (told := await status(client, enhancement_id))["status"] == "completed":
            await asyncio.sleep(0.05)
        assert (told["status"], told["cleaned_by"]) == ("cleaned", "expired")
        answer = await fetch(client, submitted)
        assert (answer.status_code, answer.json()["code"]) == (410, "enhancement_gone")
        assert client.platform.enhancement.held.store._held == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize("stage_s", [0.0, 0.3])
async def test_R_ENH_6_its_owner_cleans_it_early(
    client: httpx2.AsyncClient, photo: bytes, enhancer: LanczosEnhancer, stage_s: float
) -> None:
    """When it waits for its owner, and while it is worked on."""
    enhancer.stage_s, enhancer.estimated_s = stage_s, 0.1 if not stage_s else 60
    submitted = (await send(client, photo)).json()
    enhancement_id = submitted["enhancement"]["enhancement_id"]
    while stage_s and (await status(client, enhancement_id))["status"] != "processing":
        await asyncio.sleep(0.02)
    answer = await client.delete(f"{ENHANCE}/{enhancement_id}")
    assert answer.status_code == 200
    told = answer.json()["enhancement"]
    assert (told["status"], told["cleaned_by"]) == ("cleaned", "deleted")
    assert (await fetch(client, submitted)).status_code == 410
    assert enhancer.enhanced == (0 if stage_s else 1)
    assert (await client.delete(f"{ENHANCE}/{enhancement_id}")).status_code == 200


async def test_R_ENH_6_a_job_that_is_cancelled_or_deleted_takes_the_photo_along(
    client: httpx2.AsyncClient, photo: bytes, enhancer: LanczosEnhancer
) -> None:
    done = (await send(client, photo)).json()["enhancement"]["enhancement_id"]
    while (await client.delete(f"/api/v1/jobs/{done}")).status_code != 204:
        await asyncio.sleep(0.02)
    enhancer.stage_s, enhancer.estimated_s = 0.3, 60
    running = (await send(client, photo)).json()["enhancement"]["enhancement_id"]
    await client.post(f"/api/v1/jobs/{running}/cancel")
    told = await ended(client, running)
    assert (told["status"], told["cleaned_by"]) == ("cleaned", "deleted")
    retried = await client.post(f"/api/v1/jobs/{running}/retry")
    assert (retried.status_code, retried.json()["code"]) == (409, "job_state")
    assert "not kept" in retried.json()["detail"]


async def test_R_ENH_6_the_server_keeps_ids_and_sizes_and_no_name(
    open_client: OpenClient, photo: bytes, home: Path
) -> None:
    async with open_client() as client:
        submitted = (await send(client, photo, "a-name-that-nobody-keeps.jpg")).json()
        result = (await fetch(client, submitted)).content
        bad = await send(client, photo[:400], "a-name-that-nobody-keeps.jpg")
        assert bad.status_code == 422
        node = client.platform.node.id  # type: ignore[attr-defined]
    with sqlite3.connect(home / "lianpu.db") as database:
        rows = database.execute("SELECT parameters, result FROM jobs ORDER BY created_at").fetchall()
    parameters, kept = (json.loads(value) for value in rows[0])
    assert parameters == {"is_batch": False, "size_bytes": len(photo), "node": node}
    assert set(kept) == {"name", "media_type", "size_bytes", "expires_at", "cleaned_at", "cleaned_by"}
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and "cache" not in path.parts)
    for secret in (b"a-name-that-nobody-keeps", submitted["retrieval_token"].encode(), photo[200:232], result[200:232]):
        assert secret not in written


async def test_R_ENH_7_what_happens_is_in_the_audit_log(open_client: OpenClient, photo: bytes) -> None:
    async with open_client(enhance__result_ttl_s=0.3) as client:
        fetched = (await send(client, photo, "hidden.jpg")).json()
        await fetch(client, fetched)
        expired = (await send(client, photo)).json()["enhancement"]["enhancement_id"]
        while (await status(client, expired))["status"] != "cleaned":
            await asyncio.sleep(0.05)

        async def actions(enhancement_id: str) -> list[tuple[str, str, Any]]:
            page = (await client.get("/api/v1/audit", params={"target": enhancement_id})).json()
            events = reversed(page["events"])
            return [
                (event["action"], event["actor"]["kind"], event["detail"].get("reason"))
                for event in events
                if event["action"] != "enhancement.read"
            ]

        assert await actions(fetched["enhancement"]["enhancement_id"]) == [
            ("enhancement.process", "system", None),
            ("enhancement.upload", "configured_key", None),
            ("enhancement.retrieve", "configured_key", None),
            ("enhancement.clean", "system", "retrieved"),
        ]
        assert (await actions(expired))[-1] == ("enhancement.clean", "system", "expired")
        everything = (await client.get("/api/v1/audit", params={"limit": 200})).text
        assert "hidden" not in everything


async def test_R_ENH_6_a_server_that_ends_takes_everything_along(
    open_client: OpenClient, photo: bytes, enhancer: LanczosEnhancer
) -> None:
    async with open_client() as client:
        done = (await send(client, photo)).json()
        enhancer.stage_s, enhancer.estimated_s = 0.3, 60
        running = (await send(client, photo)).json()
        store = client.platform.enhancement.held.store  # type: ignore[attr-defined]
        (held,) = store._held.values()
    assert store._held == {}
    assert not any(any(segment) for segment in held.sealed)
    async with open_client() as client:
        told = await status(client, done["enhancement"]["enhancement_id"])
        assert (told["status"], told["cleaned_by"], told["photos"]) == ("cleaned", "stopped", [])
        gone = await fetch(client, done)
        assert (gone.status_code, gone.json()["code"]) == (410, "enhancement_gone")
        told = await status(client, running["enhancement"]["enhancement_id"])
        assert (told["status"], told["error"]["code"]) == ("failed", "enhancement_lost")
        assert told["cleaned_by"] == "stopped"
