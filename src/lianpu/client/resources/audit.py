"""Calls about the audit log."""

from datetime import datetime

from lianpu.client.answers import AuditEvent, AuditVerdict
from lianpu.client.operation import listing, operation
from lianpu.client.request import Json, Listing, Request


class AuditCalls:
    """Who did what to whom."""

    @listing
    def list(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int | None = None,
    ) -> Listing[AuditEvent]:
        """Who did what to whom and when, newest first. Reading is an event, too."""
        return Listing(
            Request(
                "GET",
                "/api/v1/audit",
                Json(tuple[AuditEvent, ...], "events"),
                query={
                    "actor": actor,
                    "action": action,
                    "target": target,
                    "since": since,
                    "until": until,
                    "limit": page_size,
                },
            ),
        )

    @operation
    def verify(self, *, expect_head: str | None = None) -> Request[AuditVerdict]:
        """Prove that no event was changed, removed or put in since it was stored. Reads all of them."""
        return Request("GET", "/api/v1/audit/verify", Json(AuditVerdict), query={"expect_head": expect_head})
