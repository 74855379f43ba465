"""Vane: live KPIs and a month-end close for outsourced contact centres, from one definition."""

__version__ = "0.1.0"
