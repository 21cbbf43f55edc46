"""How long an increment pays: what withheld stations said, hours later, of increments they had no part in.

Where a station is withheld, the increment is what the others foretell of its departure from the blend. The part of it
that is still right `lead` hours on is the slope of the later departure on the increment. Sums for that slope run from
hour to hour, decay, and merge in any order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Float = NDArray[np.float64]

MEMORY_HOURS = 30 * 24.0
PRIOR_PAIRS = 1000.0
"""What the prior counts for: five hours of two hundred withheld stations, whose errors hang together."""
LEAST = 0.05
"""A smaller part of an increment is not worth adding."""


@dataclass(frozen=True)
class RampSums:
    """Decayed sums over pairs, each (lead,) hourly from 0: their number, of squared increments, and of increments
    times departures at the lead."""

    count: Float
    square: Float
    product: Float


def zero(last_lead: int) -> RampSums:
    """The sums that know nothing, of leads 0 to `last_lead`."""
    return RampSums(*(np.zeros(last_lead + 1) for _ in range(3)))


def update(sums: RampSums, lead: int, increment: Floats, departure: Floats) -> RampSums:
    """The sums with pairs at one lead: `increment` as made, `departure` from the unramped blend `lead` hours on,
    both (pair,); pairs that are not finite do not count."""
    good = np.isfinite(increment) & np.isfinite(departure)
    x, y = increment[good].astype(float), departure[good].astype(float)
    added = zero(len(sums.count) - 1)
    added.count[lead], added.square[lead], added.product[lead] = len(x), x @ x, x @ y
    return merge(sums, added)


def merge(one: RampSums, other: RampSums) -> RampSums:
    """The sums of both, which are of the same leads."""
    return RampSums(*(a + b for a, b in zip(vars(one).values(), vars(other).values(), strict=True)))


def of_leads(sums: RampSums, last_lead: int) -> RampSums:
    """The sums of leads 0 to `last_lead`: what is further is left out, what was not asked for yet is nothing."""
    result = zero(last_lead)
    for new, old in zip(vars(result).values(), vars(sums).values(), strict=True):
        shared = min(len(new), len(old))
        new[:shared] = old[:shared]
    return result


def decay(sums: RampSums, hours: float) -> RampSums:
    """The sums after some hours."""
    return RampSums(*(np.exp(-hours / MEMORY_HOURS) * values for values in vars(sums).values()))


def prior_factor(lead_hours: Floats, hours: float) -> Float:
    """A cosine from 1 at lead 0 to 0 at `hours`, without a step in its slope at either end."""
    return np.asarray((1 + np.cos(np.pi * np.clip(np.asarray(lead_hours, float) / hours, 0, 1))) / 2)


def ramp_factor(sums: RampSums, hours: float, longest: int) -> NDArray[np.float32]:
    """(lead,) what part of an increment acts at leads 0 to `longest` hours, 0 at the last.

    The slope of later departures on increments, shrunk to a cosine of `hours` by the number of pairs, between 0 and 1
    and never rising again (isotonic regression). From half of `longest` on it fades, so that no step is left where it
    ends. `longest` 0 switches the ramp off.
    """
    from scipy.optimize import isotonic_regression  # a third of what publication would import, which fits nothing

    if longest <= 0:
        return np.zeros(1, np.float32)
    leads = np.arange(longest + 1.0)
    prior = prior_factor(leads, hours)
    known = of_leads(sums, longest)
    # In units of the increments' size, which without pairs does not matter.
    size = np.where(known.square > 0, known.square / np.maximum(known.count, 1e-9), 1.0)
    weight = known.count + PRIOR_PAIRS
    slope = (known.product / size + PRIOR_PAIRS * prior) / weight
    falling = isotonic_regression(slope, weights=weight, increasing=False).x
    factor = np.clip(falling, 0, 1) * prior_factor(np.maximum(leads - longest / 2, 0), longest / 2)
    return np.where(factor < LEAST, 0, factor).astype(np.float32)


def at_leads(factor: Floats, lead_hours: Floats) -> NDArray[np.float32]:
    """(lead,) the hourly `factor` at any leads, 0 beyond its last."""
    return np.interp(lead_hours, np.arange(len(factor)), factor, right=0.0).astype(np.float32)
