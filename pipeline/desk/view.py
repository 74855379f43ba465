"""Records of the desk as programs and people are shown them, the same by command line and API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.alerting.sentence import describe
from pipeline.desk.alert import ALERT
from pipeline.desk.perform import KINDS
from pipeline.desk.trail import Entry

View = dict[str, Any]


def record_view(kind: str, row: Mapping[str, Any]) -> View:
    """Return a record, with the moves that it can make; an alert with its sentence."""
    found = {name: value for name, value in row.items() if not _is_inner(name)}
    if kind == ALERT.kind:
        found["summary"] = describe(json.loads(row["fired_record"]))
    return found | {"allowed": KINDS[kind].moves.allowed(row["state"])}


def _is_inner(name: str) -> bool:
    """Say whether a column is long, or for the store itself."""
    return name.endswith("_record") or name in {"subject", "secret_hash"}


def whole_view(kind: str, row: Mapping[str, Any], entries: list[Entry]) -> View:
    """Return a record with all that is known of it and all that was done to it."""
    found = record_view(kind, row)
    for name in ("fired_record", "ended_record"):
        if name in row:
            found[name] = None if row[name] is None else json.loads(row[name])
    return found | {"history": [entry_view(entry) for entry in entries]}


def entry_view(entry: Entry) -> View:
    """Return an entry of the trail without the records of the log, which are long."""
    changes = json.loads(entry.changes).items()
    return {
        "seq": entry.seq,
        "at_ms": entry.at_ms,
        "actor": entry.actor,
        "via": entry.via,
        "action": entry.action,
        "version": entry.version,
        "comment": json.loads(entry.given).get("comment"),
        "changes": {n: list(pair) for n, pair in changes if not _is_inner(n)},
    }
