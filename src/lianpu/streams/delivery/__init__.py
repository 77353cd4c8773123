"""Events of streams on their way to other systems: webhooks and MQTT."""
