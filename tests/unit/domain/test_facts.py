"""Facts: identity, the revision in force, and what follows from complaints, incidents, people."""

from __future__ import annotations

import pytest

from pipeline.domain.complaint import SCOPES, Fault, scopes
from pipeline.domain.fact import KEYS, FactKind, newest
from pipeline.domain.incident import excluded
from pipeline.domain.person import spells
from pipeline.domain.schedule import ScheduledSpan
from pipeline.domain.shift import spans
from tests.facts import NOON, OWN, a_fact


@pytest.mark.parametrize("kind", FactKind)
def test_a_fact_is_the_same_whatever_it_says_of_itself_as_long_as_its_key_is(
    kind: FactKind,
) -> None:
    first = a_fact(kind)
    for other in (
        a_fact(kind, as_of_ms=NOON + 1),
        a_fact(kind, is_withdrawn=True),
        a_fact(kind, source_position="17"),
    ):
        assert other.record_id == first.record_id
    assert a_fact(kind, client="other").record_id != first.record_id
    assert a_fact(kind, site="north").record_id != first.record_id


@pytest.mark.parametrize("kind", FactKind)
def test_every_field_of_a_natural_key_tells_facts_apart(kind: FactKind) -> None:
    for name in KEYS[kind][-1]:
        value = (HEADS | OWN[kind]).get(name)
        changed = value + 1 if isinstance(value, int) else f"{value or ''}x"
        other = a_fact(kind, **{name: changed})
        assert other.record_id != a_fact(kind).record_id, name


HEADS = {"source": "file", "contact_id": ""}


def test_the_same_words_in_other_fields_are_another_fact() -> None:
    kind = FactKind.PEOPLE
    one, other = a_fact(kind, client="ab", site="c"), a_fact(kind, client="a", site="bc")
    assert one.record_id != other.record_id
    assert (
        a_fact(FactKind.INCIDENTS, incident_id="1").record_id
        != a_fact(FactKind.COMPLAINTS, complaint_id="1").record_id
    )


def test_a_shift_with_a_number_can_be_moved_one_without_is_another() -> None:
    kind = FactKind.SCHEDULE
    numbered = [a_fact(kind, shift_id="7", start_ms=NOON + at) for at in (0, 1)]
    assert numbered[0].record_id == numbered[1].record_id
    plain = [a_fact(kind, start_ms=NOON + at) for at in (0, 1)]
    assert plain[0].record_id != plain[1].record_id
    # whose number it is matters; who says that an agent works at nine does not
    assert a_fact(kind, shift_id="7", source="x").record_id != numbered[0].record_id
    assert a_fact(kind, source="x").record_id == plain[0].record_id


def test_a_revision_is_what_is_said_wherever_it_stood() -> None:
    kind = FactKind.COMPLAINTS
    first = a_fact(kind)
    assert a_fact(kind, source_position="99").revision_id == first.revision_id
    for change in ({"is_valid": False}, {"is_valid": True}, {"as_of_ms": 1}, {"category": "x"}):
        assert a_fact(kind, **change).revision_id != first.revision_id


def test_the_newest_holds_and_what_is_withdrawn_is_gone() -> None:
    kind = FactKind.FORECAST
    old, new = (a_fact(kind, as_of_ms=at, calls_milli=at) for at in (1, 2))
    assert newest([new, old]) == newest([old, new, old]) == [new]
    gone = a_fact(kind, as_of_ms=3, is_withdrawn=True)
    assert newest([gone, old, new]) == []
    back = a_fact(kind, as_of_ms=4)
    other = a_fact(kind, queue="sales")
    assert {f.queue for f in newest([back, gone, other])} == {"service", "sales"}


def test_of_two_contents_as_of_one_instant_the_same_holds_in_any_order() -> None:
    one, other = (a_fact(FactKind.QA, score_milli=score) for score in (1, 2))
    assert newest([one, other]) == newest([other, one])


def test_shifts_in_force_become_spans() -> None:
    kind = FactKind.SCHEDULE
    moved = [a_fact(kind, shift_id="7", as_of_ms=n, start_ms=NOON + n) for n in (1, 2)]
    gone = [a_fact(kind, shift_id="8", as_of_ms=n, is_withdrawn=n == 2) for n in (1, 2)]
    assert spans([*moved, *gone]) == [
        ScheduledSpan(
            start_ms=NOON + 2,
            end_ms=NOON + 3_600_000,
            activity="on_queue",
            is_paid=True,
            is_billable=True,
        )
    ]


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ({}, {"cases", "cases_undecided"}),
        ({"is_valid": False, "fault": Fault.AGENT}, {"cases"}),
        ({"is_valid": True}, {"cases", "cases_valid"}),
        (
            {"is_valid": True, "is_escalated": True, "fault": Fault.AGENT, "closed_at_ms": NOON},
            {
                *("cases", "cases_valid", "cases_escalated", "cases_valid_escalated"),
                *("cases_by_agent", "cases_closed"),
            },
        ),
        ({"is_escalated": True}, {"cases", "cases_escalated", "cases_undecided"}),
        ({"is_valid": True, "fault": Fault.CLIENT}, {"cases", "cases_valid", "cases_by_client"}),
        ({"is_valid": True, "fault": Fault.VENDOR}, {"cases", "cases_valid", "cases_by_vendor"}),
    ],
)
def test_a_complaint_counts_in_its_scopes(said: dict[str, object], counted: set[str]) -> None:
    found = scopes(a_fact(FactKind.COMPLAINTS, **said))
    assert tuple(found) == SCOPES
    assert {name: count for name, count in found.items() if count} == dict.fromkeys(counted, 1)


def test_the_names_of_facts_stay_what_they_are_since_they_are_stored() -> None:
    fact = a_fact(FactKind.PEOPLE, agent="jürgen")
    assert fact.record_id == "68110865bf5a4005d5ae37ff6f1864f8"
    assert fact.revision_id == "c80f28e961cd413504fcd79030900d37"


def test_excluded_time_is_what_agreed_incidents_cover_without_overlaps() -> None:
    def incident(start: int, end: int | None, **more: object) -> object:
        return a_fact(FactKind.INCIDENTS, start_ms=start, end_ms=end, **more)

    incidents = [
        incident(50, 60, queues=("sales", "service")),
        incident(10, 20),
        incident(20, 30),
        incident(12, 15),
        incident(70, 80, is_excluded=False),
        incident(90, 95, queues=("sales",)),
        incident(100, None),
        incident(200, None),
        incident(5, 5),
    ]
    assert excluded(incidents, "service", 150) == [(10, 30), (50, 60), (100, 150)]  # type: ignore[arg-type]
    assert excluded([], "service", 150) == []


def test_a_person_is_in_one_team_at_a_time() -> None:
    def person(start: int, end: int | None, team: str) -> object:
        return a_fact(FactKind.PEOPLE, valid_from_ms=start, valid_to_ms=end, team=team)

    people = [
        person(20, 25, "blue"),
        person(10, None, "red"),
        person(30, 99, "green"),
        person(50, None, "red"),
    ]
    found = [(p.team, p.valid_from_ms, p.valid_to_ms) for p in spells(people)]  # type: ignore[arg-type]
    assert found == [("red", 10, 20), ("blue", 20, 25), ("green", 30, 50), ("red", 50, None)]
    assert spells([]) == []
