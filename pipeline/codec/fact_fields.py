"""The fields of every fact: what the wire record has, and how files may write it.

One table drives the wire codec, the reader of CSV and JSON files, the landed columns and the
tests of schemas and documentation. A field's order is the contract's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from pipeline.codec.record import MAX_COUNT, MAX_INSTANT_MS
from pipeline.codec.rules import Flag, OneOf, Rule, Text, Texts, Whole
from pipeline.domain.complaint import Complaint, Fault
from pipeline.domain.evaluation import Evaluation, Sampling
from pipeline.domain.fact import Fact, FactKind
from pipeline.domain.forecast import Forecast
from pipeline.domain.incident import Cause, Incident, IncidentKind
from pipeline.domain.person import Person
from pipeline.domain.schedule import ACTIVITIES
from pipeline.domain.shift import BILLABLE, PAID, Shift

MAX_MILLI: Final = 10**12
"""The most of anything kept in thousandths: a thousand million."""
_DAY_MS: Final = 86_400_000


class Read(StrEnum):
    """How a column's text becomes a field's value."""

    TEXT = "text"
    WORD = "word"
    INSTANT = "instant"
    DAY = "day"
    NUMBER = "number"
    FLAG = "flag"
    LIST = "list"
    CUSTOMER_REF = "customer_ref"
    CUSTOMER_NUMBER = "customer_number"


@dataclass(frozen=True, slots=True)
class Column:
    """A name that a file may give a field, and how to read it; ``factor`` is to the wire's unit."""

    name: str
    read: Read
    factor: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the wire record.

    ``columns``: what a file may call it, one of them per file or record. ``otherwise`` makes the
    value that a file does not give, of those it gives. ``names``: native names are made canonical
    ones.
    """

    name: str
    rule: Rule
    columns: tuple[Column, ...]
    otherwise: Callable[[Mapping[str, Any]], object] | None = None
    names: Literal["queue", "agent"] | None = None

    @property
    def is_asked(self) -> bool:
        """Say whether a file has to give it."""
        return not self.rule.is_optional and self.otherwise is None


CLASSES: Final[Mapping[FactKind, type[Fact]]] = {
    FactKind.FORECAST: Forecast,
    FactKind.SCHEDULE: Shift,
    FactKind.QA: Evaluation,
    FactKind.COMPLAINTS: Complaint,
    FactKind.INCIDENTS: Incident,
    FactKind.PEOPLE: Person,
}
KINDS: Final = {cls: kind for kind, cls in CLASSES.items()}
TOPICS: Final[Mapping[FactKind, str]] = {
    FactKind.FORECAST: "ref.forecast",
    FactKind.SCHEDULE: "ref.schedule",
    FactKind.QA: "ref.qa",
    FactKind.COMPLAINTS: "ref.complaints",
    FactKind.INCIDENTS: "ref.incidents",
    FactKind.PEOPLE: "ref.people",
}


def topic_of(fact: Fact) -> str:
    """Return the topic (ours, unprefixed) that a fact is sent to."""
    return TOPICS[KINDS[type(fact)]]


def _text(
    name: str, *, is_optional: bool = False, names: Literal["queue", "agent"] | None = None
) -> Field:
    columns = (Column(name, Read.TEXT),)
    return Field(name=name, rule=Text(is_optional=is_optional), columns=columns, names=names)


def _word(name: str, words: type[StrEnum] | tuple[str, ...], *, is_optional: bool = False) -> Field:
    rule = OneOf(tuple(map(str, words)), is_optional)
    return Field(name=name, rule=rule, columns=(Column(name, Read.WORD),))


def _instant(name: str, *, is_optional: bool = False, is_day: bool = False) -> Field:
    rule = Whole(1, MAX_INSTANT_MS, is_optional)
    read = Read.DAY if is_day else Read.INSTANT
    columns = (Column(name, read), Column(f"{name}_ms", Read.NUMBER))
    return Field(name=f"{name}_ms", rule=rule, columns=columns)


def _length(name: str, rule: Whole, units: Mapping[str, int]) -> Field:
    columns = tuple(Column(f"{name}_{unit}", Read.NUMBER, f) for unit, f in units.items())
    return Field(name=f"{name}_ms", rule=rule, columns=columns)


def _thousandths(
    name: str, *, is_optional: bool = False, least: int = 0, otherwise: int | None = None
) -> Field:
    columns = (Column(name, Read.NUMBER, 1000), Column(f"{name}_milli", Read.NUMBER))
    return Field(
        name=f"{name}_milli",
        rule=Whole(least, MAX_MILLI, is_optional),
        columns=columns,
        otherwise=None if otherwise is None else lambda _: otherwise,
    )


def _count(name: str) -> Field:
    columns = (Column(name, Read.NUMBER),)
    return Field(name=name, rule=Whole(0, MAX_COUNT, is_optional=True), columns=columns)


def _flag(
    name: str,
    *,
    is_optional: bool = False,
    otherwise: Callable[[Mapping[str, Any]], object] | None = None,
) -> Field:
    columns = (Column(name, Read.FLAG),)
    return Field(name=name, rule=Flag(is_optional), columns=columns, otherwise=otherwise)


def _queues() -> Field:
    columns = (Column("queues", Read.LIST),)
    return Field(name="queues", rule=Texts(is_optional=True), columns=columns, names="queue")


SITE: Final = Field(
    name="site", rule=Text(least=0, is_optional=True), columns=(Column("site", Read.TEXT),)
)
AS_OF: Final = _instant("as_of")
WITHDRAWN: Final = _flag("is_withdrawn", is_optional=True)

COMMON: Final[Mapping[str, Rule]] = {
    "record_id": Text(),
    "revision_id": Text(),
    "as_of_ms": AS_OF.rule,
    "client": Text(),
    "source": Text(),
    "source_position": Text(least=0),
    "site": SITE.rule,
    "is_withdrawn": WITHDRAWN.rule,
}
"""What every fact has in front of its own fields, besides ``v``."""

READ_OF_ALL: Final = (AS_OF, SITE, WITHDRAWN)
"""What a file may say of any fact; the rest of ``COMMON`` is the reader's to give."""

