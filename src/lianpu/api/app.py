"""The HTTP application: routers, middleware and documentation over one platform."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import iter_route_contexts

import lianpu
from lianpu.accounts import token_router, user_router
from lianpu.accounts.access import check_rules
from lianpu.accounts.passwords import HashCost
from lianpu.api.access import AccessGuard
from lianpu.api.audit_trail import AuditTrail
from lianpu.api.body_limit import BodyLimit
from lianpu.api.console import mount_console
from lianpu.api.installation import Installation
from lianpu.api.openapi import describe
from lianpu.api.request_context import RequestContext
from lianpu.api.routes import INCLUDED, ROUTES
from lianpu.api.security_headers import CORS
from lianpu.bootstrap import Platform, open_platform
from lianpu.compreface.dialect import CompreFaceDialect
from lianpu.engines.restore.enhancement import PhotoEnhancer
from lianpu.enhance import receiving as enhance_receiving
from lianpu.enhance import router as enhance_router
from lianpu.enhance.schemas import ENHANCE_PATH
from lianpu.errors import LianpuError
from lianpu.gallery.bulk.router import BATCH_PATH
from lianpu.gallery.transfer.router import IMPORT_PATH
from lianpu.http.audited import Action
from lianpu.http.problems import add_problem_handlers
from lianpu.images import inference_router
from lianpu.images import router as images_router
from lianpu.nodes.presence import Node
from lianpu.provenance import router as provenance_router
from lianpu.settings import EnhanceSettings, Settings
from lianpu.swap.schemas import SWAP_PATH

OnStart = Callable[[Platform], Awaitable[None]]
OPEN_PATHS = (
    user_router.USERS_PATH,
    user_router.SETUP_PATH,
    token_router.TOKEN_PATH,
    token_router.REVOCATION_PATH,
)
OPEN_MAX_BYTES = 64 * 1024
"""Bodies that anybody may send are small."""
INFERENCE_MAX_BYTES = 64 * 1024
"""The parameters of a model."""
FRAME_MAX_BYTES = 64 * 1024
"""What a multipart body is larger than its file."""


def create_app(
    settings: Settings,
    *,
    runs_jobs: bool = True,
    serves: bool = True,
    node: Node | None = None,
    on_start: OnStart | None = None,
    hash_cost: HashCost | None = None,
    photo_enhancer: PhotoEnhancer | None = None,
) -> FastAPI:
    """The application; its lifespan opens the platform and closes it. Why it cannot is kept in `app.state.refusal`.

    Args:
        runs_jobs: as in `open_platform`.
        serves: it is a server, whose start and end are recorded; not a command that calls the API in its own process.
        node: as in `open_platform`.
        on_start: called with the platform once it is open.
        hash_cost, photo_enhancer: as in `open_platform`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        opened = open_platform(
            settings, runs_jobs=runs_jobs, node=node, hash_cost=hash_cost, photo_enhancer=photo_enhancer
        )
        async with AsyncExitStack() as stack:
            try:
                platform = await stack.enter_async_context(opened)
            except LianpuError as error:
                app.state.refusal = error
                raise
            _attach(app, platform)
            if serves:
                await platform.audit.note(Action.SERVER_STARTED, lianpu.__version__)
            if on_start is not None:
                await on_start(platform)
            yield
            if serves:
                await platform.audit.note(Action.SERVER_STOPPED, lianpu.__version__)

    app = FastAPI(
        title="Lianpu",
        version=lianpu.__version__,
        summary="Self-hosted face platform",
        # `docs` has them, with their rules.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.router.routes.extend(INCLUDED)
    mount_console(app)
    # The console's route and any that a library added are held to the same.
    check_rules(context.original_route for context in iter_route_contexts(app.routes))
    add_problem_handlers(app)
    # The last one added is the outermost: refusals of the guard carry a request id too.
    others = {IMPORT_PATH: settings.transfer.max_upload_bytes, BATCH_PATH: settings.bulk.max_upload_bytes}
    others[images_router.UPLOAD_PATH] = settings.images.max_upload_bytes + FRAME_MAX_BYTES
    targets = max(settings.swap.max_image_bytes, settings.swap.max_video_bytes)
    others[SWAP_PATH] = targets + FRAME_MAX_BYTES
    others[provenance_router.VERIFY_PATH] = settings.provenance.max_upload_bytes + FRAME_MAX_BYTES
    others |= dict.fromkeys((inference_router.INFERENCE_PATH, inference_router.ASYNC_PATH), INFERENCE_MAX_BYTES)
    others |= _enhancement_bodies(settings.enhance)
    others |= dict.fromkeys(OPEN_PATHS, OPEN_MAX_BYTES)
    app.add_middleware(BodyLimit, max_bytes=settings.server.max_upload_bytes, by_path=others)
    app.add_middleware(
        AccessGuard,
        settings=settings.server,
        routes=ROUTES,
        open_networks=settings.observability.metrics_networks,
    )
    app.add_middleware(AuditTrail)
    if settings.server.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.server.cors_origins, **CORS)
    app.add_middleware(RequestContext)
    # Around what writes addresses down.
    app.add_middleware(CompreFaceDialect)
    describe(app)
    return app


def _enhancement_bodies(settings: EnhanceSettings) -> dict[str, int]:
    photo = settings.max_upload_bytes + enhance_receiving.FRAME_MAX_BYTES
    archive = settings.max_archive_bytes + enhance_receiving.FRAME_MAX_BYTES
    return {ENHANCE_PATH: photo, enhance_router.ESTIMATE_PATH: photo, enhance_router.BATCH_PATH: archive}


def _attach(app: FastAPI, platform: Platform) -> None:
    app.state.platform = platform
    app.state.installation = Installation(platform)
    app.state.accounts = platform.accounts
    app.state.audit = platform.audit
    app.state.capacity = platform.capacity
    app.state.gallery = platform.gallery
    app.state.models = platform.models
    app.state.images = platform.images
    app.state.inference = platform.inference
    app.state.jobs = platform.jobs
    app.state.enhancements = platform.enhancement.seen_by(platform.jobs)
    app.state.push = platform.push
    app.state.streams = platform.streams
    app.state.recordings = platform.recordings
    app.state.unknowns = platform.unknowns
    app.state.live = platform.live
    app.state.webhooks = platform.delivery.webhooks
    app.state.mqtt = platform.delivery.mqtt
    app.state.provenance = platform.provenance
    app.state.swap = platform.swap
    app.state.compreface = platform.compreface
