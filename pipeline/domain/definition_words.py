"""A definition in words: the formula of its service level term by term, and its other choices.

The terms are signed names of counts, so that words and numbers are printed from one list; a test
holds them equal to the formulas of ``service_level.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipeline.domain.abandonment import AbandonBase
from pipeline.domain.definition import (
    Attribution,
    Calls,
    ClockStart,
    ClockStop,
    KpiDefinition,
    ShortAbandons,
    View,
)
from pipeline.domain.service_level import Inclusions, Variant
from pipeline.domain.target import ServiceTarget

Terms = list[tuple[str, str]]
"""(sign, name of a count) of a sum."""

NAMES: Final = {
    "offered": "offered",
    "answered": "answered",
    "answered_within": "answered in time",
    "abandoned_within": "abandoned in time",
    "abandoned_short": "short abandons",
    "flowed_out": "flowed out",
    "callbacks": "callbacks",
    "callbacks_within": "callbacks in time",
}
"""What people call the counts of the formulas."""

_WITHIN: Final = ("+", "answered_within")
_ABANDONED_WITHIN: Final = ("+", "abandoned_within")


def terms(variant: Variant, rules: Inclusions) -> tuple[Terms, Terms]:
    """Return the terms of numerator and denominator; SL8 has none over counts."""
    short: Terms = [] if rules.short_abandons else [("-", "abandoned_short")]
    flows: Terms = [] if rules.flow_outs else [("-", "flowed_out")]
    calls: Terms = [] if rules.callbacks else [("-", "callbacks")]
    offered: Terms = [("+", "offered"), *flows, *calls]
    found: dict[Variant, tuple[Terms, Terms]] = {
        Variant.SL1: ([_WITHIN], offered + short),
        Variant.SL2: ([_WITHIN], [("+", "answered")]),
        Variant.SL3: ([_WITHIN, _ABANDONED_WITHIN, *short], offered + short),
        Variant.SL4: ([_WITHIN], [*offered, ("-", "abandoned_within")]),
        Variant.SL5: ([_WITHIN], [*offered, ("-", "abandoned_short")]),
        Variant.SL6: (
            [_WITHIN, _ABANDONED_WITHIN, ("+", "callbacks_within"), *short],
            [("+", "offered"), *short],
        ),
        Variant.SL7: ([_WITHIN], [("+", "offered"), *calls, *short]),
    }
    return found.get(variant, ([], []))


def in_words(sum_of: Terms) -> str:
    """Return a sum in words, such as ``offered - flowed out``."""
    text = " ".join(f"{sign} {NAMES[name]}" for sign, name in sum_of)
    return text.removeprefix("+ ")


_ABANDONED_OVER: Final = {
    AbandonBase.QUEUED: "abandoned / offered",
    AbandonBase.HANDLED: "abandoned / (answered + abandoned)",
    AbandonBase.OFFERED: "abandoned / (answered + abandoned + flowed out)",
}
_START: Final = {
    ClockStart.QUEUE_ENTRY: "from the leg's entry into the queue",
    ClockStart.AFTER_IVR: "from the contact's entry into its first queue",
    ClockStart.SYSTEM: "from the first that is known of the contact",
}
_STOP: Final = {
    ClockStop.ANSWERED: "to the answer",
    ClockStop.BEFORE_ANNOUNCEMENT: "to the answer less an announcement of {} s",
    ClockStop.AFTER_ANNOUNCEMENT: "to the answer and an announcement of {} s",
}
_VIEW: Final = {
    View.LEG: "each entry into the queue",
    View.CONTACT: "each contact once, in its first queue, from first entry to first answer",
}
_PLACED: Final = {
    Attribution.ARRIVAL: "when it arrived",
    Attribution.OUTCOME: "when it was answered or given up",
    Attribution.COMPLETION: "when it was over, wrap-up included",
    Attribution.SERVICE_LEVEL_EVENT: "when its fate was known: outcome, or threshold passed",
}


def sentences(target: ServiceTarget) -> Iterator[tuple[str, str]]:
    """Yield (what, how) of everything that a term's definition chooses."""
    rules = target.rules
    numerator, denominator = terms(rules.service_level, rules.inclusions)
    yield "formula", f"{rules.service_level}: {in_words(numerator)} / ({in_words(denominator)})"
    edge = "in time" if target.inclusive else "too late"
    yield (
        "in time",
        f"a wait up to {_s(target.threshold_ms)} s; exactly that is {edge}",
    )
    stop = _STOP[rules.clock_stop].format(_s(rules.announcement_ms))
    yield "clock", f"{_START[rules.clock_start]} {stop}"
    yield "counted", _VIEW[rules.view] + _only(rules)
    yield "counts", f"{_PLACED[rules.attribution]}, in intervals of {rules.interval_minutes} min"
    left_out = ", ".join(word.replace("_", " ") for word in sorted(rules.short_abandons_out_of))
    yield (
        "short abandon",
        f"at most {_s(target.short_abandon_ms)} s; left out of: {left_out or 'nothing'}",
    )
    is_short_out = ShortAbandons.ABANDON_RATE in rules.short_abandons_out_of
    neither = is_short_out or rules.abandon_rate is AbandonBase.HANDLED
    short = ", short abandons in neither" if neither else ""
    yield "abandon rate", _ABANDONED_OVER[rules.abandon_rate] + short
    refused = ", ".join(sorted(rules.refused_left_out))
    yield "answered rate", f"answered / received, less refusals that were: {refused or 'none'}"
    yield "repeat", f"the same customer within {rules.repeat_window_h} h"
    if rules.opening_hours is not None:
        hours = rules.opening_hours.plain().items()
        listed = "; ".join(f"{day} {', '.join(spans)}" for day, spans in hours)
        yield "open", f"{listed} ({target.zone})"
    yield "goal", f"{target.goal_permille / 10:g} %"


def _only(rules: KpiDefinition) -> str:
    return ", the finished alone" if rules.calls is Calls.FINISHED else ""


def _s(ms: int) -> str:
    return f"{ms / 1000:g}"
