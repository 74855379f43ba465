"""Contracts as values: clauses, their validity, what they say; no files, no SQL, no clock."""
