"""The registry inside a whole platform: broken models do not stop the start, idle ones are unloaded by themselves."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.bootstrap import open_platform
from lianpu.inference import registry as registry_module
from lianpu.inference.offer import ModelState
from lianpu.inference.registry import InferenceRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.settings import load_settings
from tests.inference.conftest import PLUGIN, InstallPlugin
from tests.small_classifiers import drop_classifier

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_R_INF_4_nothing_broken_stops_the_start(
    home: Path, install_plugin: InstallPlugin, grey: NDArray[np.uint8]
) -> None:
    install_plugin(PLUGIN.replace("loads = []", "raise OSError('no')"))
    drop_classifier(home / "models", "good")
    drop_classifier(home / "models", "bad", manifest="top_k = 0")
    settings = load_settings({"home": str(home)}, environment={}, folder=home).settings
    async with open_platform(settings) as platform:
        listed = await asyncio.to_thread(platform.inference_models.list)
        states = {status.name: status.state for status in listed}
        assert (states["bad"], states["brightness"]) == (ModelState.UNAVAILABLE, ModelState.UNAVAILABLE)
        assert states["good"] is ModelState.READY
        result = await platform.queue.run(platform.inference_models.run, "good", grey, {"top_k": 1})
        assert result.output == {"classes": [{"label": "red", "index": 0, "score": 100.0}]}
        drop_classifier(home / "models", "later")
        assert (await platform.queue.run(platform.inference_models.run, "later", grey)).model_name == "later"


async def test_R_INF_4_idle_models_are_unloaded_by_themselves(
    tmp_path: Path, sessions: OnnxSessionFactory, grey: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "_IDLE_CHECK_S", 0.01)
    now = 0.0
    registry = InferenceRegistry(tmp_path, sessions, idle_unload_minutes=1, clock=lambda: now)
    drop_classifier(tmp_path)
    registry.run("colours", grey)
    running = asyncio.create_task(registry.run_unloading())
    now = 59.0
    await asyncio.sleep(0.1)
    assert registry.get("colours").is_loaded
    now = 60.0
    async with asyncio.timeout(30):
        while registry.get("colours").is_loaded:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
