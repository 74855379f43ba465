"""Reads what a request asks for: a page of records, or one whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

from fastapi import Query, Response
from sqlalchemy import Engine

from pipeline.desk.listing import MOST, page
from pipeline.desk.perform import find
from pipeline.desk.store import reading
from pipeline.desk.trail import entries
from pipeline.desk.view import View, record_view, whole_view
from pipeline.web.move import etag

MOST_NAME = 255

Only = Annotated[str | None, Query(max_length=MOST_NAME, description="Only this one.")]
Cursor = Annotated[str | None, Query(max_length=1_000, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Records at most.")]
Wanted: TypeAlias = Mapping[str, str | Sequence[str] | None]
"""By column, the one value or those that are wanted; None: any."""


def listed(
    store: Engine,
    kind: str,
    where: Wanted,
    *,
    limit: int,
    cursor: str | None,
    due_before_ms: int | None = None,
) -> View:
    """Return a page."""
    wanted = {
        name: [value] if isinstance(value, str) else list(map(str, value))
        for name, value in where.items()
        if value is not None
    }
    with reading(store) as con:
        found = page(con, kind, wanted, limit=limit, cursor=cursor, due_before_ms=due_before_ms)
    return {"records": [record_view(kind, row) for row in found.records], "next": found.next}


def whole(store: Engine, kind: str, record_id: str, response: Response) -> View:
    """Return one record with its history, and its version as ETag."""
    with reading(store) as con:
        row, done = find(con, kind, record_id), entries(con, kind, record_id)
    response.headers["ETag"] = etag(row["version"])
    return whole_view(kind, row, done)
