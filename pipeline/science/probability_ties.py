"""Distributions of tied parameters: what is never above another has no quantile above the other's, at any place.

Each distribution is made of its own members, so two may cross. One of them gives way: where one quantile curve is the
lesser of two, its exceedance curve is the lesser of theirs, so that quantiles and exceedance go on telling the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

NEVER_ABOVE: Mapping[str, str] = {"dew_point_temperature_2m": "temperature_2m", "snowfall": "precipitation"}
"""What gives way, and what it is never above; the catalogue has the latter first."""
NEVER_BELOW: Mapping[str, str] = {"wind_gust": "wind_speed_10m"}


@dataclass(frozen=True)
class Distribution:
    """Of one parameter `quantiles` (level, ...) and `exceedance` (threshold, ...), probabilities at `thresholds`."""

    quantiles: Array
    exceedance: Array
    thresholds: Sequence[float]


def give_way(one: Distribution, trusted: Distribution, levels: Sequence[float], *, above: bool) -> int:
    """Bring `one`, in place, to its side of the `trusted` distribution; how many of its quantiles were changed.

    Both are in the same unit, at the same `levels`. `above`: `one` is never below, instead of never above. A missing
    value is left missing and changes none.
    """
    side, sign = (np.fmax, 1) if above else (np.fmin, -1)
    # The nearest threshold of the trusted one that tells something: P(a > 9) <= P(b > 9) <= P(b > 7).
    nearest = np.searchsorted(trusted.thresholds, one.thresholds, "left" if above else "right") - (not above)
    known = [(mine, theirs) for mine, theirs in enumerate(nearest) if 0 <= theirs < len(trusted.thresholds)]
    crossed = (sign * (trusted.quantiles - one.quantiles) > 0).any(axis=0)
    for mine, theirs in known:
        crossed |= sign * (trusted.exceedance[theirs] - one.exceedance[mine]) > 0
    before, likely = one.quantiles[:, crossed], one.exceedance[:, crossed]
    after = np.where(np.isnan(before), before, side(before, trusted.quantiles[:, crossed]))
    for mine, theirs in known:
        likely[mine] = side(likely[mine], trusted.exceedance[theirs, crossed])
    for threshold, chance in zip(one.thresholds, likely, strict=True):
        for level, quantile in zip(levels, after, strict=True):
            told = quantile > threshold if above else quantile <= threshold
            side(chance, np.float32(1 - level), out=chance, where=told)
    one.quantiles[:, crossed], one.exceedance[:, crossed] = after, likely
    return int((after != before).sum() - np.isnan(before).sum())
