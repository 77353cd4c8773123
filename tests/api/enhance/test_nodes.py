"""R-OPS 2, R-ENH 6: an enhancement lies in the memory of the node that took it; its result is fetched at any node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from tests.api.conftest import OpenClient
from tests.api.enhance.calls import ended, fetch, send, status
from tests.api.enhance.lanczos import LanczosEnhancer
from tests.redis_server import NOTHING_KEPT, redis_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def api_database(server_url: str) -> str:
    return server_url


@pytest.fixture
async def nodes(
    open_client: OpenClient, tmp_path: Path
) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient, AsyncExitStack]]:
    """Two servers of one installation, and what ends the first of them."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path, *NOTHING_KEPT))
        shared = {"nodes__redis": url, "enhance__storage": url, "limits__storage": url, "enhance__max_active": 1}
        second = await stack.enter_async_context(open_client(**shared))
        first_stack = await stack.enter_async_context(AsyncExitStack())
        first = await first_stack.enter_async_context(open_client(**shared))
        yield first, second, first_stack


async def test_R_ENH_6_a_result_is_fetched_once_at_whichever_node(
    nodes: tuple[httpx2.AsyncClient, httpx2.AsyncClient, AsyncExitStack], photo: bytes
) -> None:
    first, second, _ = nodes
    submitted = (await send(first, photo)).json()
    enhancement_id = submitted["enhancement"]["enhancement_id"]
    told = await ended(second, enhancement_id)
    assert told == await status(first, enhancement_id)
    assert told["status"] == "completed"
    assert told["photos"][0]["report"]["width_after"] > 0
    assert told["photos"][0]["name"] == told["result"]["file_name"] == "photo.jpg"
    fetched = await fetch(second, submitted)
    assert fetched.status_code == 200
    assert "photo.jpg" in fetched.headers["content-disposition"]
    assert (await status(first, enhancement_id))["cleaned_by"] == "retrieved"
    assert (await fetch(first, submitted)).status_code == 410
    assert (await fetch(second, submitted)).status_code == 410
    assert (await status(second, enhancement_id))["cleaned_by"] == "retrieved"


async def test_R_ENH_2_steps_of_a_photo_are_told_at_whichever_node(
    nodes: tuple[httpx2.AsyncClient, httpx2.AsyncClient, AsyncExitStack], photo: bytes, enhancer: LanczosEnhancer
) -> None:
    first, second, _ = nodes
    enhancer.stage_s, enhancer.estimated_s = 0.3, 60
    enhancement_id = (await send(first, photo)).json()["enhancement"]["enhancement_id"]
    stages: set[str | None] = set()
    while (told := await status(second, enhancement_id))["status"] != "completed":
        stages.add(told["photos"][0]["stage"])
        await asyncio.sleep(0.02)
    assert {"detecting", "upscaling", "encoding"} <= stages
    assert told["options"]["enhancement_level"] == 2


async def test_R_ENH_6_a_result_deleted_at_another_node_is_gone_at_its_own(
    nodes: tuple[httpx2.AsyncClient, httpx2.AsyncClient, AsyncExitStack], photo: bytes
) -> None:
    first, second, _ = nodes
    submitted = (await send(first, photo)).json()
    enhancement_id = submitted["enhancement"]["enhancement_id"]
    await ended(first, enhancement_id)
    assert (await second.delete(f"/api/v1/enhance/{enhancement_id}")).status_code == 200
    for node in nodes[:2]:
        told = await status(node, enhancement_id)
        assert (told["status"], told["cleaned_by"]) == ("cleaned", "deleted")
        assert (await fetch(node, submitted)).status_code == 410


async def test_R_ENH_6_a_result_outlives_the_orderly_end_of_its_node(
    nodes: tuple[httpx2.AsyncClient, httpx2.AsyncClient, AsyncExitStack], photo: bytes
) -> None:
    first, second, first_stack = nodes
    submitted = (await send(first, photo)).json()
    await ended(first, submitted["enhancement"]["enhancement_id"])
    await first_stack.aclose()
    assert (await status(second, submitted["enhancement"]["enhancement_id"]))["status"] == "completed"
    assert (await fetch(second, submitted)).status_code == 200


async def test_R_ENH_6_what_runs_on_one_node_is_ended_at_another(
    nodes: tuple[httpx2.AsyncClient, httpx2.AsyncClient, AsyncExitStack], photo: bytes, enhancer: LanczosEnhancer
) -> None:
    first, second, _ = nodes
    enhancer.stage_s, enhancer.estimated_s = 0.3, 60
    enhancement_id = (await send(first, photo)).json()["enhancement"]["enhancement_id"]
    assert (await second.delete(f"/api/v1/enhance/{enhancement_id}")).status_code == 200
    assert (await status(second, enhancement_id))["status"] == "cleaned"
    async with asyncio.timeout(5):
        told = await ended(first, enhancement_id)
    assert (told["status"], told["cleaned_by"]) == ("cleaned", "deleted")


async def test_R_ENH_6_what_a_killed_node_held_is_told_as_lost_and_what_a_living_one_holds_is_not(
    nodes: tuple[httpx2.AsyncClient, httpx2.AsyncClient, AsyncExitStack], photo: bytes, enhancer: LanczosEnhancer
) -> None:
    first, second, _ = nodes
    enhancer.stage_s, enhancer.estimated_s = 1, 60
    running, waiting = [(await send(first, photo)).json()["enhancement"]["enhancement_id"] for _ in range(2)]
    while (await status(first, running))["status"] != "processing":
        await asyncio.sleep(0.01)
    look = second.platform.enhancement.held._end_orphans  # type: ignore[attr-defined]
    await look()
    assert (await status(second, waiting))["status"] == "pending"
    # As the system does it for a process that has ended. Its leases run on for a while.
    first.platform.node._lock.release()  # type: ignore[attr-defined]
    await look()
    told = await status(second, waiting)
    assert (told["status"], told["error"]["code"]) == ("failed", "enhancement_lost")
    assert (await status(second, running))["status"] == "processing"


async def test_R_ACC_4_uploads_are_counted_over_all_nodes(
    open_client: OpenClient, tmp_path: Path, photo: bytes
) -> None:
    with redis_server(tmp_path, *NOTHING_KEPT) as url:
        shared = {"nodes__redis": url, "enhance__storage": url, "limits__storage": url, "enhance__per_user": "2/minute"}
        async with open_client(**shared) as first, open_client(**shared) as second:
            answers = [(await send(client, photo)).status_code for client in (first, second, first, second)]
    assert answers == [200, 200, 429, 429]
