"""What metrics, and traces of every request, cost a search: the same requests with and without, in turns.

The server runs in this process, without a socket. Rounds alternate, so that what else the machine does falls on all
alike, and what is compared is processor time, which others take none of. Stages and requests alone are timed as well,
since a search takes much longer than what is measured of it.

    .venv/bin/python benchmarks/observability_overhead.py [--rounds 40] [--requests 25]
"""

import argparse
import asyncio
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np

from lianpu.api.app import create_app
from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.observability.instruments import Instruments, measure_with
from lianpu.observability.stages import Stage, count_faces, stage
from lianpu.observability.tracing import Tracing
from lianpu.settings import load_settings

KEY = "a-key-for-the-benchmark"
LOOPS = 20_000


def small_photo() -> bytes:
    """One face in 160 pixels: the less a search takes, the more of it is what is measured here."""
    found = importlib.util.find_spec("skimage")
    assert found is not None
    assert found.origin is not None
    pixels = decode_image((Path(found.origin).parent / "data" / "astronaut.png").read_bytes()).pixels
    return encode_jpeg(np.ascontiguousarray(cv2.resize(pixels[0:256, 96:352], (160, 160))), quality=90)


def silent_tracing() -> Tracing:
    """Spans of everything, which go nowhere: the sending happens on a thread of its own."""
    from opentelemetry.sdk.trace import SpanProcessor

    return Tracing(SpanProcessor(), sample_ratio=1.0)


def per_call_us(work: Callable[[], None]) -> float:
    rounds: list[float] = []
    for _ in range(7):
        start = time.thread_time()
        for _ in range(LOOPS):
            work()
        rounds.append((time.thread_time() - start) / LOOPS * 1e6)
    return statistics.median(rounds)


def one_stage() -> None:
    with stage(Stage.DETECT, "dlib@1"):
        pass
    count_faces(Stage.DETECT, "dlib@1", 1)


def one_request(instruments: Instruments) -> None:
    instruments.http.began()
    instruments.http.ended("POST", "/api/v1/search", 200, 0.05, 1000)


async def searches(client: httpx2.AsyncClient, photo: bytes, path: str, count: int) -> float:
    """Milliseconds of the processor for one request, the mean of a round."""
    start = time.process_time()
    for _ in range(count):
        if path == "/api/v1/search":
            answer = await client.post(path, files={"image": ("a.jpg", photo)})
        else:
            answer = await client.get(path)
        assert answer.status_code == 200, answer.text
    return (time.process_time() - start) / count * 1000


async def run(rounds: int, requests: int) -> None:
    photo = small_photo()
    with tempfile.TemporaryDirectory() as folder:
        values = {"home": folder, "server.api_key": KEY, "limits.per_user": None, "logging.level": "warning"}
        app = create_app(load_settings(values, environment={}, folder=Path(folder)).settings)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1", headers={"X-API-Key": KEY}
            ) as client,
        ):
            platform: Any = app.state.platform
            kinds = {
                "off": None,
                "metrics": platform.instruments,
                "metrics and traces": Instruments(tracing=silent_tracing()),
            }
            await client.post("/api/v1/faces", files={"image": ("a.jpg", photo)}, data={"name": "one"})
            for path in ("/api/v1/search", "/api/v1/models"):
                taken: dict[str, list[float]] = {kind: [] for kind in kinds}
                await searches(client, photo, path, 5)
                for number in range(rounds):
                    order = list(kinds)[number % len(kinds) :] + list(kinds)[: number % len(kinds)]
                    for kind in order:
                        object.__setattr__(platform, "instruments", kinds[kind])
                        taken[kind].append(await searches(client, photo, path, requests))
                object.__setattr__(platform, "instruments", kinds["metrics"])
                off = statistics.median(taken["off"])
                print(f"{path}: {rounds} rounds of {requests} requests each")
                for kind, times in taken.items():
                    median = statistics.median(times)
                    # Of each round against its own neighbour without.
                    pairs = [one - other for one, other in zip(times, taken["off"], strict=True)]
                    print(
                        f"  {kind:20} median {median:8.3f} ms, least {min(times):8.3f} ms, "
                        f"more than off: {statistics.median(pairs) * 1000:7.1f} µs ({100 * (median / off - 1):+.2f} %)"
                    )
            start = time.perf_counter()
            text = await platform.instruments.metrics.text()
            with_readings_ms = (time.perf_counter() - start) * 1000
            start = time.perf_counter()
            await platform.instruments.metrics.text()
            without_ms = (time.perf_counter() - start) * 1000
            print(f"a scrape of {len(text):,} bytes: {with_readings_ms:.1f} ms, of kept readings {without_ms:.1f} ms")
    instruments = Instruments()
    measure_with(None)
    print(f"one stage, not measured: {per_call_us(one_stage):.2f} µs")
    measure_with(instruments)
    print(f"one stage, measured:     {per_call_us(one_stage):.2f} µs")
    print(f"one request, measured:   {per_call_us(lambda: one_request(instruments)):.2f} µs")
    measure_with(None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--requests", type=int, default=25)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.rounds, arguments.requests))
