"""What clauses of a contract must mean to each other: names, validity, what they refer to.

Looks at files whose shape the schema has found right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from pipeline.config_calendars import bad_dates, read_date
from pipeline.config_contract_prices import problems_of_term
from pipeline.config_schema import Problem
from pipeline.config_yaml import Located
from pipeline.domain.intervals import known_zone
from pipeline.errors import InputError
from pipeline.settlement.calendar import Calendar
from pipeline.settlement.kinds import (
    BY_DAY,
    DATED_WITHIN_MONTHS,
    KINDS,
    MALUSES,
    Kind,
    Step,
)

_ONE_PER_PROGRAMME: Final = frozenset(
    {Kind.EXCLUSION, Kind.MALUS_CAP, Kind.MINIMUM_AMOUNT, Kind.MAXIMUM_AMOUNT}
    | {Kind.DISCOUNT, Kind.TAX, Kind.PROMPT_PAYMENT, Kind.LATE_PAYMENT}
)


def problems_between(path: Path, top: Located, calendars: dict[str, Calendar]) -> Iterator[Problem]:
    """Yield what is wrong in a contract of the right shape."""
    if bad := list(bad_dates(top)):
        yield from bad
        return
    if top["client"] != path.stem:
        said = f"client: expected {path.stem!r}, the file's name, got {top['client']!r}"
        yield top.line_of("client"), said
    try:
        known_zone(top["zone"])
    except InputError:
        said = f"zone: expected an IANA zone such as Asia/Shanghai, got {top['zone']!r}"
        yield top.line_of("zone"), said
    if top.get("calendar", next(iter(calendars), "")) not in calendars and "calendar" in top:
        said = f"calendar: expected one of {sorted(calendars)}, got {top['calendar']!r}"
        yield top.line_of("calendar"), said
    yield from _named_once(top.get("programmes", ()))
    yield from _named_once(top["clauses"])
    yield from _one_per_programme(top["clauses"])
    for clause in top["clauses"]:
        for line, said in _of_clause(top, clause):
            yield line, f"clause {clause['id']}: {said}"


def _named_once(items: Sequence[Located]) -> Iterator[Problem]:
    lines: dict[str, int] = {}
    for item in items:
        if item["id"] in lines:
            yield (
                item.line_of("id"),
                f"id: {item['id']!r} stands on line {lines[item['id']]} already",
            )
        lines.setdefault(item["id"], item.line_of("id"))


def _one_per_programme(clauses: Sequence[Located]) -> Iterator[Problem]:
    lines: dict[tuple[str, str], int] = {}
    for clause in clauses:
        key = (clause["kind"], clause.get("programme", ""))
        if key[0] in _ONE_PER_PROGRAMME and key in lines:
            said = f"kind: the clause on line {lines[key]} is the {key[0]} of the same"
            yield clause.line_of("kind"), f"clause {clause['id']}: {said}"
        lines.setdefault(key, clause.line)


def _of_clause(top: Located, clause: Located) -> Iterator[Problem]:
    kind = Kind(clause["kind"])
    if clause.get("currency", top["currency"]) != top["currency"]:
        said = f"currency: expected {top['currency']}, the contract's, got {clause['currency']}"
        yield clause.line_of("currency"), said
    programmes = {p["id"]: p for p in top.get("programmes", ())}
    name = clause.get("programme", "")
    if name and name not in programmes:
        said = f"programme: expected one of {sorted(programmes)}, got {name!r}"
        yield clause.line_of("programme"), said
    elif name:
        yield from _within(clause, programmes[name])
    yield from _validity(clause, is_of_months=kind not in DATED_WITHIN_MONTHS)
    yield from _references(top, clause, kind)
    if kind == Kind.SURCHARGE:
        yield from _surcharge(top, clause)
    if kind in {Kind.PER_HOUR, Kind.PER_FTE} and ("measure" in clause) == ("states" in clause):
        yield clause.line, "expected one of measure and states"
    if "complexity" in clause and "*" not in clause["complexity"]:
        unknown = sorted(set(clause.get("queues", ["*"])) - set(clause["complexity"]))
        if unknown:
            said = f"complexity: expected a factor of each queue, or of *; none for {unknown}"
            yield clause.line_of("complexity"), said
    for term in clause["terms"]:
        yield from problems_of_term(clause, kind, term)


def _within(clause: Located, programme: Located) -> Iterator[Problem]:
    for key in ("queues", "sites"):
        of = set(programme.get(key, ["*"]))
        if "*" not in of and (beyond := sorted(set(clause.get(key, ())) - of)):
            said = f"{key}: expected those of programme {programme['id']!r}, got {beyond}"
            yield clause.line_of(key), said


def _validity(clause: Located, *, is_of_months: bool) -> Iterator[Problem]:
    before: Located | None = None
    for term in clause["terms"]:
        start = read_date(term["from"])
        end = read_date(term["through"]) if "through" in term else None
        line = term.line_of("from")
        if end is not None and end < start:
            yield term.line_of("through"), f"through: expected {start} or later, got {end}"
        if before is not None:
            line_before, began = before.line_of("from"), read_date(before["from"])
            ended = read_date(before["through"]) if "through" in before else None
            if start <= began:
                said = f"from: expected a day after {began} of line {line_before}, got {start}"
                yield line, said
            elif ended is not None and start <= ended:
                said = f"overlaps the term of line {line_before}, in force through {ended}"
                yield line, f"from: {start} {said}"
            elif ended is not None and start > ended + timedelta(days=1):
                said = f"nothing is in force from {ended + timedelta(days=1)} on"
                yield line, f"from: {said}, until {start}"
        if is_of_months and start.day != 1:
            said = f"expected the first of a month, as months are settled whole, got {start}"
            yield line, f"from: {said}"
        if is_of_months and end is not None and (end + timedelta(days=1)).day != 1:
            yield term.line_of("through"), f"through: expected the last of a month, got {end}"
        before = term


def _references(top: Located, clause: Located, kind: Kind) -> Iterator[Problem]:
    known = {c["id"]: c for c in top["clauses"]}
    line = clause.line_of("of")
    for name in clause.get("of", ()):
        if name not in known:
            yield line, f"of: expected clauses of the contract {list(known)}, got {name!r}"
            continue
        other = Kind(known[name]["kind"])
        if kind == Kind.MALUS_CAP:
            wanted = sorted(MALUSES | {Kind.PER_COMPLAINT, Kind.PER_ERROR, Kind.QUALITY_SCORE})
        elif kind == Kind.MINIMUM_VOLUME:
            wanted = [Kind.PER_CALL]
        else:
            wanted = [k for k, of in KINDS.items() if of.step == Step.RATING]
        if other not in wanted:
            said = f"of: expected clauses of kind {', '.join(wanted)}"
            yield line, f"{said}; {name} is {other}"
        programme = clause.get("programme", "")
        if programme and known[name].get("programme", "") != programme:
            yield line, f"of: clause {name} is not of programme {programme!r}"


def _surcharge(top: Located, clause: Located) -> Iterator[Problem]:
    if ("days" in clause) == ("dates" in clause):
        yield clause.line, "expected one of days and dates"
    if "days" in clause and "calendar" not in top:
        yield clause.line_of("days"), "days: expected the contract to name a calendar"
    for span in clause.get("dates", ()):
        if read_date(span["through"]) < read_date(span["from"]):
            yield span.line, f"dates: {span['through']} is before {span['from']}"
    yield from _surcharged(top, clause)


def _surcharged(top: Located, clause: Located) -> Iterator[Problem]:
    has_factor = any("factor" in term for term in clause["terms"])
    known = {c["id"]: c for c in top["clauses"]}
    for name in clause.get("of", ()):
        charge = known.get(name)
        if charge is None or KINDS[Kind(charge["kind"])].step != Step.RATING:
            continue
        if charge["kind"] not in BY_DAY:
            said = f"of: expected charges whose units are of a day ({', '.join(sorted(BY_DAY))})"
            yield clause.line_of("of"), f"{said}; {name} is {charge['kind']}"
        elif has_factor and any("unit_price" not in term for term in charge["terms"]):
            said = f"factor: clause {name} has several prices; expected an extra_price"
            yield clause.line_of("of"), said
    if "of" not in clause:
        programme = clause.get("programme", "")
        able = [
            c["id"]
            for c in top["clauses"]
            if c["kind"] in BY_DAY
            and programme in {"", c.get("programme", "")}
            and not (has_factor and any("unit_price" not in term for term in c["terms"]))
        ]
        if not able:
            yield clause.line, "there is no charge that can have it"
