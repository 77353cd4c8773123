"""A node in a process of its own, which tests kill or stop: `python -m tests.api.streams.node_process SETTINGS`."""

import asyncio
import json
import sys

import lianpu  # noqa: F401  (first of all: it switches ONNX Runtime's telemetry off)
from lianpu.bootstrap import open_platform
from lianpu.settings import load_settings


async def _run(values: dict[str, object]) -> None:
    settings = load_settings(values, environment={}, folder=None).settings
    async with open_platform(settings) as platform:
        assert platform.streams.shared is not None
        sys.stdout.write(f"{platform.streams.shared.node}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
