"""R-INF 3: jobs told by WebSocket over a real server: in order, once, to their owner alone, never to a stranger."""

import asyncio
import json
import logging
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from lianpu.accounts.models import ApiKey, LoginSession, User
from lianpu.accounts.roles import Role, Scope
from lianpu.api.access import AccessGuard
from lianpu.database.base import now_utc
from lianpu.errors import StorageError
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.models import JobEvent
from lianpu.jobs.ownership import INFERENCE
from lianpu.jobs.push import feed as feed_module
from lianpu.jobs.push import websocket as websocket_module
from lianpu.settings import default_settings
from tests.api.push_server import Message, PushServer, closed, next_event, serving
from tests.jobs.test_jobs import Handler

pytestmark = pytest.mark.anyio
LIVE = "/api/v1/ws/jobs"
TASKS = "/api/v1/ws/inference"


async def _echo(job: RunningJob) -> dict[str, Any]:
    return dict(job.parameters)


async def _steps(job: RunningJob) -> dict[str, Any]:
    for step in range(40):
        await job.report(step, 40, checkpoint={})
        await asyncio.sleep(0.002)
    return {}


HANDLERS = (Handler("echo", _echo), Handler("steps", _steps), Handler(INFERENCE, _echo))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PushServer]:
    async with serving(tmp_path, *HANDLERS) as opened:
        yield opened


async def events_until(websocket: Any, count: int) -> list[Message]:
    return [await next_event(websocket) for _ in range(count)]


async def test_R_OPS_7_a_job_is_told_from_its_begin_to_its_end(
    server: PushServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "PROGRESS_INTERVAL_S", 0.01)
    ada = await server.login("ada")
    async with server.listening(ada) as websocket:
        job = await server.submit(ada, "steps")
        told = [json.loads(await websocket.recv())]
        while told[-1]["job"]["status"] != "completed":
            told.append(json.loads(await websocket.recv()))
    kept = [message for message in told if "event_id" in message]
    assert [message["job"]["status"] for message in kept] == ["pending", "processing", "completed"]
    assert [message["event_id"] for message in kept] == [1, 2, 3]
    done = [message["job"]["done"] for message in told if "event_id" not in message]
    assert done == sorted(set(done))
    assert len(done) > 1
    assert {message["job"]["job_id"] for message in told} == {job.id}
    async with server.client({"X-API-Key": ada.key}) as client:
        listed = (await client.get(f"/api/v1/jobs/{job.id}")).json()["job"]
    last = kept[-1]["job"]
    assert {name: listed[name] for name in ("kind", "status", "error", "created_at", "finished_at")} == {
        name: last[name] for name in ("kind", "status", "error", "created_at", "finished_at")
    }
    assert {"done": last["done"], "total": last["total"], "message": last["message"]} == listed["progress"]


async def test_R_INF_3_users_never_see_each_others(server: PushServer) -> None:
    ada, bob, olga = await server.login("ada"), await server.login("bob"), await server.login("olga", Role.OPERATOR)
    async with (
        server.listening(ada) as adas,
        server.listening(bob) as bobs,
        server.listening(bob, TASKS) as bobs_tasks,
        server.listening(olga) as all_jobs,
        server.listening(olga, TASKS) as olgas_tasks,
    ):
        of_ada = [await server.submit(ada), await server.submit(ada, INFERENCE, image="a.jpg")]
        of_bob = [await server.submit(bob), await server.submit(bob, INFERENCE, image="b.jpg")]
        seen_by_olga = await events_until(all_jobs, 12)
        own = {"ada": await events_until(adas, 6), "bob": await events_until(bobs, 6)}
        tasks = await events_until(bobs_tasks, 3)
        # Had she been sent a task of somebody else, it would come before this one.
        mine = await server.submit(olga, INFERENCE, image="o.jpg")
        assert (await next_event(olgas_tasks))["task"] == {"task_id": mine.id, "image": "o.jpg"}
        assert (await next_event(all_jobs))["task"]["image"] == "o.jpg"
    assert {message["job"]["job_id"] for message in own["ada"]} == {job.id for job in of_ada}
    assert {message["job"]["job_id"] for message in own["bob"]} == {job.id for job in of_bob}
    assert [message["task"] for message in tasks] == [{"task_id": of_bob[1].id, "image": "b.jpg"}] * 3
    assert [message["job"]["status"] for message in tasks] == ["pending", "processing", "completed"]
    assert {message["job"]["job_id"] for message in seen_by_olga} == {job.id for job in of_ada + of_bob}
    # She may see that there are such tasks, not what they are about.
    assert not [message for message in seen_by_olga if "task" in message]


