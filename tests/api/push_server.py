"""A real server on a real port that pushes: the guard, the jobs and their push over a database of its own."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI, WebSocket
from pydantic import BaseModel
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from lianpu.accounts.access import requires
from lianpu.accounts.accounts import Accounts, accounts_of
from lianpu.accounts.models import ApiKey, LoginSession, User
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Role, Scope
from lianpu.accounts.tokens import AccessTokens, new_api_key
from lianpu.api.access import AccessGuard
from lianpu.api.request_context import RequestContext
from lianpu.api.serving import Server
from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.http.problems import add_problem_handlers
from lianpu.jobs import router as jobs_router
from lianpu.jobs.events import JobEvents
from lianpu.jobs.handler import JobHandler
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job
from lianpu.jobs.ownership import INFERENCE
from lianpu.jobs.push import router as push_router
from lianpu.jobs.push.push import Push
from lianpu.jobs.workers import JobWorkers
from lianpu.settings import LimitSettings, PushSettings, default_settings

Message = dict[str, Any]


class Task(BaseModel):
    task_id: str
    image: str


@dataclass(frozen=True)
class Login:
    """A user with a token and a key."""

    user_id: str
    session_id: str
    key_id: str
    token: str
    key: str
    principal: Principal


@dataclass
class PushServer:
    port: int
    jobs: Jobs
    push: Push
    database: Database
    accounts: Accounts

    async def login(
        self, name: str, role: Role = Role.VIEWER, *, scopes: frozenset[Scope] | None = None, token_s: float = 900
    ) -> Login:
        key = new_api_key()
        user = User(id=new_id(), name=name, name_key=name, password_hash="none", role=role)
        login = LoginSession(id=new_id(), user_id=user.id, expires_at=now_utc() + timedelta(days=1))
        digest = self.accounts.secret.digest(key.key)
        allowed = [scope.value for scope in (scopes or frozenset(Scope))]
        stored = ApiKey(id=new_id(), user_id=user.id, name="k", prefix=key.prefix, digest=digest, scopes=allowed)
        async with self.database.session() as session:
            session.add(user)
            await session.flush()
            session.add_all([login, stored])
            await session.commit()
        token = self.token(user.id, login.id, token_s)
        principal = await self.accounts.authentication.principal_of(token)
        return Login(user.id, login.id, stored.id, token, key.key, principal)

    def token(self, user_id: str, session_id: str, lasting_s: float = 900) -> str:
        return AccessTokens(self.accounts.secret, lifetime=timedelta(seconds=lasting_s)).issue(user_id, session_id)

    async def submit(self, whose: Login, kind: str = "echo", **parameters: Any) -> Job:
        return await self.jobs.seen_by(whose.principal).submit(kind, parameters)

    async def change(self, statement: Any) -> None:
        async with self.database.session() as session:
            await session.execute(statement)
            await session.commit()

    def connect(self, path: str = "/api/v1/ws/jobs", **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None, **options)

    @asynccontextmanager
    async def listening(
        self, whose: Login, path: str = "/api/v1/ws/jobs", *, last_event_id: int | None = None, **options: Any
    ) -> AsyncIterator[ClientConnection]:
        """After `ready`."""
        async with self.connect(path, **options) as websocket:
            await websocket.send(json.dumps({"type": "auth", "token": whose.token, "last_event_id": last_event_id}))
            assert json.loads(await websocket.recv())["type"] == "ready"
            yield websocket

    def client(self, headers: Mapping[str, str] = {}) -> httpx2.AsyncClient:
        base_url = f"http://127.0.0.1:{self.port}"
        return httpx2.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=30)


@asynccontextmanager
async def serving(
    folder: Path, *handlers: JobHandler, sends_bytes: int | None = None, **settings: Any
) -> AsyncIterator[PushServer]:
    """
    Args:
        sends_bytes: how much the system keeps for a client that does not read.
        settings: of `push`.
    """
    database = Database(f"sqlite+aiosqlite:///{folder / 'test.db'}")
    await database.migrate()
    defaults = default_settings(folder)
    unlimited = LimitSettings(storage="memory", per_client=None, per_user=None, login=None)
    accounts = accounts_of(defaults.model_copy(update={"limits": unlimited}), database)
    events = JobEvents()
    workers = JobWorkers(database, folder / "jobs", handlers, workers=2, max_attempts=3, events=events)
    jobs = Jobs(database, folder / "jobs", workers, retention_days=1)
    push = Push(database, events, accounts, PushSettings(**{**defaults.push.model_dump(), **settings}))
    push.changes.tell_with(INFERENCE, lambda job: Task(task_id=job.id, image=job.parameters["image"]))

    app = FastAPI()
    app.state.accounts, app.state.jobs, app.state.push = accounts, jobs, push
    routers = (push_router.router, jobs_router.router)
    for router in routers:
        app.include_router(router)

    @app.websocket("/api/v1/ws/by-header", dependencies=[requires(Scope.JOBS_MANAGE)])
    async def by_header(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(1000)

    add_problem_handlers(app)
    routes = [route for router in routers for route in router.routes]
    app.add_middleware(AccessGuard, settings=defaults.server, routes=routes)
    app.add_middleware(RequestContext)
    with closing(socket.socket(proto=socket.IPPROTO_TCP)) as listener:
        if sends_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sends_bytes)
        listener.bind(("127.0.0.1", 0))
        listener.listen(500)
        server = Server(app, lifespan="off")
        await push.start()
        await workers.start()
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                await asyncio.sleep(0.005)
            yield PushServer(listener.getsockname()[1], jobs, push, database, accounts)
        finally:
            server.should_exit = True
            await running
            await workers.stop()
            await push.stop()
            await accounts.close()
            await database.close()


async def next_event(websocket: ClientConnection) -> Message:
    """The next one that is kept."""
    while True:
        message = json.loads(await websocket.recv())
        assert message["type"] != "reset"
        if "event_id" in message:
            return message


async def closed(websocket: ClientConnection) -> tuple[int | None, str]:
    """How the server ends the connection."""
    try:
        while True:
            await asyncio.wait_for(websocket.recv(), 20)
    except ConnectionClosed as ended:
        return (None, "") if ended.rcvd is None else (ended.rcvd.code, ended.rcvd.reason)
