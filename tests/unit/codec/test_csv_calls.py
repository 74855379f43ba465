"""A table of calls: any order of columns, three separators, quotes, zones, and clear refusals."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.codec.csv_calls import CsvCallsAdapter
from pipeline.codec.names import Names
from pipeline.domain.events import customer_ref
from pipeline.domain.outbound import dial
from pipeline.domain.outcome import OutcomeKind
from tests.adapted import KEY, Adapted, adapt, an_origin, outcome, seconds

NUMBER = "+49 30 1234567"
BERLIN = ZoneInfo("Europe/Berlin")


def table(*rows: dict[str, Any], separator: str = ",") -> list[bytes]:
    """Return header and rows as lines; a row may leave columns out."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, *([str(row.get(name, "")) for name in columns] for row in rows)]
    return [separator.join(line).encode() for line in lines]


def a_call(**changes: Any) -> dict[str, Any]:
    """Return a call that waited 20 s, talked 80 s, was held 10 s and wrapped up for 5 s."""
    return {
        "contact_id": "c-1",
        "queue": "orders",
        "queued_at": "2026-03-02T10:00:00Z",
        "answered_at": "2026-03-02T10:00:20Z",
        "ended_at": "2026-03-02T10:01:50Z",
        "agent": "ann",
        "hold_s": 10,
        "acw_s": 5,
        "caller": NUMBER,
    } | changes


def read(*rows: dict[str, Any], separator: str = ",", **fields: Any) -> Adapted:
    return adapt(CsvCallsAdapter, table(*rows, separator=separator), an_origin(**fields))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_call_is_read_with_any_of_the_separators(separator: str) -> None:
    found = read(a_call(), separator=separator)
    assert seconds(found.only) == (20, 80, 10, 5)
    assert found.only.customer_ref == customer_ref(KEY, NUMBER)
    assert found.skipped == {"header": 1}


@pytest.mark.parametrize(
    ("queued", "zone"),
    [
        ("2026-03-02T11:00:00+01:00", None),
        ("2026-03-02 11:00:00", BERLIN),
        ("1772445600", None),
        ("1772445600000", None),
        ("1772445600.0", None),
    ],
)
def test_a_time_may_be_iso_epoch_or_by_the_clock_of_a_zone(queued: str, zone: ZoneInfo) -> None:
    assert read(a_call(queued_at=queued), zone=zone).only.queued_at == 1_772_445_600_000


def test_a_time_without_a_zone_is_rejected_where_none_is_known() -> None:
    (rejected,) = read(a_call(queued_at="2026-03-02 11:00:00")).rejected
    assert rejected.reason == "bad_time"
    assert "queued_at: expected a time with an offset" in rejected.message
    assert rejected.raw.startswith(b"c-1,orders,2026-03-02 11:00:00")


def test_of_a_time_that_the_clock_shows_twice_the_first_is_meant_and_counted() -> None:
    found = read({"contact_id": "c", "queue": "q", "queued_at": "2026-10-25 02:30"}, zone=BERLIN)
    assert found.only.queued_at == 1_792_888_200_000
    assert found.anomalies == {"ambiguous_local_time": 1}


def test_a_time_that_the_clock_skips_is_as_long_after_midnight_as_it_says() -> None:
    found = read({"contact_id": "c", "queue": "q", "queued_at": "2026-03-29 02:30"}, zone=BERLIN)
    assert found.only.queued_at == 1_774_747_800_000
    assert found.anomalies == {"skipped_local_time": 1}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"abandoned_at": "2026-03-02T10:00:30Z"}, OutcomeKind.ABANDONED),
        ({"flowed_out_at": "2026-03-02T10:00:30Z", "reason": "full"}, OutcomeKind.FLOWED_OUT),
        ({"callback_at": "2026-03-02T10:00:30Z"}, OutcomeKind.CALLBACK),
    ],
)
def test_a_wait_may_end_without_an_agent(changes: dict[str, Any], kind: OutcomeKind) -> None:
    queued = {"contact_id": "c", "queue": "q", "queued_at": "2026-03-02T10:00:00Z"}
    found = outcome(read(queued | changes).only)
    assert (found.kind, found.wait_ms) == (kind, 30_000)


