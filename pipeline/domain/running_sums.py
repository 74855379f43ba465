"""Sums over windows of the newest panes, without a look at each pane of each window.

Rules ask every queue for the same few sums at every boundary. To look each pane up again costs
little work and much memory traffic; a window's sum as the difference of two running totals touches
the panes that changed since, which are one or two. What is here is made of the panes and can be
made of them again: it is no part of any state.
"""

from __future__ import annotations

from typing import Final

from pipeline.domain.kpi import PANE_MS

FIELDS: Final = 4
"""Offered, answered, answered within, abandoned: the first of ``kpi.SERVICE_LEVEL_FIELDS``."""
KEPT: Final = 32
"""How many panes a window may have, at least."""
LONGEST_MS: Final = KEPT * PANE_MS
NEVER: Final = 1 << 60
"""Later than any pane."""


class RunningSums:
    """Totals of the panes from the oldest kept on; ``FIELDS`` for each pane's start."""

    __slots__ = ("end_ms", "first_ms", "totals")

    def __init__(self) -> None:
        """Know nothing."""
        self.first_ms = 0
        self.end_ms = 0
        self.totals: list[int] = []

    def catch_up(self, panes: dict[int, list[int]], end_ms: int, stale_ms: int) -> None:
        """Take in the panes before ``end_ms``, of which those before ``stale_ms`` are as they were.

        It may be asked of an earlier end than the last time.
        """
        since = min(stale_ms, self.end_ms)
        if since < self.first_ms or not self.first_ms <= end_ms - LONGEST_MS <= self.end_ms:
            self.first_ms = since = end_ms - LONGEST_MS
            self.totals = [0] * FIELDS
        elif since < self.end_ms or end_ms < self.end_ms:
            since = min(since, end_ms)
            del self.totals[((since - self.first_ms) // PANE_MS + 1) * FIELDS :]
        totals = self.totals
        offered, answered, within, abandoned = totals[-4], totals[-3], totals[-2], totals[-1]
        for start in range(since, end_ms, PANE_MS):
            pane = panes.get(start)
            if pane is not None:
                offered += pane[0]
                answered += pane[1]
                within += pane[2]
                abandoned += pane[3]
            totals.append(offered)
            totals.append(answered)
            totals.append(within)
            totals.append(abandoned)
        self.end_ms = end_ms
        if len(totals) > 2 * KEPT * FIELDS:
            del totals[: KEPT * FIELDS]
            self.first_ms += LONGEST_MS

    def pair(self, window_ms: int, first: int, second: int) -> tuple[int, int]:
        """Return two fields' sums over a window of at most ``LONGEST_MS`` that ends at the end."""
        totals = self.totals
        until = len(totals) - FIELDS
        since = until - window_ms // PANE_MS * FIELDS
        return totals[until + first] - totals[since + first], (
            totals[until + second] - totals[since + second]
        )
