"""The `/metrics` of a worker, on a port of its own: nothing else of the API is there."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lianpu.api.metrics import metrics_response
from lianpu.bootstrap import Platform
from lianpu.errors import ForeignNetworkError, LianpuError
from lianpu.http.client_address import client_address, ip_of, is_in
from lianpu.http.problems import problem_response

_MAX_CONNECTIONS = 32
_STOP_S = 2


@asynccontextmanager
async def served_metrics(platform: Platform, listener: socket.socket) -> AsyncGenerator[None]:
    """Answer on a socket that is bound, as long as the context is open.

    Who asks from this machine, or from one of `observability.metrics_networks`, needs no credential; there is none that
    lets anybody else in.
    """
    server = _MetricsServer(
        uvicorn.Config(
            metrics_app(platform),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # It is the connection's address that counts: no proxy stands before a worker.
            proxy_headers=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_graceful_shutdown=_STOP_S,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="metrics")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def metrics_app(platform: Platform) -> Starlette:
    networks = platform.settings.observability.metrics_networks

    async def metrics(request: Request) -> Response:
        address = ip_of(client_address(request.scope))
        if address is None or not (address.is_loopback or is_in(address, networks)):
            raise ForeignNetworkError("A worker tells its numbers to observability.metrics_networks alone.")
        return await metrics_response(platform)

    def refuse(_: Request, error: Exception) -> Response:
        assert isinstance(error, LianpuError)
        return problem_response(error, "")

    return Starlette(routes=[Route("/metrics", metrics)], exception_handlers={LianpuError: refuse})


class _MetricsServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """They are the worker's: it stops its jobs first."""
        yield
