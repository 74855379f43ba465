"""What a contract says on a day, in sentences by subject: for people, and to compare."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from pipeline.settlement.contract import ALL, Clause, Contract, in_force
from pipeline.settlement.kinds import KINDS, Kind, Step
from pipeline.settlement.term_words import plain, terms_said

Said = dict[str, str]
"""Subject to sentence."""

_COMPLAINTS: Final = {
    "cases": "complaints",
    "cases_valid": "justified complaints",
    "cases_escalated": "escalated complaints",
    "cases_valid_escalated": "justified and escalated complaints",
    "cases_by_agent": "justified complaints by an agent's fault",
    "cases_by_vendor": "justified complaints by the vendor's fault",
    "cases_by_client": "justified complaints by the client's fault",
}
_LEVELS: Final = {
    Kind.SERVICE_LEVEL: "service level",
    Kind.ABANDON_RATE: "abandon rate",
    Kind.ANSWERED_RATE: "answered rate",
    Kind.QUALITY_SCORE: "quality score of random evaluations",
}


def said_on(contract: Contract, day: date) -> dict[str, tuple[Clause, Said]]:
    """Return the clauses in force on a day with what they say, by id, in the file's order."""
    return {
        clause.id: (clause, said)
        for clause in contract.clauses
        if (said := said_of(contract, clause, day))
    }


def said_of(contract: Contract, clause: Clause, day: date) -> Said:
    """Return what a clause says on a day; nothing if it is not in force."""
    term = in_force(clause.terms, day)
    if term is None:
        return {}
    subjects = {
        "title": clause.title,
        "kind": clause.kind.replace("_", " "),
        "programme": clause.programme and f"Of programme {clause.programme}.",
        "counts": _counts(contract, clause),
        "left out": _left_out(clause),
        **dict(terms_said(contract, clause, term.value)),
        "made of": _made_of(contract, clause),
        "in force": _validity(term.from_on, term.to_on),
    }
    return {subject: text for subject, text in subjects.items() if text}


def _names(names: tuple[str, ...], one: str, many: str) -> str:
    if names == ALL:
        return f"all {many}"
    return f"{one if len(names) == 1 else many} {', '.join(names)}"


def _counts(contract: Contract, clause: Clause) -> str:
    queues = _names(contract.queues_of(clause), "queue", "queues")
    sites = contract.sites_of(clause)
    at = "" if sites == ALL else f" at {_names(sites, 'site', 'sites')}"
    match clause.kind:
        case Kind.PER_CALL:
            counted = f"{clause.measure} calls of {queues}{at}"
            factors = ", ".join(f"{queue} {plain(f)}" for queue, f in clause.complexity)
            counted += f", by complexity: {factors}" if factors else ""
        case Kind.PER_MINUTE:
            what = "talk" if clause.measure == "talk" else "talk, hold and after-call work"
            counted = (
                f"{what} of {queues}{at}, in {clause.increment_s} s begun, "
                f"at least {clause.minimum_s} s a call"
            )
        case Kind.PER_HOUR | Kind.PER_FTE:
            named = clause.measure.replace("_", " ")
            what = " + ".join(clause.states) if clause.states else f"{named} time"
            full = f", {clause.hours_per_fte} h a month being one" * (clause.kind == Kind.PER_FTE)
            counted = f"agents' {what} at {_names(sites, 'site', 'sites')}{full}"
        case Kind.PER_SEAT if clause.measure == "agents":
            counted = f"agents that log in at {_names(sites, 'site', 'sites')}"
        case Kind.COMMISSION:
            counted = f"the month's declared {clause.measure}"
        case Kind.PER_COMPLAINT:
            counted = f"{_COMPLAINTS[clause.measure]} of {queues}{at}, by {clause.attribution}"
        case Kind.PER_ERROR:
            named = clause.measure.replace("_", " ")
            counted = f"{named} errors of evaluations of {queues}{at}"
        case Kind.PER_MISSED_DAY:
            counted = f"days below the goal of service level, per queue, of {queues}{at}"
        case kind if kind in _LEVELS:
            days = "days at or above the goal of " if clause.measure == "days" else ""
            counted = f"{days}{_LEVELS[kind]} of {queues}{at}"
        case _:
            return ""
    return f"Counts {counted}."


def _left_out(clause: Clause) -> str:
    if clause.short_call_s:
        return f"Calls with less than {clause.short_call_s} s of talk are free."
    if clause.kind == Kind.EXCLUSION:
        what = "Misses" if clause.leaves_out == "misses" else "Calls"
        return f"{what} of the time left out do not count."
    return ""


def _made_of(contract: Contract, clause: Clause) -> str:
    ids = ", ".join(contract.base_of(clause))
    match clause.step:
        case Step.MULTIPLIER:
            return f"On {ids}."
        case Step.DEDUCTION | Step.SERVICE_LEVEL if KINDS[clause.kind].family != "counted":
            capped = ", ".join(contract.capped_by(clause))
            of = f" Caps {capped}." if clause.kind == Kind.MALUS_CAP else ""
            return f"Percentages are of the charges {ids}.{of}"
        case Step.COMMITMENT | Step.DISCOUNT:
            return f"Of the amounts of {ids}."
        case _:
            return ""


def _validity(from_on: date, to_on: date) -> str:
    if to_on == date.max:
        return f"In force since {from_on}."
    return f"In force from {from_on} through {to_on - timedelta(days=1)}."
