"""`/api/status/history` of a server that works: what the console draws is what happened."""

import asyncio

import pytest

from tests.api.calls import enrol, search
from tests.api.conftest import OpenClient

pytestmark = pytest.mark.anyio


async def test_R_OPS_3_history_shows_what_the_server_did(open_client: OpenClient, astronaut_photo: bytes) -> None:
    async with open_client() as client:
        history = client.platform.history  # type: ignore[attr-defined]
        first = await history._take(5.0)
        await enrol(client, astronaut_photo, name="Eileen")
        await search(client, astronaut_photo)
        second = await history._take(5.0)
        idle = await history._take(5.0)
    assert (first.requests_per_s, first.request_s) == (0, None)
    assert second.requests_per_s == pytest.approx(2 / 5)
    assert second.request_s is not None
    assert second.request_s > 0
    # Detection, landmarks and embedding of two photos.
    assert second.inferences_per_s == pytest.approx(6 / 5)
    assert second.inference_s is not None
    assert 0 < second.inference_s < second.request_s
    assert (idle.requests_per_s, idle.request_s, idle.inference_s) == (0, None, None)
    assert 0 < second.process_cpu_share <= 1
    assert second.process_memory_bytes > 0
    assert (second.jobs_waiting, second.streams, second.queue_waiting) == (0, 0, 0)


async def test_R_OPS_3_a_page_that_is_opened_now_gets_the_past_and_then_what_is_new(open_client: OpenClient) -> None:
    async with open_client() as client:
        history = client.platform.history  # type: ignore[attr-defined]
        for _ in range(3):
            history._points.append(await history._take(5.0))
            await asyncio.sleep(0.002)
        whole = (await client.get("/api/status/history")).json()
        assert whole["interval_s"] == 5
        moments = [point["at"] for point in whole["points"]]
        assert len(moments) == 3
        assert moments == sorted(moments)
        newer = (await client.get("/api/status/history", params={"since": moments[0]})).json()["points"]
        assert [point["at"] for point in newer] == moments[1:]
        assert (await client.get("/api/status/history", params={"since": -1})).status_code == 422
