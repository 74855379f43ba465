"""What a contract means by its KPIs: every choice that moves a number, as one value.

A definition is data (``config/kpis.yaml``), named in a queue's dated terms, and frozen with a
closed month by its content hash. It decides nothing per leg: ``outcome.py`` and ``units.py`` do,
by its choices. Here stand the choices, and the ratios that follow from them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from pipeline.domain.abandonment import AbandonBase, abandon_parts
from pipeline.domain.kpi import Counts
from pipeline.domain.opening_hours import OpeningHours, read_hours
from pipeline.domain.refusal import Refusal
from pipeline.domain.service_level import FORMULAS, Inclusions, Parts, Variant

INTERVALS_MINUTES: Final = (15, 30, 60)
MAX_REPEAT_WINDOW_H: Final = 31 * 24


class ClockStart(StrEnum):
    """Where the wait begins."""

    QUEUE_ENTRY = "queue_entry"
    """The leg entered its queue; an overflow starts the clock anew."""
    AFTER_IVR = "after_ivr"
    """The contact entered its first queue; an overflow does not stop the clock."""
    SYSTEM = "system"
    """The first thing known of the contact."""


class ClockStop(StrEnum):
    """Where the wait of an answered leg ends."""

    ANSWERED = "answered"
    """The source's own ``answered``."""
    BEFORE_ANNOUNCEMENT = "before_announcement"
    """The source reports after the agent's announcement (Asterisk's CONNECT); take it off."""
    AFTER_ANNOUNCEMENT = "after_announcement"
    """The source reports before it; add it (Amazon Connect counts the whisper)."""


class View(StrEnum):
    """What is counted once."""

    LEG = "leg"
    """Each entry into a queue."""
    CONTACT = "contact"
    """The contact, from its first entry to its first answer, in its first queue."""


class Attribution(StrEnum):
    """Which instant puts a call into an interval, day or month."""

    ARRIVAL = "arrival"
    OUTCOME = "outcome"
    COMPLETION = "completion"
    SERVICE_LEVEL_EVENT = "service_level_event"


class Calls(StrEnum):
    """Which calls count."""

    ALL = "all"
    FINISHED = "finished"


class ShortAbandons(StrEnum):
    """What short abandons can be left out of."""

    SERVICE_LEVEL = "service_level"
    ABANDON_RATE = "abandon_rate"
    OFFERED = "offered"


