"""The values of one row or object to a fact: each column read, named, checked, identified.

What cannot be one raises ``BadFactError`` with a reason code and a message that names the
column, the value and what was expected; of a caller's number it never shows the value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from pipeline.codec.adapter import Origin
from pipeline.codec.fact_fields import CLASSES, OWN, READ_OF_ALL, SPANS, Column, Field, Read
from pipeline.codec.fact_values import (
    Instant,
    NoZoneError,
    read_flag,
    read_instant,
    read_list,
    read_number,
    read_text,
    read_word,
)
from pipeline.domain.events import SCHEMA_VERSION, customer_ref
from pipeline.domain.fact import Fact, FactKind, identified

PRIVATE: Final = frozenset({"customer_number", "customer_ref"})
"""Columns that hold a caller's number, or could by mistake."""

_SHOWN: Final = 100
_REF_DIGITS: Final = 24
_HEX: Final = frozenset("0123456789abcdef")


class BadFactError(Exception):
    """A reason code, and the message that says what was expected."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep the code apart from the message."""
        super().__init__(message)
        self.reason = reason


def fail(reason: str, message: str) -> NoReturn:
    """Give the record up."""
    raise BadFactError(reason, message)


def build(
    kind: FactKind,
    values: Mapping[str, object],
    *,
    origin: Origin,
    as_of_ms: int | None,
    position: str,
    anomalies: Counter[str],
) -> Fact:
    """Return the fact that values by column name say; blank and null values are left out of them.

    Args:
        kind: which fact.
        values: what the record says.
        origin: on whose behalf; its names make queues and agents canonical.
        as_of_ms: stands for a record's own ``as_of``; None: it must have one.
        position: where the record stood.
        anomalies: counts what was odd about a record that became a fact all the same.

    Raises:
        BadFactError: it says none.
    """
    said: dict[str, Any] = {}
    odd: list[str] = []
    for field in (*READ_OF_ALL, *OWN[kind]):
        value = _value(field, values, origin, odd)
        if value is None and field.name == "as_of_ms":
            value = as_of_ms
        if value is None and field.otherwise is not None:
            value = field.otherwise(said)
        if value is not None:
            said[field.name] = value
        elif field.is_asked:
            _miss(field)
    _check(kind, said)
    said.setdefault("site", origin.site)
    fact = CLASSES[kind](
        v=SCHEMA_VERSION,
        record_id="",
        revision_id="",
        client=origin.client,
        source=origin.source,
        source_position=position,
        **said,
    )
    anomalies.update(odd)
    return identified(kind, fact)


def shown(value: object) -> str:
    """Return the beginning of a value, for a message."""
    return repr(value)[:_SHOWN]


def _miss(field: Field) -> NoReturn:
    if field.name == "as_of_ms":
        expected = "a column that says when it was issued, --as-of, or one date in the file's name"
        fail("no_as_of", f"as_of: expected {expected}, got none of them")
    names = " or ".join(column.name for column in field.columns)
    fail("missing_field", f"{names}: expected a value, got nothing")


def _check(kind: FactKind, said: Mapping[str, Any]) -> None:
    """Check what no field alone shows."""
    for first, second in SPANS.get(kind, ()):
        if second in said and said[first] >= said[second]:
            got = f"got {said[first]} and {said[second]}"
            fail("bad_span", f"{second}: expected later than {first}, {got}")
    if said.get("score_milli", 0) > said.get("max_score_milli", 0):
        got = f"got {said['score_milli']} of {said['max_score_milli']} thousandths"
        fail("bad_value", f"score: expected at most max_score, {got}")


def _value(field: Field, values: Mapping[str, object], origin: Origin, odd: list[str]) -> Any:  # noqa: ANN401
    given = [column for column in field.columns if column.name in values]
    if not given:
        return None
    if len(given) > 1:
        names = " and ".join(column.name for column in given)
        fail("bad_value", f"{field.name}: expected one of its columns, got {names}")
    (column,) = given
    raw = values[column.name]
    try:
        value = _READERS[column.read](raw, column, origin)
    except NoZoneError as error:
        fail("no_time_zone", f"{column.name}: {error}")
    except ValueError as error:
        is_private = column.name in PRIVATE
        fail("bad_value", f"{column.name}: {_EXPECTED if is_private else str(error)[:200]}")
    if isinstance(value, Instant):
        odd += [value.oddity] if value.oddity is not None else []
        value = value.at_ms
    value = _named(field, value, origin)
    if value is not None and not field.rule.allows(list(value) if type(value) is tuple else value):
        unit = "" if field.name == column.name else f" {field.name}"
        fail("bad_value", f"{column.name}:{unit} expected {field.rule}, got {shown(raw)}")
    return value


def _named(field: Field, value: Any, origin: Origin) -> Any:  # noqa: ANN401
    if field.names is None:
        return value
    name = origin.names.queue if field.names == "queue" else origin.names.agent
    return tuple(sorted(map(name, value))) if isinstance(value, tuple) else name(value)


def _reference(value: object, _column: Column, _origin: Origin) -> str:
    text = read_text(value)
    if len(text) != _REF_DIGITS or not set(text) <= _HEX:
        raise ValueError(_EXPECTED)
    return text


_EXPECTED: Final = (
    f"expected a number in customer_number, or {_REF_DIGITS} hex digits in customer_ref"
)
_READERS: Final[Mapping[Read, Callable[[object, Column, Origin], Any]]] = {
    Read.TEXT: lambda value, _column, _origin: read_text(value),
    Read.WORD: lambda value, _column, _origin: read_word(value),
    Read.NUMBER: lambda value, column, _origin: read_number(value, column.factor),
    Read.FLAG: lambda value, _column, _origin: read_flag(value),
    Read.LIST: lambda value, _column, _origin: read_list(value),
    Read.INSTANT: lambda value, _column, origin: read_instant(value, origin.zone),
    Read.DAY: lambda value, _column, origin: read_instant(value, origin.zone, is_day_enough=True),
    Read.CUSTOMER_REF: _reference,
    Read.CUSTOMER_NUMBER: lambda value, _column, origin: customer_ref(
        origin.customer_key, read_text(value)
    ),
}
