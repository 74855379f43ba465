"""Files of facts: CSV and JSON, every line accounted for, every oddity named."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.codec.adapter import Origin
from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import OWN, TOPICS
from pipeline.codec.fact_lines import MOST_LINES
from pipeline.codec.facts import FactAdapter, of_file, topic_of
from pipeline.codec.names import Names
from pipeline.domain.events import Rejected, customer_ref
from pipeline.domain.fact import Fact, FactKind
from tests.facts import NOON, a_fact

AS_OF = 1_762_239_600_000
BERLIN = Origin(
    client="acme", source="wfm", customer_key=b"key", site="north", zone=ZoneInfo("Europe/Berlin")
)
NOWHERE = Origin(client="acme", source="wfm", customer_key=b"key")
FILES = {
    FactKind.FORECAST: """\
queue,interval_start,interval_min,calls,aht_s,agents
service,2025-11-11 09:00,15,128.5,240,41.25
sales,2025-11-11T09:00:00+01:00,15,0,,
""",
    FactKind.SCHEDULE: """\
agent,start,end,activity
ann,2025-11-11 08:00,2025-11-11 17:00,On Queue
ann,2025-11-11 12:00,2025-11-11 12:30,meal
""",
    FactKind.QA: """\
agent,form,evaluated_at,score,sampling,compliance_critical_count,population_count
ann,voice-3,2025-11-11 10:00,87.5,random,1,640
""",
    FactKind.COMPLAINTS: """\
complaint_id,received_at,category,customer_number,is_valid,is_escalated,fault
K-1,2025-11-11 10:00,rude,+49 30 1234567,yes,no,Agent
""",
    FactKind.INCIDENTS: """\
incident_id,start,end,kind,is_excluded,queues,cause,evidence
I-1,2025-11-11 10:00,2025-11-11 11:30,client system,true,service; sales,machine,"mail, 11 Nov"
""",
    FactKind.PEOPLE: """\
