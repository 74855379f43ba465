"""Makes facts for tests: one of each kind, and any that the contract allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from pipeline.codec.fact_fields import CLASSES
from pipeline.domain.complaint import Complaint, Fault
from pipeline.domain.evaluation import Evaluation, Sampling
from pipeline.domain.fact import Fact, FactKind, identified
from pipeline.domain.forecast import Forecast
from pipeline.domain.incident import Cause, Incident, IncidentKind
from pipeline.domain.person import Person
from pipeline.domain.schedule import ACTIVITIES
from pipeline.domain.shift import Shift

NOON = 1_762_833_600_000
HEAD: dict[str, Any] = {
    "v": 1,
    "record_id": "",
    "revision_id": "",
    "as_of_ms": NOON,
    "client": "acme",
    "source": "file",
    "source_position": "2",
}
OWN: dict[FactKind, dict[str, Any]] = {
    FactKind.FORECAST: {
        "queue": "service",
        "interval_start_ms": NOON,
        "interval_ms": 900_000,
        "calls_milli": 12_500,
    },
    FactKind.SCHEDULE: {
        "agent": "ann",
        "start_ms": NOON,
        "end_ms": NOON + 3_600_000,
        "activity": "on_queue",
        "is_paid": True,
        "is_billable": True,
    },
    FactKind.QA: {
        "agent": "ann",
        "form": "voice-3",
        "evaluated_at_ms": NOON,
        "score_milli": 87_500,
        "max_score_milli": 100_000,
        "sampling": Sampling.RANDOM,
    },
    FactKind.COMPLAINTS: {"complaint_id": "K-1", "received_at_ms": NOON, "category": "rude"},
    FactKind.INCIDENTS: {
        "incident_id": "I-1",
        "start_ms": NOON,
        "kind": IncidentKind.TELEPHONY,
        "is_excluded": True,
    },
    FactKind.PEOPLE: {"agent": "ann", "valid_from_ms": NOON, "team": "red"},
}


def a_fact(kind: FactKind, **fields: Any) -> Any:
    """Return a fact of a kind, identified."""
    return identified(kind, CLASSES[kind](**(HEAD | OWN[kind] | fields)))


names = st.text(min_size=1, max_size=6)
instants = st.integers(1, 253_402_300_799_999)
milli = st.integers(0, 10**12)
counts = st.integers(0, 2**31 - 1)
maybe_name = st.none() | names
queues = st.lists(names, max_size=3).map(tuple)

_COMMON: dict[str, Any] = {
    "v": st.just(1),
    "record_id": st.just(""),
    "revision_id": st.just(""),
    "as_of_ms": instants,
    "client": names,
    "source": names,
    "source_position": st.text(max_size=3),
    "site": st.text(max_size=3),
    "is_withdrawn": st.booleans(),
}


def _facts(cls: type[Fact], **own: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(cls, **(_COMMON | own))


STRATEGIES: dict[FactKind, st.SearchStrategy[Any]] = {
    FactKind.FORECAST: _facts(
        Forecast,
        queue=names,
        interval_start_ms=instants,
        interval_ms=st.integers(1, 86_400_000),
        calls_milli=milli,
        aht_ms=st.none() | counts,
        agents_milli=st.none() | milli,
    ),
    FactKind.SCHEDULE: _facts(
        Shift,
        agent=names,
        start_ms=instants,
        end_ms=instants,
        activity=st.sampled_from(ACTIVITIES),
        is_paid=st.booleans(),
        is_billable=st.booleans(),
        shift_id=maybe_name,
    ),
    FactKind.QA: _facts(
        Evaluation,
        agent=names,
        form=names,
        evaluated_at_ms=instants,
        score_milli=milli,
        max_score_milli=st.integers(1, 10**12),
        sampling=st.sampled_from(Sampling),
        **dict.fromkeys(("evaluation_id", "contact_id", "queue", "evaluator"), maybe_name),
        **dict.fromkeys(("customer_critical_count", "check_count"), st.none() | counts),
    ),
    FactKind.COMPLAINTS: _facts(
        Complaint,
        complaint_id=names,
        received_at_ms=instants,
        category=names,
        **dict.fromkeys(("contact_id", "customer_ref", "queue", "agent", "channel"), maybe_name),
        **dict.fromkeys(("contact_at_ms", "closed_at_ms"), st.none() | instants),
        is_valid=st.none() | st.booleans(),
        is_escalated=st.booleans(),
        fault=st.none() | st.sampled_from(Fault),
    ),
    FactKind.INCIDENTS: _facts(
        Incident,
        incident_id=names,
        start_ms=instants,
        kind=st.sampled_from(IncidentKind),
        is_excluded=st.booleans(),
        queues=queues,
        end_ms=st.none() | instants,
        cause=st.none() | st.sampled_from(Cause),
        evidence=maybe_name,
    ),
    FactKind.PEOPLE: _facts(
        Person,
        agent=names,
        valid_from_ms=instants,
        team=names,
        leader=maybe_name,
        role=maybe_name,
        queues=queues,
        valid_to_ms=st.none() | instants,
    ),
}


@st.composite
def any_fact(draw: st.DrawFn) -> tuple[FactKind, Any]:
    """Draw a kind and a fact of it that the contract allows, identified."""
    kind = draw(st.sampled_from(FactKind))
    return kind, identified(kind, draw(STRATEGIES[kind]))


@st.composite
def revisions(draw: st.DrawFn) -> tuple[FactKind, list[Any]]:
    """Draw what was said of a few facts of a kind, again and again, with ties and withdrawals."""
    kind = draw(st.sampled_from(FactKind))
    said = draw(st.lists(STRATEGIES[kind], min_size=1, max_size=3))
    found = []
    for _ in range(draw(st.integers(1, 12))):
        fact = draw(st.sampled_from(said))
        told = {
            "as_of_ms": draw(st.integers(1, 4)),
            "is_withdrawn": draw(st.booleans()),
            "source_position": draw(st.sampled_from(["1", "2"])),
        }
        found.append(identified(kind, replace(fact, **told)))
    return kind, found
