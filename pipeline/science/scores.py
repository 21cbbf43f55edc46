"""Scores of one system on pairs of forecast and observation, with bootstrap intervals over hours."""

from __future__ import annotations

from functools import lru_cache
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Float = NDArray[np.float64]

CRPS_LEVELS = 100
"""Levels of the integral over the quantile score; a normal distribution's is then 0.2 % too large."""


class ScoreRecord(TypedDict):
    """One line of scores.json; errors are forecast minus observation, in the parameter's units."""

    parameter: str
    lead_time_hours: float
    system: str
    n: int
    bias: float
    mae: float
    rmse: float
    rmse_low: float
    rmse_high: float
    crps: float


def score(
    parameter: str, lead_time_hours: float, system: str, errors: Float, blocks: NDArray[np.integer],
    crps: Float | None = None, area: Float | None = None,
) -> ScoreRecord:  # fmt: skip
    """Bias, MAE, RMSE with its 95 % interval, and CRPS of errors (pair,).

    blocks: (pair,) the forecast hour of each pair; whole hours are drawn with replacement, because errors of one hour
    are alike. crps: (pair,) of a probabilistic system; a deterministic one's is its absolute error (Gneiting and
    Raftery 2007). area: (pair,) weights, equal if not given.
    """
    weight = np.ones_like(errors) if area is None else area
    total = weight.sum()
    _, block = np.unique(blocks, return_inverse=True)
    squares = np.bincount(block, weight * errors**2)
    masses = np.bincount(block, weight)
    drawn = _drawn(len(masses))
    low, high = np.quantile(np.sqrt((drawn @ squares) / (drawn @ masses)), [0.025, 0.975])
    return ScoreRecord(
        parameter=parameter, lead_time_hours=float(lead_time_hours), system=system, n=len(errors),
        bias=float((weight * errors).sum() / total),
        mae=float((weight * np.abs(errors)).sum() / total),
        rmse=float(np.sqrt((weight * errors**2).sum() / total)),
        rmse_low=float(low), rmse_high=float(high),
        crps=float((weight * (np.abs(errors) if crps is None else crps)).sum() / total),
    )  # fmt: skip


@lru_cache(maxsize=4)
def _drawn(count: int) -> Float:
    """(draw, block) how often each of `count` blocks comes in each of 1000 draws with replacement."""
    draws = np.random.default_rng(0).integers(0, count, (1000, count))
    places = np.arange(1000)[:, None] * count + draws
    return np.bincount(places.ravel(), minlength=1000 * count).reshape(1000, count).astype(np.float64)


def gaussian_crps(errors: Float, deviation: Float) -> Float:
    """CRPS of normal forecasts from the error of the mean and the standard deviation (Gneiting et al. 2005, eq. 5)."""
    z = errors / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return deviation * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))


def quantile_crps(
    quantiles: Float, levels: Float, observed: Float, *, minimum: float = -np.inf, maximum: float = np.inf
) -> Float:
    """(pair,) CRPS of the distributions of which `quantiles` (level, pair) are known at the increasing `levels`.

    Between them and beyond, linear in normal scores within `minimum` and `maximum`: exact where the distribution is
    normal. CRPS is twice the quantile score integrated over all levels (Gneiting and Ranjan 2011), here 100 of them.
    """
    known, wanted = ndtri(levels), ndtri((np.arange(CRPS_LEVELS) + 0.5) / CRPS_LEVELS)
    below = np.clip(np.searchsorted(known, wanted) - 1, 0, max(len(known) - 2, 0))
    above = np.minimum(below + 1, len(known) - 1)
    part = (wanted - known[below]) / np.maximum(known[above] - known[below], 1e-30)
    total = np.zeros(quantiles.shape[1])
    for low, high, share, level in zip(below, above, part, ndtr(wanted), strict=True):
        value = np.clip(quantiles[low] + share * (quantiles[high] - quantiles[low]), minimum, maximum)
        over = observed - value
        total += np.maximum(level * over, (level - 1) * over)
    return 2 * total / CRPS_LEVELS
