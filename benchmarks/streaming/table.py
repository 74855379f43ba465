"""The figures as a table and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table."""
    return "\n".join(str(r) for r in rows) + "\n"


def write(rows: Sequence[dict[str, Any]]) -> None:
    """Later."""
