"""R-ACC-4 over HTTP: each route's entry, what is refused, and no answer without its entry."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

import lianpu
from lianpu.api.routes import ROUTES
from lianpu.http.audited import audited_of
from tests.api.access.asgi import connect
from tests.api.conftest import API_KEY, OpenClient
from tests.audit.tampering import tampering

pytestmark = pytest.mark.anyio
NOT_RECORDED = {
    "/health": "says nothing of anybody",
    "/health/live": "says nothing of anybody",
    "/health/ready": "says nothing of anybody",
    "/openapi.json": "documentation",
    "/docs": "documentation",
    "/docs/start.js": "documentation",
    "/redoc": "documentation",
    "/api/status": "counts of the whole, asked for by the console all the time",
    "/api/status/history": "numbers of the machine, asked for by the console all the time",
    "/api/v1/capacity": "numbers of the machine, which say nothing of anybody; measuring them is recorded",
    "/metrics": "counts of the whole, asked for by Prometheus all the time",
    "/api/v1/models": "packs, which are no secret",
    "/api/v1/models/available": "the catalogue, which is no secret",
    "/api/v1/gallery/signing-key": "a public key",
    "/api/v1/users/setup": "whether there is an administrator; GET only",
    "/api/v1/jobs/events": "state of jobs, pushed; what they do is recorded where they are asked for",
    "/api/v1/images/inference/events": "state of one's own tasks, pushed",
    "/api/v1/ws/jobs": "as the same over HTTP",
    "/api/v1/ws/inference": "as the same over HTTP",
    "/api/v1/ws/enhance": "as the same over HTTP",
    "/api/v1/enhance/events": "state of one's own enhancements, pushed",
    "/api/v1/enhance/engines": "names of engines, which are no secret",
    "/api/v1/swap/engines": "names of engines and whether they are ready, which is no secret",
    "/api/v1/swap/policy": "rules of the house; changing them is recorded",
    "/api/v1/images/inference/models": "names of models, which are no secret",
    "/api/v1/images/inference/tasks": "state of one's own tasks, polled; running and reading results is recorded",
    "/api/v1/images/inference/tasks/{task_id}": "state of one's own task, polled",
}
"""Routes without an action, and why they need none."""


async def events(client: httpx2.AsyncClient, **wanted: Any) -> list[dict[str, Any]]:
    """Oldest first; without those of reading the log."""
    answer = await client.get("/api/v1/audit", params={"limit": 500, **wanted})
    assert answer.status_code == 200, answer.text
    return [event for event in reversed(answer.json()["events"]) if not event["action"].startswith("audit.")]


def database_of(client: httpx2.AsyncClient) -> Path:
    return client.platform.settings.home / "lianpu.db"  # type: ignore[attr-defined]


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Somebody else writes, and does not come to an end."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # In a thread: what the server itself is writing now needs this one to come to its end.
    await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.fixture
async def impatient(open_client: OpenClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    """A server that does not wait long for the database's lock."""
    monkeypatch.setattr("lianpu.audit.audit.PATIENCE_S", 0.1)
    async with open_client() as client:
        yield client


def test_R_ACC_4_every_route_is_recorded_or_has_a_reason_not_to_be() -> None:
    for route in ROUTES:
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None)
        if audited_of(route) is None:
            assert path in NOT_RECORDED, f"{path} declares no action: audited(…), or a reason in NOT_RECORDED"
            assert methods is None or methods <= {"GET", "HEAD"}, f"{path} changes something and is not recorded"