OWN: Final[Mapping[FactKind, tuple[Field, ...]]] = {
    FactKind.FORECAST: (
        _text("queue", names="queue"),
        _instant("interval_start"),
        _length("interval", Whole(1, _DAY_MS), {"min": 60_000, "s": 1000, "ms": 1}),
        _thousandths("calls"),
        _length("aht", Whole(0, MAX_COUNT, is_optional=True), {"s": 1000, "ms": 1}),
        _thousandths("agents", is_optional=True),
    ),
    FactKind.SCHEDULE: (
        _text("agent", names="agent"),
        _instant("start"),
        _instant("end"),
        _word("activity", ACTIVITIES),
        _flag("is_paid", otherwise=lambda said: said["activity"] in PAID),
        _flag("is_billable", otherwise=lambda said: said["activity"] in BILLABLE),
        _text("shift_id", is_optional=True),
    ),
    FactKind.QA: (
        _text("agent", names="agent"),
        _text("form"),
        _instant("evaluated_at"),
        _thousandths("score"),
        _thousandths("max_score", least=1, otherwise=100_000),
        _word("sampling", Sampling),
        _text("evaluation_id", is_optional=True),
        _text("contact_id", is_optional=True),
        _text("queue", is_optional=True, names="queue"),
        _text("evaluator", is_optional=True),
        _count("customer_critical_count"),
        _count("business_critical_count"),
        _count("compliance_critical_count"),
        _count("non_critical_count"),
        _count("check_count"),
        _count("population_count"),
    ),
    FactKind.COMPLAINTS: (
        _text("complaint_id"),
        _instant("received_at"),
        _text("category"),
        _text("contact_id", is_optional=True),
        _instant("contact_at", is_optional=True),
        Field(
            name="customer_ref",
            rule=Text(is_optional=True),
            columns=(
                Column("customer_ref", Read.CUSTOMER_REF),
                Column("customer_number", Read.CUSTOMER_NUMBER),
            ),
        ),
        _text("queue", is_optional=True, names="queue"),
        _text("agent", is_optional=True, names="agent"),
        _text("channel", is_optional=True),
        _flag("is_valid", is_optional=True),
        _flag("is_escalated", is_optional=True),
        _word("fault", Fault, is_optional=True),
        _instant("closed_at", is_optional=True),
    ),
    FactKind.INCIDENTS: (
        _text("incident_id"),
        _instant("start"),
        _word("kind", IncidentKind),
        _flag("is_excluded"),
        _queues(),
        _instant("end", is_optional=True),
        _word("cause", Cause, is_optional=True),
        _text("evidence", is_optional=True),
    ),
    FactKind.PEOPLE: (
        _text("agent", names="agent"),
        _instant("valid_from", is_day=True),
        _text("team"),
        _text("leader", is_optional=True, names="agent"),
        _text("role", is_optional=True),
        _queues(),
        _instant("valid_to", is_optional=True, is_day=True),
    ),
}
"""Each fact's own fields, in the contract's order."""

RULES: Final[Mapping[FactKind, Mapping[str, Rule]]] = {
    kind: {**COMMON, **{field.name: field.rule for field in fields}} for kind, fields in OWN.items()
}
"""What each field of a wire record must be, but ``v``."""

SPANS: Final[Mapping[FactKind, tuple[tuple[str, str], ...]]] = {
    FactKind.SCHEDULE: (("start_ms", "end_ms"),),
    FactKind.INCIDENTS: (("start_ms", "end_ms"),),
    FactKind.PEOPLE: (("valid_from_ms", "valid_to_ms"),),
}
"""Fields of which the first has to lie before the second, where both are given."""
