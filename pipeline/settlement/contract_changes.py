"""What changes, clause by clause, from one contract or day to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipeline.settlement.contract import Contract
from pipeline.settlement.words import said_on


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseChange:
    """A clause that begins, ends or says something else: (subject, was, is)."""

    clause_id: str
    title: str
    change: Literal["begins", "ends", "changes"]
    subjects: tuple[tuple[str, str, str], ...]


def contract_changes(
    before: Contract, before_on: date, after: Contract, after_on: date
) -> Iterator[ClauseChange]:
    """Yield the clauses that say something else; since when they say it is no change."""
    was, now = said_on(before, before_on), said_on(after, after_on)
    for clause_id in [*was, *(name for name in now if name not in was)]:
        old = was[clause_id][1] if clause_id in was else {}
        new = now[clause_id][1] if clause_id in now else {}
        subjects = tuple(
            (subject, old.get(subject, ""), new.get(subject, ""))
            for subject in dict.fromkeys((*old, *new))
            if subject != "in force" and old.get(subject) != new.get(subject)
        )
        if subjects:
            yield ClauseChange(
                clause_id=clause_id,
                title=(new or old)["title"],
                change="begins" if not old else "changes" if new else "ends",
                subjects=subjects,
            )
