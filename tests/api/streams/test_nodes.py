"""R-OPS 2: streams of nodes that share a database server, a Redis and a home: started, watched, controlled on any."""

import asyncio
from contextlib import aclosing

import pytest
from sqlalchemy import delete, select

from lianpu.leases.models import Lease
from lianpu.streams.health import EndReason
from lianpu.streams.models import StreamEvent
from tests.api.streams.nodes import Nodes
from tests.api.streams.server import PATH, Stream, StreamServer, code_of

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


async def _different_pictures(server: StreamServer, stream: Stream, count: int) -> None:
    seen: set[bytes] = set()
    async with asyncio.timeout(30), aclosing(server.pictures(stream)) as pictures:
        async for jpeg in pictures:
            assert jpeg.startswith(b"\xff\xd8")
            seen.add(jpeg)
            if len(seen) == count:
                return


async def _running(server: StreamServer, stream: Stream) -> Stream:
    async with asyncio.timeout(30):
        return await server.until(stream, lambda one: one["state"] == "running" and one["health"]["processed_fps"] > 0)


async def _stops(one: StreamServer) -> None:
    """As an orderly stop does."""
    await one.platform.streams.close()


async def test_R_OPS_2_a_stream_started_on_one_node_is_seen_watched_and_controlled_on_the_other(nodes: Nodes) -> None:
    api, worker = await nodes.add(streams__run=False), await nodes.add()
    stream = await api.start("both.mp4", loop=True, lifetime_minutes=5)
    assert await nodes.runner_of(stream) is worker
    for one in (api, worker):
        seen = await _running(one, stream)
        assert seen["health"]["pack"].startswith("dlib@")
        listed = (await one.client.get(PATH)).json()
        assert [item["state"] for item in listed["streams"]] == ["running"]
    await _different_pictures(api, await api.get(stream), 5)
    await _different_pictures(worker, await worker.get(stream), 5)
    snapshot = await api.client.get(f"{PATH}/{stream['stream_id']}/snapshot")
    assert (snapshot.status_code, snapshot.content[:2]) == (200, b"\xff\xd8")
    assert await api.until_events(stream, 1)

    paused = await api.client.post(f"{PATH}/{stream['stream_id']}/pause")
    assert paused.status_code == 200
    runner = worker.platform.streams.runs.going[0].runner
    async with asyncio.timeout(10):
        while not runner.detection_paused:
            await asyncio.sleep(0.01)
    assert (await api.until(stream, lambda one: one["detection_paused"]))["state"] == "running"
    await api.client.post(f"{PATH}/{stream['stream_id']}/resume")
    longer = (await api.client.post(f"{PATH}/{stream['stream_id']}/extend", json={"lifetime_minutes": 90})).json()
    assert longer["stream"]["lifetime_minutes"] == 90
    async with asyncio.timeout(10):
        while runner.detection_paused or worker.platform.streams.runs.going[0].row.lifetime_minutes != 90:
            await asyncio.sleep(0.01)

    stopped = await api.stop(stream)
    assert (stopped["state"], stopped["end_reason"]) == ("ended", "stopped")
    assert worker.platform.streams.runs.all == []
    assert code_of(await api.client.get(f"{PATH}/{stream['stream_id']}/snapshot")) == (409, "stream_state")
    async with worker.platform.database.session() as session:
        assert (await session.scalars(select(Lease.name).where(Lease.name == stream["stream_id"]))).all() == []


async def test_R_OPS_2_a_recording_is_started_and_stopped_on_another_node_than_its_stream(nodes: Nodes) -> None:
    api, worker = await nodes.add(streams__run=False), await nodes.add()
    stream = await api.start("both.mp4", loop=True)
    record = f"{PATH}/{stream['stream_id']}/record"
    started = (await api.client.post(record)).json()["recording"]
    assert code_of(await api.client.post(record)) == (409, "recording_state")
    (running,) = (await api.client.get(f"{PATH}/recordings")).json()["recordings"]
    assert (running["recording_id"], running["ended_at"]) == (started["recording_id"], None)
    refused = await api.client.delete(f"{PATH}/recordings/{started['recording_id']}")
    assert code_of(refused) == (409, "recording_state")
    recorder = worker.platform.streams.runs.going[0].runner
    async with asyncio.timeout(20):
        while recorder.recorder is None or getattr(recorder.recorder, "frames", 0) < 5:
            await asyncio.sleep(0.02)
    ended = (await api.client.post(f"{record}/stop")).json()["recording"]
    assert (ended["end_reason"], ended["frames"] >= 5) == ("stopped", True)
    video = await api.client.get(ended["video_url"])
    assert video.content[4:8] == b"ftyp"
    assert code_of(await api.client.post(f"{record}/stop")) == (409, "recording_state")


async def test_R_OPS_2_a_stopped_node_gives_its_streams_to_another_at_once_and_viewers_go_on(nodes: Nodes) -> None:
    one = await nodes.add()
    stream = await one.start("both.mp4", loop=True)
    pushed = await one.start("push:", permanent=True)
    other = await nodes.add()
    before = await _running(other, stream)
    async with aclosing(other.pictures(before)) as pictures, asyncio.timeout(40):
        await anext(pictures)
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        await _stops(one)
        while await nodes.runner_of(stream) is not other:
            await asyncio.sleep(0.01)
        assert loop.time() - begun_s < 5
        first = {await anext(pictures) for _ in range(3)}
        while len(first) < 6:
            first.add(await anext(pictures))
    after = await _running(other, stream)
    assert (after["stream_id"], after["end_reason"]) == (stream["stream_id"], None)
    # What is pushed to a node ends with it.
    assert (await other.get(pushed))["end_reason"] == EndReason.SHUTDOWN
    await other.stop(stream)


