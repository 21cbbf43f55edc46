"""The logistic distribution, censored at the bounds of a parameter, of a value or of its square root: in closed form.

With F(u) = 1 / (1 + exp(-u)), the CRPS is the integral of F^2 below the observation and of (1 - F)^2 above (Jordan,
Krueger and Lerch 2019). For a value y = x^2 the integrals have the weight 2 x, which brings in the dilogarithm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, spence

Float = NDArray[np.float64]

LOGISTIC_SCALE = float(np.sqrt(3) / np.pi)
"""Scale of a logistic distribution of variance one."""


@dataclass(frozen=True)
class Family:
    """How a parameter is distributed: the power it is taken to, 1 or 1/2, and its bounds after that.

    The lower bound is 0 and there is no upper one where the power is 1/2.
    """

    power: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Distribution:
    """Logistic in units of the family, censored at its bounds; location and scale of any one shape."""

    family: Family
    location: Float
    scale: Float


def mean(distribution: Distribution) -> Float:
    """Expected value, in the parameter's units."""
    family, location, scale = distribution.family, distribution.location, distribution.scale
    low, high = (family.lower - location) / scale, (family.upper - location) / scale
    if family.power == 1:
        above = np.where(np.isneginf(low), location - scale * _softplus(high * -1), 0.0)
        inside = family.lower + scale * (_softplus(-low) - _softplus(-high)) if np.isfinite(family.lower) else above
        return np.asarray(inside)
    return 2 * scale * (location * _softplus(-low) + scale * (low * _softplus(-low) - _dilogarithm(-low)))


def exceedance(distribution: Distribution, threshold: float) -> Float:
    """Probability of more than `threshold`, which is in the parameter's units and below the upper bound."""
    family = distribution.family
    if threshold**family.power < family.lower:
        return np.ones_like(distribution.location)
    return expit((distribution.location - threshold**family.power) / distribution.scale)


def crps(distribution: Distribution, observed: Float) -> Float:
    """CRPS in the parameter's units; `observed` is in units of the family and within its bounds."""
    family, location, scale = distribution.family, distribution.location, distribution.scale
    u, low, high = ((bound - location) / scale for bound in (observed, family.lower, family.upper))
    flat = _square(u) - _square(low) + _square(-u) - _square(-high)
    if family.power == 1:
        return scale * flat
    return 2 * scale * (location * flat + scale * (_moment(u) - _moment(low) - _moment(-u)))


def _softplus(u: Float) -> Float:
    return np.logaddexp(0, u)


def _square(u: Float) -> Float:
    """Integral of F^2 from minus infinity to u."""
    return _softplus(u) - expit(u)


def _moment(u: Float) -> Float:
    """Integral of t F(t)^2 from minus infinity to u."""
    return u * (_softplus(u) - expit(u)) + _softplus(u) + _dilogarithm(u)


def _dilogarithm(u: Float) -> Float:
    """Li2(-exp(u)), by its inversion where exp(u) is large."""
    small = spence(1 + np.exp(-np.abs(u)))
    return np.where(u > 0, -(np.pi**2) / 6 - u**2 / 2 - small, small)
