"""SQL and the kernel give the same signals, scores, reasons and outcomes of a simulated month.

A few days are simulated with complaint cases, a wrap-up code and words planted into some of the
calls; the compiled models run on them in DuckDB, the kernel runs on the same events.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import msgspec
import pytest

from pipeline.batch.inputs import FACT_VIEWS
from pipeline.batch.parameters import LATEST_MS, put_parameters
from pipeline.batch.risk_parameters import EARLIEST, put_risk_parameters
from pipeline.codec.decode import decode_call_event
from pipeline.config_files import load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.business_time import Month
from pipeline.domain.complaint import Complaint
from pipeline.domain.events import CallEvent, EventType
from pipeline.domain.fact import FactKind
from pipeline.domain.risk import Feature, is_listed, reasons, score
from pipeline.domain.risk_contacts import RiskBook, RiskContact, RiskDay, customer_days
from pipeline.domain.risk_fold import LiveRisk, RiskFold
from pipeline.domain.risk_signals import outcomes_within
from pipeline.lake.shape import AGENT_STATES, ALERTS, CALL_EVENTS, LATE, SHAPES
from pipeline.lake.warehouse import show_files
from pipeline.settings import PROJECT_ROOT
from pipeline.simulator.canonical import call_records
from pipeline.simulator.complaints import Complainers
from pipeline.simulator.floor import simulate_day
from pipeline.simulator.plan import Order, Scenario

MONTH: Final = Month(2025, 11)
CLIENTS: Final = ("harbour", "meridian")
ZONE: Final = "Asia/Shanghai"
MODELS: Final = (
    *("stg_call_events", "stg_complaints", "int_leg_facts", "int_leg_holds", "int_leg_instants"),
    *("int_leg_hours", "int_leg_outcomes", "int_customer_contacts", "fct_calls"),
    *("int_contact_words", "int_customer_repeats", "int_customer_cases", "int_contact_signals"),
    *("fct_contact_risks", "int_customer_risk_days", "fct_customer_risk_days"),
    *("fct_risk_concentration", "fct_wind_vane_quality"),
)
TERMS: Final = """\
wind_vane:
  - client: "*"
    terms:
      - &term
        from: 2025-01-01
        intercept: -5001
        listed_from: -3210
        outcome_window_d: 2
        wrapup_codes: [refund_refused, 投诉]
        keywords: [lawyer]
        features: &features
          open_cases: {weight: 1009, most: 1}
          complaint_flags: {weight: 2003, most: 2}
          keywords: {weight: 701, most: 2}
          wrapup_codes: {weight: 503, most: 2}
          earlier_contacts: {weight: 401, most: 4}
          abandons: {weight: 307, most: 3}
          wait_ms: {weight: 53, most: 30, per_s: 10}
          hold_ms: {weight: 151, most: 10, per_s: 30}
          transfers: {weight: 499, most: 3}
          agent_hang_ups: {weight: -97, most: 2}
  - client: harbour
    terms:
      - <<: *term
        from: 2025-11-11
        listed_from: -4000
      - <<: *term
        from: 2025-11-12
        intercept: -4003
        keywords: [lawyer, regulator]
        outcome_window_d: 1
"""
CODES: Final = ("refund_refused", "投诉", "solved", "refund_refused")
WORDS: Final = ("keyword:lawyer", "keyword:regulator", "keyword:", "angry")


class Said:
    """A simulated month's events by client, and its complaint cases."""

    def __init__(self) -> None:
        self.events: defaultdict[str, list[CallEvent]] = defaultdict(list)
        self.cases: list[Complaint] = []


