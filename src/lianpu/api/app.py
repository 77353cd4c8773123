"""The HTTP application: routers, middleware and documentation over one platform."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import lianpu
from lianpu.api import docs, system
from lianpu.api.access import AccessGuard
from lianpu.api.body_limit import BodyLimit
from lianpu.api.console import mount_console
from lianpu.api.openapi import describe
from lianpu.api.request_context import RequestContext
from lianpu.bootstrap import Platform, open_platform
from lianpu.gallery import recognition_router
from lianpu.gallery import router as gallery_router
from lianpu.http.problems import add_problem_handlers
from lianpu.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application; its lifespan opens the platform and closes it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_platform(settings) as platform:
            _attach(app, platform)
            yield

    app = FastAPI(
        title="Lianpu",
        version=lianpu.__version__,
        summary="Self-hosted face platform",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    for router in (gallery_router.router, recognition_router.router, system.router, docs.router):
        app.include_router(router)
    mount_console(app)
    add_problem_handlers(app)
    # The last one added is the outermost: refusals of the guard carry a request id too.
    app.add_middleware(BodyLimit, max_bytes=settings.server.max_upload_bytes)
    app.add_middleware(AccessGuard, settings=settings.server)
    app.add_middleware(RequestContext)
    describe(app)
    return app


def _attach(app: FastAPI, platform: Platform) -> None:
    app.state.platform = platform
    app.state.gallery = platform.gallery
