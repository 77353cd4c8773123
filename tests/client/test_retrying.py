"""R-OPS 5: what is refused for now is asked again, where asking twice does no harm."""

import io
from collections.abc import Callable
from typing import Any

import anyio
import httpx2
import pytest

from lianpu.client import (
    AsyncLianpu,
    Lianpu,
    Retrying,
    ServerError,
    TooManyRequestsError,
    UnreachableError,
)

OK = {"models": []}
FACES = {
    "request_id": "r",
    "pack": "p",
    "pack_version": "1",
    "image": {"width": 1, "height": 1},
    "faces": [],
    "timings_ms": {},
}
Handler = Callable[[httpx2.Request], httpx2.Response]


class Server:
    """Answers with what it was given, in that order; the last one again and again."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.bodies.append(request.read())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def refusal(status: int, **headers: str) -> httpx2.Response:
    problem = {
        "type": "t",
        "title": "Busy",
        "status": status,
        "detail": "d",
        "code": "busy",
        "request_id": "r-1",
        "errors": [],
    }
    return httpx2.Response(
        status, json=problem, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def good(document: Any = OK) -> httpx2.Response:
    return httpx2.Response(200, json=document)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited; it does not."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("lianpu.client.connection.time.sleep", waited.append)
    monkeypatch.setattr("lianpu.client.connection.anyio.sleep", sleep)
    return waited


def client(server: Server, **options: Any) -> Lianpu:
    return Lianpu("http://x", api_key="k", transport=httpx2.MockTransport(server), **options)


def test_R_OPS_5_retry_after_is_waited_for_and_else_the_wait_doubles(waits: list[float]) -> None:
    server = Server(refusal(429, Retry_After="7"), refusal(503), refusal(503), good())
    assert client(server).models.list() == ()
    assert waits[0] == 7
    assert 0.5 <= waits[1] <= 1 <= waits[2] <= 2
    assert len(server.bodies) == 4


def test_R_OPS_5_it_ends_after_so_many_attempts_and_when_the_server_asks_for_too_long(waits: list[float]) -> None:
    server = Server(refusal(503))
    with pytest.raises(ServerError) as refused:
        client(server).models.list()
    assert (len(server.bodies), len(waits), refused.value.code) == (4, 3, "busy")
    with pytest.raises(TooManyRequestsError) as limited:
        client(Server(refusal(429, Retry_After="3600"))).models.list()
    assert limited.value.retry_after_s == 3600
    once = Server(refusal(503))
    with pytest.raises(ServerError):
        client(once, retrying=Retrying(attempts=1)).models.list()
    assert (len(once.bodies), len(waits)) == (1, 3)


def test_R_OPS_5_a_lost_connection_is_tried_again(waits: list[float]) -> None:
    server = Server(httpx2.ConnectError("no route"), good())
    assert client(server).models.list() == ()
    with pytest.raises(UnreachableError, match="http://x does not answer: no route"):
        client(Server(httpx2.ConnectError("no route"))).models.list()
    with pytest.raises(UnreachableError, match="is none that this client knows"):
        client(Server(good({"models": 1}))).models.list()
    with pytest.raises(UnreachableError, match="is no Lianpu server"):
        client(Server(httpx2.Response(404, text="nginx"))).models.list()
    assert len(waits) == 4


def test_R_OPS_5_what_changes_something_is_never_repeated(waits: list[float]) -> None:
    for call in (
        lambda lianpu: lianpu.persons.enrol(b"photo", name="n"),
        lambda lianpu: lianpu.streams.start("rtsp://x"),
        lambda lianpu: lianpu.persons.update("p", name="n"),
        lambda lianpu: lianpu.persons.enrol_batch(photos={"a/1.jpg": b"photo"}),
    ):
        server = Server(refusal(503, Retry_After="1"))
        with pytest.raises(ServerError):
            call(client(server))
        assert len(server.bodies) == 1
    server = Server(refusal(503))
    with pytest.raises(ServerError):
        client(server).persons.enrol_batch(photos={"a/1.jpg": b"photo"}, idempotency_key="once")
    assert len(server.bodies) == 4
    assert len(waits) == 3


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
def test_R_OPS_5_what_is_asked_again_is_sent_again_from_its_beginning(
    waits: list[float], tmp_path: Any, kind: str
) -> None:
    photo = b"photo" * 100_000
    (tmp_path / "me.jpg").write_bytes(photo)
    source = {"path": tmp_path / "me.jpg", "bytes": photo, "file": io.BytesIO(photo)}[kind]
    server = Server(refusal(503), good(FACES))
    assert client(server).detect(source).faces == ()
    assert all(body.count(photo) == 1 for body in server.bodies)
    assert (b'filename="me.jpg"' in server.bodies[1]) == (kind == "path")
    assert len(waits) == 1


def test_R_OPS_5_a_stream_that_cannot_be_rewound_is_sent_once(waits: list[float]) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    server = Server(refusal(503))
    with pytest.raises(ServerError):
        client(server).detect(Pipe(b"photo"))
    assert (len(server.bodies), waits) == (1, [])


def test_R_OPS_5_errors_say_what_the_problem_document_says() -> None:
    problem = {
        "type": "urn:lianpu:problem:scope_missing",
        "title": "Not allowed",
        "status": 403,
        "detail": "This needs more.",
        "code": "scope_missing",
        "request_id": "r-7",
        "errors": [{"field": "name", "message": "is required", "code": "missing"}],
        "required_scope": "gallery:enrol",
    }
    with pytest.raises(Exception, match=r"Not allowed \[scope_missing\]: This needs more\.") as refused:
        client(Server(httpx2.Response(403, json=problem))).persons.enrol(b"photo")
    error: Any = refused.value
    assert type(error).__name__ == "AccessDeniedError"
    assert (error.status, error.code, error.request_id) == (403, "scope_missing", "r-7")
    assert [(one.field, one.message, one.code) for one in error.errors] == [("name", "is required", "missing")]
    assert error.context == {"required_scope": "gallery:enrol"}


@pytest.mark.anyio
async def test_R_OPS_5_the_async_client_repeats_as_well(waits: list[float]) -> None:
    server = Server(refusal(429, Retry_After="2"), good())
    async with AsyncLianpu("http://x", api_key="k", transport=httpx2.MockTransport(server)) as lianpu:
        assert await lianpu.models.list() == ()
    assert waits == [2]
    assert anyio.sleep is not None


def test_R_OPS_5_a_push_connection_waits_longer_than_other_calls_for_what_comes_next() -> None:
    asked: dict[str, float] = {}

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked[request.url.path] = request.extensions["timeout"]["read"]
        text = 'event: ready\ndata: {"type": "ready", "last_event_id": 3, "heartbeat_s": 20}\n\n: heartbeat\n\n'
        return httpx2.Response(200, text=text, headers={"Content-Type": "text/event-stream"})

    lianpu = Lianpu("http://x", api_key="k", timeout_s=5, transport=httpx2.MockTransport(answer))
    assert [(message.type, message.last_event_id) for message in lianpu.jobs.events()] == [("ready", 3)]
    lianpu.persons.thumbnail("p")
    assert asked == {"/api/v1/jobs/events": 300, "/api/v1/faces/p/thumbnail": 5}


def test_R_OPS_5_readiness_is_an_answer_even_when_the_server_is_not_ready(waits: list[float]) -> None:
    server = Server(httpx2.Response(503, json={"status": "unavailable", "checks": {"database": "down"}}))
    assert client(server).ready().checks == {"database": "down"}
    assert waits == []


def test_R_OPS_5_a_credential_is_a_key_or_a_whole_login() -> None:
    for credential in ({"username": "a"}, {"password": "b"}, {"api_key": "k", "username": "a", "password": "b"}):
        with pytest.raises(ValueError, match=r"login"):
            Lianpu("http://x", **credential)