async def test_R_OPS_2_streams_are_refused_when_every_node_is_full_and_wait_when_theirs_is_gone(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianpu.streams.nodes.shared.TAKEN_S", 1.5)
    one, other = await nodes.add(streams__max_active=1), await nodes.add(streams__max_active=1)
    first, second = await one.start("both.mp4", loop=True), await one.start("both.mp4", loop=True)
    assert {await nodes.runner_of(first) is one, await nodes.runner_of(second) is one} == {True, False}
    answer = await one.client.post(f"{PATH}/start", json={"source": "both.mp4"})
    assert code_of(answer) == (409, "too_many_streams")
    assert len((await other.client.get(PATH)).json()["streams"]) == 2
    await _stops(one)
    orphan = second if await nodes.runner_of(first) is other else first
    waiting = await other.until(orphan, lambda seen: seen["state"] == "connecting")
    assert "waits for a node" in waiting["reason"]
    stopped = await other.stop(orphan)
    assert stopped["end_reason"] == EndReason.STOPPED


async def test_R_OPS_2_a_stream_goes_to_the_node_where_its_frames_or_its_live_swap_are(nodes: Nodes) -> None:
    one, other = await nodes.add(), await nodes.add(streams__run=False)
    pushed = await one.start("push:")
    assert await nodes.runner_of(pushed) is one
    assert await other.platform.streams.pushed(pushed["stream_id"]) is not None
    assert await nodes.runner_of(pushed) is other
    stream = await other.start("both.mp4", loop=True)
    assert await nodes.runner_of(stream) is one
    await other.platform.streams.runner(stream["stream_id"])
    assert await nodes.runner_of(stream) is other
    assert (await _running(one, stream))["end_reason"] is None
    for each in (pushed, stream):
        assert (await one.stop(each))["end_reason"] == EndReason.STOPPED


async def test_R_OPS_2_a_holder_who_lost_its_lease_writes_nothing_more_and_stops(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianpu.leases.leases.RENEWAL_S", 3600.0)
    one = await nodes.add()
    stream = await one.start("both.mp4", loop=True)
    await one.until_events(stream, 1)
    running = one.platform.streams.runs.going[0]
    database = one.platform.database
    async with database.session() as session:
        lease = (await session.scalars(select(Lease).where(Lease.name == stream["stream_id"]).with_for_update())).one()
        # As if another node had taken it over, and this one had not heard of it.
        lease.holder, lease.epoch = "another", lease.epoch + 1
        await session.commit()
    crops = set(one.platform.settings.home.joinpath("streams", "crops").rglob("*.jpg"))
    async with database.session() as session:
        known = set((await session.scalars(select(StreamEvent.id))).all())
    assert running.lease is not None
    assert running.lease.is_held
    async with asyncio.timeout(60):
        await running.ended.wait()
    assert one.platform.streams.runs.all == []
    async with database.session() as session:
        assert set((await session.scalars(select(StreamEvent.id))).all()) == known
        kept = (await session.scalars(select(Lease).where(Lease.name == stream["stream_id"]))).one()
        assert (kept.holder, kept.epoch) == ("another", 2)
    assert set(one.platform.settings.home.joinpath("streams", "crops").rglob("*.jpg")) == crops
    assert (await one.get(stream))["end_reason"] is None


async def test_R_OPS_2_events_kept_on_one_node_are_told_on_the_other_and_delivered_by_one_alone(nodes: Nodes) -> None:
    one, other = await nodes.add(), await nodes.add(streams__run=False)
    names = ("stream_delivery", "stream_clearing")
    async with asyncio.timeout(20):
        while True:
            held = [{lease.name for lease in each.platform.streams.shared.leases.held} for each in nodes.all]  # type: ignore[union-attr]
            if sum(len(names_held & set(names)) for names_held in held) == 2:
                break
            await asyncio.sleep(0.05)
    assert held[0].isdisjoint(held[1])
    woken = asyncio.Event()
    other.platform.streams.events.on_commit(woken.set)
    stream = await one.start("both.mp4", loop=True)
    async with asyncio.timeout(30):
        await woken.wait()
    assert await other.until_events(stream, 1)
    await one.stop(stream)


async def test_R_OPS_2_streams_that_there_are_no_leases_of_get_them_when_a_node_starts(nodes: Nodes) -> None:
    before = await nodes.add()
    stream = await before.start("both.mp4", loop=True, permanent=True)
    await _stops(before)
    async with before.platform.database.session() as session:
        # As they come from SQLite, or from an older version.
        await session.execute(delete(Lease))
        await session.commit()
    one = await nodes.add()
    assert (await _running(one, stream))["stream_id"] == stream["stream_id"]
    assert (await one.stop(stream))["end_reason"] == EndReason.STOPPED


async def test_R_OPS_2_without_a_redis_streams_are_controlled_from_other_nodes_and_never_run_twice(
    nodes: Nodes,
) -> None:
    nodes.values["nodes.redis"] = None
    one, other = await nodes.add(), await nodes.add(streams__run=False)
    stream = await other.start("both.mp4", loop=True)
    assert await nodes.runner_of(stream) is one
    await _running(one, stream)
    seen = await other.get(stream)
    assert (seen["state"], seen["reason"]) == ("connecting", "Its node does not answer.")
    runner = one.platform.streams.runs.going[0].runner
    await other.client.post(f"{PATH}/{stream['stream_id']}/pause")
    async with asyncio.timeout(10):
        while not runner.detection_paused:
            await asyncio.sleep(0.01)
    assert code_of(await other.client.post(f"{PATH}/{stream['stream_id']}/record")) == (503, "node_unreachable")
    assert (await other.stop(stream))["end_reason"] == EndReason.STOPPED