def test_who_left_without_queueing_abandoned_before_it() -> None:
    row = {"contact_id": "c", "queue": "q", "abandoned_at": "2026-03-02T10:00:30Z"}
    assert read(row).only.before_queue == {1_772_445_630_000}


def test_a_refused_call_an_offer_let_ring_and_a_missing_reason() -> None:
    rows = (
        {"contact_id": "a", "queue": "q", "refused_at": 1_772_445_600, "reason": "full"},
        {"contact_id": "b", "queue": "q", "no_answer_at": 1_772_445_600, "agent": "ann"},
        {"contact_id": "c", "queue": "q", "flowed_out_at": 1_772_445_600},
    )
    found = read(*rows)
    assert sorted(found.told) == ["flowed_out", "refused", "ring_no_answer"]
    assert found.anomalies == {"no_reason": 1}


def test_a_call_that_was_dialed() -> None:
    row = a_call(
        dialed_at="2026-03-02T09:59:00Z",
        connected_at="2026-03-02T10:00:19Z",
        connected_to="Human",
        queued_at="",
    )
    attempt = dial(read(row).only)
    assert attempt is not None
    assert (attempt.is_live, attempt.is_answered, attempt.is_abandoned) == (True, True, False)


@pytest.mark.parametrize(
    ("kind", "target", "label"),
    [
        ("attended", "queue:billing", "attended:queue:billing"),
        ("blind", "agent:bob", "blind:agent:bob"),
        ("", "billing", "blind:billing"),
        ("blind", "", "blind:external:unknown"),
        ("BLIND", "external:back office", "blind:external:back office"),
    ],
)
def test_a_transfer_has_a_kind_and_a_target(kind: str, target: str, label: str) -> None:
    found = read(a_call(transfer_kind=kind, transfer_target=target))
    assert found.only.transferred == (1_772_445_710_000, label)


@pytest.mark.parametrize("target", ["+49 170 7654321", "external:01707654321"])
def test_a_number_transferred_to_is_a_hash(target: str) -> None:
    found = read(a_call(transfer_kind="blind", transfer_target=target))
    assert "7654321" not in str(found.calls).replace(" ", "")
    assert found.only.transferred is not None
    assert found.only.transferred[1].startswith("blind:external:")


def test_a_contact_id_that_holds_the_callers_number_is_a_hash_too() -> None:
    found = read(a_call(contact_id="49301234567-1772445600"))
    assert "1234567" not in str(found.calls)
    assert found.anomalies == {"contact_id_holds_number": 1}


def test_names_are_mapped_and_an_answer_without_an_agent_is_odd() -> None:
    names = Names(queues={"orders": "Bestellungen"}, agents={"ann": "Anna"})
    lines = table(a_call(), a_call(contact_id="c-2", agent=""))
    found = adapt(CsvCallsAdapter, lines, an_origin(names))
    answered = {facts.answered for facts in found.facts.values()}
    assert answered == {(1_772_445_620_000, "Anna"), (1_772_445_620_000, "unknown")}
    assert {leg[2] for leg in found.facts} == {"Bestellungen"}
    assert found.anomalies == {"no_agent_named": 1}


def test_quoted_values_may_hold_separators_quotes_and_line_ends() -> None:
    lines = [
        b"\xef\xbb\xbfcontact_id;queue;queued_at;agent\r",
        b'"c;1";"or""ders";1772445600;"a',
        b"",
        b'nn"',
        b'c-2;12" records;1772445600;bob',
    ]
    found = adapt(CsvCallsAdapter, lines)
    assert {(leg[0], leg[2]) for leg in found.facts} == {("c;1", 'or"ders'), ("c-2", '12" records')}
    assert found.skipped == {"header": 1, "continued_line": 2}


def test_every_line_is_accounted_for_though_a_quote_is_never_closed() -> None:
    lines = [b"contact_id,queue,queued_at", *[b'"c,q,1772445600'] * 1, *[b"c,q,1772445600"] * 5]
    found = adapt(CsvCallsAdapter, lines)
    assert [r.reason for r in found.rejected] == ["open_quote"]
    assert found.skipped == {"header": 1, "continued_line": 5}
    many = adapt(CsvCallsAdapter, lines + [b"c,q,1772445600"] * 200)
    assert len(lines) + 200 == sum(many.skipped.values()) + len(many.rejected) + len(many.calls)