async def test_R_INF_3_a_client_that_breaks_off_and_resumes_gets_everything_once(server: PushServer) -> None:
    ada, chance = await server.login("ada"), random.Random(7)
    heard: list[int] = []

    async def listen() -> None:
        while len(heard) < 120:
            last = heard[-1] if heard else 0
            async with server.listening(ada, last_event_id=last) as websocket:
                for _ in range(chance.randint(0, 12)):
                    if len(heard) == 120:
                        return
                    heard.append((await next_event(websocket))["event_id"])
                if chance.random() < 0.5:
                    websocket.transport.abort()

    async def submit() -> None:
        for _ in range(40):
            await server.submit(ada)
            await asyncio.sleep(chance.uniform(0, 0.01))

    await asyncio.wait_for(asyncio.gather(listen(), submit()), 60)
    assert heard == list(range(1, 121))


async def test_R_INF_3_who_was_away_too_long_is_told_to_read_anew(server: PushServer) -> None:
    ada = await server.login("ada")
    async with server.listening(ada) as websocket:
        await server.submit(ada)
        await events_until(websocket, 3)
    await server.change(JobEvent.__table__.delete().where(JobEvent.__table__.c.sequence <= 2))
    first = {"type": "auth", "token": ada.token}
    for asked, answers in ((1, ["reset"]), (2, ["event"]), (3, []), (99, ["reset"])):
        async with server.connect() as websocket:
            await websocket.send(json.dumps({**first, "last_event_id": asked}))
            ready = json.loads(await websocket.recv())
            if answers == ["reset"]:
                assert json.loads(await websocket.recv()) == {"type": "reset", "last_event_id": 3}
            elif answers == ["event"]:
                assert (await next_event(websocket))["event_id"] == 3
            assert ready["last_event_id"] == (3 if answers == ["reset"] else asked)


