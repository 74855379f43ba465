"""Which service target is in force for a queue at an instant."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTarget:
    """Dated terms of one queue; thresholds in milliseconds, ``goal`` in per mille.

    ``inclusive`` says whether a wait of exactly the threshold is within it: ``<=`` (Asterisk)
    or ``<`` (Amazon Connect); at whole-second resolution this moves calls.
    A wait of at most ``short_abandon_ms`` before abandoning is a short abandon.
    """

    threshold_ms: int
    inclusive: bool
    short_abandon_ms: int
    long_hold_ms: int
    goal_permille: int

    def is_within(self, wait_ms: int) -> bool:
        """Say whether a wait meets the threshold."""
        return wait_ms <= self.threshold_ms if self.inclusive else wait_ms < self.threshold_ms

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
