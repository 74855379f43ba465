"""What was forecast of a queue, as it was known at each instant.

A forecast holds from when it was issued (``as_of_ms``) on, and not before: so what is decided at an
instant of event time does not change when a newer forecast comes, and a log that is folded again
is decided alike, if the files issued by then are still there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.domain.forecast import Forecast

LONGEST_MS: Final = 24 * 3_600_000
"""No interval is longer."""

QueueKey = tuple[str, str, str]
"""Client, site and queue."""


@dataclass(frozen=True, slots=True)
class QueueForecast:
    """The starts of a queue's intervals, ascending, and the revisions of each, oldest first."""

    starts_ms: list[int]
    revisions: list[list[Forecast]]

    def expected_milli(self, from_ms: int, to_ms: int) -> int | None:
        """Return the calls expected in ``[from_ms, to_ms)``, thousandths, as was known at its end.

        Intervals that the span covers in part count by that part. Where they overlap, the one that
        begins last holds. None: of some of the span nothing is forecast.
        """
        total, at = 0, from_ms
        while at < to_ms:
            found = self._at(at, to_ms)
            if found is None:
                return None
            interval, until = found
            until = min(until, to_ms)
            total += interval.calls_milli * (until - at) // interval.interval_ms
            at = until
        return total

    def _at(self, at_ms: int, known_ms: int) -> tuple[Forecast, int] | None:
        """Return the interval that holds at an instant, and until when it does."""
        number = bisect_right(self.starts_ms, at_ms)
        until = self.starts_ms[number] if number < len(self.starts_ms) else at_ms + LONGEST_MS
        while number and self.starts_ms[number - 1] > at_ms - LONGEST_MS:
            number -= 1
            found = _known(self.revisions[number], known_ms)
            if found is not None and at_ms < found.interval_start_ms + found.interval_ms:
                return found, min(until, found.interval_start_ms + found.interval_ms)
        return None


def _known(revisions: list[Forecast], known_ms: int) -> Forecast | None:
    """Return the newest revision issued by an instant; None: there is none, or it takes it back."""
    number = bisect_right(revisions, known_ms, key=_as_of)
    if not number or revisions[number - 1].is_withdrawn:
        return None
    return revisions[number - 1]


def _as_of(forecast: Forecast) -> int:
    return forecast.as_of_ms


def by_queue(forecasts: Iterable[Forecast]) -> Mapping[QueueKey, QueueForecast]:
    """Return the forecasts of each queue; of two as of one instant the greater revision holds."""
    found: dict[QueueKey, dict[int, list[Forecast]]] = {}
    for one in forecasts:
        key = (one.client, one.site, one.queue)
        found.setdefault(key, {}).setdefault(one.interval_start_ms, []).append(one)
    return {
        key: QueueForecast(
            sorted(starts),
            [
                sorted(starts[start], key=lambda one: (one.as_of_ms, one.revision_id))
                for start in sorted(starts)
            ],
        )
        for key, starts in found.items()
    }
