"""Traces by OpenTelemetry, where they are switched on: spans with names, codes and ids of this server, nothing else.

The SDK comes with the extra `telemetry` and is imported here alone, when there is somewhere to send traces to.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import lianpu
from lianpu.errors import SettingsError
from lianpu.settings import ObservabilitySettings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

Attributes = Mapping[str, str | int | float | bool]
REMEMBERED = 1000
EXPORT_LIMIT_S = 3.0
"""A collector that does not answer must not hold up the end of the server."""


class Tracing:
    """From any thread."""

    def __init__(self, processor: "SpanProcessor", *, sample_ratio: float) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        ratio = TraceIdRatioBased(sample_ratio)
        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()
        self._provider = TracerProvider(
            # Whoever calls may say that he does not want to be traced, and never that everything is to be.
            sampler=ParentBased(ratio, remote_parent_sampled=ratio),
            resource=Resource.create({"service.name": "lianpu", "service.version": lianpu.__version__}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("lianpu", lianpu.__version__)
        self._origins: OrderedDict[str, Context] = OrderedDict()

    @contextmanager
    def request_span(self, method: str, traceparent: str | None, request_id: str) -> Generator["Span"]:
        """Of one HTTP request; `traceparent`: the header of a caller who traces too."""
        carrier = {} if traceparent is None else {"traceparent": traceparent}
        parent = self._propagator.extract(carrier)
        kind = self._trace.SpanKind.SERVER
        attributes = {"http.request.method": method, "lianpu.request_id": request_id}
        with self._span(method, attributes, parent=parent, kind=kind) as span:
            yield span

    @contextmanager
    def job_span(self, kind: str, job_id: str) -> Generator["Span"]:
        """Of one run of a job; below the request that asked for it, where that was traced by this process."""
        parent = self._origins.pop(job_id, None)
        attributes = {"lianpu.job_id": job_id, "lianpu.job_kind": kind}
        with self._span(f"job {kind}", attributes, parent=parent, kind=self._trace.SpanKind.CONSUMER) as span:
            yield span

    @contextmanager
    def inner_span(self, name: str, attributes: Attributes) -> Generator[None]:
        """A part of what is traced; nothing where nothing is."""
        if not self._trace.get_current_span().is_recording():
            yield
            return
        with self._span(name, attributes):
            yield

    def begin_inner(self, name: str, attributes: Attributes) -> Callable[[str | None], None] | None:
        """As `inner_span`, for what is told of its begin and its end apart.

        Returns:
            what is called at the end, with the class of the error or None; None: nothing is traced.
        """
        if not self._trace.get_current_span().is_recording():
            return None
        span = self._tracer.start_span(name, attributes=dict(attributes), kind=self._trace.SpanKind.CLIENT)

        def end(error_type: str | None) -> None:
            if error_type is not None:
                self.fail(span, error_type)
            span.end()

        return end

    def remember(self, job_id: str) -> None:
        """The job was asked for by what is going on now."""
        if not self._trace.get_current_span().get_span_context().is_valid:
            return
        from opentelemetry.context import get_current

        self._origins[job_id] = get_current()
        while len(self._origins) > REMEMBERED:
            self._origins.popitem(last=False)

    def trace_id(self) -> str | None:
        """Of what is going on now, 32 hexadecimal digits; None: it is not traced."""
        context = self._trace.get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid and context.trace_flags.sampled else None

    async def close(self) -> None:
        """Send what is left, as far as the collector answers within some seconds."""
        await asyncio.to_thread(self._provider.shutdown)

    @contextmanager
    def _span(self, name: str, attributes: Attributes, **options: Any) -> Generator["Span"]:
        parent = options.pop("parent", None)
        # The text of an exception may hold names and addresses: its class has to do.
        quiet = {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span(
            name, context=parent, attributes=dict(attributes), **quiet, **options
        ) as span:
            try:
                yield span
            except Exception as error:
                self.fail(span, type(error).__name__)
                raise

    def name_request(self, span: "Span", method: str, route: str | None, status: int) -> None:
        """Once it is known: the template of the route, never its path, which holds ids."""
        span.update_name(method if route is None else f"{method} {route}")
        if route is not None:
            span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self.fail(span, str(status))

    def fail(self, span: "Span", error_type: str) -> None:
        """`error_type`: a class or a status; see `error.type` of OpenTelemetry's conventions."""
        span.set_attribute("error.type", error_type)
        span.set_status(self._trace.StatusCode.ERROR)


def tracing_of(settings: ObservabilitySettings) -> Tracing | None:
    """
    Returns:
        None: there is nowhere to send traces to.

    Raises:
        SettingsError: there is, and the extra `telemetry` is not installed.
    """
    if settings.traces_endpoint is None:
        return None
    try:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = otlp_exporter(settings.traces_endpoint)
    except ImportError as error:
        raise SettingsError(
            "observability.traces_endpoint is set, and its packages are not installed: install lianpu[telemetry]."
        ) from error
    return Tracing(BatchSpanProcessor(exporter), sample_ratio=settings.traces_sample_ratio)


def otlp_exporter(endpoint: str) -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_LIMIT_S)