def _planted(number: int, event: CallEvent) -> Iterator[CallEvent]:
    """Yield an event, with a code or a word besides where its number has it so."""
    if event.type is EventType.WRAPUP_ENDED and number % 7 == 0:
        event = replace(event, reason=CODES[number // 7 % len(CODES)])
    if event.type is EventType.COMPLAINT_FLAGGED and number % 2 == 0:
        event = replace(event, reason=WORDS[number // 2 % len(WORDS)])
    yield event
    if number % 11 == 0:  # redelivered
        yield event
    if event.type is EventType.ENDED and number % 97 == 0:  # two words of one transcript
        said = replace(event, type=EventType.COMPLAINT_FLAGGED, agent=None)
        for i, word in enumerate(WORDS):
            yield replace(
                said,
                event_id=f"{number:030x}{i:02x}",
                reason=word,
                occurred_at_ms=event.occurred_at_ms + i,
            )


@pytest.fixture(scope="module")
def said() -> Said:
    """Four days of both clients; who complains calls again, so that cases are open then."""
    order = Order(
        scenario=Scenario.NORMAL_MONTH,
        seed=3,
        year=2025,
        month=11,
        scale=0.15,
        first_day=10,
        days=4,
    )
    found, complainers, number = Said(), Complainers(), 0
    for day in order.dates():
        for plan in order.plans(day):
            floor_day = simulate_day(plan)
            found.cases += complainers.after(plan, floor_day)
            for _, line in call_records(plan, floor_day):
                record: Any = decode_call_event(line.encode())
                event = CallEvent(**msgspec.structs.asdict(record))
                number += 1
                found.events[event.client] += _planted(number, event)
    found.cases += list(_more_cases(found))
    return found


def _more_cases(found: Said) -> Iterator[Complaint]:
    """Yield cases beside the few simulated ones: of any caller, open or closed, by contact too."""
    (pattern, *_) = found.cases
    for client in CLIENTS:
        events = [e for e in found.events[client] if e.customer_ref is not None]
        for i, event in enumerate(events[::40]):
            by_contact = i % 3 == 0
            received = event.occurred_at_ms + (i % 5) * 9_000_000 - (i % 2) * 86_400_000
            for again in range(1 + (i % 2 == 0)):
                yield replace(
                    pattern,
                    client=client,
                    record_id=f"{client}{i}.{again}",
                    revision_id=f"{i}",
                    customer_ref=None if by_contact else event.customer_ref,
                    contact_id=event.contact_id if by_contact else None,
                    received_at_ms=received + again,
                    closed_at_ms=None if i % 4 == 0 else received + 36_000_000,
                    is_valid=(None, True, False)[i % 3],
                    is_escalated=i % 7 == 0,
                )


@pytest.fixture(scope="module")
def vane_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "wind_vane.yaml"
    path.write_text(TERMS)
    return path


@pytest.fixture(scope="module")
def warehouse(
    models: dict[str, str], said: Said, vane_file: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with the month landed and the models built."""
    con = duckdb.connect(":memory:")
    con.execute("attach ':memory:' as parity; use parity; set TimeZone = 'UTC'")
    con.execute("create schema landed")
    _put(con, "call_events", CALL_EVENTS, [e for c in CLIENTS for e in said.events[c]])
    con.execute("create view landed.customer_events as select * from landed.call_events")
    for name, topic in {
        "agent_states": AGENT_STATES,
        "late_events": LATE,
        "alerts": ALERTS,
    }.items():
        show_files(con, name, SHAPES[topic], [])
    for topic, name in FACT_VIEWS.items():
        _put(con, name, topic, said.cases if name == FactKind.COMPLAINTS else [])
    queues = sorted({(e.client, e.site, e.queue) for c in CLIENTS for e in said.events[c]})
    newest = max(e.occurred_at_ms for c in CLIENTS for e in said.events[c])
    put_parameters(
        con,
        month=MONTH,
        targets=load_targets(PROJECT_ROOT / "config" / "queues.yaml"),
        queues=queues,
        agent_sites=[],
        watermarks={0: (newest, 0, LATEST_MS)},
    )
    put_risk_parameters(con, load_wind_vane(vane_file))
    for name in MODELS:
        con.execute(f"create or replace table {name} as {models[name]}")
    yield con
    con.close()


def _put(con: duckdb.DuckDBPyConnection, name: str, topic: str, records: list[Any]) -> None:
    rows = [(SimpleNamespace(offset=o, timestamp=0), record) for o, record in enumerate(records)]
    con.register("arrow", SHAPES[topic].table(rows, 0, now_ms=0))
    con.execute(f"create table landed.{name} as select * from arrow")
    con.unregister("arrow")


class Kernel:
    """What the kernel says of one client."""

    def __init__(self, client: str, said: Said, vane_file: Path) -> None:
        targets = load_targets(PROJECT_ROOT / "config" / "queues.yaml")
        self.history = load_wind_vane(vane_file).history(client)
        history = cache(targets.history)
        book = RiskBook(lambda place: history(client, *place))
        contact_of: dict[str, str] = {}
        for event in said.events[client]:
            book.add(event)
            if event.customer_ref is not None:
                contact_of[event.contact_id] = event.customer_ref
        self.cases: defaultdict[str, list[Complaint]] = defaultdict(list)
        for case in said.cases:
            who = case.customer_ref or contact_of.get(case.contact_id or "")
            if case.client == client and who is not None:
                self.cases[who].append(case)
        self.contacts: list[RiskContact] = book.contacts(
            self.cases,
            day_of=lambda _, at: (
                datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(ZONE)).date()
            ),
            terms_on=self.history.on,
        )
        self.days: list[RiskDay] = customer_days(self.contacts, self.cases, self.history.on)

    def contact_row(self, contact: RiskContact) -> tuple[Any, ...]:
        terms = self.history.on(contact.day)
        milli = score(contact.signals, terms).milli
        known = self.cases.get(contact.customer_ref or "", [])
        after = outcomes_within(known, contact.started_ms, terms.outcome_window_ms)
        signals = [contact.signals[feature] for feature in Feature]
        valid = sum(case.is_valid is True for case in after)
        head = (contact.contact_id, contact.customer_ref, contact.started_ms, contact.day)
        return (*head, *signals, milli, is_listed(milli, terms), len(after), valid)

    def day_row(self, day: RiskDay) -> tuple[Any, ...]:
        terms = self.history.on(day.day)
        scored = score(day.signals, terms)
        listed = is_listed(scored.milli, terms)
        signals = [day.signals[feature] for feature in Feature]
        valid = sum(case.is_valid is True for case in day.cases)
        said = reasons(scored.parts) if listed else None
        head = (day.customer_ref, day.day, day.first_started_ms)
        return (*head, *signals, scored.milli, listed, said, len(day.cases), valid)


SIGNALS: Final = ", ".join(Feature)
CONTACTS: Final = (
    f"select contact_id, customer_ref, started_at_ms, business_on, {SIGNALS}, risk_milli, "
    "is_listed, cases_after, cases_valid_after from {} where client = ? order by contact_id"
)
DAYS: Final = (
    f"select customer_ref, business_on, first_started_at_ms, {SIGNALS}, risk_milli, is_listed, "
    "reasons, cases_after, cases_valid_after from int_customer_risk_days "
    "left join (select client, customer_ref, business_on, reasons from fct_customer_risk_days) "
    "using (client, customer_ref, business_on) where client = ? order by customer_ref, business_on"
)


@pytest.fixture(scope="module")
def kernels(said: Said, vane_file: Path) -> dict[str, Kernel]:
    return {client: Kernel(client, said, vane_file) for client in CLIENTS}


@pytest.mark.parametrize("client", CLIENTS)
def test_sql_scores_every_contact_as_the_kernel_does(
    client: str, warehouse: duckdb.DuckDBPyConnection, kernels: dict[str, Kernel]
) -> None:
    kernel = kernels[client]
    rows = warehouse.execute(CONTACTS.format("fct_contact_risks"), [client]).fetchall()
    expected = sorted(map(kernel.contact_row, kernel.contacts))
    assert len(rows) > 200
    assert rows == expected


@pytest.mark.parametrize("client", CLIENTS)
def test_sql_scores_every_customers_day_as_the_kernel_does_and_gives_its_reasons(
    client: str, warehouse: duckdb.DuckDBPyConnection, kernels: dict[str, Kernel]
) -> None:
    kernel = kernels[client]
    rows = warehouse.execute(DAYS, [client]).fetchall()
    assert rows == sorted(map(kernel.day_row, kernel.days), key=lambda row: row[:2])


def test_every_signal_and_both_verdicts_occur(kernels: dict[str, Kernel]) -> None:
    days = [day for kernel in kernels.values() for day in kernel.days]
    for feature in Feature:
        assert {bool(day.signals[feature]) for day in days} == {True, False}, feature
    rows = [kernel.day_row(day) for kernel in kernels.values() for day in kernel.days]
    assert {row[-4] for row in rows} == {True, False}
    assert {min(row[-2], 2) for row in rows} == {0, 1, 2}


def test_the_list_has_the_days_listed_in_order_of_risk(
    warehouse: duckdb.DuckDBPyConnection, kernels: dict[str, Kernel]
) -> None:
    for client, kernel in kernels.items():
        rows = [row for day in kernel.days if (row := kernel.day_row(day))[-4]]
        by_day: defaultdict[date, list[tuple[int, str]]] = defaultdict(list)
        for row in rows:
            by_day[row[1]].append((-row[-5], row[0]))
        assert warehouse.execute(
            "select business_on, place, customer_ref from fct_customer_risk_days "
            "where client = ? order by all",
            [client],
        ).fetchall() == [
            (day, place, who)
            for day, listed in sorted(by_day.items())
            for place, (_, who) in enumerate(sorted(listed), 1)
        ]


def test_precision_and_recall_are_the_kernels(
    warehouse: duckdb.DuckDBPyConnection, kernels: dict[str, Kernel]
) -> None:
    for client, kernel in kernels.items():
        rows = [kernel.day_row(day) for day in kernel.days]
        after = {case.record_id for day in kernel.days for case in day.cases}
        foreseen = {
            case.record_id for day in kernel.days if kernel.day_row(day)[-4] for case in day.cases
        }
        assert warehouse.execute(
            "select contacts, contacts_without_customer, customer_days, days_listed, "
            "days_listed_with_case, days_listed_with_valid_case, days_with_case, cases_after, "
            "cases_foreseen from fct_wind_vane_quality where client = ?",
            [client],
        ).fetchall() == [
            (
                len(kernel.contacts),
                sum(contact.customer_ref is None for contact in kernel.contacts),
                len(rows),
                sum(row[-4] for row in rows),
                sum(row[-4] and row[-2] > 0 for row in rows),
                sum(row[-4] and row[-1] > 0 for row in rows),
                sum(row[-2] > 0 for row in rows),
                len(after),
                len(foreseen),
            )
        ]


WRONG: Final = {
    "a level rounded up": (
        r"least\(wait_ms // wait_ms_unit",
        "least((wait_ms + wait_ms_unit - 1) // wait_ms_unit",
    ),
    "a level without its cap": (
        r"least\(hold_ms // hold_ms_unit, hold_ms_most\)",
        "hold_ms // hold_ms_unit",
    ),
    "a weight of another feature": (r"\* transfers_weight", "* abandons_weight"),
    "no intercept": (r"\bintercept\b\s*\+", "0 +"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_score_that_is_wrong_in_sql_is_noticed(
    name: str,
    models: dict[str, str],
    warehouse: duckdb.DuckDBPyConnection,
    kernels: dict[str, Kernel],
) -> None:
    pattern, other = WRONG[name]
    sql, replaced = re.subn(pattern, other, models["fct_contact_risks"], count=1)
    assert replaced == 1
    found = []
    for client, kernel in kernels.items():
        rows = warehouse.execute(CONTACTS.format(f"({sql})"), [client]).fetchall()
        found.append(rows == sorted(map(kernel.contact_row, kernel.contacts)))
    assert found == [False, False]


def test_the_first_term_holds_before_its_start_too(vane_file: Path) -> None:
    history = load_wind_vane(vane_file).history("harbour")
    assert history.on(EARLIEST).listed_from == -4000


def folded(said: Said, vane_file: Path, seed: int) -> dict[tuple[str, str], LiveRisk]:
    """Return the last score told of each contact, records hours out of order and cut at random."""
    rng = random.Random(seed)  # noqa: S311 - an order, not a key
    targets, vane = load_targets(PROJECT_ROOT / "config" / "queues.yaml"), load_wind_vane(vane_file)
    fold = RiskFold(cache(targets.history), vane.history, longest_window_ms=7 * 86_400_000)
    arrived: list[tuple[int, int, CallEvent | Complaint]] = []
    for event in (e for c in CLIENTS for e in said.events[c]):
        arrived.append((event.occurred_at_ms + rng.randint(0, 7_200_000), len(arrived), event))
    for case in said.cases:
        arrived.append((case.received_at_ms + rng.randint(0, 43_200_000), len(arrived), case))
    told: dict[tuple[str, str], LiveRisk] = {}
    for _, _, record in sorted(arrived, key=lambda one: one[:2]):
        if isinstance(record, Complaint):
            fold.take_case(record, tells=True)
        else:
            fold.take(record, tells=True)
        if rng.random() < 0.01:
            told |= {(risk.client, risk.contact_id): risk for risk in fold.changed()}
    told |= {(risk.client, risk.contact_id): risk for risk in fold.changed()}
    assert fold.late == 0
    return told


@pytest.mark.parametrize("seed", [1, 2])
def test_the_live_score_of_every_contact_ends_as_that_of_the_month(
    seed: int, said: Said, vane_file: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    told = folded(said, vane_file, seed)
    live = sorted(
        (
            *(risk.client, risk.contact_id, risk.customer_ref, risk.site, risk.queue),
            *(risk.started_at_ms, risk.business_on),
            *(risk.signals[feature] for feature in Feature),
            *(risk.risk_milli, risk.is_listed),
        )
        for risk in told.values()
    )
    month = warehouse.execute(
        "select client, contact_id, customer_ref, site, queue, started_at_ms, business_on, "
        f"{SIGNALS}, risk_milli, is_listed from fct_contact_risks order by client, contact_id"
    ).fetchall()
    assert live == month
