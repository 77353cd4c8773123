"""Calls about the server itself."""

from lianpu.client.answers import ServerHealth, ServerStatus
from lianpu.client.operation import operation
from lianpu.client.request import Json, Request


class SystemCalls:
    """State and health of the server."""

    @operation
    def status(self) -> Request[ServerStatus]:
        """Versions, packs, provider, queue and gallery in one look."""
        return Request("GET", "/api/status", Json(ServerStatus))

    @operation
    def live(self) -> Request[ServerHealth]:
        """The process answers."""
        return Request("GET", "/health/live", Json(ServerHealth))

    @operation
    def ready(self) -> Request[ServerHealth]:
        """The database answers, and the default pack and that of liveness, where it is on, are loaded.

        One that is not ready answers as well: look at `status`.
        """
        return Request("GET", "/health/ready", Json(ServerHealth), also_answers=frozenset({503}))
