"""R-INF 3: the same as Server-Sent Events, for those who prefer it."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from lianpu.accounts.models import LoginSession
from lianpu.accounts.roles import Role, Scope
from lianpu.database.base import now_utc
from lianpu.jobs.models import JobEvent
from lianpu.jobs.ownership import INFERENCE
from tests.api.push_server import Login, PushServer, serving
from tests.api.test_push import HANDLERS, server

pytestmark = pytest.mark.anyio
__all__ = ["server"]
EVENTS = "/api/v1/jobs/events"
TASKS = "/api/v1/images/inference/events"


@dataclass
class Event:
    """As a browser's EventSource makes it of the stream."""

    type: str
    data: Any
    last_event_id: str


class Stream:
    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.comments: list[str] = []
        self.retry_ms = ""
        self._last_event_id = ""
        self._lines = response.aiter_lines()

    async def next(self) -> Event:
        """The next event, or StopAsyncIteration at the end of the stream (HTML, 9.2.6)."""
        fields = {"event": "message", "data": ""}
        while True:
            line = await anext(self._lines)
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
            elif line == "" and fields["data"]:
                return Event(fields["event"], json.loads(fields["data"]), self._last_event_id)
            elif line:
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if name == "id":
                    self._last_event_id = value
                elif name == "retry":
                    self.retry_ms = value
                else:
                    fields[name] = value


@asynccontextmanager
async def opened(server: PushServer, whose: Login, path: str = EVENTS, **headers: str) -> AsyncIterator[Stream]:
    async with (
        server.client({"X-API-Key": whose.key, **headers}) as client,
        client.stream("GET", path) as response,
    ):
        assert response.status_code == 200, await response.aread()
        stream = Stream(response)
        assert (await stream.next()).type == "ready"
        yield stream


async def kept(stream: Stream, count: int) -> list[Event]:
    """So many of those that can be resumed after."""
    found: list[Event] = []
    while len(found) < count:
        event = await stream.next()
        assert event.type == "job"
        found += [event] if "event_id" in event.data else []
    return found


async def test_R_INF_3_events_come_in_the_form_that_browsers_read(server: PushServer) -> None:
    ada = await server.login("ada")
    async with opened(server, ada) as stream:
        headers = stream.response.headers
        assert headers["content-type"].partition(";")[0] == "text/event-stream"
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        assert "content-length" not in headers
        assert int(stream.retry_ms) > 0
        job = await server.submit(ada, say="a\nb\r\n: c")
        told = await kept(stream, 3)
    assert [event.data["job"]["status"] for event in told] == ["pending", "processing", "completed"]
    assert [event.last_event_id for event in told] == [str(event.data["event_id"]) for event in told] == ["1", "2", "3"]
    assert {event.data["job"]["job_id"] for event in told} == {job.id}


async def test_R_INF_3_a_stream_that_breaks_goes_on_where_it_was(server: PushServer) -> None:
    """As EventSource does it: with the last id that it has read."""
    ada, chance = await server.login("ada"), random.Random(3)
    heard: list[int] = []
    last = ""

    async def listen() -> None:
        nonlocal last
        while len(heard) < 60:
            async with opened(server, ada, **({"Last-Event-ID": last} if last else {})) as stream:
                if not last:
                    last = "0"
                    continue
                for event in await kept(stream, min(chance.randint(0, 9), 60 - len(heard))):
                    heard.append(event.data["event_id"])
                    last = event.last_event_id

    async def submit() -> None:
        for _ in range(20):
            await server.submit(ada)
            await asyncio.sleep(chance.uniform(0, 0.01))

    await asyncio.wait_for(asyncio.gather(listen(), submit()), 60)
    assert heard == list(range(1, 61))


async def test_R_INF_3_the_first_place_is_known_before_anything_has_happened(server: PushServer) -> None:
    ada = await server.login("ada")
    await server.submit(ada)
    async with server.client({"X-API-Key": ada.key}) as client:
        async with opened(server, ada, f"{EVENTS}?last_event_id=0") as stream:
            assert [event.last_event_id for event in await kept(stream, 3)] == ["1", "2", "3"]
        async with client.stream("GET", EVENTS) as response:
            ready = await Stream(response).next()
        assert (ready.data["last_event_id"], ready.last_event_id) == (3, "3")
        # Who resumes has not had what follows: a break here must not skip it.
        async with client.stream("GET", EVENTS, headers={"Last-Event-ID": "1"}) as response:
            ready = await Stream(response).next()
        assert (ready.data["last_event_id"], ready.last_event_id) == (1, "")
        await server.change(JobEvent.__table__.delete().where(JobEvent.__table__.c.sequence <= 2))
        async with client.stream("GET", EVENTS, headers={"Last-Event-ID": "1"}) as response:
            stream = Stream(response)
            told = [await stream.next(), await stream.next()]
        assert [(event.type, event.last_event_id) for event in told] == [("ready", "3"), ("reset", "3")]


