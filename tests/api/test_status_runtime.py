"""`/api/status`: what was asked for to run networks, what is missing, and what runs them."""

import pytest

from tests.api.calls import enrol
from tests.api.conftest import OpenClient

pytestmark = pytest.mark.anyio


async def test_R_SWP_6_status_says_what_was_asked_for_and_what_runs(
    open_client: OpenClient, astronaut_photo: bytes
) -> None:
    asked = {"runtime__providers": ["openvino", "cpu"], "runtime__strict": False, "runtime__gpu_memory_bytes": 1 << 30}
    async with open_client(**asked) as client:
        await enrol(client, astronaut_photo, name="Eileen")
        runtime = (await client.get("/api/status")).json()["runtime"]
    assert runtime["requested"] == ["openvino", "cpu"]
    assert runtime["available"][0] == "cpu"
    assert "openvino is not installed" in runtime["missing"][0]
    assert runtime["provider"] == "cpu"
    # Detector and embedder, as their sessions say.
    assert runtime["running"]["CPUExecutionProvider"] >= 2
    assert (runtime["device_id"], runtime["gpu_memory_bytes"]) == (0, 1 << 30)
