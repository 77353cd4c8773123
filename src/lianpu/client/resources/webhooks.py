"""Calls about where events of streams go."""

from collections.abc import Sequence
from typing import Literal

from lianpu.client.answers import DeadLetter, MqttState, Webhook, WebhookDelivery, WebhookSecret, WebhookTest
from lianpu.client.operation import listing, operation
from lianpu.client.request import Json, Listing, Nothing, Request, given


class WebhookCalls:
    """Addresses that are told of streams' events, and the MQTT broker."""

    @operation
    def list(self) -> Request[tuple[Webhook, ...]]:
        """All endpoints, oldest first, and what waits for each."""
        return Request("GET", "/api/v1/stream/webhooks", Json(tuple[Webhook, ...], "webhooks"))

    @operation
    def create(
        self,
        url: str,
        *,
        name: str | None = None,
        kinds: Sequence[Literal["person_appeared", "person_left", "unknown_appeared", "unknown_left"]] | None = None,
        stream_ids: Sequence[str] | None = None,
        person_ids: Sequence[str] | None = None,
        with_crop: bool | None = None,
        active: bool | None = None,
    ) -> Request[WebhookSecret]:
        """Post events to an address from now on. The `secret` is in this answer and nowhere else."""
        return Request(
            "POST",
            "/api/v1/stream/webhooks",
            Json(WebhookSecret),
            json=given(
                {
                    "url": url,
                    "name": name,
                    "kinds": kinds,
                    "stream_ids": stream_ids,
                    "person_ids": person_ids,
                    "with_crop": with_crop,
                    "active": active,
                }
            ),
        )

    @operation
    def get(self, webhook_id: str) -> Request[Webhook]:
        """One endpoint."""
        return Request(
            "GET", "/api/v1/stream/webhooks/{webhook_id}", Json(Webhook, "webhook"), path={"webhook_id": webhook_id}
        )

    @operation
    def update(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        name: str | None = None,
        kinds: Sequence[Literal["person_appeared", "person_left", "unknown_appeared", "unknown_left"]] | None = None,
        stream_ids: Sequence[str] | None = None,
        person_ids: Sequence[str] | None = None,
        with_crop: bool | None = None,
        active: bool | None = None,
    ) -> Request[Webhook]:
        """Change an endpoint. `active: true` also takes one up again that was disabled after failing."""
        return Request(
            "PATCH",
            "/api/v1/stream/webhooks/{webhook_id}",
            Json(Webhook, "webhook"),
            path={"webhook_id": webhook_id},
            json=given(
                {
                    "url": url,
                    "name": name,
                    "kinds": kinds,
                    "stream_ids": stream_ids,
                    "person_ids": person_ids,
                    "with_crop": with_crop,
                    "active": active,
                }
            ),
        )

    @operation
    def delete(self, webhook_id: str) -> Request[None]:
        """Remove an endpoint with all that waits for it, its dead letters and its log."""
        return Request("DELETE", "/api/v1/stream/webhooks/{webhook_id}", Nothing(), path={"webhook_id": webhook_id})

    @operation
    def renew_secret(self, webhook_id: str) -> Request[WebhookSecret]:
        """A new secret; the old one signs nothing any more."""
        return Request(
            "POST", "/api/v1/stream/webhooks/{webhook_id}/secret", Json(WebhookSecret), path={"webhook_id": webhook_id}
        )

    @operation
    def test(self, webhook_id: str) -> Request[WebhookTest]:
        """Post a message of the kind `test` once, and tell what came of it."""
        return Request(
            "POST", "/api/v1/stream/webhooks/{webhook_id}/test", Json(WebhookTest), path={"webhook_id": webhook_id}
        )

    @operation
    def deliveries(self, webhook_id: str) -> Request[tuple[WebhookDelivery, ...]]:
        """The last attempts, newest first."""
        return Request(
            "GET",
            "/api/v1/stream/webhooks/{webhook_id}/deliveries",
            Json(tuple[WebhookDelivery, ...], "deliveries"),
            path={"webhook_id": webhook_id},
        )

    @listing
    def dead_letters(self, webhook_id: str, *, page_size: int | None = None) -> Listing[DeadLetter]:
        """Events that were given up, newest first."""
        return Listing(
            Request(
                "GET",
                "/api/v1/stream/webhooks/{webhook_id}/dead-letters",
                Json(tuple[DeadLetter, ...], "dead_letters"),
                path={"webhook_id": webhook_id},
                query={"limit": page_size},
            ),
        )

    @operation
    def purge_dead_letters(self, webhook_id: str, *, event_id: Sequence[str] | None = None) -> Request[int]:
        """Let these go for good, or all of them."""
        return Request(
            "DELETE",
            "/api/v1/stream/webhooks/{webhook_id}/dead-letters",
            Json(int, "count"),
            path={"webhook_id": webhook_id},
            query={"event_id": event_id},
        )

    @operation
    def retry_dead_letters(self, webhook_id: str, *, event_ids: Sequence[str] | None = None) -> Request[int]:
        """Try these again, or all of them, before everything newer."""
        return Request(
            "POST",
            "/api/v1/stream/webhooks/{webhook_id}/dead-letters/retry",
            Json(int, "count"),
            path={"webhook_id": webhook_id},
            json=given({"event_ids": event_ids}),
        )

    @operation
    def mqtt(self) -> Request[MqttState]:
        """The connection to the MQTT broker."""
        return Request("GET", "/api/v1/stream/mqtt", Json(MqttState))