async def test_R_INF_3_streams_are_as_private_as_websockets(server: PushServer) -> None:
    ada, bob, olga = await server.login("ada"), await server.login("bob"), await server.login("olga", Role.OPERATOR)
    async with opened(server, bob) as bobs, opened(server, olga) as all_jobs, opened(server, olga, TASKS) as olgas:
        task = await server.submit(ada, INFERENCE, image="a.jpg")
        seen = await kept(all_jobs, 3)
        own = [await server.submit(bob), await server.submit(olga, INFERENCE, image="o.jpg")]
        assert (await kept(bobs, 1))[0].data["job"]["job_id"] == own[0].id
        assert (await kept(olgas, 1))[0].data["task"] == {"task_id": own[1].id, "image": "o.jpg"}
    assert {event.data["job"]["job_id"] for event in seen} == {task.id}
    assert not [event for event in seen if "task" in event.data]


@pytest.mark.parametrize("path", [EVENTS, TASKS])
async def test_R_ACC_1_streams_need_a_credential_that_may_come_by_query(server: PushServer, path: str) -> None:
    ada = await server.login("ada")
    nothing = await server.login("kay", scopes=frozenset({Scope.ACCOUNT}))
    async with server.client() as client:
        for query, status, code in (
            ({}, 401, "authentication_required"),
            ({"token": "x"}, 401, "api_key_invalid"),
            ({"token": server.token(ada.user_id, ada.session_id, -10)}, 401, "token_expired"),
            ({"token": nothing.key}, 403, "scope_missing"),
            ({"token": ada.key, "last_event_id": "-1"}, 422, "validation_failed"),
            ({"token": ada.key, "last_event_id": "x"}, 422, "validation_failed"),
        ):
            refused = await client.get(path, params=query)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        async with client.stream("GET", path, params={"token": ada.token}) as response:
            assert (await Stream(response).next()).type == "ready"
        # Nowhere else: addresses end up in logs and histories.
        elsewhere = await client.get("/api/v1/jobs", params={"token": ada.token})
        assert elsewhere.json()["code"] == "authentication_required"


async def test_R_ACC_1_a_login_that_is_ended_ends_its_streams(tmp_path: Path) -> None:
    async with serving(tmp_path, *HANDLERS, heartbeat_s=0.05) as server:
        ada = await server.login("ada")
        async with server.client() as client, client.stream("GET", EVENTS, params={"token": ada.token}) as response:
            stream = Stream(response)
            assert (await stream.next()).data["heartbeat_s"] == 0.05
            await server.change(update(LoginSession).values(revoked_at=now_utc()))
            ended = await stream.next()
            assert (ended.type, ended.data) == (
                "closed",
                {"type": "closed", "code": 4401, "reason": "token_revoked"},
            )
            with pytest.raises(StopAsyncIteration):
                await stream.next()
        assert set(stream.comments) <= {"heartbeat"}


async def test_R_INF_3_a_quiet_stream_shows_that_it_holds(tmp_path: Path) -> None:
    async with serving(tmp_path, *HANDLERS, heartbeat_s=0.05) as server:
        ada = await server.login("ada")
        async with opened(server, ada) as stream:
            reading = asyncio.create_task(stream.next())
            while len(stream.comments) < 3:
                await asyncio.sleep(0.01)
            await server.submit(ada)
            assert (await reading).type == "job"
        assert set(stream.comments) == {"heartbeat"}


async def test_R_OPS_1_open_connections_end_at_once_when_the_server_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as clients:
        async with serving(tmp_path, *HANDLERS) as server:
            ada = await server.login("ada")
            streams = [await clients.enter_async_context(opened(server, ada, path)) for path in (EVENTS, TASKS)]
            websocket = await clients.enter_async_context(server.listening(ada))
        for stream in streams:
            assert (await stream.next()).data == {"type": "closed", "code": 1012, "reason": "server_stops"}
            with pytest.raises(StopAsyncIteration):
                await stream.next()
        await websocket.wait_closed()
        assert websocket.close_code == 1012
    assert "timeout graceful shutdown exceeded" not in caplog.text


async def test_R_INF_3_who_goes_away_leaves_nothing(server: PushServer) -> None:
    ada = await server.login("ada")
    async with opened(server, ada), server.listening(ada):
        assert len(server.push.feed.subscriptions) == 2
    while server.push.feed.subscriptions:
        await asyncio.sleep(0.01)
