"""Queues in a steady state: Erlang C, and Erlang A (M/M/n+M), where callers lose patience.

Both are one formula here. A caller who arrives would have to wait V, whatever his patience; V is 0
with probability ``1 / (1 + r)``, else it has a density proportional to ``exp(phi(t))`` with
``phi(t) = (rate / theta) (1 - exp(-theta t)) - agents mu t``, where ``theta`` is one over the mean
patience and ``mu`` one over the handle time (Zeltyn and Mandelbaum, "Call centers with impatient
customers: many-server asymptotics of the M/M/n+G queue", Queueing Systems 51, 2005, section 3).
Without end of patience ``phi`` is a straight line: Erlang C. Agents may be a fraction: the number
of servers enters by Erlang B only, continued to real numbers by its integral (Jagerman, "Some
properties of the Erlang loss function", Bell System Technical Journal 53, 1974, theorem 3).

Sums of positive terms throughout, rescaled before they overflow: good for thousands of agents,
for any load, and to about twelve digits. Knows no calendar, no contract and no time of day.
Where the model flatters is told in ``docs/staffing.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, inf
from typing import Final, NamedTuple

from pipeline.staffing.blocking import GammaSum, gamma_sum, inverse_blocking

_MOST_EXPONENT: Final = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What comes to a queue: calls per second, mean handle time, mean patience (seconds).

    ``patience_s`` None: nobody ever hangs up (Erlang C). ``handle_s`` is all that keeps an agent
    from the next call: ringing, talk, hold, after-call work.
    """

    rate_per_s: float
    handle_s: float
    patience_s: float | None

    def __post_init__(self) -> None:
        """Refuse what no queue can have."""
        if not 0 <= self.rate_per_s < inf:
            msg = f"rate_per_s: expected 0 or more calls per second, got {self.rate_per_s}"
            raise ValueError(msg)
        if not 0 < self.handle_s < inf:
            msg = f"handle_s: expected more than 0 seconds, got {self.handle_s}"
            raise ValueError(msg)
        if self.patience_s is not None and not 0 < self.patience_s < inf:
            msg = f"patience_s: expected more than 0 seconds, or None, got {self.patience_s}"
            raise ValueError(msg)

    @property
    def load(self) -> float:
        """Return the offered load in erlangs."""
        return self.rate_per_s * self.handle_s


class Fate(NamedTuple):
    """How calls end, as shares of those offered; ``within`` is within the threshold."""

    answered: float
    answered_within: float
    abandoned: float
    abandoned_within: float
    abandoned_short: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """A queue with so many agents in its steady state.

    ``waiting``: probability that a caller has to wait at all. ``asa_s``: mean wait of the answered,
    infinite where a queue without abandonment has too few agents; None where nobody is answered.
    ``occupancy``: share of the agents' time on calls; None without agents.
    """

    traffic: Traffic
    agents: float
    waiting: float
    abandoned: float
    asa_s: float | None
    occupancy: float | None
    _tail: _Tail | None

    @property
    def wait_s(self) -> float:
        """Return the mean wait of all callers, answered or not (seconds)."""
        if self.traffic.patience_s is None:
            return self.asa_s or 0.0
        return self.abandoned * self.traffic.patience_s

    def fate(self, threshold_s: float, short_s: float = 0.0) -> Fate:
        """Return how calls end by a threshold and a longest short abandon, both in seconds."""
        over, answered_over = self._beyond(threshold_s)
        answered = 1 - self.abandoned
        within = max(0.0, answered - answered_over)
        return Fate(
            answered=answered,
            answered_within=within,
            abandoned=self.abandoned,
            abandoned_within=self._abandoned_by(threshold_s, over, answered_over),
            abandoned_short=self._abandoned_by(short_s, *self._beyond(short_s)),
        )

    def _beyond(self, t_s: float) -> tuple[float, float]:
        """Return the shares that would wait longer than t, and that do and are answered."""
        if self._tail is None:
            return self.waiting, 1 - self.abandoned if self.waiting else 0.0
        over, answered_over = self._tail.beyond(t_s)
        return self.waiting * over, self.waiting * answered_over

    def _abandoned_by(self, t_s: float, over: float, answered_over: float) -> float:
        """Return the share that abandons within t: all that do, less those who still wait then.

        Of those who would wait longer than t, ``exp(-theta t)`` are still there at t, and leave or
        are answered later.
        """
        patience_s = self.traffic.patience_s
        if patience_s is None:
            return 0.0
        later = over * exp(-t_s / patience_s) - answered_over
        return max(0.0, self.abandoned - max(0.0, later))


