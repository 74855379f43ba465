"""What was expected of a queue in an interval: calls, handle time, agents.

Whoever staffs the queue is bound by it (a contract pays for volume within a band around the
forecast). Thousandths, because forecasts have fractions and sums have to stay exact.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain.fact import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Fact):
    """One queue, one interval ``[interval_start_ms, + interval_ms)``, epoch milliseconds UTC.

    ``calls_milli``: calls expected to be offered, thousandths. ``aht_ms``: expected handle time
    per call, milliseconds. ``agents_milli``: agents planned, thousandths.
    """

    queue: str
    interval_start_ms: int
    interval_ms: int
    calls_milli: int
    aht_ms: int | None = None
    agents_milli: int | None = None
