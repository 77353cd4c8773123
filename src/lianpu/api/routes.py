"""All routes of the API, in the order in which they are tried."""

from collections.abc import Iterable

from fastapi import APIRouter
from starlette.routing import BaseRoute

from lianpu.accounts import key_router, me_router, token_router, user_router
from lianpu.api import audit, docs, health, history, metrics, system
from lianpu.capacity import router as capacity_router
from lianpu.compreface import recognition_router as compreface_recognition_router
from lianpu.compreface import router as compreface_router
from lianpu.enhance import router as enhance_router
from lianpu.gallery import recognition_router
from lianpu.gallery import router as gallery_router
from lianpu.gallery.bulk import router as bulk_router
from lianpu.gallery.consistency import router as consistency_router
from lianpu.gallery.insights import router as insights_router
from lianpu.gallery.moves import router as moves_router
from lianpu.gallery.packs import router as packs_router
from lianpu.gallery.transfer import router as transfer_router
from lianpu.images import inference_router
from lianpu.images import router as images_router
from lianpu.jobs import router as jobs_router
from lianpu.jobs.push import router as push_router
from lianpu.models import router as models_router
from lianpu.provenance import router as provenance_router
from lianpu.streams import router as streams_router
from lianpu.streams.delivery.mqtt import router as mqtt_router
from lianpu.streams.delivery.webhooks import router as webhooks_router
from lianpu.streams.inbox import router as inbox_router
from lianpu.streams.live import router as live_router
from lianpu.streams.recording import router as recording_router
from lianpu.swap import router as swap_router
from lianpu.swap.consents import router as consents_router
from lianpu.swap.live import router as live_swap_router

ROUTERS = (
    # `me`, `setup` and `token` are no ids of users.
    me_router.router,
    token_router.router,
    user_router.router,
    key_router.router,
    # Before those whose paths end in an id: `events` is none.
    push_router.router,
    # `inference` is no id of an image.
    inference_router.router,
    images_router.router,
    enhance_router.router,
    # Before the gallery's: `batch` is no person.
    bulk_router.router,
    gallery_router.router,
    moves_router.router,
    recognition_router.router,
    packs_router.router,
    insights_router.router,
    transfer_router.router,
    consistency_router.router,
    jobs_router.router,
    models_router.router,
    # Before the streams': `events` and `push` are no ids.
    live_router.router,
    # `unknowns` is no stream.
    inbox_router.router,
    # Nor are `webhooks` and `mqtt`.
    webhooks_router.router,
    mqtt_router.router,
    # Nor is `recordings`.
    recording_router.router,
    streams_router.router,
    provenance_router.router,
    swap_router.router,
    consents_router.router,
    live_swap_router.router,
    compreface_router.router,
    compreface_recognition_router.router,
    audit.router,
    health.router,
    metrics.router,
    history.router,
    capacity_router.router,
    system.router,
    docs.router,
)
ROUTES = tuple(route for router in ROUTERS for route in router.routes)


def included(routers: Iterable[APIRouter]) -> tuple[BaseRoute, ...]:
    """The routers as the routes of an app.

    FastAPI works out the parameters of every route anew for each inclusion: done once, any number of apps have them.
    """
    whole = APIRouter()
    for router in routers:
        whole.include_router(router)
    return tuple(whole.routes)


INCLUDED = included(ROUTERS)