@pytest.mark.parametrize("by", ["header", "key header", "query", "first message"])
async def test_R_INF_3_the_credential_comes_by_header_query_or_first_message(
    server: PushServer, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ada = await server.login("ada")
    options: dict[str, Any] = {
        "header": {"additional_headers": {"Authorization": f"Bearer {ada.token}"}},
        "key header": {"additional_headers": {"X-API-Key": ada.key}},
    }.get(by, {})
    path = f"{LIVE}?last_event_id=0&token={ada.token}" if by == "query" else LIVE
    await server.submit(ada)
    async with server.connect(path, **options) as websocket:
        if by == "first message":
            await websocket.send(json.dumps({"type": "auth", "token": ada.key}))
        ready = json.loads(await websocket.recv())
        assert (ready["type"], ready["heartbeat_s"]) == ("ready", 20)
        if by == "query":
            assert [message["event_id"] for message in await events_until(websocket, 3)] == [1, 2, 3]
    # The server writes the address of every WebSocket into its log.
    assert f'"WebSocket {LIVE}' in caplog.text
    assert ada.token not in caplog.text
    assert ada.key not in caplog.text


@pytest.mark.parametrize("path", [LIVE, TASKS])
async def test_R_ACC_1_a_bad_credential_is_told_by_4401_and_a_missing_scope_by_4403(
    server: PushServer, path: str
) -> None:
    ada = await server.login("ada")
    old = server.token(ada.user_id, ada.session_id, -10)
    nothing = await server.login("kay", scopes=frozenset({Scope.ACCOUNT}))
    expected = {
        "nonsense": (4401, "api_key_invalid"),
        "a.b.c": (4401, "token_invalid"),
        old: (4401, "token_expired"),
        nothing.key: (4403, "scope_missing"),
    }
    for token, told in expected.items():
        async with server.connect(f"{path}?token={token}") as websocket:
            assert await closed(websocket) == told
        async with server.connect(path) as websocket:
            await websocket.send(json.dumps({"type": "auth", "token": token}))
            assert await closed(websocket) == told
    for token in ("nonsense", old):
        with pytest.raises(InvalidStatus) as refused:
            await server.connect(path, additional_headers={"Authorization": f"Bearer {token}"}).__aenter__()
        assert refused.value.response.status_code == 401
        problem = json.loads(refused.value.response.body)
        assert (problem["code"], problem["status"]) == (expected[token][1], 401)
        assert problem["request_id"] == refused.value.response.headers["x-request-id"]


REVOKED = {
    "login": (update(LoginSession).values(revoked_at=now_utc()), "token", (4401, "token_revoked")),
    "key": (update(ApiKey).values(revoked_at=now_utc()), "key", (4401, "api_key_invalid")),
    "expired key": (update(ApiKey).values(expires_at=now_utc()), "key", (4401, "api_key_invalid")),
    "user": (update(User).values(is_active=False), "token", (4401, "token_revoked")),
    "scope": (update(User).values(must_change_password=True), "key", (4403, "scope_missing")),
}


@pytest.mark.parametrize("what", REVOKED)
async def test_R_ACC_1_what_is_taken_away_ends_the_connection(tmp_path: Path, what: str) -> None:
    statement, by, told = REVOKED[what]
    async with serving(tmp_path, *HANDLERS, heartbeat_s=0.05) as server:
        ada = await server.login("ada")
        async with server.connect(f"{LIVE}?token={getattr(ada, by)}") as websocket:
            for kind in ("ready", "heartbeat", "heartbeat"):
                assert json.loads(await websocket.recv())["type"] == kind
            await server.change(statement)
            assert await closed(websocket) == told


async def test_R_ACC_1_a_token_that_expires_is_renewed_on_the_same_connection(tmp_path: Path) -> None:
    async with serving(tmp_path, *HANDLERS, heartbeat_s=0.05) as server:
        ada, bob = await server.login("ada"), await server.login("bob")
        short = server.token(ada.user_id, ada.session_id, 1.5)
        async with server.connect(f"{LIVE}?token={short}") as expiring, server.connect(f"{LIVE}?token={short}") as kept:
            await kept.send(json.dumps({"type": "auth", "token": ada.token}))
            assert await closed(expiring) == (4401, "token_expired")
            await server.submit(ada)
            assert (await next_event(kept))["event_id"] == 1
            # Somebody else does not take a connection over.
            await kept.send(json.dumps({"type": "auth", "token": bob.token}))
            assert await closed(kept) == (4401, "token_invalid")


async def test_R_ACC_2_who_is_no_operator_any_more_sees_his_own_alone(tmp_path: Path) -> None:
    async with serving(tmp_path, *HANDLERS, heartbeat_s=0.05) as server:
        ada, olga = await server.login("ada"), await server.login("olga", Role.OPERATOR)
        async with server.listening(olga) as websocket:
            await server.submit(ada)
            await events_until(websocket, 3)
            await server.change(update(User).where(User.id == olga.user_id).values(role=Role.VIEWER))
            for _ in range(3):
                while json.loads(await websocket.recv())["type"] != "heartbeat":
                    pass
            await server.submit(ada)
            own = await server.submit(olga)
            assert (await next_event(websocket))["job"]["job_id"] == own.id


async def test_R_INF_3_a_slow_client_is_let_go_and_resumes(tmp_path: Path) -> None:
    async def talk(job: RunningJob) -> dict[str, Any]:
        raise StorageError("x" * 20_000)

    talking = Handler("talk", talk)
    async with (
        serving(tmp_path, talking, sends_bytes=4096, queue_events=8, heartbeat_s=300) as server,
        AsyncExitStack() as stack,
    ):
        ada = await server.login("ada")
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", server.port))
        slow = await stack.enter_async_context(server.listening(ada, sock=small, max_queue=1))
        quick = await stack.enter_async_context(server.listening(ada))
        heard: list[int] = []

        async def read_on() -> None:
            while True:
                heard.append((await next_event(quick))["event_id"])

        reading = asyncio.create_task(read_on())
        submitted = 0
        while len(server.push.feed.subscriptions) == 2:
            submitted += 1
            await server.submit(ada, "talk")
            assert submitted < 2000
            await asyncio.sleep(0)
        # It is let go while others are served on, and holds nothing any more.
        while len(heard) < 3 * submitted:
            await asyncio.sleep(0.01)
        reading.cancel()
        got: list[int] = []
        ended = None
        try:
            while True:
                message = json.loads(await asyncio.wait_for(slow.recv(), 20))
                got += [message["event_id"]] if "event_id" in message else []
        except Exception as error:
            ended = error
        assert slow.close_code == 4008, ended
        assert slow.close_reason == "slow_consumer"
        assert got == list(range(1, len(got) + 1))
        async with server.listening(ada, last_event_id=got[-1]) as again:
            got += [(await next_event(again))["event_id"] for _ in range(3 * submitted - len(got))]
    assert got == heard == list(range(1, 3 * submitted + 1))


async def test_R_OPS_7_many_who_listen_and_hear_nothing_cost_nothing_that_grows(tmp_path: Path) -> None:
    async with serving(tmp_path, *HANDLERS, max_connections=300, queue_events=4) as server, AsyncExitStack() as stack:
        ada, bob = await server.login("ada"), await server.login("bob")
        idle = [await stack.enter_async_context(server.listening(ada)) for _ in range(200)]
        async with server.listening(bob) as busy:
            for _ in range(30):
                await server.submit(bob)
                await events_until(busy, 3)
            assert sum(one.waiting for one in server.push.feed.subscriptions) == 0
        await server.submit(ada)
        told = [await events_until(websocket, 3) for websocket in idle]
    assert all([message["event_id"] for message in messages] == [91, 92, 93] for messages in told)


async def test_R_ACC_4_one_user_has_so_many_connections(tmp_path: Path) -> None:
    async with serving(tmp_path, *HANDLERS, max_connections=2) as server:
        ada, bob = await server.login("ada"), await server.login("bob")
        async with server.listening(ada), server.listening(bob):
            async with server.listening(ada, TASKS):
                async with server.connect(f"{LIVE}?token={ada.key}") as third:
                    assert await closed(third) == (4429, "too_many_connections")
                async with server.client({"X-API-Key": ada.key}) as client:
                    refused = await client.get("/api/v1/jobs/events")
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_connections")
                assert int(refused.headers["retry-after"]) > 0
            while len(server.push.feed.subscriptions) > 2:
                await asyncio.sleep(0.01)
            async with server.listening(ada):
                pass


async def test_R_ACC_3_pages_of_other_sites_get_no_connection(server: PushServer) -> None:
    ada = await server.login("ada")
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus) as refused:
            await server.connect(f"{LIVE}?token={ada.token}", origin=origin).__aenter__()
        assert refused.value.response.status_code == 403
        assert json.loads(refused.value.response.body)["code"] == "foreign_origin"
    uri = f"ws://evil.example:{server.port}{LIVE}?token={ada.token}"
    with pytest.raises(InvalidStatus) as refused:
        await connect(uri, host="127.0.0.1", proxy=None).__aenter__()
    assert json.loads(refused.value.response.body)["code"] == "foreign_host"
    async with server.connect(f"{LIVE}?token={ada.token}", origin=f"http://127.0.0.1:{server.port}") as own:
        assert json.loads(await own.recv())["type"] == "ready"