@dataclass(frozen=True, slots=True)
class _Tail:
    """The wait of those who wait, by ``x = agents mu / theta`` and ``y = rate / theta``."""

    traffic: Traffic
    capacity: float
    """Calls per second that the agents can end."""
    whole: GammaSum | None

    def beyond(self, t_s: float) -> tuple[float, float]:
        """Return, of those who wait, who would wait longer than t, and who does and is answered."""
        rate, patience_s = self.traffic.rate_per_s, self.traffic.patience_s
        if self.whole is None or patience_s is None:
            left = exp(-(self.capacity - rate) * t_s)
            return left, left
        x, y = self.capacity * patience_s, rate * patience_s
        faded = exp(-t_s / patience_s)
        phi = -y * expm1(-t_s / patience_s) - self.capacity * t_s
        longer, answered = gamma_sum(x, y * faded), gamma_sum(x + 1, y * faded)
        scale = phi - self.whole.scale
        base = self.whole.value
        return (
            _scaled(longer.value / base, scale + longer.scale),
            _scaled(answered.value / base * faded, scale + answered.scale),
        )


def _scaled(value: float, exponent: float) -> float:
    return value * exp(min(exponent, _MOST_EXPONENT))


def steady(traffic: Traffic, agents: float) -> Steady:
    """Return the steady state of a queue with so many agents, which may be a fraction.

    Raises:
        ValueError: agents are negative or not finite.
    """
    if not 0 <= agents < inf:
        msg = f"agents: expected 0 or more, got {agents}"
        raise ValueError(msg)
    rate, patience_s = traffic.rate_per_s, traffic.patience_s
    if agents < 1e-9:  # noqa: PLR2004 - nobody
        return _nobody(traffic)
    capacity = agents / traffic.handle_s
    if rate == 0:
        return _state(traffic, agents, waiting=0.0, abandoned=0.0, asa_s=0.0)
    if patience_s is None:
        if rate >= capacity:
            return _state(traffic, agents, waiting=1.0, abandoned=0.0, asa_s=inf)
        mean = 1 / (capacity - rate)
        odds = rate * mean / inverse_blocking(agents - 1, traffic.load)
        waiting = odds / (1 + odds)
        tail = _Tail(traffic, capacity, None)
        return _state(
            traffic, agents, waiting=waiting, abandoned=0.0, asa_s=waiting * mean, tail=tail
        )
    whole = gamma_sum(capacity * patience_s, rate * patience_s)
    odds = _scaled(
        rate * patience_s * whole.value / inverse_blocking(agents - 1, traffic.load), whole.scale
    )
    waiting = 1 / (1 + 1 / odds) if odds else 0.0
    answered = gamma_sum(capacity * patience_s + 1, rate * patience_s)
    shift = exp(answered.scale - whole.scale)
    served = min(1.0, answered.value / whole.value * shift)
    abandoned = waiting * (1 - served)
    waited_s = waiting * patience_s * answered.weighted / whole.value * shift
    tail = _Tail(traffic, capacity, whole)
    return _state(
        traffic,
        agents,
        waiting=waiting,
        abandoned=abandoned,
        asa_s=waited_s / (1 - abandoned),
        tail=tail,
    )


def _nobody(traffic: Traffic) -> Steady:
    gives_up = traffic.patience_s is not None
    return Steady(
        traffic=traffic,
        agents=0.0,
        waiting=1.0,
        abandoned=1.0 if gives_up else 0.0,
        asa_s=None if gives_up else inf,
        occupancy=None,
        _tail=None,
    )


def _state(
    traffic: Traffic,
    agents: float,
    *,
    waiting: float,
    abandoned: float,
    asa_s: float,
    tail: _Tail | None = None,
) -> Steady:
    busy = traffic.load * (1 - abandoned) / agents
    return Steady(
        traffic=traffic,
        agents=agents,
        waiting=waiting,
        abandoned=abandoned,
        asa_s=asa_s,
        occupancy=min(1.0, busy),
        _tail=tail,
    )
