"""R-OPS 2: nodes that are killed or stand still: their streams go on elsewhere, and they write nothing more."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from lianpu.leases.models import Lease
from lianpu.nodes.presence import beating
from lianpu.streams.inbox.models import UnknownFace
from lianpu.streams.models import Stream as StreamRow
from lianpu.streams.models import StreamEvent
from tests.api.streams.nodes import Nodes
from tests.api.streams.server import PATH, Stream, StreamServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]
TAKEOVER_S = 25.0


@asynccontextmanager
async def _process(nodes: Nodes) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    """A worker, and its id."""
    home = Path(nodes.values["home"])
    config = home / "worker.yaml"
    sections: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in nodes.values.items():
        section, _, name = key.partition(".")
        if name:
            sections[section][name] = value
    config.write_text(json.dumps(sections), encoding="utf-8")
    command = [sys.executable, "-m", "lianpu", "worker", "--streams", "--home", str(home), "--config", str(config)]
    process = subprocess.Popen(command)  # noqa: ASYNC220 (to be killed)
    try:
        async with asyncio.timeout(60):
            while not (found := [one for one in beating(home, within_s=60, now=time.time()) if one.pid == process.pid]):
                await asyncio.sleep(0.1)
        yield process, found[0].id
    finally:
        process.kill()
        process.wait(timeout=30)


async def _holder(server: StreamServer, stream: Stream) -> tuple[str | None, int]:
    async with server.platform.database.session() as session:
        query = select(Lease.holder, Lease.epoch).where(Lease.name == stream["stream_id"])
        holder, epoch = (await session.execute(query)).one()
    return holder, epoch


async def _written(server: StreamServer) -> tuple[int, int, int]:
    """Events, unknown faces, and files below `streams` in the home."""
    async with server.platform.database.session() as session:
        events = await session.scalar(select(func.count()).select_from(StreamEvent))
        faces = await session.scalar(select(func.count()).select_from(UnknownFace))
    folder = server.platform.settings.home / "streams"
    return events or 0, faces or 0, sum(1 for file in folder.rglob("*") if file.is_file())


async def _taken_over(server: StreamServer, stream: Stream) -> float:
    """Seconds until this node runs it."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    async with asyncio.timeout(60):
        while server.platform.streams.runs.get(stream["stream_id"]) is None:
            await asyncio.sleep(0.05)
    return loop.time() - begun_s


async def test_R_OPS_2_streams_of_a_node_that_was_killed_go_on_elsewhere_within_25_s(nodes: Nodes) -> None:
    api = await nodes.add(streams__run=False)
    async with _process(nodes) as (process, node):
        stream = await api.start("both.mp4", loop=True)
        permanent = await api.start("both.mp4", loop=True, permanent=True)
        pushed = await api.start("both.mp4", loop=True)
        for each in (stream, permanent, pushed):
            assert await _holder(api, each) == (node, 1)
        async with api.platform.database.session() as session:
            # As if its frames came over a connection to that node.
            wanted = StreamRow.id == pushed["stream_id"]
            await session.execute(update(StreamRow).where(wanted).values(is_pushed=True, node=node))
            await session.commit()
        other = await nodes.add()
        async with aclosing(api.pictures(await api.get(stream))) as pictures:
            async with asyncio.timeout(30):
                await anext(pictures)
            process.send_signal(signal.SIGKILL)
            took_s = max(await asyncio.gather(_taken_over(other, stream), _taken_over(other, permanent)))
            assert took_s <= TAKEOVER_S
            async with asyncio.timeout(20):
                assert len({await anext(pictures) for _ in range(10)}) > 3
        node_now = other.platform.streams.shared
        assert node_now is not None
        assert await _holder(api, stream) == (node_now.node, 2)
        assert node_now.leases.takeovers >= 2
        lost = await api.until(pushed, lambda one: one["end_reason"] is not None)
        assert lost["end_reason"] == "lost"
        assert (await api.client.get(PATH)).json()["active_streams_count"] == 2
        for each in (stream, permanent):
            assert (await api.stop(each))["end_reason"] == "stopped"


async def test_R_OPS_2_a_node_that_stood_still_longer_than_its_lease_writes_nothing_when_it_goes_on(
    nodes: Nodes,
) -> None:
    api = await nodes.add(streams__run=False)
    async with _process(nodes) as (process, _):
        stream = await api.start("known.mp4", loop=True)
        record = f"{PATH}/{stream['stream_id']}/record"
        recording = (await api.client.post(record)).json()["recording"]
        # Whoever is seen is still there when it stands still: it would tell that they left.
        await api.until_events(stream, 1, kind="unknown_appeared")
        process.send_signal(signal.SIGSTOP)
        try:
            other = await nodes.add()
            assert await _taken_over(other, stream) <= TAKEOVER_S
            await api.client.post(f"{PATH}/{stream['stream_id']}/pause")
            running = other.platform.streams.runs.going[0].runner
            while not running.detection_paused:
                await asyncio.sleep(0.05)
            await asyncio.sleep(7)
            before = await _written(api)
        finally:
            process.send_signal(signal.SIGCONT)
        await asyncio.sleep(8)
        assert process.poll() is None
        assert await _written(api) == before
        shared = other.platform.streams.shared
        assert shared is not None
        assert await _holder(api, stream) == (shared.node, 2)
        (found,) = (await api.client.get(f"{PATH}/recordings")).json()["recordings"]
        assert (found["recording_id"], found["end_reason"]) == (recording["recording_id"], "interrupted")
        await api.stop(stream)