class DefinitionError(ValueError):
    """A definition that contradicts itself; ``key`` names the choice that is wrong."""

    def __init__(self, key: str, problem: str) -> None:
        """Keep the key apart, so that a caller can point at its line."""
        self.key = key
        super().__init__(f"{key}: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiDefinition:
    """The choices of one definition; the defaults are those of ``config/kpis.yaml``'s head.

    Times in milliseconds. ``flow_outs`` and ``callbacks`` say whether such calls stand in the
    denominator of service level. ``refused_left_out`` are refusals outside the answered rate.
    """

    name: str
    service_level: Variant = Variant.SL1
    inclusive: bool = True
    clock_start: ClockStart = ClockStart.QUEUE_ENTRY
    clock_stop: ClockStop = ClockStop.ANSWERED
    announcement_ms: int = 0
    short_abandon_ms: int = 5_000
    short_abandons_out_of: frozenset[ShortAbandons] = frozenset()
    flow_outs: bool = True
    callbacks: bool = True
    abandon_rate: AbandonBase = AbandonBase.QUEUED
    refused_left_out: frozenset[Refusal] = frozenset()
    view: View = View.LEG
    attribution: Attribution = Attribution.SERVICE_LEVEL_EVENT
    interval_minutes: int = 15
    calls: Calls = Calls.ALL
    repeat_window_h: int = 168
    opening_hours: OpeningHours | None = None

    def __post_init__(self) -> None:
        """Refuse choices that contradict each other."""
        left_out = self.short_abandons_out_of
        is_sl5 = self.service_level is Variant.SL5
        if ShortAbandons.OFFERED in left_out and len(left_out) != len(ShortAbandons):
            problem = "out of offered means out of service_level and abandon_rate, too"
            raise DefinitionError("short_abandons_out_of", problem)
        if is_sl5 and ShortAbandons.SERVICE_LEVEL not in left_out:
            problem = "SL5 leaves short abandons out; expected service_level among them"
            raise DefinitionError("short_abandons_out_of", problem)
        if self.service_level is Variant.SL7 and not self.flow_outs:
            raise DefinitionError("flow_outs", "SL7 counts flow-outs; expected in, or SL1")
        if (self.clock_stop is ClockStop.ANSWERED) != (self.announcement_ms == 0):
            problem = (
                f"expected 0 with clock_stop answered, else more; got {self.announcement_ms} ms "
                f"with {self.clock_stop}"
            )
            raise DefinitionError("announcement_s", problem)
        if self.interval_minutes not in INTERVALS_MINUTES:
            problem = f"expected one of {list(INTERVALS_MINUTES)}, got {self.interval_minutes}"
            raise DefinitionError("interval_minutes", problem)
        if not 1 <= self.repeat_window_h <= MAX_REPEAT_WINDOW_H:
            problem = f"expected 1 to {MAX_REPEAT_WINDOW_H}, got {self.repeat_window_h}"
            raise DefinitionError("repeat_window_h", problem)

    @property
    def answer_shift_ms(self) -> int:
        """Return what is added to the source's ``answered`` to give the end of the wait."""
        if self.clock_stop is ClockStop.BEFORE_ANNOUNCEMENT:
            return -self.announcement_ms
        return self.announcement_ms

    @property
    def is_live(self) -> bool:
        """Say whether the live panes give its figures exactly.

        They hold each leg by itself, from queue entry, at its service-level event. Any other
        choice needs the contact, another instant or the end of the call: the month has those.
        """
        return (
            self.view is View.LEG
            and self.clock_start is ClockStart.QUEUE_ENTRY
            and self.attribution is Attribution.SERVICE_LEVEL_EVENT
            and self.calls is Calls.ALL
        )

    @property
    def is_within_over_offered(self) -> bool:
        """Say whether service level is answered within over all offered, nothing left out."""
        return (
            self.service_level is Variant.SL1
            and self.flow_outs
            and self.callbacks
            and ShortAbandons.SERVICE_LEVEL not in self.short_abandons_out_of
        )

    @property
    def inclusions(self) -> Inclusions:
        """Return what stands in the denominator of service level."""
        return Inclusions(
            flow_outs=self.flow_outs,
            callbacks=self.callbacks,
            short_abandons=ShortAbandons.SERVICE_LEVEL not in self.short_abandons_out_of,
        )

    def service_level_parts(self, counts: Counts) -> Parts:
        """Return numerator and denominator of the service level; (0, 0) for SL8 (live only)."""
        formula = FORMULAS.get(self.service_level)
        return Parts(0, 0) if formula is None else formula(counts, self.inclusions)

    def abandon_parts(self, counts: Counts) -> Parts:
        """Return numerator and denominator of the abandon rate."""
        short_in = ShortAbandons.ABANDON_RATE not in self.short_abandons_out_of
        return abandon_parts(self.abandon_rate, counts, short_abandons=short_in)

    def offered(self, counts: Counts) -> int:
        """Return the calls offered, less short abandons where they are out of offered."""
        is_out = ShortAbandons.OFFERED in self.short_abandons_out_of
        return counts["offered"] - (counts["abandoned_short"] if is_out else 0)

    def answered_parts(self, counts: Counts) -> Parts:
        """Return numerator and denominator of the answered rate: answered over received.

        Received is offered and refused, less the refusals left out (wazo-stat leaves out CLOSED).
        """
        refused = sum(
            counts[f"refused_{kind}"] for kind in Refusal if kind not in self.refused_left_out
        )
        return Parts(counts["answered"], self.offered(counts) + refused)

    def canonical(self) -> str:
        """Return every choice, but not the name, as JSON that depends on the content alone."""
        plain = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name != "name"}
        return json.dumps(plain, sort_keys=True, separators=(",", ":"))

    @property
    def content_hash(self) -> str:
        """Return the hash of ``canonical``: 32 hex digits, the same wherever it is computed."""
        return hashlib.blake2b(self.canonical().encode(), digest_size=16).hexdigest()


def read_canonical(name: str, text: str) -> KpiDefinition:
    """Return the definition that ``canonical`` was written of.

    Raises:
        ValueError: it is not such a text, or of a choice this version does not know.
    """
    plain: dict[str, Any] = json.loads(text)
    known = {f.name for f in fields(KpiDefinition)} - {"name"}
    if unknown := sorted(set(plain) - known):
        msg = f"choices {unknown} are not known here; known: {sorted(known)}"
        raise ValueError(msg)
    for key, kind in _ENUMS.items():
        if key in plain:
            plain[key] = kind(plain[key])
    for key, kind in _SETS.items():
        if key in plain:
            plain[key] = frozenset(kind(word) for word in plain[key])
    if plain.get("opening_hours") is not None:
        plain["opening_hours"] = read_hours(plain["opening_hours"])
    return KpiDefinition(name=name, **plain)


_ENUMS: Final[dict[str, type[StrEnum]]] = {
    "service_level": Variant,
    "clock_start": ClockStart,
    "clock_stop": ClockStop,
    "abandon_rate": AbandonBase,
    "view": View,
    "attribution": Attribution,
    "calls": Calls,
}
_SETS: Final[dict[str, type[StrEnum]]] = {
    "short_abandons_out_of": ShortAbandons,
    "refused_left_out": Refusal,
}


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return value.plain() if isinstance(value, OpeningHours) else value
