"""What people and other systems know that no ACD sends: facts, their identity and revisions.

A fact has a *natural key* (a forecast's is queue and interval). ``record_id`` is a hash of it, so
the same fact read again, from any file, has the same id. A later file corrects an earlier one: of
one ``record_id`` the record with the newest ``as_of_ms`` holds, whatever order they came in. Who
knows better withdraws: the newest record says ``is_withdrawn``, and the fact is gone.

A key that a system issued itself (a complaint's number) is unique within that system, so the
system's name is part of it; a key of plain facts (agent, start) holds across systems.

SQL mirrors ``newest`` in ``dbt_like_sql/macros/facts.sql``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final, TypeVar


class FactKind(StrEnum):
    """The facts there are, named as ``vane ingest --format`` and their topics name them."""

    FORECAST = "forecast"
    SCHEDULE = "schedule"
    QA = "qa"
    COMPLAINTS = "complaints"
    INCIDENTS = "incidents"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every fact says besides its own fields.

    ``as_of_ms``: when it was true as far as its issuer knew, epoch milliseconds UTC; the newest
    holds. ``revision_id`` is a hash of all that the record says, so that of two revisions as of
    the same instant the same one holds everywhere.
    """

    v: int
    record_id: str
    revision_id: str
    as_of_ms: int
    client: str
    source: str
    source_position: str
    site: str = ""
    is_withdrawn: bool = False


F = TypeVar("F", bound=Fact)

KEYS: Final[Mapping[FactKind, tuple[tuple[str, ...], ...]]] = {
    FactKind.FORECAST: (("queue", "interval_start_ms"),),
    FactKind.SCHEDULE: (("source", "shift_id"), ("agent", "start_ms", "activity")),
    FactKind.QA: (("source", "evaluation_id"), ("agent", "form", "contact_id", "evaluated_at_ms")),
    FactKind.COMPLAINTS: (("source", "complaint_id"),),
    FactKind.INCIDENTS: (("source", "incident_id"),),
    FactKind.PEOPLE: (("agent", "valid_from_ms"),),
}
"""Natural keys within a client's site: the first whose last field is given is the key."""

_NOT_SAID: Final = frozenset({"v", "record_id", "revision_id", "source_position"})
"""What a record is called and where it stood is no part of what it says."""

_SAID: Final[dict[FactKind, tuple[str, ...]]] = {}
"""The fields that make a revision, sorted; worked out once per kind."""
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def identified(kind: FactKind, fact: F) -> F:
    """Return a fact with the ``record_id`` and ``revision_id`` that belong to what it says."""
    said = {name: getattr(fact, name) for name in _said_of(kind, fact)}
    *numbered, plain = KEYS[kind]
    key = next((key for key in numbered if said[key[-1]] is not None), plain)
    identity = [kind, fact.client, fact.site, *key, *(said[name] for name in key)]
    return replace(fact, record_id=_digest(identity), revision_id=_digest([kind, said]))


def _said_of(kind: FactKind, fact: Fact) -> tuple[str, ...]:
    names = _SAID.get(kind)
    if names is None:
        names = tuple(sorted({field.name for field in fields(fact)} - _NOT_SAID))
        _SAID[kind] = names
    return names


def _digest(value: object) -> str:
    return hashlib.blake2b(_encode(value).encode(), digest_size=16).hexdigest()


def newest(records: Iterable[F]) -> list[F]:
    """Return the revision in force of each fact, by ``record_id``; withdrawn facts are gone."""
    found: dict[str, F] = {}
    for record in records:
        known = found.get(record.record_id)
        if known is None or _age(known) < _age(record):
            found[record.record_id] = record
    return [found[name] for name in sorted(found) if not found[name].is_withdrawn]


def _age(record: Fact) -> tuple[int, str]:
    return record.as_of_ms, record.revision_id
