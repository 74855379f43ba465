"""The point of no return of a contract's day or month, in a sentence, in English or Chinese.

"At this rate today's 80 % is out of reach after 10:40" is what an alert is for: it says until when
there is something to do. Times are by the clock of the contract's zone; an hour that the end of
summer time repeats is told with its offset.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pipeline.staffing.outlook import Expected, Outlook, Standing, look_ahead
from pipeline.staffing.words import chance, clock_in, outlook_in_words, percent


class Language(StrEnum):
    """Languages that outlooks are told in."""

    ENGLISH = "en"
    CHINESE = "zh"


class Period(StrEnum):
    """What a goal is for: the contract's day or its month, in its zone."""

    DAY = "day"
    MONTH = "month"


_WHOSE: Final = {
    Language.ENGLISH: {Period.DAY: "today", Period.MONTH: "the month"},
    Language.CHINESE: {Period.DAY: "今天", Period.MONTH: "本月"},
}


def point_of_no_return(
    found: Outlook,
    zone: str,
    now_ms: int,
    *,
    period: Period = Period.DAY,
    language: Language = Language.ENGLISH,
) -> str:
    """Return how a goal stands and until when it can be reached, in one or two sentences.

    Args:
        found: the outlook of the period.
        zone: IANA name of the contract's zone.
        now_ms: the instant it is told at; a time of another local day is told with its date.
        period: whether the outlook is of the day or of the month.
        language: to tell it in.
    """
    whose = _WHOSE[language][period]
    if language is Language.ENGLISH:
        return outlook_in_words(found, clock_in(zone, now_ms), whose=whose)
    return _in_chinese(found, zone, now_ms, whose)


def point_of_no_return_of(  # noqa: PLR0913 - the figures of an outlook
    goal: float,
    good: float,
    counted: float,
    expected: Iterable[Expected],
    rate: float | None,
    zone: str,
    *,
    seen: float = 0.0,
    now_ms: int | None = None,
    period: Period = Period.DAY,
    language: Language = Language.ENGLISH,
) -> str:
    """Return the same from figures, for whoever has no ``Outlook``: an alert's sentence.

    Args:
        goal: share to reach, 0..1.
        good: numerator of the contract's formula so far.
        counted: its denominator so far.
        expected: calls still to come, ascending and from now on.
        rate: share of good calls at present, 0..1; None if there were none.
        zone: IANA name of the contract's zone.
        seen: calls that the rate is estimated from.
        now_ms: the instant it is told at; the first expected interval's start if left out.
        period: day or month.
        language: to tell it in.

    Raises:
        ValueError: counts, goal or rate that cannot be.
    """
    if not 0 < goal <= 1:
        msg = f"goal: expected a share above 0 and at most 1, got {goal:g}"
        raise ValueError(msg)
    if rate is not None and not 0 <= rate <= 1:
        msg = f"rate: expected a share from 0 to 1, got {rate:g}"
        raise ValueError(msg)
    rest = list(expected)
    found = look_ahead(goal=goal, good=good, counted=counted, expected=rest, rate=rate, seen=seen)
    if now_ms is None:
        now_ms = rest[0].start_ms if rest else 0
    return point_of_no_return(found, zone, now_ms, period=period, language=language)


def _in_chinese(found: Outlook, zone: str, now_ms: int, whose: str) -> str:
    goal = f"{whose} {percent(found.goal)} 的目标"
    settled = {
        Standing.NOTHING_COUNTS: f"{whose}尚无来电，也没有预测来电：{goal}无从判断。",
        Standing.WON: f"{goal}已确保达成，后续来电不会改变结果。",
        Standing.LOST: f"{goal}已无法达成：后续来电全部达标，最终也只有 {percent(found.best)}。",
    }
    if found.standing in settled:
        return settled[found.standing]
    needed = f"剩余来电须达到 {percent(found.needed)}"
    if found.projected is None:
        return f"目前还没有可依据的水平；要达成{goal}，{needed}。"
    ends = f"预计{whose}以 {percent(found.projected)} 结束{_chance(found.likely)}"
    if found.lost_at_ms is None:
        return f"按目前水平，{ends}；要达成{goal}，{needed}。"
    until = clock_in(zone, now_ms, date_form="{0.month}月{0.day}日")(found.lost_at_ms)
    return f"按目前水平，{goal}在 {until} 之后无法达成：{ends}。要达成目标，{needed}。"


def _chance(likely: float | None) -> str:
    if likely is None:
        return ""
    said = chance(likely).replace("over", "高于").replace("under", "低于")
    return f"（达成概率 {said}）" if said[0].isdigit() else f"（达成概率{said}）"
