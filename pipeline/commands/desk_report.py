"""How records of the desk look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.desk.perform import instant
from pipeline.desk.view import View

_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000))


def ago(at_ms: int, now_ms: int) -> str:
    """Return how far an instant is from now, in one unit: ``3 h ago``, ``in 2 d``."""
    away = abs(at_ms - now_ms)
    unit, ms = next((u for u in _UNITS if away >= u[1]), ("s", 1_000))
    return f"{away // ms} {unit} ago" if at_ms <= now_ms else f"in {away // ms} {unit}"


def place_of(view: View) -> str:
    """Return client, site and queue in short."""
    return "/".join(part for part in (view["client"], view["site"], view["queue"]) if part)


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, more: bool = False
) -> None:
    """Print rows, texts as they are; ``more``: there are others."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text("-" if value is None else str(value)) for value in row))
    console = Console(highlight=False)
    console.print(table)
    if more:
        console.print(f"the first {len(rows):,}; there are more: --limit")


def show_whole(view: View) -> None:
    """Print a record, its columns one below the other, and its history."""
    console = Console(highlight=False, soft_wrap=True)
    hidden = {"history", "fired_record", "ended_record", "allowed"}
    for name, value in view.items():
        if name not in hidden and value is not None:
            console.print(Text(f"{name.removesuffix('_ms'):18} {_said(name, value)}"))
    console.print(Text(f"{'possible now':18} {', '.join(view['allowed'])}"))
    columns = ("when", "who", "via", "what", "from and to", "comment")
    show_table(columns, [_row(entry) for entry in view["history"]])


def _said(name: str, value: object) -> str:
    if value is None:
        return "-"
    return instant(value) if name.endswith("_at_ms") and isinstance(value, int) else str(value)


def _row(entry: View) -> Sequence[Any]:
    changes = {} if entry["action"] == "open" else entry["changes"]
    moved = (
        f"{name.removesuffix('_ms')}: {_said(name, old)} → {_said(name, new)}"
        for name, (old, new) in changes.items()
    )
    at, what = instant(entry["at_ms"]), entry["action"]
    return (at, entry["actor"], entry["via"], what, "; ".join(moved) or None, entry["comment"])
