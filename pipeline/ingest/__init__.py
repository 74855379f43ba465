"""From files to Kafka: reading rows, keying them, producing them, counting every one."""
