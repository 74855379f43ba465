"""Erlang B for a real number of servers, and the incomplete gamma function behind Erlang A.

Positive terms only, so nothing cancels; sums are rescaled before they overflow.
"""

from __future__ import annotations

from math import exp, floor, gamma, inf, log
from typing import Final, NamedTuple

_ENOUGH: Final = 1e-17
"""A term this small beside its sum changes nothing."""
_MUCH: Final = 1e250
_LOG_MUCH: Final = log(_MUCH)
_SMALL_LOAD: Final = 2.0
"""Below it the continued fraction of the incomplete gamma function is slow, the series good."""


class GammaSum(NamedTuple):
    """``exp(scale)`` times: sum of terms, and of terms by their harmonic weights."""

    value: float
    weighted: float
    scale: float


def gamma_sum(z: float, y: float) -> GammaSum:
    """Return ``sum over j of y^j / (z (z+1) ... (z+j))``, and the same weighted.

    The first is ``theta`` times the integral of ``exp(y (1 - exp(-theta t)) - z theta t)`` over
    t from 0 on: an incomplete gamma function. Weighted by ``1/z + ... + 1/(z+j)`` it is the
    integral with a factor ``theta t``, since these weights are that mean under a beta density.
    """
    term = weight = 1 / z
    value, weighted, scale = term, term * weight, 0.0
    divisor = z
    while True:
        divisor += 1
        term *= y / divisor
        weight += 1 / divisor
        value += term
        weighted += term * weight
        if divisor > y and term <= _ENOUGH * value:
            return GammaSum(value, weighted, scale)
        if value > _MUCH:
            term, value, weighted = term / _MUCH, value / _MUCH, weighted / _MUCH
            scale += _LOG_MUCH


def inverse_blocking(servers: float, load: float) -> float:
    """Return one over Erlang B's blocking probability, for a real number of servers above -1.

    ``1/B(x) = 1 + x/load * 1/B(x-1)`` upwards from the fraction, where it is an incomplete gamma
    function. Infinite where blocking is below what a float can say.
    """
    whole = floor(servers)
    part = servers - whole
    found = _fraction(part, load)
    if whole < 0:
        # Downwards once; a fraction of 0 has been refused by whoever asks.
        return (found - 1) * load / part
    for step in range(1, whole + 1):
        found = 1 + (part + step) / load * found
    return found


def _fraction(part: float, load: float) -> float:
    """Return one over blocking for 0 <= part < 1 servers: ``load^-p e^load Gamma(p+1, load)``."""
    if part == 0:
        return 1.0
    s = part + 1
    if load < _SMALL_LOAD:
        term = total = 1 / s
        divisor = s
        while term > _ENOUGH * total:
            divisor += 1
            term *= load / divisor
            total += term
        return exp(load - part * log(load)) * gamma(s) - load * total
    # Lentz's method (Press et al., "Numerical Recipes", section 6.2).
    b = load + 1 - s
    c, d = inf, 1 / b
    found, i = d, 0
    while True:
        i += 1
        a = -i * (i - s)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        found *= d * c
        if abs(d * c - 1) <= 1e-15:  # noqa: PLR2004 - a few units of the last digit
            return load * found
