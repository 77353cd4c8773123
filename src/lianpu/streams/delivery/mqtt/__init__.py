"""Streams and their events on an MQTT broker, found by Home Assistant by itself."""
