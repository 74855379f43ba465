"""Service level: the eight formulas in use, as numerator and denominator over additive counts.

The same 1,000 calls give 76.0 % to 84.4 % by formula alone (``docs/kpis.md``), so a contract has
to name one. Every function is pure, over counts that add up, and returns both parts: months and
queues are sums of parts, and the division comes last (``kpi.ratio``; nothing to divide by is None).

T is the threshold. *Within* counts were decided per leg against T and the contract's comparison
(``outcome.py``). A call still waiting past T is offered and a miss in every formula whose
denominator it will be in when it ends, so a live figure does not fall when it is answered at last.
SL8 alone speaks of the calls that wait now and can close no month.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from pipeline.domain.kpi import Counts


class Variant(StrEnum):
    """Which formula; names as in ``docs/kpis.md``."""

    SL1 = "SL1"
    SL2 = "SL2"
    SL3 = "SL3"
    SL4 = "SL4"
    SL5 = "SL5"
    SL6 = "SL6"
    SL7 = "SL7"
    SL8 = "SL8"


class Parts(NamedTuple):
    """Numerator and denominator, in calls."""

    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusions:
    """Which calls that were neither answered nor waited for stand in the denominator.

    ``short_abandons`` False takes them out of the numerator, too, where abandons are in it. They
    must be within the threshold (the configuration sees to it), so no part can become negative.
    """

    flow_outs: bool = True
    callbacks: bool = True
    short_abandons: bool = True


EVERYTHING: Final = Inclusions()


def sl1(counts: Counts, rules: Inclusions = EVERYTHING) -> Parts:
    """Answered within T over offered: every abandon is a miss.

    Cisco, "abandoned calls have a negative impact"; COPC-based guides: calls to the queue, not
    calls answered.
    """
    return Parts(counts["answered_within"], _offered(counts, rules))


def sl2(counts: Counts, rules: Inclusions = EVERYTHING) -> Parts:  # noqa: ARG001 - as the others
    """Answered within T over answered: abandons do not matter.

    Asterisk ``ServiceLevelPerf`` (``queues.conf.sample``); AltiGen; Genesys Cloud with "include
    abandons" off; wazo-stat's thresholds.
    """
    return Parts(counts["answered_within"], counts["answered"])


def sl3(counts: Counts, rules: Inclusions = EVERYTHING) -> Parts:
    """Answered or abandoned within T over offered: an abandon within T is a success.

    Cisco, "abandoned calls have a positive impact"; Asterisk ``ServiceLevelPerf2``, whose
    denominator is answered + abandoned: leave flow-outs and callbacks out for that.
    """
    within = counts["answered_within"] + counts["abandoned_within"]
    return Parts(within - _short_left_out(counts, rules), _offered(counts, rules))


def sl4(counts: Counts, rules: Inclusions = EVERYTHING) -> Parts:
    """Answered within T over offered less those abandoned within T.

    Cisco, "ignore abandoned calls"; Genesys: answered + abandoned after T. Short abandons are
    among those left out already.
    """
    offered = _offered(counts, rules) + _short_left_out(counts, rules)
    return Parts(counts["answered_within"], offered - counts["abandoned_within"])


def sl5(counts: Counts, rules: Inclusions = EVERYTHING) -> Parts:
    """Answered within T over offered less short abandons (wait of at most S, well below T).

    Genesys Cloud with "short abandons" off; Twilio Flex; RingCentral
    ``abandonedThresholdSeconds``; Genesys Engage "service factor".
    """
    offered = _offered(counts, rules) + _short_left_out(counts, rules)
    return Parts(counts["answered_within"], offered - counts["abandoned_short"])


def sl6(counts: Counts, rules: Inclusions = EVERYTHING) -> Parts:
    """Taken out of the queue within T, by answer, abandon or callback, over all queued.

    Amazon Connect ``SERVICE_LEVEL``. Flow-outs and callbacks are in the denominator by definition.
    """
    short = _short_left_out(counts, rules)
    within = counts["answered_within"] + counts["abandoned_within"] + counts["callbacks_within"]
    return Parts(within - short, counts["offered"] - short)


def sl7(counts: Counts, rules: Inclusions = EVERYTHING) -> Parts:
    """SL1 with flow-outs in the denominator, whatever the definition says of them elsewhere.

    Genesys Cloud with "include flow-outs".
    """
    left_out = 0 if rules.callbacks else counts["callbacks"]
    denominator = counts["offered"] - left_out - _short_left_out(counts, rules)
    return Parts(counts["answered_within"], denominator)


def sl8(waiting: int, waiting_over: int) -> Parts:
    """Of the calls waiting now, those not yet past T.

    AltiGen's live figure; for wallboards only. ``waiting_over`` is a part of ``waiting``.
    """
    return Parts(waiting - waiting_over, waiting)


Formula = Callable[[Counts, Inclusions], Parts]
FORMULAS: Final[Mapping[Variant, Formula]] = MappingProxyType(
    {
        Variant.SL1: sl1,
        Variant.SL2: sl2,
        Variant.SL3: sl3,
        Variant.SL4: sl4,
        Variant.SL5: sl5,
        Variant.SL6: sl6,
        Variant.SL7: sl7,
    }
)
"""The formulas over counts; SL8 needs the live state and is not among them."""


def _offered(counts: Counts, rules: Inclusions) -> int:
    offered = counts["offered"] - _short_left_out(counts, rules)
    if not rules.flow_outs:
        offered -= counts["flowed_out"]
    if not rules.callbacks:
        offered -= counts["callbacks"]
    return offered


def _short_left_out(counts: Counts, rules: Inclusions) -> int:
    return 0 if rules.short_abandons else counts["abandoned_short"]
