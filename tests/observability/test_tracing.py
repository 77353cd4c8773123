"""Traces: what a span says and what it never says, who is sampled, and how a job finds the trace it belongs to."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from lianpu.observability.instruments import Instruments, measure_with
from lianpu.observability.stages import Stage, stage
from lianpu.observability.tracing import REMEMBERED, Tracing

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


class Collected:
    def __init__(self, ratio: float = 1.0) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracing = Tracing(SimpleSpanProcessor(self._exporter), sample_ratio=ratio)

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}


def test_R_OPS_2_stages_are_spans_below_their_request() -> None:
    collected = Collected()
    measure_with(Instruments(tracing=collected.tracing))
    try:
        with collected.tracing.request_span("POST", None, "r-1") as span:
            with stage(Stage.EMBED, "kit@1"), stage(Stage.ALIGN):
                trace_id = collected.tracing.trace_id()
            collected.tracing.name_request(span, "POST", "/api/v1/search", 200)
    finally:
        measure_with(None)
    spans = collected.spans
    request, embed, align = spans["POST /api/v1/search"], spans["embed"], spans["align"]
    assert request.attributes == {
        "http.request.method": "POST",
        "lianpu.request_id": "r-1",
        "http.route": "/api/v1/search",
        "http.response.status_code": 200,
    }
    assert embed.parent is not None
    assert align.parent is not None
    assert (embed.parent.span_id, align.parent.span_id) == (request.context.span_id, embed.context.span_id)
    assert embed.attributes == align.attributes == {"lianpu.pack": "kit@1"}
    assert trace_id == f"{request.context.trace_id:032x}"
    assert collected.tracing.trace_id() is None


def test_R_OPS_2_what_goes_on_in_the_background_makes_no_spans() -> None:
    collected = Collected()
    measure_with(Instruments(tracing=collected.tracing))
    try:
        with stage(Stage.DETECT, "kit@1"):
            pass
        assert collected.tracing.begin_inner("SELECT", {}) is None
    finally:
        measure_with(None)
    assert collected.spans == {}


def test_R_OPS_2_an_error_is_told_by_its_class_and_never_by_its_text() -> None:
    collected = Collected()
    with (
        pytest.raises(ValueError, match="Eileen"),
        collected.tracing.request_span("GET", None, "r-1"),
        collected.tracing.inner_span("detect", {}),
    ):
        raise ValueError("there is no Eileen at /home/x")
    for span in collected.spans.values():
        assert span.status.status_code is StatusCode.ERROR
        assert span.attributes is not None
        assert span.attributes["error.type"] == "ValueError"
        assert span.events == ()
        assert "Eileen" not in span.to_json()


def test_R_OPS_2_a_job_belongs_to_the_trace_of_the_request_that_asked_for_it() -> None:
    collected = Collected()
    tracing = collected.tracing
    with tracing.request_span("POST", None, "r-1"):
        tracing.remember("job-1")
    with tracing.job_span("gallery.health", "job-1"):
        pass
    request, job = collected.spans["POST"], collected.spans["job gallery.health"]
    assert job.parent is not None
    assert job.parent.span_id == request.context.span_id
    assert job.context.trace_id == request.context.trace_id
    # Of one that nobody was traced with, a trace begins.
    with tracing.job_span("gallery.export", "job-2"):
        pass
    assert collected.spans["job gallery.export"].parent is None


def test_R_OPS_2_only_so_many_jobs_are_remembered() -> None:
    collected = Collected()
    with collected.tracing.request_span("POST", None, "r-1"):
        for number in range(REMEMBERED + 10):
            collected.tracing.remember(f"job-{number}")
    assert len(collected.tracing._origins) == REMEMBERED
    assert "job-9" not in collected.tracing._origins


@pytest.mark.parametrize(
    ("ratio", "traceparent", "count"),
    [(1.0, None, 1), (0.0, None, 0), (1.0, SAMPLED, 1), (0.0, SAMPLED, 0), (1.0, UNSAMPLED, 0), (1.0, "nonsense", 1)],
)
def test_R_OPS_2_a_caller_may_ask_not_to_be_traced_and_cannot_have_everything_traced(
    ratio: float, traceparent: str | None, count: int
) -> None:
    collected = Collected(ratio)
    with (
        collected.tracing.request_span("GET", traceparent, "r-1"),
        collected.tracing.inner_span("detect", {}),
    ):
        is_told = collected.tracing.trace_id() is not None
    assert len(collected.spans) == 2 * count
    assert is_told == bool(count)
    if count and traceparent == SAMPLED:
        assert f"{collected.spans['GET'].context.trace_id:032x}" == SAMPLED.split("-")[1]
