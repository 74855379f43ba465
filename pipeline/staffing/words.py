"""An outlook in words that people on a floor understand, with times by the contract's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.staffing.outlook import Outlook, Standing


def clock_in(zone: str, now_ms: int, *, date_form: str = "{0.day} {0:%b}") -> Callable[[int], str]:
    """Return how to write an instant: ``10:40`` on the day of now, else with its date.

    A time that the end of summer time repeats is written with its offset, ``2:30 (UTC+2)``.
    """
    info = ZoneInfo(zone)
    today = _local(now_ms, info).date()

    def written(at_ms: int) -> str:
        local = _local(at_ms, info)
        words = [] if local.date() == today else [date_form.format(local)]
        words.append(f"{local.hour}:{local:%M}")
        if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
            words.append(f"({_offset(local)})")
        return " ".join(words)

    return written


def _offset(local: datetime) -> str:
    minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def _local(at_ms: int, info: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(info)


def outlook_in_words(found: Outlook, clock: Callable[[int], str], *, whose: str = "today") -> str:
    """Return one or two sentences; ``whose`` is "today" or "the month"."""
    goal = f"{whose}'s {percent(found.goal)}"
    settled = {
        Standing.NOTHING_COUNTS: f"No calls so far and none expected: nothing to say of {goal}.",
        Standing.WON: f"{_first(goal)} is safe, whatever else comes.",
        Standing.LOST: (
            f"{_first(goal)} is out of reach: with no further miss it would end at "
            f"{percent(found.best)}."
        ),
    }
    if found.standing in settled:
        return settled[found.standing]
    needed = f"the calls still to come have to reach {percent(found.needed)}"
    if found.projected is None:
        return f"No rate to go by yet; for {goal} {needed}."
    ends = f"{percent(found.projected)}{_chance(found.likely)}"
    if found.lost_at_ms is None:
        return f"At this rate {whose} ends at {ends}; for {percent(found.goal)} {needed}."
    return (
        f"At this rate {goal} is out of reach after {clock(found.lost_at_ms)}: "
        f"{whose} ends at {ends}. For {percent(found.goal)} {needed}."
    )


def _chance(likely: float | None) -> str:
    return "" if likely is None else f" ({chance(likely)} to make it)"


def chance(likely: float) -> str:
    """Return a probability as people say it: never a certainty that the model cannot give."""
    if likely >= 0.995:  # noqa: PLR2004 - would be rounded to 100 %
        return "over 99 %"
    return "under 1 %" if likely < 0.005 else f"{100 * likely:.0f} %"  # noqa: PLR2004


def percent(share: float | None) -> str:
    """Return a share as a percentage: ``80 %``, ``78.3 %``; a dash of none."""
    if share is None:
        return "-"
    # Not rounded up to a goal that is missed, nor by more than the last digit shown.
    return f"{int(share * 1000 + 1e-6) / 10:g} %"


def _first(text: str) -> str:
    return text[0].upper() + text[1:]
