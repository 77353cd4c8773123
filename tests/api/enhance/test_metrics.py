"""The ephemeral store as `/metrics` shows it: what is held, and what became of it."""

import httpx2
import pytest

from tests.api.enhance.calls import fetch, send
from tests.api.metric_samples import scrape

pytestmark = pytest.mark.anyio


async def test_R_OPS_2_what_is_held_in_memory_is_counted_until_it_is_fetched_or_deleted(
    client: httpx2.AsyncClient, photo: bytes
) -> None:
    kept = (await send(client, photo)).json()
    size = kept["enhancement"]["result"]["size_bytes"]
    dropped = (await send(client, photo)).json()["enhancement"]["enhancement_id"]
    before = await scrape(client)
    assert before.of("lianpu_ephemeral_entries", content="result") == 2
    assert before.of("lianpu_ephemeral_entries", content="upload") == 0
    assert before.of("lianpu_ephemeral_bytes", content="result") == 2 * size
    assert (await fetch(client, kept)).status_code == 200
    assert (await client.delete(f"/api/v1/enhance/{dropped}")).status_code in {200, 204}
    after = await scrape(client)
    assert after.of("lianpu_ephemeral_entries") == after.of("lianpu_ephemeral_bytes") == 0
    assert after.of("lianpu_ephemeral_ended_total", reason="retrieved") == 1
    assert after.of("lianpu_ephemeral_ended_total", reason="deleted") == 1
    assert after.of("lianpu_ephemeral_ended_total") == 2
    assert after.of("lianpu_job_run_seconds_count", kind="photos.enhance", status="completed") == 2
    assert dropped not in after.text
