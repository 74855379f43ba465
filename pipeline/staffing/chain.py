"""The number of callers in a queue as a birth and death process: its balance and its clumping.

Calls on the line and waiting together: up with the arrivals, down with ``min(i, agents) mu`` ends
and ``theta`` for each who waits. A fraction of an agent is an agent who works so much slower.

*Clumping*: the calls of an hour are no independent draws, since one wait tells of the next. How
much a day's figure varies for that reason has a closed form for birth and death processes (Whitt,
"Asymptotic formulas for Markov processes with applications to simulation", Operations Research 40,
1992, section 3, after Burman 1980); here with calls, not time, as what is counted, so that an
arrival's own effect on those after it is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log, sqrt
from typing import Final

from pipeline.staffing.erlang import Traffic
from pipeline.staffing.position import Within, within
from pipeline.staffing.service import Goal

_SIGMAS: Final = 9.0
_LOG_NEVER: Final = 25.0
_MOST_STATES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """States 0 .. len(down) - 1; ``down[i]`` is the rate from i to i - 1, per second."""

    traffic: Traffic
    agents: float
    down: tuple[float, ...]

    @property
    def balance(self) -> list[float]:
        """Return the steady state's distribution over the states."""
        up = self.traffic.rate_per_s
        top = len(self.down) - 1
        peak = 0
        while peak < top and up >= self.down[peak + 1]:
            peak += 1
        found = [0.0] * (top + 1)
        found[peak] = 1.0
        for i in range(peak, top):
            found[i + 1] = found[i] * up / self.down[i + 1]
        for i in range(peak, 0, -1):
            found[i - 1] = found[i] * self.down[i] / up if up else 0.0
        total = sum(found)
        return [p / total for p in found]


def chain_of(traffic: Traffic, agents: float, *, at_least: int = 0) -> Chain:
    """Return the process with as many states as matter, and no fewer than asked for.

    Raises:
        ValueError: it has no steady state, as with too few agents and callers who never leave.
    """
    capacity = agents / traffic.handle_s
    surplus = traffic.rate_per_s - capacity
    if traffic.patience_s is None:
        if surplus >= 0:
            msg = "expected callers to lose patience, or more agents than the load"
            raise ValueError(msg)
        waiting = _LOG_NEVER / log(capacity / traffic.rate_per_s) if traffic.rate_per_s else 0.0
        theta, middle = 0.0, min(traffic.load, agents)
    else:
        theta = 1 / traffic.patience_s
        waiting = max(0.0, surplus / theta)
        waiting += _SIGMAS * sqrt(traffic.rate_per_s * max(traffic.patience_s, traffic.handle_s))
        middle = agents
    states = ceil(middle + waiting + _SIGMAS * sqrt(middle + 1)) + 10
    if traffic.patience_s is None:
        states = ceil(agents + waiting) + 10
    states = min(max(states, at_least), _MOST_STATES)
    mu = 1 / traffic.handle_s
    down = tuple(min(i, agents) * mu + max(0.0, i - agents) * theta for i in range(states + 1))
    return Chain(traffic=traffic, agents=agents, down=down)


@dataclass(frozen=True, slots=True)
class Prospects:
    """By state found on arrival: shares answered in time, gone in time, gone as short abandons."""

    answered_within: tuple[float, ...]
    abandoned_within: tuple[float, ...]
    abandoned_short: tuple[float, ...]


def prospects(chain: Chain, goal: Goal) -> Prospects:
    """Return what becomes of a caller by the state found on arrival."""
    by_threshold = within(chain.traffic, chain.agents, goal.threshold_s, len(chain.down))
    by_short = within(chain.traffic, chain.agents, goal.short_abandon_s, len(chain.down))
    states = range(len(chain.down))
    in_time = [_found(by_threshold, i - chain.agents) for i in states]
    short = [_found(by_short, i - chain.agents) for i in states]
    return Prospects(
        tuple(served for served, _ in in_time),
        tuple(gone for _, gone in in_time),
        tuple(gone for _, gone in short),
    )


def _found(table: Within, ahead: float) -> tuple[float, float]:
    return table.at(ahead)


@lru_cache(maxsize=4096)
def clumping(goal: Goal, traffic: Traffic, agents: float) -> float:
    """Return the variance per second of (calls in time - goal x calls), by SL1.

    Times a length, plus nothing else, it is the variance of that surplus over a stretch that is
    long beside handle time and patience. 0 without calls.
    """
    if traffic.rate_per_s == 0:
        return 0.0
    chain = chain_of(traffic, agents)
    balance = chain.balance
    good = prospects(chain, goal).answered_within
    worth = [share - goal.share for share in good]
    mean = sum(p * w for p, w in zip(balance, worth, strict=True))
    rate = traffic.rate_per_s
    # What being in state i rather than in the steady state is worth for all time to come, up to a
    # constant: differences follow from the balance of each cut between i and i + 1.
    ahead = [0.0]
    below = 0.0
    for p, w in zip(balance[:-1], worth, strict=False):
        below += p * (w - mean)
        ahead.append(ahead[-1] - (below / (rate * p) if p > 1e-280 else 0.0))  # noqa: PLR2004 - no state that occurs
    centre = sum(p * a for p, a in zip(balance, ahead, strict=True))
    ahead.append(ahead[-1])
    own = sum(
        p * (g * (1 - goal.share) ** 2 + (1 - g) * goal.share**2)
        for p, g in zip(balance, good, strict=True)
    )
    later = sum(p * w * (a - centre) for p, w, a in zip(balance, worth, ahead[1:], strict=True))
    return max(0.0, rate * own + 2 * rate * rate * later)