agent,team,leader,valid_from,valid_to,queues
ann,red,lea,2025-11-01,,service
""",
}


def read(
    kind: FactKind,
    text: str | bytes,
    origin: Origin = BERLIN,
    *,
    as_of_ms: int | None = AS_OF,
) -> tuple[list[Any], FactAdapter]:
    """Read a file; every line must come back or be counted as skipped."""
    raw = text.encode() if isinstance(text, str) else text
    adapter = FactAdapter(kind, origin, as_of_ms=as_of_ms)
    found: list[Fact | Rejected] = []
    silent = lines = 0
    for line in raw.splitlines(keepends=True):
        came = list(adapter.feed(line))
        lines += 1
        silent += not came
        found += came
    at_end = list(adapter.finish())
    assert silent - len(at_end) == adapter.skipped.total(), (lines, adapter.skipped)
    return found + at_end, adapter


def only(kind: FactKind, text: str | bytes, origin: Origin = BERLIN) -> Any:
    ((one,), _) = read(kind, text, origin)
    return one


def reason(kind: FactKind, text: str | bytes, origin: Origin = BERLIN) -> str:
    found = only(kind, text, origin)
    assert isinstance(found, Rejected), found
    return f"{found.reason}: {found.message}"


def test_a_forecast_is_read_in_thousandths_and_milliseconds() -> None:
    first, second = read(FactKind.FORECAST, FILES[FactKind.FORECAST])[0]
    assert (first.client, first.site, first.source, first.as_of_ms) == (
        *("acme", "north", "wfm"),
        AS_OF,
    )
    nine = 1_762_848_000_000
    assert (first.queue, first.interval_start_ms, first.interval_ms) == ("service", nine, 900_000)
    assert (first.calls_milli, first.aht_ms, first.agents_milli) == (128_500, 240_000, 41_250)
    assert (second.interval_start_ms, second.calls_milli, second.aht_ms) == (nine, 0, None)


def test_a_shift_is_paid_and_billed_by_its_activity_unless_the_file_says() -> None:
    shift, meal = read(FactKind.SCHEDULE, FILES[FactKind.SCHEDULE])[0]
    assert (shift.activity, shift.is_paid, shift.is_billable) == ("on_queue", True, True)
    assert (meal.activity, meal.is_paid, meal.is_billable) == ("meal", False, False)
    said = "agent,start,end,activity,is_paid\nann,2025-11-11 12:00,2025-11-11 12:30,meal,1"
    assert only(FactKind.SCHEDULE, said).is_paid is True


def test_an_evaluation_keeps_score_errors_and_sample() -> None:
    found = only(FactKind.QA, FILES[FactKind.QA])
    assert (found.score_milli, found.max_score_milli, found.sampling) == (87_500, 100_000, "random")
    assert (found.compliance_critical_count, found.check_count) == (1, None)
    assert found.population_count == 640


def test_a_complaints_number_becomes_a_reference() -> None:
    found = only(FactKind.COMPLAINTS, FILES[FactKind.COMPLAINTS])
    assert found.customer_ref == customer_ref(b"key", "+49 30 1234567")
    assert (found.is_valid, found.is_escalated, found.fault) == (True, False, "agent")
    assert b"1234567" not in encode(found)
    ref = "0123456789abcdef01234567"
    given = json.dumps(
        {"complaint_id": "1", "received_at_ms": NOON, "category": "x", "customer_ref": ref}
    )
    assert only(FactKind.COMPLAINTS, given).customer_ref == ref


def test_an_incident_names_its_queues() -> None:
    found = only(FactKind.INCIDENTS, FILES[FactKind.INCIDENTS])
    assert found.queues == ("sales", "service")
    assert (found.kind, found.is_excluded, found.cause) == ("client_system", True, "machine")
    assert (found.end_ms - found.start_ms, found.evidence) == (5_400_000, "mail, 11 Nov")


def test_a_persons_day_is_its_local_midnight() -> None:
    found = only(FactKind.PEOPLE, FILES[FactKind.PEOPLE])
    assert (found.valid_from_ms, found.valid_to_ms) == (1_761_951_600_000, None)
    assert (found.team, found.leader, found.queues) == ("red", "lea", ("service",))


@pytest.mark.parametrize("kind", FactKind)
def test_the_same_file_gives_the_same_records_as_often_as_it_is_read(kind: FactKind) -> None:
    once, twice = (read(kind, FILES[kind])[0] for _ in range(2))
    assert [encode(f) for f in once] == [encode(f) for f in twice]
    reordered = FILES[kind].splitlines()
    again = read(kind, "\n".join([reordered[0], "", *reversed(reordered[1:])]))[0]
    assert {(f.record_id, f.revision_id) for f in again} == {
        (f.record_id, f.revision_id) for f in once
    }
    assert {topic_of(f) for f in once} == {TOPICS[kind]}


@pytest.mark.parametrize("kind", FactKind)
def test_json_says_the_same_as_csv(kind: FactKind) -> None:
    text = FILES[kind].replace("mail, ", "mail ").replace('"', "")
    header, *rows = (line.split(",") for line in text.splitlines())
    objects = [dict(zip(header, row, strict=True)) for row in rows]
    wanted = [f.revision_id for f in read(kind, text)[0]]
    lines = "\n".join(map(json.dumps, objects))
    for form in (lines, json.dumps(objects), json.dumps(objects, indent=2)):
        assert [f.revision_id for f in read(kind, form)[0]] == wanted


def test_semicolons_tabs_marks_and_line_ends_of_spreadsheets_are_understood() -> None:
    text = FILES[FactKind.FORECAST]
    wanted = [f.revision_id for f in read(FactKind.FORECAST, text)[0]]
    for changed in (
        b"\xef\xbb\xbf" + text.replace(",", ";").encode(),
        text.replace(",", "\t").replace("\n", "\r\n").encode(),
        text.replace("interval_start", "Interval Start").encode(),
        text.encode() + text.splitlines()[0].encode() + b"\n\n",
    ):
        assert [f.revision_id for f in read(FactKind.FORECAST, changed)[0]] == wanted


def test_a_quoted_cell_may_hold_commas_quotes_and_lines() -> None:
    text = 'agent,team,valid_from\n"a,1","the ""red""\n\none",2025-11-01\nbob,x,2025-11-01\n'
    found, adapter = read(FactKind.PEOPLE, text)
    assert [f.agent for f in found] == ["a,1", "bob"]
    assert found[0].team == 'the "red"\n\none'
    assert adapter.skipped == {"header": 1, "continued_line": 2}


def test_names_of_the_source_become_canonical() -> None:
    names = Names(queues={"700": "service"}, agents={"SIP/7": "ann"})
    origin = Origin(client="acme", source="x", customer_key=b"", names=names)
    row = {"agent": "SIP/7", "team": "red", "valid_from_ms": NOON, "queues": [700, "900"]}
    found = only(FactKind.PEOPLE, json.dumps(row), origin)
    assert (found.agent, found.queues) == ("ann", ("900", "service"))


def test_a_row_may_say_its_site_its_issue_and_that_it_is_withdrawn() -> None:
    row = {"agent": "ann", "team": "red", "valid_from_ms": NOON, "site": "south"}
    more = {"as_of": "2025-11-11T09:00Z", "is_withdrawn": True}
    found = only(FactKind.PEOPLE, json.dumps(row | more))
    assert (found.site, found.as_of_ms, found.is_withdrawn) == ("south", 1_762_851_600_000, True)


def test_without_any_issue_time_a_record_is_rejected() -> None:
    ((found,), _) = read(FactKind.PEOPLE, FILES[FactKind.PEOPLE], as_of_ms=None)
    assert found.reason == "no_as_of"
    assert "one date in the file's name" in found.message


@pytest.mark.parametrize(
    ("name", "zone", "at"),
    [
        ("plan-2025-11-04.csv", None, 1_762_214_400_000),
        ("plan_20251104T0800.csv", "Europe/Berlin", 1_762_239_600_000),
        ("plan_2025-11-04_070000Z.csv.gz", "Europe/Berlin", 1_762_239_600_000),
        ("plan-2025-11-01-2025-11-30.csv", None, None),
        ("plan-2025-02-30.csv", None, None),
        ("plan-2025-11.csv", None, None),
        ("plan-120251104.csv", None, None),
        ("plan.csv", None, None),
    ],
)
def test_a_files_name_says_when_it_was_issued(name: str, zone: str | None, at: int | None) -> None:
    here = None if zone is None else ZoneInfo(zone)
    origin = Origin(client="acme", source="x", customer_key=b"", zone=here)
    row = json.dumps({"agent": "ann", "team": "red", "valid_from_ms": NOON})
    (found,) = of_file(FactKind.PEOPLE, origin, name).feed(row.encode())
    if at is None:
        assert isinstance(found, Rejected)
        assert found.reason == "no_as_of"
    else:
        assert not isinstance(found, Rejected)
        assert found.as_of_ms == at


HEAD = "queue,interval_start,interval_min,calls\n"
BAD = {
    "local time without a zone": (HEAD + "s,2025-11-11 09:00,15,1", "no_time_zone: interval_start"),
    "no time": (HEAD + "s,today,15,1", "bad_value: interval_start: expected a date and time such"),
    "a day that is none": (HEAD + "s,2025-02-30 09:00Z,15,1", "bad_value: interval_start:"),
    "a day where a time is asked": (HEAD + "s,2025-11-11,15,1", "bad_value: interval_start:"),
    "before 1970": (
        HEAD + "s,1969-11-11T09:00Z,15,1",
        "interval_start_ms expected an integer",
    ),
    "a comma in a number": (HEAD + 's,2025-11-11T09:00Z,15,"1,5"', "calls: expected a number such"),
    "too fine": (HEAD + "s,2025-11-11T09:00Z,15,1.0005", "calls: expected steps of 1/1000"),
    "negative": (HEAD + "s,2025-11-11T09:00Z,15,-1", "calls: calls_milli expected an integer from"),
    "an exponent": (HEAD + "s,2025-11-11T09:00Z,15,1e3", "calls: expected a number such as 12.5"),
    "longer than a day": (
        HEAD + "s,2025-11-11T09:00Z,1441,1",
        "interval_ms expected an integer",
    ),
    "no queue": (HEAD + ",2025-11-11T09:00Z,15,1", "missing_field: queue: expected a value"),
    "too few cells": (HEAD + "s,2025-11-11T09:00Z,15", "column_count: expected 4 cells"),
    "too many cells": (HEAD + "s,2025-11-11T09:00Z,15,1,2", "column_count: expected 4 cells"),
    "a quote within": (HEAD + 's,2025-11-11T09:00Z,15,"1"2"" ', "malformed_csv: expected CSV"),
    "an open quote": (HEAD + 's,2025-11-11T09:00Z,15,"1', "malformed_csv: expected a closing"),
    "not UTF-8": (HEAD.encode() + b"\xff,2025-11-11T09:00Z,15,1", "not_utf8: expected text in"),
    "NUL": (HEAD + "s\0,2025-11-11T09:00Z,15,\0", "calls: expected a number"),
    "no JSON": ("{nonsense}", "malformed_json: expected a JSON object"),
    "no object": ("[[1, 2]]", "not_an_object: expected a JSON object, got a list"),
    "cut off": ('{"queue": "s"', "malformed_json: expected the object to end"),
    "one value twice": (
        '{"queue":"s","interval_start_ms":1,"interval_min":1,"calls":1,"calls_milli":1}',
        "bad_value: calls_milli: expected one of its columns",
    ),
    "true for a number": ('{"queue":"s","interval_start_ms":true}', "expected a number such as 12"),
    "a fraction of a ms": ('{"queue":"s","interval_start_ms":1.5}', "expected a whole number"),
    "an object for text": ('{"queue":{}}', "bad_value: queue: expected text, got {}"),
}


@pytest.mark.parametrize(("text", "says"), BAD.values(), ids=BAD)
def test_a_bad_record_is_rejected_by_name(text: str | bytes, says: str) -> None:
    assert says in reason(FactKind.FORECAST, text, NOWHERE)


OTHERS = {
    "an unknown activity": (
        FactKind.SCHEDULE,
        '{"agent":"a","start_ms":1,"end_ms":2,"activity":"fishing"}',
        "bad_value: activity: expected one of on_queue, back_office",
    ),
    "an end before the start": (
        FactKind.SCHEDULE,
        '{"agent":"a","start_ms":2,"end_ms":2,"activity":"break"}',
        "bad_span: end_ms: expected later than start_ms, got 2 and 2",
    ),
    "a flag that is none": (
        FactKind.INCIDENTS,
        '{"incident_id":"1","start_ms":2,"kind":"power","is_excluded":"perhaps"}',
        "bad_value: is_excluded: expected true or false, got 'perhaps'",
    ),
    "queues that are none": (
        FactKind.INCIDENTS,
        '{"incident_id":"1","start_ms":2,"kind":"power","is_excluded":1,"queues":7}',
        "bad_value: queues: expected a list, or names between semicolons, got 7",
    ),
    "more points than there are": (
        FactKind.QA,
        '{"agent":"a","form":"f","evaluated_at_ms":1,"score":101,"sampling":"random"}',
        "bad_value: score: expected at most max_score, got 101000 of 100000 thousandths",
    ),
    "a person until before": (
        FactKind.PEOPLE,
        '{"agent":"a","team":"t","valid_from":"2025-11-02","valid_to":"2025-11-01"}',
        "bad_span: valid_to_ms",
    ),
}


@pytest.mark.parametrize(("kind", "text", "says"), OTHERS.values(), ids=OTHERS)
def test_what_no_column_alone_shows_is_rejected_too(kind: FactKind, text: str, says: str) -> None:
    assert says in reason(kind, text)


def test_a_bad_header_is_rejected_once_and_the_rows_under_it_are_counted() -> None:
    for header, says in (
        ("queue,start,calls", "expected a column interval_start or interval_start_ms, got"),
        ("queue,queue,interval_start,interval_min,calls", "expected each column once, got"),
    ):
        found, adapter = read(FactKind.FORECAST, f"{header}\na,b,c\nd,e,f\n")
        assert [f.reason for f in found] == ["bad_header"]
        assert says in found[0].message
        assert adapter.skipped == {"under_bad_header": 2}


def test_one_bad_row_costs_no_other() -> None:
    text = HEAD + "s,today,15,1\ns,2025-11-11T09:00Z,15,1\n,,,\ns,2025-11-11T09:15Z,15,2\n"
    found, _ = read(FactKind.FORECAST, text)
    assert [isinstance(f, Rejected) for f in found] == [True, False, True, False]


def test_an_unknown_column_is_told_and_left_out() -> None:
    found, adapter = read(FactKind.PEOPLE, "agent,team,valid_from,Name\nann,red,2025-11-01,Ann E\n")
    assert adapter.anomalies == {"unknown_column:name": 1}
    assert b"Ann E" not in encode(found[0])


def test_a_time_that_a_clock_shows_twice_or_never_is_taken_and_told() -> None:
    text = HEAD + "s,2025-10-26 02:30,15,1\ns,2025-03-30 02:30,15,1\ns,2025-10-26 03:30,15,1\n"
    found, adapter = read(FactKind.FORECAST, text)
    first, skipped, _ = (f.interval_start_ms for f in found)
    assert first == 1_761_438_600_000  # 00:30 UTC, by summer time
    assert skipped == 1_743_298_200_000  # 01:30 UTC
    assert adapter.anomalies == {"ambiguous_local_time": 1, "skipped_local_time": 1}
    # an anomaly is of a record that was used
    _, other = read(FactKind.FORECAST, HEAD + "s,2025-10-26 02:30,15,x\n")
    assert other.anomalies == {}


def test_an_object_cut_off_costs_itself_alone() -> None:
    row = '{"agent":"ann","team":"red","valid_from_ms":1}'
    found, adapter = read(FactKind.PEOPLE, f'{row}\n{{"agent":"bob",\n{row}\n[{row},\n{row}]\n')
    assert [isinstance(f, Rejected) for f in found] == [False, True, False, False, False]
    assert found[1].raw == b'{"agent":"bob",'
    assert adapter.skipped == {"continued_line": 1}


def test_brackets_and_quotes_within_text_are_text() -> None:
    row = json.dumps({"agent": 'a"]}{[\\', "team": "}", "valid_from_ms": 1})
    found, _ = read(FactKind.PEOPLE, f"[\n{row}\n,\n{row}\n]\n")
    assert [f.agent for f in found] == ['a"]}{[\\'] * 2


def test_a_stray_quote_or_brace_cannot_swallow_a_file() -> None:
    rows = "ann,red,2025-11-01\n" * (2 * MOST_LINES)
    found, _ = read(FactKind.PEOPLE, f'agent,team,valid_from\n"bob,red,2025-11-01\n{rows}')
    assert found[0].reason == "malformed_csv"
    assert len([f for f in found if not isinstance(f, Rejected)]) == MOST_LINES + 1
    many = (
        '{"agent": [\n' + "1,\n" * (2 * MOST_LINES) + '{"agent":"a","team":"t","valid_from_ms":1}'
    )
    found, _ = read(FactKind.PEOPLE, many)
    assert found[0].reason == "malformed_json"
    assert found[-1].agent == "a"


PRIVATE = {
    "a bad row": "complaint_id,received_at,category,customer_number\n1,soon,x,0301234567\n",
    "a row of odd shape": "complaint_id,received_at,category,customer_number\n1,x,0301234567\n",
    "a quote left open": 'complaint_id,received_at,category,customer_number\n1,"x,y,0301234567\n',
    "JSON": '{"complaint_id":"1","customer_number":"0301234567"}',
    "JSON cut off": '{"complaint_id":"1","customer_number":"0301234567"',
    "a number for a reference": '{"complaint_id":"1","received_at_ms":1,"category":"x",'
    '"customer_ref":"0301234567"}',
    "digits that JSON escapes": '{"complaint_id":"1","received_at_ms":"0301234567",'
    '"customer_number":"\\u0030301234567"}',
    "an object for a number": '{"complaint_id":"1","received_at_ms":1,"category":"x",'
    '"customer_number":{"main":"0301234567"}}',
}


@pytest.mark.parametrize("text", PRIVATE.values(), ids=PRIVATE)
def test_no_dead_letter_keeps_a_callers_number(text: str) -> None:
    found = only(FactKind.COMPLAINTS, text)
    assert isinstance(found, Rejected)
    assert "0301234567" not in found.message
    assert b"0301234567" not in found.raw
    assert b"**********" in found.raw


def test_a_withheld_number_is_nobodys() -> None:
    row = {
        "complaint_id": "1",
        "received_at_ms": 1,
        "category": "x",
        "customer_number": "anonymous",
    }
    assert only(FactKind.COMPLAINTS, json.dumps(row)).customer_ref is None


def test_every_field_can_be_read_under_its_own_name() -> None:
    for kind, fields in OWN.items():
        for field in fields:
            assert field.name in {column.name for column in field.columns}
        fact = json.loads(encode(a_fact(kind)))
        head = ("v", "record_id", "revision_id", "client", "source", "source_position")
        said = {name: value for name, value in fact.items() if name not in head}
        origin = Origin(client="acme", source="file", customer_key=b"")
        assert only(kind, json.dumps(said), origin).revision_id == a_fact(kind).revision_id
