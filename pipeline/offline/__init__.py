"""Figures from files alone: no broker, no month, no configuration."""
