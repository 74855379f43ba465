"""Alerts: list, show, and every move that people can make of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pipeline.desk.alert import ALERT, AlertState
from pipeline.desk.view import View
from pipeline.web.caller import Reader, Store
from pipeline.web.move import Move, RecordId
from pipeline.web.page import Cursor, Limit, Only, Wanted, listed, whole
from pipeline.web.shapes import (
    Alert,
    AlertClosing,
    Alerts,
    Assignment,
    Remark,
    Said,
    WholeAlert,
)

router = APIRouter(prefix="/alerts", tags=["alerts"])


@router.get("", response_model=Alerts)
def list_alerts(  # noqa: PLR0913 - one parameter each
    store: Store,
    _reader: Reader,
    *,
    state: Annotated[list[AlertState] | None, Query(description="Any of these.")] = None,
    client: Only = None,
    programme: Only = None,
    queue: Only = None,
    owner: Only = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> View:
    """Return a page of alerts, newest first."""
    where: Wanted = {"state": state, "client": client, "programme": programme}
    where = {**where, "queue": queue, "owner": owner}
    return listed(store, ALERT.kind, where, limit=limit, cursor=cursor)


@router.get("/{record_id}", response_model=WholeAlert)
def show_alert(store: Store, _reader: Reader, record_id: RecordId, response: Response) -> View:
    """Return an alert with all that was done about it."""
    return whole(store, ALERT.kind, record_id, response)


@router.post("/{record_id}/acknowledge", response_model=Alert)
def acknowledge(move: Move, said: Said | None = None) -> View:
    """Somebody looks after it."""
    return move(ALERT.kind, "acknowledge", said or Said())


@router.post("/{record_id}/assign", response_model=Alert)
def assign(move: Move, said: Assignment) -> View:
    """Give it to somebody."""
    return move(ALERT.kind, "assign", said)


@router.post("/{record_id}/comment", response_model=Alert)
def comment(move: Move, said: Remark) -> View:
    """Say something about it; it stays in the trail for good."""
    return move(ALERT.kind, "comment", said)


@router.post("/{record_id}/close", response_model=Alert)
def close(move: Move, said: AlertClosing) -> View:
    """Close it and say what it turned out to be."""
    return move(ALERT.kind, "close", said)


@router.post("/{record_id}/reopen", response_model=Alert)
def reopen(move: Move, said: Said | None = None) -> View:
    """Open it again: it is not over, or not as it was closed."""
    return move(ALERT.kind, "reopen", said or Said())
