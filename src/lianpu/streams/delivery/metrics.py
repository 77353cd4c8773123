"""The delivery of events as metrics: webhooks and MQTT."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from lianpu.database.session import Database
from lianpu.observability.metrics import Read, counter, gauge
from lianpu.streams.delivery.assembly import Delivery
from lianpu.streams.delivery.webhooks.repository import WebhookRepository


def delivery_reading(database: Database, delivery: Delivery) -> Read:
    async def read() -> Iterable[Metric]:
        async with database.session() as session:
            rows = await WebhookRepository(session).counts_of_all()
        outcomes = {(outcome,): float(count) for outcome, count in delivery.dispatcher.outcomes.items()}
        mqtt = delivery.mqtt
        return [
            counter("lianpu_webhook_deliveries", "Attempts of this process.", outcomes, ("outcome",)),
            gauge("lianpu_webhook_waiting", "Events that wait for their endpoints.", rows.waiting),
            gauge("lianpu_webhook_dead_letters", "Events that were given up.", rows.dead),
            # Without a broker there are the families, and nothing in them.
            gauge(
                "lianpu_mqtt_connected",
                "1: the broker is connected.",
                {} if mqtt is None else float(mqtt.state.is_connected),
            ),
            counter(
                "lianpu_mqtt_published", "Messages that the broker has.", {} if mqtt is None else mqtt.published_total
            ),
            counter(
                "lianpu_mqtt_left_out",
                "Events that were too many to catch up with.",
                {} if mqtt is None else mqtt.state.left_out,
            ),
        ]

    return read
