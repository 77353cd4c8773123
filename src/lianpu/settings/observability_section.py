"""Settings of metrics and traces."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from lianpu.settings.section import Networks, Section


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is no address of an OTLP/HTTP collector, such as http://127.0.0.1:4318/v1/traces")
    if parts.username is not None:
        raise ValueError("must not hold a user name or a password: a collector beside the server can add them")
    return value


Endpoint = Annotated[str, AfterValidator(_endpoint)]


class ObservabilitySettings(Section):
    metrics: bool
    metrics_networks: Networks
    worker_metrics_port: int | None = Field(ge=1, le=65535)
    worker_metrics_host: str = Field(min_length=1)
    traces_endpoint: Endpoint | None
    traces_sample_ratio: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _port_is_of_use(self) -> Self:
        if self.worker_metrics_port is not None and not self.metrics:
            raise ValueError("worker_metrics_port opens a port for metrics, and metrics is off")
        return self
