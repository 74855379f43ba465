"""The live side: Kafka in, KPIs and alerts out."""