async def test_R_ACC_2_other_websockets_are_refused_by_their_rule_and_unknown_ones_closed(server: PushServer) -> None:
    ada, olga = await server.login("ada"), await server.login("olga", Role.OPERATOR)
    for headers, status, code in (
        ({}, 401, "authentication_required"),
        ({"X-API-Key": ada.key}, 403, "scope_missing"),
    ):
        with pytest.raises(InvalidStatus) as refused:
            await server.connect("/api/v1/ws/by-header", additional_headers=headers).__aenter__()
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body)["code"] == code
    async with server.connect("/api/v1/ws/by-header", additional_headers={"X-API-Key": olga.key}) as allowed:
        assert (await closed(allowed))[0] == 1000
    with pytest.raises(InvalidStatus) as unknown:
        await server.connect(f"/api/v1/ws/nothing?token={ada.token}").__aenter__()
    assert unknown.value.response.status_code == 403


async def test_R_ACC_3_a_server_without_handshake_answers_still_gets_a_close(tmp_path: Path) -> None:
    """As the extension `websocket.http.response` of ASGI is optional."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    guard = AccessGuard(receive, default_settings(tmp_path).server, ())
    scope = {"type": "websocket", "path": LIVE, "query_string": b"", "headers": [(b"host", b"evil.example")]}
    await guard(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "foreign_host"}]


async def test_R_INF_3_who_says_nothing_is_closed(server: PushServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_module, "FIRST_MESSAGE_S", 0.05)
    async with server.connect() as websocket:
        assert await closed(websocket) == (4401, "authentication_required")
    assert server.push.feed.subscriptions == frozenset()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b'{"type": "auth", "token": "x"}', 4400),
        ("", 4400),
        ("null", 4400),
        ('{"type": "auth"}', 4400),
        ('{"type": "auth", "token": ""}', 4400),
        ('{"type": "auth", "token": "\\ud800"}', 4400),
        ('{"type": "auth", "token": "\\u0000"}', 4400),
        ('{"type": "auth", "token": 7}', 4400),
        ('{"type": "auth", "token": "x", "last_event_id": -1}', 4400),
        ('{"type": "auth", "token": "x", "last_event_id": 1e99}', 4400),
        ("[" * 5000, 4400),
        ('{"type": "auth", "token": "' + "x" * 9000 + '"}', 1009),
        ("x" * 100_000, 1009),
        ('{"type": "auth", "token": "lianpu_aaaaaaaaaa_' + "b" * 43 + '"}', 4401),
    ],
)
async def test_R_INF_3_bad_first_messages_are_refused(server: PushServer, message: Any, code: int) -> None:
    async with server.connect() as websocket:
        await websocket.send(message)
        assert (await closed(websocket))[0] == code


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
first_messages = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200),
    json_values.map(json.dumps),
    st.fixed_dictionaries(
        {"type": st.just("auth") | json_values, "token": st.text() | json_values},
        optional={"last_event_id": st.integers() | json_values},
    ).map(json.dumps),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(message=first_messages, later=first_messages)
async def test_R_INF_3_no_message_of_anybody_breaks_the_server(
    server: PushServer, caplog: pytest.LogCaptureFixture, message: Any, later: Any
) -> None:
    try:
        "".join([str(message), str(later)]).encode()
    except UnicodeEncodeError:
        return  # it cannot be sent
    async with server.connect() as websocket:
        await websocket.send(message)
        assert (await closed(websocket))[0] in {4400, 4401}
    ada = getattr(server, "ada", None) or await server.login("ada")
    server.ada = ada  # type: ignore[attr-defined]
    async with server.listening(ada) as websocket:
        await websocket.send(later)
        assert (await closed(websocket))[0] in {4400, 4401}
    assert [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}] == []


async def test_R_INF_3_a_place_that_is_none_is_refused(server: PushServer) -> None:
    ada = await server.login("ada")
    for place in ("x", "-1", "1.5", "²", str(2**63), ""):
        async with server.connect(f"{LIVE}?token={ada.token}&last_event_id={place}") as websocket:
            assert await closed(websocket) == (4400, "validation_failed")
