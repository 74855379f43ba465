"""Migrations of the operational store: a released one is never edited."""
