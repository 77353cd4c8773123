"""Puts delivery together from the settings; nothing is read, written or connected to yet."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from lianpu.database.session import Database
from lianpu.settings import MqttSettings, Settings, WebhookSettings
from lianpu.streams.delivery.mqtt.connection import BrokerAddress
from lianpu.streams.delivery.mqtt.discovery import Topics
from lianpu.streams.delivery.mqtt.publisher import MqttPublisher
from lianpu.streams.delivery.webhooks.addresses import PostRules
from lianpu.streams.delivery.webhooks.dispatcher import DeliveryRules, WebhookDispatcher
from lianpu.streams.delivery.webhooks.outbox import WebhookOutbox
from lianpu.streams.delivery.webhooks.posting import WebhookPoster
from lianpu.streams.delivery.webhooks.webhooks import Webhooks
from lianpu.streams.streams import Streams
from lianpu.streams.vault import SourceVault

MAX_WAITING = 10_000
"""Events for one endpoint."""


@dataclass(frozen=True, slots=True)
class Delivery:
    webhooks: Webhooks
    dispatcher: WebhookDispatcher
    poster: WebhookPoster
    mqtt: MqttPublisher | None
    """None: there is no broker."""

    def runs(self) -> list[Coroutine[Any, Any, None]]:
        """What goes on while the server runs; to be cancelled when nothing is noticed any more."""
        publishing = () if self.mqtt is None else (self.mqtt.run(),)
        return [self.dispatcher.run(), self.dispatcher.run_clearing(), *publishing]

    def close(self) -> None:
        self.poster.close()


def assemble_delivery(
    settings: Settings, *, database: Database, streams: Streams, webhook_key: Callable[[], bytes]
) -> Delivery:
    """What streams notice from now on is delivered.

    Args:
        webhook_key: gives the 32 bytes that the secrets of webhooks are encrypted with.
    """
    rules, events = settings.streams.webhooks, streams.events
    vault = SourceVault(webhook_key)
    poster = WebhookPoster(_post_rules(rules), timeout_s=rules.timeout_s)
    dispatcher = WebhookDispatcher(
        database,
        events,
        vault,
        poster,
        DeliveryRules(
            max_attempts=rules.max_attempts,
            first_wait_s=rules.first_wait_s,
            longest_wait_s=rules.longest_wait_s,
            disable_after=timedelta(hours=rules.disable_after_hours),
            retention=timedelta(days=rules.retention_days),
        ),
    )
    events.write_beside(WebhookOutbox(max_waiting=MAX_WAITING).write)
    events.on_commit(dispatcher.wake)
    webhooks = Webhooks(database, vault, poster, dispatcher, max_endpoints=rules.max_endpoints)
    return Delivery(webhooks, dispatcher, poster, _publisher(settings.streams.mqtt, database, streams))


def _post_rules(settings: WebhookSettings) -> PostRules:
    networks = tuple(ip_network(network) for network in settings.networks)
    return PostRules(frozenset(settings.hosts), networks, settings.public)


def _publisher(settings: MqttSettings, database: Database, streams: Streams) -> MqttPublisher | None:
    if settings.host is None:
        return None
    address = BrokerAddress(
        settings.host,
        settings.port,
        settings.username,
        None if settings.password is None else settings.password.get_secret_value(),
        settings.tls,
        settings.ca_file,
    )
    return MqttPublisher(address, Topics(settings.prefix, settings.discovery_prefix), database, streams)
