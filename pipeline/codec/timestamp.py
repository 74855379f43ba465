"""When a record of an API or a table says that something happened, as epoch milliseconds.

Takes ISO 8601 with ``Z`` or an offset, and epoch seconds or milliseconds. A time without an offset
is by a clock on a wall: it needs the zone of that clock, else nobody can say when it was.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LATEST_MS: Final = 221_845_392_000_000
"""The start of the year 9000, so that a length of time added to an instant stays within what the
contract of events can carry (the year 9999)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_NUMBER: Final = re.compile(r"(\d{1,15})(?:\.(\d{1,9}))?")
_LEAST_MILLISECONDS: Final = 10**11
"""A bare number from here on is milliseconds: as seconds it would be the year 5138."""

AMBIGUOUS: Final = "ambiguous_local_time"
SKIPPED: Final = "skipped_local_time"
_EXPECTED: Final = "expected a time such as 2026-03-01T09:30:00Z or epoch seconds or milliseconds"


@dataclass(frozen=True, slots=True)
class Clock:
    """Reads times of one source; what is odd about them is counted in ``anomalies``.

    ``zone`` is that of times that have none. Of a time that its clock shows twice the first is
    meant (``ambiguous_local_time``); one that it skips is as long after midnight as it says
    (``skipped_local_time``).
    """

    zone: ZoneInfo | None
    anomalies: Counter[str]

    def read(self, value: object) -> int:
        """Return epoch milliseconds.

        Raises:
            ValueError: what was expected, and what was found.
        """
        at = self._of_text(value) if isinstance(value, str) else _of_number(value)
        if not 1 <= at < LATEST_MS:
            msg = f"expected a time after 1970 and before the year 9000, got {_shown(value)}"
            raise ValueError(msg)
        return at

    def _of_text(self, text: str) -> int:
        text = text.strip()
        if text[4:5] != "-":  # no year first: a number, if anything
            found = _NUMBER.fullmatch(text)
            if found is not None:
                return _scaled(int(found[1]), found[2] or "")
        try:
            read = datetime.fromisoformat(text)
        except ValueError as error:
            msg = f"{_EXPECTED}, got {_shown(text)}"
            raise ValueError(msg) from error
        if len(text) <= len("2026-03-01"):
            msg = f"{_EXPECTED}, got a day without a time, {_shown(text)}"
            raise ValueError(msg)
        if read.tzinfo is None:
            return self._of_wall_clock(read, text)
        return (read - _EPOCH) // _MILLISECOND

    def _of_wall_clock(self, read: datetime, text: str) -> int:
        if self.zone is None:
            msg = f"expected a time with an offset, as the zone is not known, got {_shown(text)}"
            raise ValueError(msg)
        try:
            first, second = (
                read.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
            )
        except OverflowError as error:
            msg = f"{_EXPECTED}, got {_shown(text)}"
            raise ValueError(msg) from error
        if first != second:
            self.anomalies[AMBIGUOUS if first < second else SKIPPED] += 1
        return (first - _EPOCH) // _MILLISECOND


def _of_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{_EXPECTED}, got {_shown(value)}"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error, whatever is wrong with a time
    if not 0 <= value < LATEST_MS:
        msg = f"expected a time after 1970 and before the year 9000, got {_shown(value)}"
        raise ValueError(msg)
    whole = int(value)
    return whole if whole >= _LEAST_MILLISECONDS else round(value * 1000)


def _scaled(whole: int, fraction: str) -> int:
    if whole >= _LEAST_MILLISECONDS:
        return whole
    return whole * 1000 + int(fraction.ljust(3, "0")[:3])


def _shown(value: object) -> str:
    return repr(value)[:60]
