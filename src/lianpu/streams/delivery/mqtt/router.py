"""`/api/v1/stream/mqtt`: whether the broker is told."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, audited
from lianpu.http.problems import RequestId
from lianpu.streams.delivery.mqtt.publisher import MqttPublisher

router = APIRouter(prefix="/api/v1/stream", tags=["streams"])


class MqttAnswer(BaseModel):
    configured: bool = Field(description="`streams.mqtt.host` names a broker.")
    connected: bool
    problem: str | None = Field(description="Why it is not connected.")
    left_out: int = Field(description="Events too many to catch up with after a break, since the server began.")
    request_id: str


async def _publisher(request: Request) -> MqttPublisher | None:
    # Not `def`: FastAPI would send it through a thread.
    publisher: MqttPublisher | None = request.app.state.mqtt
    return publisher


@router.get(
    "/mqtt",
    dependencies=[audited(Action.MQTT_READ, gathered=True), requires(Scope.STREAMS_MANAGE)],
)
async def get_mqtt(
    publisher: Annotated[MqttPublisher | None, Depends(_publisher)], request_id: RequestId
) -> MqttAnswer:
    """The connection to the MQTT broker."""
    if publisher is None:
        return MqttAnswer(configured=False, connected=False, problem=None, left_out=0, request_id=request_id)
    state = publisher.state
    return MqttAnswer(
        configured=True,
        connected=state.is_connected,
        problem=state.problem,
        left_out=state.left_out,
        request_id=request_id,
    )
