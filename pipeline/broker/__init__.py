"""A real Kafka broker on this machine, and the topics on any broker."""
