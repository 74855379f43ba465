"""What the log says of alerts, taken into the store: a firing opens one, an end resolves it.

A word that was said before, under the same id, changes nothing: workers that start anew repeat
some. There is one firing alert per queue and rule; another firing of it, by another version of the
rule, takes the place of the one that stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, and_, exists, select

from pipeline.alerting.record import read_alert
from pipeline.alerting.sink import AlertRecord
from pipeline.desk.alert import ALERT, END, LOG, RESOLVE, AlertState
from pipeline.desk.perform import OPEN, Command, enter, make
from pipeline.desk.tables import alerts
from pipeline.desk.trail import Trail, canonical
from pipeline.desk.transition import is_text
from pipeline.domain.alert import AlertStatus

ACTOR: Final = "vane"
SUPERSEDED: Final = "superseded"
_MAYBE_EMPTY: Final = frozenset({"site", "queue"})
"""Where there is one only, or several are judged as one."""


class Word(StrEnum):
    """What became of a record of the log: the columns that count them."""

    FIRED = "fired"
    RESOLVED = "resolved"
    REPEATED = "repeated"
    UNMATCHED = "unmatched"
    REJECTED = "rejected"


def take(trail: Trail, raw: bytes | None, *, now_ms: int) -> Word:
    """Take in a record of ``kpi.alerts``; say what became of it."""
    try:
        record = _read(raw)
    except ValueError:
        return Word.REJECTED
    if record["status"] == AlertStatus.FIRING:
        return _fire(trail, record, now_ms)
    return _end(trail, record, now_ms)


def _read(raw: bytes | None) -> AlertRecord:
    record = read_alert(raw)
    if record["status"] not in set(AlertStatus):
        msg = f"status: expected one of {list(AlertStatus)}, got {record['status']!r}"
        raise ValueError(msg)
    named = {"scope": _scope(record), "programme": _programme(record) or "-"}
    for name in ("alert_id", "severity", "client", "site", "queue", "rule"):
        if record[name] or name not in _MAYBE_EMPTY:
            named[name] = record[name]
    for name, value in named.items():
        if not is_text(value):
            msg = f"{name}: expected a text, got {value!r:.80}"
            raise ValueError(msg)
    return record


def _fire(trail: Trail, record: AlertRecord, now_ms: int) -> Word:
    alert_id = record["alert_id"]
    if trail.con.execute(select(exists().where(alerts.c.id == alert_id))).scalar():
        return Word.REPEATED
    standing = _standing(trail.con, record)
    if standing is not None:
        _ended(trail, standing, record, told=SUPERSEDED, now_ms=now_ms)
    said = {name: record[name] for name in ("rule", "severity", "client", "site", "queue")}
    row = said | {
        "scope": _scope(record),
        "programme": _programme(record),
        "subject": _subject(record),
        "told": str(AlertStatus.FIRING),
        "told_id": alert_id,
        "told_at_ms": record["at_ms"],
        "fired_at_ms": record["at_ms"],
        "fired_record": canonical(record),
    }
    enter(trail, _command(alert_id, OPEN, alert_id, now_ms), row)
    return Word.FIRED


def _end(trail: Trail, record: AlertRecord, now_ms: int) -> Word:
    standing = _standing(trail.con, record)
    if standing is None:
        is_known = select(exists().where(alerts.c.told_id == record["alert_id"]))
        return Word.REPEATED if trail.con.execute(is_known).scalar() else Word.UNMATCHED
    if record["at_ms"] < standing["fired_at_ms"]:
        return Word.REPEATED
    _ended(trail, standing, record, told=str(AlertStatus.RESOLVED), now_ms=now_ms)
    return Word.RESOLVED


def _ended(
    trail: Trail, standing: Mapping[str, Any], record: AlertRecord, *, told: str, now_ms: int
) -> None:
    is_closed = standing["state"] == AlertState.CLOSED
    key = f"{standing['id']}/{record['alert_id']}"
    command = _command(standing["id"], END if is_closed else RESOLVE, key, now_ms)
    make(
        trail,
        command,
        {
            "told": told,
            "told_id": record["alert_id"],
            "told_at_ms": record["at_ms"],
            "ended_record": canonical(record),
        },
    )


def _command(alert_id: str, action: str, key: str, now_ms: int) -> Command:
    return Command(
        kind=ALERT.kind,
        record_id=alert_id,
        action=action,
        actor=ACTOR,
        via=LOG,
        key=key,
        at_ms=now_ms,
    )


def _standing(con: Connection, record: AlertRecord) -> Mapping[str, Any] | None:
    is_it = and_(alerts.c.subject == _subject(record), alerts.c.told == AlertStatus.FIRING)
    row = con.execute(select(alerts).where(is_it)).mappings().first()
    return None if row is None else dict(row)


def _scope(record: AlertRecord) -> str:
    return str(record.get("scope", "queue"))  # v1 of the schema knew no other at first


def _programme(record: AlertRecord) -> str:
    return str(record.get("programme", ""))


def _subject(record: AlertRecord) -> str:
    """Return what one alert of a rule fires of at a time; a queue may come to another programme."""
    programme = "" if record["queue"] else _programme(record)
    names = (record["client"], record["site"], programme, record["queue"], record["rule"])
    return canonical(names)
