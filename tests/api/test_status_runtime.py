"""`/api/status`: what runs networks, and what the installation around them is made of."""

import platform

import psutil
import pytest

import lianpu
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
    assert {name: count for name, count in runtime["running"].items() if name.startswith("OpenVINO CPU (")}
    assert sum(runtime["running"].values()) >= 2
    assert runtime["cpu_reason"].startswith("OpenVINO runs the networks of faces and photos in ")
    assert (runtime["device_id"], runtime["gpu_memory_bytes"]) == (0, 1 << 30)


async def test_R_OPS_3_status_says_what_the_installation_is_made_of(
    open_client: OpenClient, astronaut_photo: bytes
) -> None:
    async with open_client() as client:
        await enrol(client, astronaut_photo, name="Eileen")
        status = (await client.get("/api/status")).json()
        home = client.platform.settings.home  # type: ignore[attr-defined]
    assert status["versions"]["lianpu"] == status["version"] == lianpu.__version__
    assert status["versions"]["python"] == platform.python_version()
    assert status["index_reason"].startswith("in memory, every row; ")
    assert status["versions"]["database"] == "sqlite"
    assert status["machine"]["cores"] == psutil.cpu_count()
    assert 0 < status["machine"]["process"]["memory_bytes"] < status["machine"]["memory_used_bytes"]
    assert status["disk"]["total_bytes"] == psutil.disk_usage(str(home)).total
    assert status["jobs"] == {"waiting": 0, "by_status": {}, "workers": status["jobs"]["workers"]}
    assert status["jobs"]["workers"] > 0
    assert status["streams"] == {"active": 0, "by_state": {}, "viewers": 0, "live_swaps": 0}
    engines = {(engine["kind"], engine["name"]): engine["state"] for engine in status["engines"]}
    assert engines["swap", "landmark"] == "ready"
    assert engines["upscaler", "realesrgan-x4plus@1"] in {"ready", "installed"}
    assert status["gallery"] == {"persons": 1, "images": 1, "embeddings": 1}
    camera = status["camera"]
    assert camera["is_ready"] == (camera["problem"] is None)
    if not camera["is_ready"]:
        assert camera["problem"].startswith(("package: ", "module: ", "device: ", "permission: ", "exclusive_caps: "))
