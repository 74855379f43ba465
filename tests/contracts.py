"""Contracts for tests: one that has every kind of clause, and short ones to spoil."""

from __future__ import annotations

from pathlib import Path

from pipeline.config_calendars import load_calendars
from pipeline.config_contracts import load_contract
from pipeline.settings import PROJECT_ROOT
from pipeline.settlement.contract import Contract

CALENDARS = PROJECT_ROOT / "config" / "calendars.yaml"

EVERY_KIND = """\
client: acme
title: Customer service 2025
zone: Asia/Shanghai
currency: CNY
calendar: china
programmes:
  - {id: retail, title: 零售, queues: [service, orders, returns]}
  - {id: bank, queues: [cards], sites: [sh]}
clauses:
  - id: "2.1"
    title: Time left out
    kind: exclusion
    leaves_out: misses
    terms: [{from: 2025-01-01, incidents: agreed, forecast_tolerance_pct: "10"}]
  - id: "3.1"
    title: Answered calls
    kind: per_call
    programme: retail
    queues: [service, orders]
    short_call_s: 5
    complexity: {orders: "1.50", "*": "1"}
    terms:
      - {from: 2025-01-01, unit_price: "6.80"}
      - {from: 2025-11-11, through: 2025-12-31, unit_price: "7.20"}
  - id: "3.2"
    title: Returns
    kind: per_call
    programme: retail
    queues: [returns]
    counts: handled
    tiering: graduated
    terms:
      - from: 2025-01-01
        tiers:
          - {above: "0", unit_price: "5.00"}
          - {above: "1000", unit_price: "4.50", fee: "100.00"}
  - id: "3.3"
    title: Card minutes
    kind: per_minute
    programme: bank
    measure: handle
    increment_s: 6
    minimum_s: 30
    short_call_s: 3
    terms: [{from: 2025-01-01, package: {fee: "30000.00", included: "20000", overage: "1.35"}}]
  - id: "3.4"
    title: Productive hours
    kind: per_hour
    programme: bank
    measure: productive
    tiering: volume
    terms:
      - from: 2025-01-01
        tiers: [{above: "0", unit_price: "60"}, {above: "500", unit_price: "55"}]
  - id: "3.5"
    title: Dedicated team
    kind: per_fte
    programme: retail
    hours_per_fte: 168
    states: [available, on_contact, after_call_work]
    terms: [{from: 2025-01-01, unit_price: "14200.00", minimum: "10"}]
  - id: "3.6"
    title: Reserved seats
    kind: per_seat
    programme: retail
    counts: contracted
    terms: [{from: 2025-01-01, unit_price: "6000", seats: "12"}]
  - id: "3.7"
    title: System fee
    kind: fixed
    terms: [{from: 2025-01-01, unit_price: "2000.00"}]
  - id: "3.8"
    title: Share of sales
    kind: commission
    programme: retail
    figure: sales
    terms: [{from: 2025-01-01, rate_pct: "1.25"}]
  - id: "4.1"
    title: Holidays by law
    kind: surcharge
    programme: retail
    of: ["3.1"]
    days: [statutory]
    terms: [{from: 2025-01-01, factor: "3"}]
  - id: "4.2"
    title: 双11
    kind: surcharge
    programme: retail
    of: ["3.1", "3.2"]
    dates: [{from: 2025-11-01, through: 2025-11-11}]
    terms: [{from: 2025-01-01, extra_price: "0.50"}]
  - id: "5.1"
    title: Justified complaints
    kind: per_complaint
    programme: retail
    counts: cases_by_agent
    attribution: received
    tiering: graduated
    terms:
      - from: 2025-01-01
        tiers: [{above: "0"}, {above: "3", unit_price: "200"}]
  - id: "5.2"
    title: Errors against regulation
    kind: per_error
    programme: bank
    counts: compliance_critical
    terms: [{from: 2025-01-01, unit_price: "500"}]
  - id: "5.3"
    title: Quality
    kind: quality_score
    programme: retail
    terms:
      - from: 2025-01-01
        bands: [{from: "0", adjust_pct: "-3"}, {from: "85", adjust_pct: "0"}]
  - id: "6.1"
    title: Service level
    kind: service_level
    programme: retail
    of: ["3.1", "3.2"]
    terms:
      - from: 2025-01-01
        bands:
          - {from: "0", adjust_pct: "-10"}
          - {from: "70", adjust_pct: "-5"}
          - {from: "80", adjust_pct: "0"}
          - {from: "90", adjust_pct: "2"}
        earn_back: {from: "85", months: 3}
  - id: "6.2"
    title: Abandoned calls
    kind: abandon_rate
    programme: bank
    terms:
      - from: 2025-01-01
        bands: [{from: "0", adjust_amount: "0"}, {from: "5", adjust_amount: "-1000"}]
  - id: "6.3"
    title: Missed days
    kind: per_missed_day
    programme: bank
    terms: [{from: 2025-01-01, unit_price: "300"}]
  - id: "6.4"
    title: Reachability
    kind: answered_rate
    programme: retail
    terms:
      - from: 2025-01-01
        bands: [{from: "0", adjust_pct: "-1"}, {from: "95", adjust_pct: "0"}]
  - id: "6.9"
    title: Cap on maluses
    kind: malus_cap
    programme: retail
    terms: [{from: 2025-01-01, cap_pct: "8"}]
  - id: "7.1"
    title: Commitment to the forecast
    kind: minimum_volume
    programme: retail
    of: ["3.1"]
    terms: [{from: 2025-01-01, share_pct: "90", unit_price: "3.40"}]
  - id: "7.2"
    title: Least
    kind: minimum_amount
    programme: bank
    terms: [{from: 2025-01-01, amount: "25000.00"}]
  - id: "7.3"
    title: Most
    kind: maximum_amount
    terms: [{from: 2025-01-01, amount: "900000.00"}]
  - id: "8.1"
    title: Volume discount
    kind: discount
    terms:
      - from: 2025-01-01
        bands: [{from: "0", discount_pct: "0"}, {from: "500000", discount_pct: "3"}]
  - id: "9.1"
    title: VAT
    kind: tax
    terms: [{from: 2025-01-01, rate_pct: "6", prices: without_tax}]
  - id: "9.2"
    title: Prompt payment
    kind: prompt_payment
    terms: [{from: 2025-01-01, within_days: 10, discount_pct: "1"}]
  - id: "9.3"
    title: Late payment
    kind: late_payment
    terms: [{from: 2025-01-01, after_days: 30, pct_per_day: "0.05", cap_pct: "5"}]
"""


def load(folder: Path, text: str, client: str = "acme") -> Contract:
    """Read a contract from text, with the project's calendars."""
    path = folder / f"{client}.yaml"
    path.write_text(text)
    return load_contract(path, load_calendars(CALENDARS))


def line_of(text: str, part: str) -> int:
    """Return the line of the first occurrence of a part."""
    return text[: text.index(part)].count("\n") + 1
