"""How likely a customer is to complain, as a sum of integers that explains itself.

*Signals* are what a contact, or a customer's day, gave cause for: whole counts and milliseconds.
A *level* is how much of a signal counts: ``min(signal // unit, most)``. The *score* is log-odds
in thousandths: ``intercept + sum(level * weight)``, all of them integers, so that stream and batch
give the same to the last digit. A probability is made of it for display only; what is decided
(who is on the list) is decided by the score.

A contact's score is that of a day on which the customer had this contact alone. What the weights
are is ``config/wind_vane.yaml``'s, and where the delivered ones come from ``docs/wind-vane.md``'s.
SQL mirrors this file in ``dbt_like_sql/macros/risk.sql``.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

REPEATS_COUNTED: Final = 5
"""Earlier contacts are counted up to so many: a switchboard's number calls all day."""


class Feature(StrEnum):
    """What moves the score, in the order in which reasons are given; names of ``Signals``."""

    OPEN_CASES = "open_cases"
    COMPLAINT_FLAGS = "complaint_flags"
    KEYWORDS = "keywords"
    WRAPUP_CODES = "wrapup_codes"
    EARLIER_CONTACTS = "earlier_contacts"
    ABANDONS = "abandons"
    WAIT_MS = "wait_ms"
    HOLD_MS = "hold_ms"
    TRANSFERS = "transfers"
    AGENT_HANG_UPS = "agent_hang_ups"


TIMES: Final = frozenset({Feature.WAIT_MS, Feature.HOLD_MS})
"""Features measured in milliseconds; all others are counts."""

STANDING: Final = frozenset({Feature.OPEN_CASES, Feature.EARLIER_CONTACTS})
"""What is so when a contact begins; over several contacts the greatest counts, not the sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What a contact, or several of one customer, gave cause for; counts and milliseconds.

    ``open_cases``: complaint cases of the customer, received and not closed when the contact began.
    ``complaint_flags``: complaints flagged while it lasted. ``keywords`` and ``wrapup_codes``: how
    many of those that the terms name were said, or set. ``earlier_contacts``: the customer's own
    within the window of repeat calls before, up to ``REPEATS_COUNTED``. ``abandons``: legs given
    up, short abandons left out. ``wait_ms``: all its waiting; ``hold_ms``: hold of completed legs.
    ``agent_hang_ups``: answered legs that the agent ended.
    """

    open_cases: int = 0
    complaint_flags: int = 0
    keywords: int = 0
    wrapup_codes: int = 0
    earlier_contacts: int = 0
    abandons: int = 0
    wait_ms: int = 0
    hold_ms: int = 0
    transfers: int = 0
    agent_hang_ups: int = 0

    def __getitem__(self, feature: Feature) -> int:
        """Return one signal."""
        value: int = getattr(self, feature)
        return value


NAMES: Final = tuple(field.name for field in fields(Signals))


def together(signals: Iterable[Signals]) -> Signals:
    """Return the signals of several contacts of one customer as one; of none, nothing.

    Commutative and associative: a customer's day does not depend on the order of its contacts.
    """
    listed = list(signals)
    return Signals(
        **{
            str(feature): max((s[feature] for s in listed), default=0)
            if feature in STANDING
            else sum(s[feature] for s in listed)
            for feature in Feature
        }
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """How a signal counts: one level per ``unit`` of it, ``most`` levels, each worth ``weight``.

    ``unit`` is 1 of a count and milliseconds of a time; ``weight`` is thousandths of log-odds.
    """

    weight: int
    most: int
    unit: int = 1

    def level(self, signal: int) -> int:
        """Return how many levels a signal reaches."""
        return min(signal // self.unit, self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTerms:
    """The weights in force at a time.

    ``intercept`` and ``listed_from`` are thousandths of log-odds: the score of a contact without
    any signal, and the least score that puts a customer on the list. ``outcome_window_ms`` is how
    long after a contact a case counts as what the score spoke of. ``scales`` has every feature.
    """

    intercept: int
    listed_from: int
    outcome_window_ms: int
    scales: dict[Feature, Scale]
    wrapup_codes: frozenset[str] = frozenset()
    keywords: frozenset[str] = frozenset()


class Part(NamedTuple):
    """What one feature adds to a score, and the signal it came of."""

    feature: Feature
    signal: int
    amount: int


class Score(NamedTuple):
    """A score, thousandths of log-odds, and the parts that moved it off the intercept."""

    milli: int
    parts: tuple[Part, ...]


def score(signals: Signals, terms: RiskTerms) -> Score:
    """Return the score of signals; parts in the order of ``Feature``, those of 0 left out."""
    parts = tuple(
        Part(feature, signals[feature], amount)
        for feature in Feature
        if (amount := (scale := terms.scales[feature]).level(signals[feature]) * scale.weight)
    )
    return Score(terms.intercept + sum(part.amount for part in parts), parts)


def is_listed(milli: int, terms: RiskTerms) -> bool:
    """Say whether a score puts its customer on the list of those at risk."""
    return milli >= terms.listed_from


def probability(milli: int) -> float:
    """Return the probability that a score stands for, 0..1; for display, never to decide by."""
    return 1 / (1 + math.exp(-milli / 1000))


_WORDS: Final = {
    Feature.OPEN_CASES: ("open complaint cases: ", ""),
    Feature.COMPLAINT_FLAGS: ("complaints flagged: ", ""),
    Feature.KEYWORDS: ("words of risk said: ", ""),
    Feature.WRAPUP_CODES: ("wrap-up codes of risk: ", ""),
    Feature.EARLIER_CONTACTS: ("earlier contacts: ", ""),
    Feature.ABANDONS: ("gave up waiting: ", ""),
    Feature.WAIT_MS: ("waited ", " s"),
    Feature.HOLD_MS: ("on hold ", " s"),
    Feature.TRANSFERS: ("transferred: ", ""),
    Feature.AGENT_HANG_UPS: ("agent hung up: ", ""),
}


def reason(part: Part) -> str:
    """Return a part in words: ``waited 252 s (+0.840)``; the number is log-odds."""
    before, after = _WORDS[part.feature]
    shown = part.signal // 1000 if part.feature in TIMES else part.signal
    sign = "-" if part.amount < 0 else "+"
    whole, thousandths = divmod(abs(part.amount), 1000)
    return f"{before}{shown}{after} ({sign}{whole}.{thousandths:03})"


def reasons(parts: Iterable[Part]) -> str:
    """Return the parts of a score in words, ``; `` between them; of none an empty text."""
    return "; ".join(map(reason, parts))


@dataclass(frozen=True, slots=True)
class RiskHistory:
    """A client's terms; each holds from its business day until the next, the first also before.

    ``starts`` are ascending and different.
    """

    starts: tuple[date, ...]
    terms: tuple[RiskTerms, ...]

    def on(self, day: date) -> RiskTerms:
        """Return the terms in force on a business day."""
        return self.terms[max(0, bisect_right(self.starts, day) - 1)]
