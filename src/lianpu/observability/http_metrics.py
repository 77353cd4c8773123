"""What is counted of every HTTP request, by the template of its route: never by its path, which holds ids."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
NO_ROUTE = "none"
"""Refused before a route was looked for, or there is none."""
WEBSOCKET = "WEBSOCKET"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LABELS = ("method", "route", "status")


@dataclass(frozen=True, slots=True)
class Totals:
    """Since the start."""

    requests: int
    seconds: float
    """Until the answers began."""


class HttpMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "lianpu_http_requests", "Requests that were answered, by class of status.", _LABELS, registry=registry
        )
        self._duration = Histogram(
            "lianpu_http_request_duration_seconds",
            "From the arrival of a request to the first byte of its answer; WebSockets left out.",
            _LABELS,
            buckets=SECONDS,
            registry=registry,
        )
        self._received = Counter(
            "lianpu_http_request_body_bytes", "Bytes of request bodies: uploads.", ("route",), registry=registry
        )
        self._open = Gauge(
            "lianpu_http_requests_in_progress", "Requests and WebSockets that are not over.", registry=registry
        )
        self._count = 0
        self._seconds = 0.0

    @property
    def totals(self) -> Totals:
        return Totals(self._count, self._seconds)

    def began(self) -> None:
        self._open.inc()

    def ended(self, method: str, route: str | None, status: int, duration_s: float, body_bytes: int) -> None:
        """
        Args:
            method: `WEBSOCKET` for those.
            route: the template, such as `/api/v1/persons/{person_id}`; None: none was found.
            duration_s: until the answer began.
            body_bytes: what the request brought.
        """
        self._open.dec()
        named = route or NO_ROUTE
        kind = method if method in METHODS or method == WEBSOCKET else OTHER
        status_class = f"{status // 100}xx"
        self._requests.labels(kind, named, status_class).inc()
        if method != WEBSOCKET:
            self._duration.labels(kind, named, status_class).observe(duration_s)
            self._count += 1
            self._seconds += duration_s
        if body_bytes:
            self._received.labels(named).inc(body_bytes)
