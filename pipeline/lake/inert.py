"""Texts that a spreadsheet takes for texts: none begins a formula when a CSV is opened.

Names of agents, queues and codes come from other systems. A cell that begins with ``=``, ``+``,
``-``, ``@``, a tab or a carriage return would be computed (OWASP, "CSV Injection"); an apostrophe
before it makes it a text. Numbers are left alone: they are no texts.
"""

from __future__ import annotations

from typing import Any, Final

STARTERS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def inert(value: Any) -> Any:  # noqa: ANN401 - any type of DuckDB
    """Return a cell's value; a text that would begin a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.lstrip(" ").startswith(STARTERS):
        return f"'{value}"
    return value
