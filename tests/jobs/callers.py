"""Callers of the jobs' routes, without the guard that would find out who they are."""

import httpx2
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ASGIScope

from lianpu.accounts.principal import Principal, PrincipalKind
from lianpu.accounts.roles import SCOPES_OF, Role, Scope
from lianpu.http.problems import add_problem_handlers
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.router import router


def principal(name: str, role: Role = Role.VIEWER, *, scopes: frozenset[Scope] | None = None) -> Principal:
    return Principal(PrincipalKind.USER, f"id-of-{name}", name, role, scopes or SCOPES_OF[role], f"login-of-{name}")


def called_by(caller: Principal, jobs: Jobs) -> httpx2.AsyncClient:
    app = FastAPI()
    app.state.jobs = jobs
    app.include_router(router)
    add_problem_handlers(app)
    transport = httpx2.ASGITransport(_As(caller, app))
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")


class _As:
    def __init__(self, caller: Principal, app: ASGIApp) -> None:
        self._caller = caller
        self._app = app

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["principal"] = self._caller
        await self._app(scope, receive, send)
