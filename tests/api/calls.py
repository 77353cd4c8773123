"""Calls that several tests of the API make."""

import asyncio
from typing import Any

import httpx2


async def enrol(client: httpx2.AsyncClient, photo: bytes, **fields: Any) -> httpx2.Response:
    return await client.post("/api/v1/faces", files={"image": ("photo.jpg", photo)}, data=fields)


async def search(client: httpx2.AsyncClient, photo: bytes, **fields: Any) -> httpx2.Response:
    return await client.post("/api/v1/search", files={"image": ("photo.jpg", photo)}, data=fields)


async def ended(client: httpx2.AsyncClient, started: httpx2.Response) -> dict[str, Any]:
    """The job that an answer 202 speaks of, once it has ended."""
    assert started.status_code == 202, started.text
    job = started.json()["job"]
    while job["finished_at"] is None:
        await asyncio.sleep(0.02)
        job = (await client.get(f"/api/v1/jobs/{job['job_id']}")).json()["job"]
    return job


async def reembed(client: httpx2.AsyncClient, pack: str, **fields: Any) -> dict[str, Any]:
    """The ended job that made a pack's missing embeddings."""
    return await ended(client, await client.post("/api/v1/gallery/reembed", json={"pack": pack, **fields}))


async def coverage(client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    """By `name@version`."""
    models = (await client.get("/api/v1/models")).json()["models"]
    return {f"{model['name']}@{model['version']}": model["coverage"] for model in models}
