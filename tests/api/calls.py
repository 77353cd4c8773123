"""Calls that several tests of the API make."""

from typing import Any

import httpx2


async def enrol(client: httpx2.AsyncClient, photo: bytes, **fields: Any) -> httpx2.Response:
    return await client.post("/api/v1/faces", files={"image": ("photo.jpg", photo)}, data=fields)
