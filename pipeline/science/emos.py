"""EMOS, the reference that a calibrated ensemble is expected to beat: a normal distribution by regression on the past.

Gneiting et al. 2005: the mean is linear in the forecasts, the variance in the ensemble's variance. Here by least
squares in each regime, from the pairs of a month.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

FEWEST_CASES = 50
"""Pairs for every coefficient, below which a regime takes the regression of all."""
LEAST_VARIANCE_SHARE = 0.1
"""Of the mean square residual, that no forecast is taken for certain."""


@dataclass(frozen=True)
class Emos:
    """Coefficients of each regime: mean (regime, 1 + source), constant first; variance (regime, 2): constant, slope."""

    mean: Float
    variance: Float


def fit_emos(forecasts: Float, spread: Float, truth: Float, regime: NDArray[np.integer]) -> Emos:
    """The regressions of every regime, from 0 to the largest number in `regime`.

    forecasts: (source, pair); spread: (pair,) variance of the ensemble, 0 everywhere if there is none; truth, regime:
    (pair,). Pairs with a value that is not finite are left out. Raises ValueError if none is left.
    """
    good = np.isfinite(forecasts).all(axis=0) & np.isfinite(spread) & np.isfinite(truth)
    if not good.any():
        raise ValueError("expected pairs of forecasts and truth to fit a regression to; found none")
    groups = [np.flatnonzero(good & (regime == number)) for number in range(int(regime[good].max()) + 1)]
    parts = []
    for own in groups:
        enough = len(own) >= FEWEST_CASES * (1 + len(forecasts))
        used = own if enough else np.flatnonzero(good)
        parts.append(_regression(forecasts.take(used, axis=1), spread[used], truth[used]))
    return Emos(np.stack([mean for mean, _ in parts]), np.stack([variance for _, variance in parts]))


def predict_emos(emos: Emos, forecasts: Float, spread: Float, regime: NDArray[np.integer]) -> tuple[Float, Float]:
    """Mean and standard deviation (place,) from forecasts (source, place), spread (place,) and regime (place,)."""
    regime = np.minimum(regime, len(emos.mean) - 1)
    coefficients, (constant, slope) = emos.mean[regime].T, emos.variance[regime].T
    return coefficients[0] + (coefficients[1:] * forecasts).sum(axis=0), np.sqrt(constant + slope * spread)


def _regression(forecasts: Float, spread: Float, truth: Float) -> tuple[Float, Float]:
    centre = truth.mean()  # for the sake of rounding: pressures have six digits in common
    design = np.concatenate([np.ones((1, len(truth))), forecasts - centre])
    coefficients = np.linalg.lstsq(design @ design.T, design @ (truth - centre), rcond=1e-12)[0]
    square = (truth - centre - coefficients @ design) ** 2
    coefficients[0] += centre * (1 - coefficients[1:].sum())
    departure, error = spread - spread.mean(), square.mean()
    slope = max(float(departure @ square / max(departure @ departure, 1e-30)), 0.0)
    constant = max(error - slope * spread.mean(), LEAST_VARIANCE_SHARE * error)
    slope = (error - constant) / spread.mean() if spread.mean() > 0 else 0.0  # so that the mean variance is the error's
    return coefficients, np.array([constant if slope else error, slope])
