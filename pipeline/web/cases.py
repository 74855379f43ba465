"""Complaint cases: list, show, and every move that people can make of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pipeline.desk.case import CASE, CaseState
from pipeline.desk.view import View
from pipeline.web.caller import Reader, Store, now_ms
from pipeline.web.move import Move, RecordId
from pipeline.web.page import Cursor, Limit, Only, Wanted, listed, whole
from pipeline.web.shapes import (
    Assignment,
    Case,
    CaseClosing,
    Cases,
    Postponement,
    Remark,
    Said,
    WholeCase,
)

router = APIRouter(prefix="/cases", tags=["cases"])


@router.get("", response_model=Cases)
def list_cases(
    store: Store,
    _reader: Reader,
    state: Annotated[list[CaseState] | None, Query(description="Any of these.")] = None,
    client: Only = None,
    owner: Only = None,
    *,
    overdue: Annotated[bool, Query(description="Only what is late.")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> View:
    """Return a page of cases, the next one due first."""
    where: Wanted = {"state": state, "client": client, "owner": owner}
    due_before_ms = now_ms() if overdue else None
    return listed(store, CASE.kind, where, limit=limit, cursor=cursor, due_before_ms=due_before_ms)


@router.get("/{record_id}", response_model=WholeCase)
def show_case(store: Store, _reader: Reader, record_id: RecordId, response: Response) -> View:
    """Return a case with all that was done about it."""
    return whole(store, CASE.kind, record_id, response)


@router.post("/{record_id}/take", response_model=Case)
def take(move: Move, said: Said | None = None) -> View:
    """Take it: whoever does is its owner."""
    return move(CASE.kind, "take", said or Said())


@router.post("/{record_id}/assign", response_model=Case)
def assign(move: Move, said: Assignment) -> View:
    """Give it to somebody."""
    return move(CASE.kind, "assign", said)


@router.post("/{record_id}/postpone", response_model=Case)
def postpone(move: Move, said: Postponement) -> View:
    """Give it another due time, and say why."""
    return move(CASE.kind, "postpone", said)


@router.post("/{record_id}/comment", response_model=Case)
def comment(move: Move, said: Remark) -> View:
    """Say something about it; it stays in the trail for good."""
    return move(CASE.kind, "comment", said)


@router.post("/{record_id}/close", response_model=Case)
def close(move: Move, said: CaseClosing) -> View:
    """Close it and say what it came to."""
    return move(CASE.kind, "close", said)


@router.post("/{record_id}/reopen", response_model=Case)
def reopen(move: Move, said: Said | None = None) -> View:
    """Open it again, if the customer has no other case."""
    return move(CASE.kind, "reopen", said or Said())
