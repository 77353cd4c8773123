"""`/metrics`: the numbers of this process for Prometheus; no name, no id, no path that holds one."""

from fastapi import APIRouter, Request, Response

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.bootstrap import Platform
from lianpu.errors import MetricsOffError
from lianpu.http.problems import problems
from lianpu.observability.metrics import CONTENT_TYPE

router = APIRouter(tags=["system"])
_TEXT = {"text/plain": {"schema": {"type": "string"}, "example": 'lianpu_streams{state="running"} 2.0\n'}}


@router.get(
    "/metrics",
    dependencies=[requires(Scope.SYSTEM_READ, by_network=True)],
    response_class=Response,
    responses={200: {"content": _TEXT, "description": "The text format of Prometheus."}, **problems(404)},
)
async def metrics(request: Request) -> Response:
    """Counters, gauges and histograms of this process, for Prometheus.

    The networks of `observability.metrics_networks` need no credential. 404: `observability.metrics` is off.
    """
    platform: Platform = request.app.state.platform
    if not platform.settings.observability.metrics:
        raise MetricsOffError("Metrics are off: see observability.metrics.")
    return await metrics_response(platform)


async def metrics_response(platform: Platform) -> Response:
    text = await platform.instruments.metrics.text()
    return Response(text, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
