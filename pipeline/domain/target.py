"""Which service target is in force for a queue at an instant."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from pipeline.domain.definition import KpiDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTarget:
    """Dated terms of one queue; thresholds in milliseconds, ``goal`` in per mille.

    ``inclusive`` says whether a wait of exactly the threshold is within it: ``<=`` (Asterisk)
    or ``<`` (Amazon Connect); at whole-second resolution this moves calls.
    A wait of at most ``short_abandon_ms`` before abandoning is a short abandon. Both are of the
    ``definition`` and stand here, too, because every leg asks for them; without a definition they
    make one, with the default's other choices. ``zone`` is the contract's, for opening hours.
    """

    threshold_ms: int
    inclusive: bool
    short_abandon_ms: int
    long_hold_ms: int
    goal_permille: int
    definition: KpiDefinition | None = None
    zone: str = "UTC"
    rules: KpiDefinition = field(init=False, repr=False, compare=False)
    """The definition in force: the one given, or the one that the terms make."""
    answer_shift_ms: int = field(init=False, repr=False, compare=False)
    longest_within_ms: int = field(init=False, repr=False, compare=False)
    """The longest wait that meets the threshold."""
    has_hours: bool = field(init=False, repr=False, compare=False)
    is_within_over_offered: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive what every leg asks for; refuse terms that the definition contradicts."""
        rules = self.definition or KpiDefinition(
            name="terms", inclusive=self.inclusive, short_abandon_ms=self.short_abandon_ms
        )
        if (rules.inclusive, rules.short_abandon_ms) != (self.inclusive, self.short_abandon_ms):
            msg = f"expected the terms of definition {rules.name!r}, got {self}"
            raise ValueError(msg)
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "answer_shift_ms", rules.answer_shift_ms)
        object.__setattr__(self, "longest_within_ms", self.threshold_ms - (not self.inclusive))
        object.__setattr__(self, "has_hours", rules.opening_hours is not None)
        object.__setattr__(self, "is_within_over_offered", rules.is_within_over_offered)

    def is_open(self, at_ms: int) -> bool:
        """Say whether the queue is open at an instant (always, where no hours are agreed)."""
        hours = self.rules.opening_hours
        return hours is None or hours.is_open(at_ms, self.zone)

    def open_ms(self, from_ms: int, to_ms: int) -> int:
        """Return for how long of a span ``[from_ms, to_ms)`` the queue is open."""
        hours = self.rules.opening_hours
        if hours is None:
            return to_ms - from_ms
        spans = hours.open_spans(from_ms, to_ms, self.zone)
        return sum(span.end_ms - span.start_ms for span in spans)

    def is_within(self, wait_ms: int) -> bool:
        """Say whether a wait meets the threshold."""
        return wait_ms <= self.longest_within_ms

    def has_passed(self, waited_ms: int) -> bool:
        """Say whether a leg that has waited this long can no longer meet the threshold."""
        return not self.is_within(waited_ms)


@dataclass(frozen=True, slots=True)
class TargetHistory:
    """The targets of one queue, ascending: ``starts_ms[i]`` is when ``targets[i]`` takes force.

    Half-open validity; an instant before the first start takes the first target.
    """

    starts_ms: tuple[int, ...]
    targets: tuple[ServiceTarget, ...]

    def __post_init__(self) -> None:
        """Refuse an empty, unequal or unsorted history."""
        if not self.targets or len(self.starts_ms) != len(self.targets):
            msg = f"need one start per target, got {self.starts_ms} and {self.targets}"
            raise ValueError(msg)
        if any(a >= b for a, b in zip(self.starts_ms, self.starts_ms[1:], strict=False)):
            msg = f"starts must ascend, got {self.starts_ms}"
            raise ValueError(msg)

    def at(self, instant_ms: int) -> ServiceTarget:
        """Return the target in force at an instant (epoch milliseconds UTC)."""
        if len(self.targets) == 1:
            return self.targets[0]
        return self.targets[max(0, bisect_right(self.starts_ms, instant_ms) - 1)]
