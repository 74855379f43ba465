"""Calls that earlier calls made, beside what is usual: handed over, or asked a second time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.domain.target import ServiceTarget
from pipeline.lake.queue_day import QueueKey
from pipeline.lake.window_log import Rework, WindowLog
from pipeline.offline.weeks import earlier
from pipeline.staffing.attribution import Amount

_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class ReworkShare:
    """Calls made by earlier ones per fresh call, planned and actual, and where they came from."""

    planned: float
    actual: float
    by_source: tuple[Amount, ...]


def rework_of(
    key: QueueKey,
    window: tuple[int, int],
    target: ServiceTarget,
    log: WindowLog,
    stated: float | None,
    notes: list[str],
) -> ReworkShare:
    """Return a window's rework beside the plan's: stated, else that of the weeks before.

    A week counts if the log reaches back as far before it as a repeat may be apart: a log that
    begins too late knows no repeats.
    """
    repeat_ms = target.rules.repeat_window_h * _HOUR_MS
    begins_ms = log.begins_ms()
    found = log.rework(key, *window, repeat_ms)
    fresh = found.calls - sum(found.made.values())
    weeks = []
    if stated is None and begins_ms is not None:
        spans = [s for s in earlier(window, target.zone) if s[0] - repeat_ms >= begins_ms]
        weeks = [week for span in spans if (week := log.rework(key, *span, repeat_ms)).calls]
    usual_fresh = sum(week.calls - sum(week.made.values()) for week in weeks)
    if fresh <= 0 or (stated is None and usual_fresh <= 0):
        share = sum(found.made.values()) / fresh if fresh > 0 else 0.0
        notes.append(
            "rework is taken as planned, so method has no points: "
            + ("no calls are landed" if fresh <= 0 else "no earlier week is known; say --rework")
        )
        return ReworkShare(share, share, ())
    usual = _rates(weeks, usual_fresh)
    planned = sum(usual.values())
    if stated is not None:
        planned = stated / (1 - stated)
    actual = sum(found.made.values()) / fresh
    notes.append(
        f"transfers in and repeats: {100 * actual / (1 + actual):.1f} % of calls where "
        f"{100 * planned / (1 + planned):.1f} % "
        + ("were planned, as stated" if stated is not None else f"were usual ({len(weeks)} weeks)")
    )
    sources = sorted(usual.keys() | found.made.keys())
    return ReworkShare(
        planned,
        actual,
        tuple(
            Amount(kind, name, found.made.get((kind, name), 0) - usual.get((kind, name), 0) * fresh)
            for kind, name in sources
        ),
    )


def _rates(weeks: list[Rework], fresh: int) -> dict[tuple[str, str], float]:
    sums: dict[tuple[str, str], float] = {}
    for week in weeks:
        for source, calls in week.made.items():
            sums[source] = sums.get(source, 0.0) + calls / fresh
    return sums
