"""Headers that tell browsers how little an answer may do; a page that needs more brings its own policy."""

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

NO_STORE = "no-store"
YEAR_S = 365 * 24 * 3600
# What carries a credential: without it in Vary a browser would show one user what it kept of another.
CREDENTIAL_HEADERS = "Authorization, X-API-Key"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": NO_STORE,
}
_SHARED = {"base-uri": "'none'", "frame-ancestors": "'none'", "object-src": "'none'"}


def _policy(**directives: str) -> str:
    named = {name.replace("_", "-"): sources for name, sources in directives.items()}
    return "; ".join(f"{name} {sources}" for name, sources in {**named, **_SHARED}.items())


# Pages of other sites bring a token or key of their own: browsers are never told to send cookies.
CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-None-Match",
        "Last-Event-ID",
        "X-API-Key",
        "X-Request-ID",
    ],
    "expose_headers": ["Content-Disposition", "ETag", "Location", "Retry-After", "X-Request-ID"],
    "max_age": 600,
}
NOTHING = _policy(default_src="'none'", form_action="'none'")
"""For answers that are no page: opened as one they can do nothing."""
SWAGGER_UI = _policy(
    default_src="'none'",
    script_src="'self'",
    style_src="'self'",
    style_src_attr="'unsafe-inline'",
    img_src="'self' data:",
    connect_src="'self'",
    form_action="'self'",
)
# It makes style elements as it goes, and searches in a worker that it makes of a blob.
REDOC = _policy(
    default_src="'none'",
    script_src="'self'",
    style_src="'self' 'unsafe-inline'",
    img_src="'self' data:",
    connect_src="'self'",
    worker_src="blob:",
    form_action="'none'",
)


def console_policy(nonce: str) -> str:
    """Of the page with this nonce; the styles that the console's components make carry it."""
    return _policy(
        default_src="'self'",
        script_src="'self'",
        style_src=f"'self' 'nonce-{nonce}'",
        # Positions and sizes that are only known while the page runs.
        style_src_attr="'unsafe-inline'",
        img_src="'self' blob: data:",
        media_src="'self' blob:",
        connect_src="'self'",
        form_action="'self'",
    )


def add_security_headers(headers: MutableHeaders, scope: Scope) -> None:
    """What an answer says itself stays. HSTS (RFC 6797) counts only where the caller came by https."""
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", NOTHING)
    if headers["Cache-Control"] != NO_STORE and scope["path"].startswith("/api/"):
        headers.add_vary_header(CREDENTIAL_HEADERS)
    if scope.get("scheme") in {"https", "wss"}:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
