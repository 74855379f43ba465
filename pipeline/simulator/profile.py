"""Who calls whom, and how: the two simulated clients, in numbers.

``meridian`` is a retailer with two sites, ``harbour`` a bank without. Figures are invented but of
the order published for such centres; ``docs/simulator.md`` says what they lead to.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Final

HALF_HOUR_MS: Final = 1_800_000
HALF_HOURS: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueProfile:
    """One queue: its share of the client's calls and what handling a call takes.

    Talk and hold are lognormal (median, sigma of the logarithm), wrap-up is exponential.
    ``transfer_rate`` of the answered calls go on to another queue of the client.
    """

    name: str
    share: float
    talk_median_s: float
    talk_sigma: float
    wrapup_mean_s: float
    transfer_rate: float

    @property
    def handle_mean_s(self) -> float:
        """Return the mean time a call keeps an agent, ringing and holds included."""
        talk = self.talk_median_s * exp(self.talk_sigma**2 / 2)
        hold = HOLD_RATE * (1 + SECOND_HOLD_RATE) * HOLD_MEDIAN_S * exp(HOLD_SIGMA**2 / 2)
        return RING_MEAN_S + talk + hold + WRAPUP_RATE * self.wrapup_mean_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Outbound calls at every site: who asked to be called back first, then a list.

    ``agents`` sit at all sites together, from ``from_h`` to ``until_h`` (local), and dial on
    behalf of ``queue``.
    """

    queue: str
    agents: float
    from_h: int
    until_h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientProfile:
    """One client: its sites, queues, hours and callers.

    ``daily_calls`` is an average day; ``weekday_factors`` (Monday first) and ``hour_weights``
    (24, local) shape it. ``threshold_ms`` is the contract's, as in ``config/queues.yaml``.
    ``surge_factors`` (24, local) multiply the calls that really come on the surge day, whose
    forecast, and so whose staffing, is ``surge_day_calls``. ``refuses_after_hours``: queues that
    are closed take no call; others take it and give it back at once.
    """

    name: str
    zone: str
    sites: tuple[tuple[str, float], ...]
    queues: tuple[QueueProfile, ...]
    daily_calls: float
    weekday_factors: tuple[float, ...]
    hour_weights: tuple[float, ...]
    opens_h: int
    closes_h: int
    threshold_ms: int
    patience_mean_s: float
    staffing_goal: float
    surge_staffing_goal: float
    surge_day_calls: float
    surge_factors: tuple[float, ...]
    refuses_after_hours: bool
    campaign: Campaign

    def half_hour_shares(self) -> list[float]:
        """Return the share of a day's calls that falls into each of its 48 half hours."""
        total = 2 * sum(self.hour_weights)
        return [self.hour_weights[i // 2] / total for i in range(HALF_HOURS)]


RING_MEAN_S: Final = 3.5
RING_LEAST_S: Final = 1.5
RONA_RATE: Final = 0.015
RONA_RING_S: Final = 15.0
RONA_PAUSE_S: Final = 60.0
HOLD_RATE: Final = 0.14
SECOND_HOLD_RATE: Final = 0.2
HOLD_MEDIAN_S: Final = 40.0
HOLD_SIGMA: Final = 0.8
WRAPUP_RATE: Final = 0.85
ATTENDED_RATE: Final = 0.4
EXTERNAL_RATE: Final = 0.008
PARTNERS: Final = {"carrier": "8005550101", "repairs": "8005550102", "insurer": "8005550103"}
"""Where calls are transferred outside, and the numbers there."""
DIAL_GAP_S: Final = 4.0
DIAL_RING_MEAN_S: Final = 9.0
DIAL_RING_LIMIT_S: Final = 25.0
HUMAN_RATE: Final = 0.5
MACHINE_RATE: Final = 0.2
OVERDIAL_RATE: Final = 0.05
"""Share of dialings in which the dialer tries two numbers for one agent, hoping for one."""
PUT_THROUGH_MEAN_S: Final = 0.4
NOBODY_AFTER_S: Final = 2.5
"""How long a called person hears nobody before the dialer hangs up."""
OUTBOUND_TALK_MEDIAN_S: Final = 100.0
OUTBOUND_TALK_SIGMA: Final = 0.6
OUTBOUND_WRAPUP_MEAN_S: Final = 20.0
CALL_BACK_AFTER_S: Final = 600.0
BEFORE_QUEUE_RATE: Final = 0.03
REDIAL_RATE: Final = 0.45
REDIAL_MEAN_S: Final = 420.0
CALLBACK_RATE: Final = 0.08
CALLBACK_FROM_S: Final = 45.0
CALLBACK_UNTIL_S: Final = 90.0
MAX_WAIT_S: Final = 600.0
COMPLAINT_RATE: Final = 0.004
COMPLAINT_RATE_UPSET: Final = 0.03
UPSET_WAIT_S: Final = 120.0
CALLER_ENDS_RATE: Final = 0.7
MOST_LEGS: Final = 3
LEAST_CAPACITY: Final = 6
CAPACITY_S: Final = 90.0
"""A queue has room for the callers of so many seconds of the forecast's busiest half hour."""
CUSTOMERS_PER_DAILY_CALL: Final = 60
DAY_SIGMA: Final = 0.03
"""Spread of a whole day's calls around the plan (sigma of the logarithm)."""

MERIDIAN: Final = ClientProfile(
    name="meridian",
    zone="Asia/Shanghai",
    sites=(("sh", 0.6), ("cd", 0.4)),
    queues=(
        QueueProfile(
            name="service",
            share=0.5,
            talk_median_s=165,
            talk_sigma=0.7,
            wrapup_mean_s=30,
            transfer_rate=0.07,
        ),
        QueueProfile(
            name="orders",
            share=0.3,
            talk_median_s=130,
            talk_sigma=0.6,
            wrapup_mean_s=25,
            transfer_rate=0.04,
        ),
        QueueProfile(
            name="returns",
            share=0.2,
            talk_median_s=190,
            talk_sigma=0.7,
            wrapup_mean_s=45,
            transfer_rate=0.05,
        ),
    ),
    daily_calls=1_560,
    weekday_factors=(1.12, 1.05, 1.0, 1.0, 1.03, 0.95, 0.85),
    hour_weights=(
        *(0.2, 0.1, 0.05, 0.05, 0.05, 0.1, 0.3, 0.8),
        *(3.5, 6.0, 8.0, 7.5, 6.0, 6.5, 7.5, 7.5),
        *(7.0, 6.5, 6.5, 7.5, 8.0, 6.5, 0.8, 0.4),
    ),
    opens_h=8,
    closes_h=22,
    threshold_ms=20_000,
    patience_mean_s=120,
    staffing_goal=0.9,
    surge_staffing_goal=0.85,
    surge_day_calls=15_000,
    refuses_after_hours=False,
    campaign=Campaign(queue="orders", agents=3, from_h=14, until_h=16),
    surge_factors=(
        *(4.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
        *(1.0, 1.2, 1.55, 1.5, 1.1, 1.05, 1.05, 1.05),
        *(1.05, 1.05, 1.15, 1.55, 1.8, 1.6, 1.5, 1.5),
    ),
)

HARBOUR: Final = ClientProfile(
    name="harbour",
    zone="Asia/Shanghai",
    sites=(("", 1.0),),
    queues=(
        QueueProfile(
            name="cards",
            share=0.65,
            talk_median_s=150,
            talk_sigma=0.65,
            wrapup_mean_s=25,
            transfer_rate=0.03,
        ),
        QueueProfile(
            name="loans",
            share=0.35,
            talk_median_s=260,
            talk_sigma=0.75,
            wrapup_mean_s=70,
            transfer_rate=0.05,
        ),
    ),
    daily_calls=430,
    weekday_factors=(1.25, 1.15, 1.1, 1.1, 1.15, 0.75, 0.5),
    hour_weights=(
        *(0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.1, 0.3),
        *(1.0, 8.0, 10.0, 9.5, 7.0, 7.0, 8.5, 9.0),
        *(8.5, 7.0, 1.2, 0.6, 0.4, 0.3, 0.1, 0.05),
    ),
    opens_h=9,
    closes_h=18,
    threshold_ms=30_000,
    patience_mean_s=180,
    staffing_goal=0.92,
    surge_staffing_goal=0.85,
    surge_day_calls=430,
    refuses_after_hours=True,
    campaign=Campaign(queue="cards", agents=1, from_h=13, until_h=15),
    surge_factors=(1.0,) * 24,
)

CLIENTS: Final = (MERIDIAN, HARBOUR)
