"""Finds records: a page at a time by keyset, or one by the beginning of its id."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from pipeline.desk.access import TOKEN
from pipeline.desk.alert import ALERT
from pipeline.desk.case import CASE
from pipeline.desk.perform import KINDS
from pipeline.errors import InputError, RecordUnknown

MOST: Final = 500
"""Records of a page at most."""
LEAST_OF_ID: Final = 4

_ORDER: Final = {
    ALERT.kind: ("fired_at_ms", True),
    CASE.kind: ("due_at_ms", False),
    TOKEN.kind: ("created_at_ms", True),
}
"""Column by which a kind is listed, and whether from the highest: newest alert, next case due."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some records in their order, and where the next page begins; None: there is none."""

    records: Sequence[Mapping[str, Any]]
    next: str | None


def page(
    con: Connection,
    kind: str,
    where: Mapping[str, Collection[str]],
    *,
    due_before_ms: int | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page:
    """Return the records of a page.

    Args:
        con: to read by.
        kind: of the records.
        where: by column, the values that are wanted; a column that is not there takes any.
        due_before_ms: only what is due before; of kinds that are.
        limit: 1 to ``MOST``.
        cursor: as the page before says; it goes on right there, whatever came since.

    Raises:
        InputError: the cursor is not one of this kind's.
    """
    rows = KINDS[kind].rows
    name, is_falling = _ORDER[kind]
    column = rows.c[name]
    wanted: list[ColumnElement[bool]] = [rows.c[n].in_(values) for n, values in where.items()]
    if due_before_ms is not None:
        wanted.append(rows.c.due_at_ms < due_before_ms)
    if cursor is not None:
        at, last = _read(kind, cursor)
        after = column < at if is_falling else column > at
        after_id = rows.c.id < last if is_falling else rows.c.id > last
        wanted.append(or_(after, and_(column == at, after_id)))
    order = [c.desc() if is_falling else c.asc() for c in (column, rows.c.id)]
    asked = select(rows).where(*wanted).order_by(*order).limit(limit + 1)
    found: list[Mapping[str, Any]] = [dict(row) for row in con.execute(asked).mappings()]
    if len(found) <= limit:
        return Page(found, None)
    last_row = found[limit - 1]
    return Page(found[:limit], _cursor(kind, last_row[name], last_row["id"]))


def _cursor(kind: str, at: int, record_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([kind, at, record_id]).encode()).decode()


def _read(kind: str, cursor: str) -> tuple[int, str]:
    try:
        of, at, record_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError):
        of = None
    if of != kind or type(at) is not int or not isinstance(record_id, str):
        msg = f"cursor: expected one that a page of {kind}s ended with, got {cursor!r:.80}"
        raise InputError(msg)
    return at, record_id


def whole_id(con: Connection, kind: str, beginning: str) -> str:
    """Return the id of the one record whose id begins so.

    Raises:
        RecordUnknown: there is none.
        InputError: there are several, or it is too short to say.
    """
    rows = KINDS[kind].rows
    if len(beginning) < LEAST_OF_ID:
        msg = f"{kind}: expected {LEAST_OF_ID} characters of its id at least, got {beginning!r}"
        raise InputError(msg)
    is_it = func.substr(rows.c.id, 1, len(beginning)) == beginning
    asked = select(rows.c.id).where(is_it).order_by(rows.c.id).limit(3)
    found: Sequence[str] = con.execute(asked).scalars().all()
    if not found:
        raise RecordUnknown(f"{kind} {beginning!r:.80}: there is no such {kind}")
    if len(found) > 1 and beginning not in found:
        msg = f"{kind} {beginning!r}: several begin so: {', '.join(found)}; give more of the id"
        raise InputError(msg)
    return beginning if beginning in found else str(found[0])
