"""The kinds of alert rules: what each fires on and when it is over, as checked terms.

Shares are per mille, waits and windows milliseconds, expected calls thousandths. Rules hold from
local midnight of ``from_day`` until before ``until_day`` in the contract's zone. Enter and leave
differ, so that a value that swings about the one does not fire and resolve with each swing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import ClassVar, Final

from pipeline.domain.alert_scope import ALONE, Grouping, Scope
from pipeline.domain.kpi import PANE_MS

PERMILLE: Final = 1000
MAX_WINDOW_MS: Final = 2 * 3_600_000
"""Panes are kept for longer than that."""
MAX_WAIT_MS: Final = 24 * 3_600_000
FIRST_DAY: Final = date.min.toordinal()
NO_DAY: Final = date.max.toordinal() + 1
INFLATION: Final = 2 * PERMILLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A planned window ``[start_ms, end_ms)`` in which nothing new fires; ``*`` matches any."""

    start_ms: int
    end_ms: int
    client: str = "*"
    site: str = "*"
    queue: str = "*"

    def covers(self, client: str, site: str, queue: str, from_ms: int, to_ms: int) -> bool:
        """Say whether it concerns a queue and any of the span ``[from_ms, to_ms]``."""
        pairs = ((self.client, client), (self.site, site), (self.queue, queue))
        return (
            self.start_ms <= to_ms
            and from_ms < self.end_ms
            and all(fnmatchcase(value, pattern) for pattern, value in pairs)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What all kinds have; ``for_ms``: how long the condition has to hold before it fires."""

    kind: ClassVar[str]
    unit: ClassVar[str] = "permille"
    by_time: ClassVar[bool] = False
    """Whether the answer can change though no count does."""

    name: str
    version: str
    severity: str
    runbook: str
    window_ms: int
    kpi: str = "service_level"
    for_ms: int = 0
    keep_firing_ms: int = 0
    from_day: int = FIRST_DAY
    until_day: int = NO_DAY
    only_open: bool = True
    """Whether it fires in the queue's opening hours alone."""
    scope: Scope = Scope.QUEUE
    maintenance: tuple[Maintenance, ...] = ()
    grouping: Grouping = ALONE
    """The file's, for all rules alike."""

    def __post_init__(self) -> None:
        """Refuse a rule that cannot work."""
        check_window("window", self.window_ms)
        for name, ms in (("for_s", self.for_ms), ("keep_firing_s", self.keep_firing_ms)):
            if not 0 <= ms <= MAX_WAIT_MS:
                msg = f"{name}: expected 0 to {MAX_WAIT_MS // 1000} s, got {ms / 1000:g}"
                raise ValueError(msg)
        if self.from_day >= self.until_day:
            msg = "until: expected a day after from"
            raise ValueError(msg)

    @property
    def windows_ms(self) -> tuple[int, ...]:
        """Return the windows it looks at; the longest last."""
        return (self.window_ms,)

    @property
    def inputs(self) -> int:
        """Return whose panes it looks at: bit 0 service level, 1 handle time, 2 complaints."""
        return 1

    @property
    def least_calls(self) -> int:
        """Return how many calls it takes to say anything; 0: it does not depend on any."""
        return 0


def check_window(name: str, window_ms: int) -> None:
    """Refuse a window that is not whole panes or longer than panes are kept."""
    if window_ms <= 0 or window_ms % PANE_MS:
        msg = f"{name}: expected a multiple of {PANE_MS // 1000} s, got {window_ms // 1000}"
        raise ValueError(msg)
    if window_ms > MAX_WINDOW_MS:
        msg = f"{name}: expected at most {MAX_WINDOW_MS // 1000} s, got {window_ms // 1000}"
        raise ValueError(msg)


def check_volume(least: int, inflation_permille: int) -> None:
    """Refuse a least number of calls below 1 and a factor below 1."""
    if least < 1:
        msg = f"min_calls: expected at least 1, got {least}"
        raise ValueError(msg)
    if inflation_permille < PERMILLE:
        msg = f"inflation_pct: expected at least 100, got {inflation_permille / 10:g}"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRule(Rule):
    """Fire below goal - enter margin, resolve at or above goal - leave margin (per mille)."""

    kind: ClassVar[str] = "margin"

    enter_margin_permille: int
    leave_margin_permille: int
    min_offered: int

    @property
    def least_calls(self) -> int:
        """Return the least number of calls offered."""
        return self.min_offered

    def __post_init__(self) -> None:
        """Refuse margins that cross, or none at all."""
        Rule.__post_init__(self)
        if not 0 <= self.leave_margin_permille < self.enter_margin_permille < PERMILLE:
            msg = (
                "margins: expected 0 <= leave < enter < 100 %, got "
                f"{self.leave_margin_permille / 10} and {self.enter_margin_permille / 10}"
            )
            raise ValueError(msg)
        if self.min_offered < 1:
            msg = f"min_offered: expected at least 1, got {self.min_offered}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRule(Rule):
    """Fire when misses come ``enter`` times as fast as the goal allows, in both windows.

    Burn is (1 - service level) / (1 - goal): at 3 the day is lost once a third of its calls have
    come. The short window says that it goes on, the long one that it is no passing swing; both are
    below the goal by more than chance. It is over when the short one is below ``leave``.
    """

    kind: ClassVar[str] = "burn"

    long_ms: int
    enter_permille: int
    leave_permille: int
    min_calls: int = 10
    inflation_permille: int = INFLATION

    @property
    def least_calls(self) -> int:
        """Return the least number of calls."""
        return self.min_calls

    def __post_init__(self) -> None:
        """Refuse windows and burns that do not fit each other."""
        Rule.__post_init__(self)
        check_window("long_window", self.long_ms)
        check_volume(self.min_calls, self.inflation_permille)
        if self.window_ms >= self.long_ms:
            msg = (
                "windows: expected the short one shorter than the long one, got "
                f"{self.window_ms // 1000} and {self.long_ms // 1000} s"
            )
            raise ValueError(msg)
        if not 0 < self.leave_permille <= self.enter_permille or self.enter_permille <= PERMILLE:
            msg = (
                "burn: expected 0 < leave <= enter and enter above 100 %, got "
                f"{self.leave_permille / 10:g} and {self.enter_permille / 10:g}"
            )
            raise ValueError(msg)

    @property
    def windows_ms(self) -> tuple[int, ...]:
        """Return both windows."""
        return (self.window_ms, self.long_ms)

    def is_possible(self, goal_permille: int) -> bool:
        """Say whether a queue of this goal can burn so fast: at most 1 / (1 - goal)."""
        return self.enter_permille * (PERMILLE - goal_permille) <= PERMILLE * PERMILLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRule(Rule):
    """Fire when a share is above ``enter`` by more than chance, resolve below ``leave``."""

    kind: ClassVar[str] = "share"

    kpi: str = "abandon_rate"
    enter_permille: int
    leave_permille: int
    min_calls: int = 10
    inflation_permille: int = INFLATION

    @property
    def inputs(self) -> int:
        """Return those of complaints and of the calls handled, or of abandons."""
        return 6 if self.kpi == "complaint_rate" else 1

    @property
    def least_calls(self) -> int:
        """Return the least number of calls."""
        return self.min_calls

    def __post_init__(self) -> None:
        """Refuse shares that cross or that no calls can have."""
        Rule.__post_init__(self)
        check_volume(self.min_calls, self.inflation_permille)
        if not 0 < self.leave_permille <= self.enter_permille < PERMILLE:
            msg = (
                "shares: expected 0 < leave <= enter < 100 %, got "
                f"{self.leave_permille / 10:g} and {self.enter_permille / 10:g}"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogRule(Rule):
    """Fire when so many calls wait past their threshold now, or one has waited so long."""

    kind: ClassVar[str] = "waiting"
    by_time: ClassVar[bool] = True

    kpi: str = "backlog"
    enter: int
    leave: int

    def __post_init__(self) -> None:
        """Refuse figures that cross; ``enter`` and ``leave`` are calls, or milliseconds."""
        Rule.__post_init__(self)
        if not 0 < self.leave <= self.enter:
            msg = f"waiting: expected 0 < leave <= enter, got {self.leave} and {self.enter}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpRule(Rule):
    """Fire when AHT is ``enter`` times what it was on this weekday, or ``aht_ms`` if given."""

    kind: ClassVar[str] = "jump"
    unit: ClassVar[str] = "ms"

    kpi: str = "average_handle_time"
    enter_permille: int
    leave_permille: int
    aht_ms: int | None = None
    min_calls: int = 30

    @property
    def inputs(self) -> int:
        """Return that of handle time."""
        return 2

    @property
    def least_calls(self) -> int:
        """Return the least number of calls."""
        return self.min_calls

    def __post_init__(self) -> None:
        """Refuse jumps that are none."""
        Rule.__post_init__(self)
        check_volume(self.min_calls, PERMILLE)
        check_jump(self.enter_permille, self.leave_permille)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurgeRule(Rule):
    """Fire when ``enter`` times as many calls come as expected, and that is no chance."""

    kind: ClassVar[str] = "surge"
    unit: ClassVar[str] = "calls"
    by_time: ClassVar[bool] = True

    kpi: str = "offered"
    enter_permille: int
    leave_permille: int
    min_calls: int = 20
    inflation_permille: int = INFLATION

    @property
    def least_calls(self) -> int:
        """Return the least number of calls."""
        return self.min_calls

    def __post_init__(self) -> None:
        """Refuse surges that are none."""
        Rule.__post_init__(self)
        check_volume(self.min_calls, self.inflation_permille)
        check_jump(self.enter_permille, self.leave_permille)


def check_jump(enter_permille: int, leave_permille: int) -> None:
    """Refuse factors that cross, or that do not go up."""
    if not 0 < leave_permille <= enter_permille or enter_permille <= PERMILLE:
        msg = (
            "factors: expected 0 < leave <= enter and enter above 100 %, got "
            f"{leave_permille / 10:g} and {enter_permille / 10:g}"
        )
        raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRule(Rule):
    """Fire when nothing has come for the window though so many calls were expected in it."""

    kind: ClassVar[str] = "silence"
    unit: ClassVar[str] = "ms"
    by_time: ClassVar[bool] = True

    kpi: str = "feed"
    min_expected: int = 10

    def __post_init__(self) -> None:
        """Refuse to be alarmed by the silence of a queue that expects nothing."""
        Rule.__post_init__(self)
        if self.min_expected < 1:
            msg = f"min_expected: expected at least 1, got {self.min_expected}"
            raise ValueError(msg)