def test_a_second_header_starts_afresh() -> None:
    first = table(a_call())
    second = table({"queued_at": 1_772_445_600, "queue": "q", "contact_id": "x"}, separator=";")
    found = adapt(CsvCallsAdapter, first + second)
    assert {leg[0] for leg in found.facts} == {"c-1", "x"}
    assert found.skipped == {"header": 2}


def test_unknown_columns_are_counted_and_do_no_harm() -> None:
    found = read(a_call(mood="good", weather="fine"))
    assert seconds(found.only) == (20, 80, 10, 5)
    assert found.anomalies == {"unknown_column:mood": 1, "unknown_column:weather": 1}


@pytest.mark.parametrize(
    ("header", "reason", "named"),
    [
        (b"contact_id,queued_at", "missing_column", "queue: "),
        (b"contact_id,queue", "missing_column", "queued_at: "),
        (b"contact_id,queue,queue,queued_at", "repeated_column", "queue: "),
    ],
)
def test_a_file_without_a_column_that_it_needs_is_rejected_row_by_row(
    header: bytes, reason: str, named: str
) -> None:
    found = adapt(CsvCallsAdapter, [header, b"c,1772445600", b"d,1772445600"])
    assert [r.reason for r in found.rejected] == [reason, "missing_column", "missing_column"]
    assert found.rejected[0].message.startswith(named)
    assert found.calls == []


def test_rows_before_any_header_are_rejected() -> None:
    assert adapt(CsvCallsAdapter, [b"c,q,1772445600"]).rejected[0].reason == "missing_column"


@pytest.mark.parametrize(
    ("changes", "reason", "named"),
    [
        ({"contact_id": ""}, "missing_field", "contact_id"),
        ({"queue": " "}, "missing_field", "queue"),
        ({"leg": "0"}, "bad_value", "leg"),
        ({"leg": "one"}, "bad_value", "leg"),
        ({"leg": "9" * 12}, "bad_value", "leg"),
        ({"hold_s": "-1"}, "bad_value", "hold_s"),
        ({"acw_s": "long"}, "wrong_type", "acw_s"),
        ({"ended_at": ""}, "no_instant", "ended_at"),
        ({"ended_at": "today"}, "bad_time", "ended_at"),
        ({"transfer_kind": "warm"}, "bad_value", "transfer_kind"),
        ({"connected_at": "1772445600", "connected_to": "dog"}, "bad_value", "connected_to"),
        ({"queued_at": "", "answered_at": "", "ended_at": ""}, "no_instant", "expected a time"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_by_name_and_the_rest_goes_on(
    changes: dict[str, Any], reason: str, named: str
) -> None:
    found = read(a_call(**changes), a_call(contact_id="good"))
    (rejected,) = found.rejected
    assert rejected.reason == reason
    assert named in rejected.message
    assert {leg[0] for leg in found.facts} == {"good"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"c,q", "column_count"),
        (b"\xff,q,1772445600", "not_utf8"),
        (b'"c"x,q,1772445600', "bad_quoting"),
        (b"c" * 200_000, "too_large"),
    ],
)
def test_a_line_that_is_no_row_is_rejected(line: bytes, reason: str) -> None:
    found = adapt(CsvCallsAdapter, [b"contact_id,queue,queued_at", line, b"", b"c,q,1772445600"])
    assert [r.reason for r in found.rejected] == [reason]
    assert len(found.facts) == 1
    assert found.skipped == {"header": 1, "blank": 1}


@pytest.mark.parametrize(
    ("changes", "odd"),
    [
        ({"ended_at": "2026-03-02T10:00:00Z", "hold_s": ""}, "time_backwards"),
        ({"hold_s": "500"}, "hold_longer_than_call"),
    ],
)
def test_what_cannot_be_is_counted_as_odd_and_kept(changes: dict[str, Any], odd: str) -> None:
    found = read(a_call(**changes))
    assert found.anomalies == {odd: 1}
    assert found.only.ended is not None


def test_legs_of_a_contact_are_told_apart_by_their_number() -> None:
    found = read(a_call(leg=1), a_call(leg=2, queue="billing"))
    assert list(found.facts) == [("c-1", 1, "orders"), ("c-1", 2, "billing")]
