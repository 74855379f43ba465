"""Bytes to events and back; knows schemas, not Kafka."""
