"""Quantiles and exceedance probabilities of pooled ensembles, recentred on the blend with corrected spread.

The distribution of a cell is made of its members, sorted and recentred. Member i of n stands at probability
(i - 1/2) / n (Hazen 1914), straight lines between. Weibull's i / (n + 1) is right where the members' own mean is the
centre; with centre and spread known better than the members know them it makes rare events too likely (2 standard
deviations of 30 normal members: by 48 %, Hazen by 4 %). Beyond the outermost members lies 1 / 2n on either side, a
generalised Pareto tail of shape -1/8, (1 - z / 8)^8 at z scales beyond the member, about a normal distribution's shape.
Its scale comes from the spacings of the four outermost members (Rényi 1953: the j-th spacing of exponential variates
has mean scale / j). Quantiles and exceedance are read from this one curve, so they agree and are monotone.

Recentring: centre + spread factor * (member - mean). Size and shape of the blend's errors are known too, better than
30 members tell them: at every rank the members' value is averaged with that of a normal distribution as wide as the
expected error, which counts for PRIOR_MEMBERS members. Of an amount such as precipitation, members are multiplied by
centre / mean, so that dry members stay dry and all are dry where the blend is. A spread factor below 1 draws the wet
members to their mean; one above mixes their squares in, which keeps their mean and dries none. Where the blend has more
than three times the members' mean, the rest is added as an exponential distribution in the order of the members: no
certainty of dry weather under a wet blend.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from pipeline.science.pooling import Pool
from pipeline.science.probability_kernel import fill_distribution, fill_pooled
from pipeline.science.registers import STEP

Floats = NDArray[np.float32]

PRIOR_MEMBERS = 30
"""A sample of this size knows the width of a normal distribution to 13 %, about as well as it is known beforehand from
the errors of a regime, which vary from day to day."""


def distribution(
    members: Floats | Pool,
    centre: Floats,
    spread_factor: Floats,
    levels: Sequence[float],
    thresholds: Sequence[float],
    *,
    minimum: float,
    maximum: float,
    multiplicative: bool,
    expected_error: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Quantiles (quantile, lead, place) at `levels` and probabilities (threshold, lead, place) to exceed `thresholds`.

    members: (number, lead, place), NaN for a member that has no value there, or the pool they come from; centre,
    spread_factor: (lead, place), the factor not negative. expected_error: (lead, place) standard deviation of the
    centre's error where it is known; amounts (`multiplicative`) make no use of it. Values are clipped to `minimum` and
    `maximum`, which are never exceeded. Results are NaN where the centre is or all members are. Raises ValueError on
    shapes that do not fit or levels outside (0, 1).
    """
    number, *shape = (*members.before.shape, members.values.shape[1]) if isinstance(members, Pool) else members.shape
    if len(shape) != 2 or centre.shape != tuple(shape) or spread_factor.shape != centre.shape:
        raise ValueError(
            "expected members (number, lead, place) and centre and spread_factor (lead, place); "
            f"found {(number, *shape)}, {centre.shape} and {spread_factor.shape}"
        )
    if not all(0 < level < 1 for level in levels):
        raise ValueError(f"expected levels between 0 and 1; found {list(levels)}")
    known = expected_error is not None and not multiplicative
    fields = centre, spread_factor, expected_error if known else spread_factor
    law = (
        np.float32(PRIOR_MEMBERS / (number + PRIOR_MEMBERS) if known else 0), _normal_scores(number),
        np.asarray(levels, np.float32), np.asarray(thresholds, np.float32), np.float32(minimum), np.float32(maximum),
        multiplicative,
    )  # fmt: skip
    results = tuple(np.empty((len(values), *centre.shape), np.float32) for values in (levels, thresholds))
    last = (
        tuple(np.ascontiguousarray(field, np.float32) for field in fields),
        law,
        (0,) * (number // STEP + 1),
    )
    if isinstance(members, Pool):
        table = members.before, members.after, members.weight
        fill_pooled(members.values, table, members.ends, *last, results)
    else:
        fill_distribution(np.ascontiguousarray(members, np.float32), *last, results)
    return results[0], results[1]


@lru_cache(maxsize=64)
def _normal_scores(number: int) -> Floats:
    """(n, rank) where a standard normal distribution has the members of an ensemble of n, up to `number`."""
    size, rank = np.arange(number + 1)[:, None], np.arange(number)[None]
    return np.where(rank < size, ndtri(np.clip((rank + 0.5) / np.maximum(size, 1), 0, 1 - 1e-9)), 0).astype(np.float32)
