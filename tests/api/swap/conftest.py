"""A server on which faces may be swapped, somebody who may, and a person who consents."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.api.calls import ended, enrol
from tests.api.conftest import OpenClient
from tests.api.logins import anonymous, create_user, log_in

EVIDENCE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
CONSENTS = "/api/v1/swap/consents"
SWAP = "/api/v1/swap"


@dataclass
class SwapHouse:
    admin: httpx2.AsyncClient
    """`server.api_key`: everything but `swap`."""
    mine: httpx2.AsyncClient
    """Of a user who was granted `swap`."""
    user_id: str

    async def consent(self, **fields: Any) -> dict[str, Any]:
        answer = await self.admin.post(CONSENTS, json=consent_fields(**fields))
        assert answer.status_code == 201, answer.text
        return answer.json()["consent"]

    async def ask(self, target: bytes, consent: dict[str, Any], **fields: Any) -> httpx2.Response:
        data = {"consent_id": consent["consent_id"], "purpose": consent["purpose"], **fields}
        return await self.mine.post(SWAP, files={"target": ("t", target)}, data=data)

    async def job(self, started: httpx2.Response) -> dict[str, Any]:
        """Once it has ended."""
        return await ended(self.mine, started)

    async def result(self, job: dict[str, Any]) -> httpx2.Response:
        return await self.mine.get(f"{SWAP}/results/{job['job_id']}")

    async def swapped(self, target: bytes, consent: dict[str, Any], **fields: Any) -> tuple[dict[str, Any], bytes]:
        """The job and its file."""
        job = await self.job(await self.ask(target, consent, **fields))
        assert job["status"] == "completed", job["error"]
        answer = await self.result(job)
        assert answer.status_code == 200, answer.text
        return job, answer.content

    async def verify(self, data: bytes) -> dict[str, Any]:
        answer = await self.admin.post("/api/v1/provenance/verify", files={"file": ("f", data)})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def audit(self, action: str) -> list[dict[str, Any]]:
        answer = await self.admin.get("/api/v1/audit", params={"action": action})
        return answer.json()["events"]


OpenSwap = Callable[..., AbstractAsyncContextManager[SwapHouse]]


def consent_fields(**fields: Any) -> dict[str, Any]:
    return {
        "person_id": "source",
        "grantor": "Zhang San",
        "purpose": "film-dubbing",
        "scopes": ["image", "video", "live"],
        "valid_until": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        "evidence_sha256": EVIDENCE,
        "evidence_name": "consent.pdf",
        **fields,
    }


async def grant(client: httpx2.AsyncClient, user_id: str, *scopes: str) -> None:
    answer = await client.put(f"/api/v1/users/{user_id}", json={"granted_scopes": list(scopes)})
    assert answer.status_code == 200, answer.text


@asynccontextmanager
async def as_user(client: httpx2.AsyncClient, name: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = (await log_in(client, name)).headers
    async with anonymous(client) as one:
        one.headers.update(headers)
        yield one


@pytest.fixture
def open_swap(open_client: OpenClient, portraits: list[bytes]) -> OpenSwap:
    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[SwapHouse]:
        async with open_client(**{"swap__enabled": True, **overrides}) as client:
            await enrol(client, portraits[0], name="Zhang San", person_id="source")
            user_id = await create_user(client, "swapper")
            await grant(client, user_id, "swap")
            async with as_user(client, "swapper") as mine:
                yield SwapHouse(client, mine, user_id)

    return opened


@pytest.fixture
async def house(open_swap: OpenSwap) -> AsyncIterator[SwapHouse]:
    async with open_swap() as one:
        yield one
