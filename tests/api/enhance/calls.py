"""Calls that the tests of enhancement make."""

import asyncio
from typing import Any

import httpx2

ENHANCE = "/api/v1/enhance"


async def send(
    client: httpx2.AsyncClient, content: bytes, name: str = "photo.jpg", headers: Any = None, **fields: Any
) -> httpx2.Response:
    return await client.post(ENHANCE, files={"image": (name, content)}, data=fields, headers=headers)


async def send_archive(
    client: httpx2.AsyncClient, content: bytes, name: str = "photos.zip", **fields: Any
) -> httpx2.Response:
    return await client.post(f"{ENHANCE}/batch", files={"archive": (name, content)}, data=fields)


async def status(client: httpx2.AsyncClient, enhancement_id: str, headers: Any = None) -> dict[str, Any]:
    answer = await client.get(f"{ENHANCE}/{enhancement_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["enhancement"]


async def ended(client: httpx2.AsyncClient, enhancement_id: str) -> dict[str, Any]:
    while (told := await status(client, enhancement_id))["status"] in {"pending", "processing"}:
        await asyncio.sleep(0.02)
    return told


async def fetch(client: httpx2.AsyncClient, submitted: dict[str, Any], headers: Any = None) -> httpx2.Response:
    address = f"{ENHANCE}/{submitted['enhancement']['enhancement_id']}/result"
    return await client.get(address, headers={"X-Retrieval-Token": submitted["retrieval_token"], **(headers or {})})


async def batched(client: httpx2.AsyncClient, archive: bytes, **fields: Any) -> tuple[dict[str, Any], bytes]:
    """What became of a batch, and its ZIP (empty where it failed)."""
    submitted = await send_archive(client, archive, **fields)
    assert submitted.status_code == 202, submitted.text
    told = await ended(client, submitted.json()["enhancement"]["enhancement_id"])
    result = b""
    if told["status"] == "completed":
        answer = await fetch(client, submitted.json())
        assert answer.status_code == 200, answer.text
        result = answer.content
    return told, result
