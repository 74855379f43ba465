"""Why a record is not an event: a reason code to count by, and a message that names the field.

Slow and thorough, for records that ``decode.py`` has refused. Checks run from the outside in, so
that a record with several faults has one reason, always the same: size, JSON, object, version,
event type, then each field in the contract's order (missing, of the wrong type, of a bad value),
then unknown fields, then what the event's type requires.

Reason codes: ``too_large``, ``malformed_json``, ``not_an_object``, ``schema_version``,
``unknown_type``, ``missing_field``, ``wrong_type``, ``bad_value``, ``unknown_field``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from pipeline.codec.record import MAX_COUNT, MAX_INSTANT_MS
from pipeline.codec.rules import OneOf, Rule, Text, Whole
from pipeline.domain.events import (
    SCHEMA_VERSION,
    AgentState,
    EventType,
    Rejected,
    TransferKind,
)

MAX_BYTES: Final = 1 << 20
_SHOWN: Final = 100
"""Characters of a bad value that a message shows."""

Fault = tuple[str, str]
"""Reason code and message."""

Kind = tuple[str, Iterable[str]]
"""The field that says what kind of record it is, and the kinds there are."""

_INSTANT: Final = Whole(1, MAX_INSTANT_MS)
_CALL_RULES: Final[Mapping[str, Rule]] = {
    "event_id": Text(),
    "occurred_at_ms": _INSTANT,
    "client": Text(),
    "queue": Text(),
    "contact_id": Text(),
    "leg": Whole(1, MAX_COUNT),
    "source": Text(),
    "source_position": Text(least=0),
    "site": Text(least=0, is_optional=True),
    "agent": Text(is_optional=True),
    "hold_seq": Whole(0, MAX_COUNT, is_optional=True),
    "reason": Text(least=0, is_optional=True),
    "transfer_kind": OneOf(tuple(TransferKind), is_optional=True),
    "transfer_target": Text(is_optional=True),
    "customer_ref": Text(is_optional=True),
}
_AGENT_STATE_RULES: Final[Mapping[str, Rule]] = {
    "event_id": Text(),
    "occurred_at_ms": _INSTANT,
    "client": Text(),
    "agent": Text(),
    "source": Text(),
    "source_position": Text(least=0),
    "site": Text(least=0, is_optional=True),
    "reason": Text(least=0, is_optional=True),
}
_REQUIRED_BY_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    EventType.OFFERED: ("agent",),
    EventType.RING_NO_ANSWER: ("agent",),
    EventType.ANSWERED: ("agent",),
    EventType.HOLD_STARTED: ("hold_seq",),
    EventType.HOLD_ENDED: ("hold_seq",),
    EventType.FLOWED_OUT: ("reason",),
    EventType.REFUSED: ("reason",),
    EventType.CONNECTED: ("reason",),
    EventType.TRANSFERRED: ("transfer_kind", "transfer_target"),
}
_NEVER_NULL: Final = frozenset({"site", "is_withdrawn", "is_escalated", "queues"})
"""Optional by absence only: the empty string, false or the empty list says the same."""


def too_large(raw: bytes, most: int = MAX_BYTES) -> Rejected:
    """Reject a record unread because of its size."""
    return Rejected(
        reason="too_large",
        message=f"expected at most {most} bytes, got {len(raw)}",
        raw=raw,
    )


def of_call_event(raw: bytes, error: Exception | None) -> Rejected:
    """Say why ``decode_call_event`` refused a record; ``error`` is what the parser said."""
    return of_record(raw, error, _CALL_RULES, kind=("type", EventType))


def of_agent_state(raw: bytes, error: Exception | None) -> Rejected:
    """Say why ``decode_agent_state`` refused a record; ``error`` is what the parser said."""
    return of_record(raw, error, _AGENT_STATE_RULES, kind=("state", AgentState))


def of_record(
    raw: bytes, error: Exception | None, rules: Mapping[str, Rule], *, kind: Kind | None = None
) -> Rejected:
    """Say why a record was refused that should be by these rules; ``v`` is always one of them."""
    try:
        record = msgspec.json.decode(raw)
    except RecursionError:
        fault = ("malformed_json", "expected a flat JSON object, got one nested too deep to read")
    except msgspec.ValidationError as too_big:
        fault = ("bad_value", f"expected numbers that fit 64 bits: {too_big}")
    except ValueError as malformed:
        fault = ("malformed_json", f"expected JSON in UTF-8: {malformed}, got {_shown_raw(raw)}")
    else:
        # The last resort keeps the promise never to raise, should the parser refuse what no rule
        # here refuses; a property test holds the two to agree.
        fault = _fault(record, rules, kind) or ("bad_value", str(error))
    return Rejected(reason=fault[0], message=fault[1], raw=raw)


def _fault(record: object, rules: Mapping[str, Rule], kind: Kind | None) -> Fault | None:
    if not isinstance(record, dict):
        return "not_an_object", f"expected a JSON object, got {_shown(record)}"
    known = {"v", *rules, *([] if kind is None else [kind[0]])}
    return (
        _version_fault(record)
        or (None if kind is None else _kind_fault(record, tuple(kind[1]), kind[0]))
        or next(
            (fault for name in rules if (fault := _field_fault(record, name, rules[name]))), None
        )
        or _unknown_fault(record, known)
        or _required_fault(record)
    )


def _version_fault(record: Mapping[str, object]) -> Fault | None:
    if "v" not in record:
        return "missing_field", f"v: expected the schema version {SCHEMA_VERSION}, got nothing"
    version = record["v"]
    if type(version) is not int:
        return "wrong_type", f"v: expected the integer {SCHEMA_VERSION}, got {_shown(version)}"
    if version != SCHEMA_VERSION:
        return "schema_version", f"v: expected {SCHEMA_VERSION}, got {_shown(version)}"
    return None


def _kind_fault(record: Mapping[str, object], kinds: tuple[str, ...], name: str) -> Fault | None:
    expected = f"{name}: expected one of {', '.join(kinds)}"
    if name not in record:
        return "missing_field", f"{expected}, got nothing"
    kind = record[name]
    if not isinstance(kind, str):
        return "wrong_type", f"{expected}, got {_shown(kind)}"
    if kind not in kinds:
        return "unknown_type", f"{expected}, got {_shown(kind)}"
    return None


def _field_fault(record: Mapping[str, object], name: str, rule: Rule) -> Fault | None:
    if name not in record:
        return (
            None if rule.is_optional else ("missing_field", f"{name}: expected {rule}, got nothing")
        )
    value = record[name]
    if value is None and rule.is_optional and name not in _NEVER_NULL:
        return None
    if not rule.has_type_of(value):
        return "wrong_type", f"{name}: expected {rule}, got {_shown(value)}"
    if not rule.allows(value):
        return "bad_value", f"{name}: expected {rule}, got {_shown(value)}"
    return None


def _unknown_fault(record: Mapping[str, object], known: set[str]) -> Fault | None:
    for name, value in record.items():
        if name not in known:
            fields = ", ".join(sorted(known))
            return "unknown_field", f"{_shown(name)}: expected only {fields}, got {_shown(value)}"
    return None


def _required_fault(record: Mapping[str, object]) -> Fault | None:
    kind = str(record.get("type", ""))
    for name in _REQUIRED_BY_TYPE.get(kind, ()):
        if record.get(name) in (None, ""):
            value = _shown(record[name]) if name in record else "nothing"
            return "bad_value", f"{name}: expected a value because type is {kind!r}, got {value}"
    return None


def _shown(value: object) -> str:
    return msgspec.json.encode(value).decode()[:_SHOWN]


def _shown_raw(raw: bytes) -> str:
    return repr(raw[:_SHOWN])[:_SHOWN]