async def test_R_ACC_4_an_entry_says_who_what_whence_and_how_it_ended(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/faces/p-17", headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == 404
    (event,) = await events(client, action="person.read")
    assert event.pop("at").endswith("Z")
    assert len(event.pop("hash")) == 64
    assert event == {
        "sequence": 2,
        "actor": {"kind": "configured_key", "id": "configured", "name": "server.api_key"},
        "action": "person.read",
        "outcome": "failed",
        "status": 404,
        "target": "p-17",
        "client": "127.0.0.1",
        "request_id": "mine-1",
        "detail": {"problem": "person_not_found"},
    }


async def test_R_ACC_4_reading_is_an_event_too(client: httpx2.AsyncClient) -> None:
    await client.get("/api/v1/audit", params={"actor": "server.api_key", "target": "p-1"})
    newest = (await client.get("/api/v1/audit")).json()["events"][0]
    assert (newest["action"], newest["target"]) == ("audit.read", None)
    assert newest["detail"] == {"filter": {"actor": "server.api_key", "target": "p-1"}}


async def test_R_ACC_4_refusals_of_nobody_in_particular_are_gathered(client: httpx2.AsyncClient) -> None:
    for path in ("/api/v1/faces/p-1", "/api/v1/anything", "/api/v1/search"):
        for _ in range(5):
            assert (await client.get(path, headers={"X-API-Key": "wrong-key-of-somebody"})).status_code == 401
    assert (await client.get("/api/v1/faces", headers={"Host": "evil.example"})).status_code == 403
    await client.platform.audit.gathering.flush(everything=True)  # type: ignore[attr-defined]
    first, rest = await events(client, action="access.refused")
    assert (first["target"], first["status"], first["outcome"]) == ("/api/v1/faces/p-1", 401, "refused")
    assert first["actor"] == {"kind": "anonymous", "id": "anonymous", "name": ""}
    assert first["detail"] == {"method": "GET"}
    assert rest["detail"] == {
        "gathered": 15,
        "targets": ["/api/v1/anything", "/api/v1/faces", "/api/v1/faces/p-1", "/api/v1/search"],
    }
    assert "wrong-key" not in json.dumps([first, rest])


async def test_R_ACC_4_websockets_that_are_refused_are_recorded(client: httpx2.AsyncClient) -> None:
    app: Any = client._transport.app
    assert await connect(app, "/api/v1/ws/jobs", token="token-of-nobody") == "4401"
    assert await connect(app, "/api/v1/ws/jobs", {"Host": "evil.example"}) == "403"
    await client.platform.audit.gathering.flush(everything=True)  # type: ignore[attr-defined]
    first, rest = await events(client, action="access.refused")
    assert (first["status"], first["target"], first["detail"]) == (401, "/api/v1/ws/jobs", {"method": "WEBSOCKET"})
    assert (rest["status"], rest["detail"]) == (403, {"gathered": 1, "targets": ["/api/v1/ws/jobs"]})
    assert "token-of-nobody" not in json.dumps([first, rest])


async def test_R_ACC_4_start_and_end_of_the_server_are_recorded(open_client: OpenClient) -> None:
    for _ in range(2):
        async with open_client() as client:
            pass
    async with open_client() as client:
        found = [(event["action"], event["target"], event["actor"]["kind"]) for event in await events(client)]
        verdict = (await client.get("/api/v1/audit/verify")).json()
    version = lianpu.__version__
    turn = [("server.started", version, "system"), ("server.stopped", version, "system")]
    assert found == [*turn, *turn, turn[0]]
    assert (verdict["ok"], verdict["first_broken"], verdict["problem"]) == (True, None, None)


async def test_R_ACC_4_no_answer_without_its_entry(impatient: httpx2.AsyncClient) -> None:
    """What was done cannot be undone, and is not told; once that is known, nothing more is done."""
    async with locked(database_of(impatient)):
        withheld = await impatient.get("/api/v1/models/missing")
        assert withheld.status_code != 503
        withheld = await impatient.get("/api/v1/faces")
        assert (withheld.status_code, withheld.json()["code"]) == (503, "audit_unavailable")
        assert withheld.headers["retry-after"] == "10"
        assert "persons" not in withheld.json()
        assert "the answer is withheld" in withheld.json()["detail"]
        refused = await impatient.get("/api/v1/faces/p-1")
        assert (refused.status_code, refused.json()["code"]) == (503, "audit_unavailable")
        assert "nothing was done" in refused.json()["detail"]
        # What needs no entry is answered, and says what is wrong.
        health = await impatient.get("/health")
        assert (health.status_code, health.json()["checks"]["audit"]) == (503, "OperationalError")
        assert (await impatient.get("/api/status")).status_code == 200
    assert (await impatient.get("/api/v1/faces/p-1")).status_code == 404
    assert (await impatient.get("/health")).status_code == 200
    found = [
        (event["action"], event["status"], event["detail"].get("withheld_status")) for event in await events(impatient)
    ]
    assert found[1:] == [("person.list", 503, 200), ("person.read", 404, None)]


async def test_R_ACC_4_a_broken_log_lets_nobody_delete(impatient: httpx2.AsyncClient) -> None:
    calls: list[str] = []
    persons = impatient.platform.gallery.persons  # type: ignore[attr-defined]

    async def noted(person_id: str) -> Any:
        calls.append(person_id)
        raise AssertionError

    persons.delete = noted
    async with locked(database_of(impatient)):
        assert (await impatient.get("/api/v1/faces")).status_code == 503
        assert (await impatient.delete("/api/v1/faces/p-1")).status_code == 503
    assert calls == []


async def test_R_ACC_4_a_refusal_is_a_refusal_although_it_cannot_be_recorded(impatient: httpx2.AsyncClient) -> None:
    async with locked(database_of(impatient)):
        answer = await impatient.get("/api/v1/faces", headers={"X-API-Key": "x" * 20})
        assert answer.status_code == 503
        assert answer.json()["code"] == "audit_unavailable"


async def test_R_ACC_4_full_disk_withholds_the_answer(client: httpx2.AsyncClient) -> None:
    log = client.platform.audit.log  # type: ignore[attr-defined]
    async with log._database.session() as session:
        connection = await session.connection()
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    answers = [await client.get("/api/v1/faces/" + "x" * 200) for _ in range(40)]
    assert answers[-1].status_code == 503
    assert answers[-1].json()["code"] == "audit_unavailable"
    assert log.problem is not None


async def test_R_ACC_4_streams_wait_for_their_entry(impatient: httpx2.AsyncClient) -> None:
    whole = await impatient.get("/api/v1/audit/export")
    assert whole.headers["content-type"] == "application/x-ndjson"
    async with locked(database_of(impatient)):
        answer = await impatient.get("/api/v1/audit/export")
        assert (answer.status_code, answer.json()["code"]) == (503, "audit_unavailable")
        assert "previous_hash" not in answer.text


async def test_R_ACC_4_unexpected_errors_are_recorded(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(client.platform.gallery.persons, "get", broken)  # type: ignore[attr-defined]
    assert (await client.get("/api/v1/faces/p-1")).status_code == 500
    (event,) = await events(client, target="p-1")
    assert (event["action"], event["outcome"], event["status"]) == ("person.read", "failed", 500)


async def test_R_ACC_4_bodies_that_cannot_be_read_are_recorded(client: httpx2.AsyncClient) -> None:
    """FastAPI refuses them before any dependency of the route is asked."""
    json_ = {"Content-Type": "application/json"}
    assert (await client.put("/api/v1/faces/p-1", content=b"{", headers=json_)).status_code == 400
    assert (await client.put("/api/v1/faces/p-1", json={"nam": "x"})).status_code == 422
    found = [(event["action"], event["status"]) for event in await events(client, target="p-1")]
    assert found == [("person.update", 400), ("person.update", 422)]


async def test_R_ACC_4_a_hundred_requests_at_once_keep_the_chain(client: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get(f"/api/v1/faces/p-{number}") for number in range(100)))
    assert {answer.status_code for answer in answers} == {404}
    found = await events(client, action="person.read")
    assert {event["target"] for event in found} == {f"p-{number}" for number in range(100)}
    verdict = (await client.get("/api/v1/audit/verify")).json()
    assert verdict["ok"]


async def test_R_ACC_4_thumbnails_by_the_page_are_two_entries(client: httpx2.AsyncClient) -> None:
    for number in range(30):
        assert (await client.get(f"/api/v1/faces/p-{number:02}/thumbnail")).status_code == 404
    await client.platform.audit.gathering.flush(everything=True)  # type: ignore[attr-defined]
    first, rest = await events(client, action="photo.thumbnail")
    assert (first["target"], rest["detail"]["gathered"]) == ("p-00", 29)
    assert rest["detail"]["targets"] == [f"p-{number:02}" for number in range(1, 30)]


async def test_R_ACC_4_tampering_is_told_with_the_event(client: httpx2.AsyncClient) -> None:
    for number in range(5):
        await client.get(f"/api/v1/faces/p-{number}")
    before = (await client.get("/api/v1/audit/verify")).json()
    assert (before["ok"], before["events"], before["explanation"]) == (True, 6, None)
    with tampering(database_of(client)) as connection:
        connection.execute("UPDATE audit_events SET target = 'p-9' WHERE target = 'p-3'")
    verdict = (await client.get("/api/v1/audit/verify")).json()
    assert (verdict["ok"], verdict["first_broken"], verdict["problem"], verdict["events"]) == (False, 5, "changed", 4)
    assert "it was changed" in verdict["explanation"]
    newest = (await events_of_reading(client))[0]
    assert newest["detail"] == {"ok": False, "events": 4, "first_broken": 5}
    unknown = (await client.get("/api/v1/audit/verify", params={"expect_head": "0" * 64})).json()
    assert unknown["first_broken"] == 5
    assert (await client.get("/api/v1/audit/verify", params={"expect_head": "x"})).status_code == 422


async def events_of_reading(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    return (await client.get("/api/v1/audit", params={"action": "audit.verify"})).json()["events"]


async def test_R_ACC_4_noted_head_is_expected_and_missed(client: httpx2.AsyncClient) -> None:
    await client.get("/api/v1/faces/p-1")
    head = (await client.get("/api/v1/audit/verify")).json()["head_hash"]
    assert (await client.get("/api/v1/audit/verify", params={"expect_head": head})).json()["ok"]
    verdict = (await client.get("/api/v1/audit/verify", params={"expect_head": "0" * 64})).json()
    assert (verdict["ok"], verdict["problem"], verdict["first_broken"]) == (False, "head_unknown", None)


async def test_R_ACC_4_export_is_the_chain(client: httpx2.AsyncClient) -> None:
    for number in range(4):
        await client.get(f"/api/v1/faces/p-{number}")
    answer = await client.get("/api/v1/audit/export", params={"after": 1, "limit": 3})
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [(event["sequence"], event["target"]) for event in found] == [(2, "p-0"), (3, "p-1"), (4, "p-2")]
    assert [event["previous_hash"] for event in found[1:]] == [event["hash"] for event in found[:-1]]
    assert answer.headers["cache-control"] == "no-store"
    for wrong in ({"after": -1}, {"limit": 0}, {"limit": 50_001}):
        assert (await client.get("/api/v1/audit/export", params=wrong)).status_code == 422


async def test_R_ACC_4_filters_and_pages_over_http(client: httpx2.AsyncClient) -> None:
    for number in range(7):
        await client.get(f"/api/v1/faces/p-{number % 2}")
    assert len(await events(client, target="p-0", action="person.read", actor="configured")) == 4
    assert len(await events(client, actor="server.api_key", target="p-1")) == 3
    assert await events(client, actor="nobody") == []
    whole = await events(client, target="p-0")
    assert len(await events(client, target="p-0", since=whole[1]["at"], until=whole[3]["at"])) == 2
    page = (await client.get("/api/v1/audit", params={"target": "p-0", "limit": 3})).json()
    rest = {"target": "p-0", "limit": 3, "cursor": page["next_cursor"]}
    following = (await client.get("/api/v1/audit", params=rest)).json()
    assert [event["hash"] for event in page["events"]][::-1] == [event["hash"] for event in whole[1:]]
    assert [event["hash"] for event in following["events"]] == [whole[0]["hash"]]
    for wrong in ({"limit": 501}, {"since": "yesterday"}, {"cursor": "x"}, {"cursor": page["next_cursor"]}):
        assert (await client.get("/api/v1/audit", params=wrong)).status_code == 422


async def test_R_ACC_4_only_who_may_read_the_log_reads_it(client: httpx2.AsyncClient) -> None:
    body = {"name": "olga", "password": "a long enough password", "role": "operator", "must_change_password": False}
    user = (await client.post("/api/v1/users/", json=body)).json()["user"]
    form = {"grant_type": "password", "username": "olga", "password": body["password"]}
    token = (await client.post("/api/v1/users/token", data=form)).json()["access_token"]
    olga = {"Authorization": f"Bearer {token}"}
    del client.headers["X-API-Key"]
    for path in ("/api/v1/audit", "/api/v1/audit/verify", "/api/v1/audit/export"):
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers=olga)).status_code == 403
    key = {"X-API-Key": API_KEY}
    found = (await client.get("/api/v1/audit", params={"actor": "olga"}, headers=key)).json()["events"]
    refused = [event for event in found if event["outcome"] == "refused"]
    assert [event["action"] for event in refused] == ["audit.export", "audit.verify", "audit.read"]
    assert {event["actor"]["id"] for event in refused} == {user["user_id"]}
    assert refused[0]["detail"]["problem"] == "scope_missing"
