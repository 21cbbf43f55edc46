"""How wide a distribution must be to be reliable: from the errors that past blends have really had.

The error that the weights' own covariances promise is too small: the sample that chose biases and weights flatters
them, and what sources have in common is underrated by regularisation. So it is multiplied by what past blends, made
without knowing their truth, have shown. The ensemble's anomalies are then stretched to that size. Both ratios are those
of a regime, so that a day's own pattern of sure and unsure places is kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Float = NDArray[np.float64]

INFLATION_PRIOR = 5.0
"""Verified days that all regimes (and leads) together count for beside a regime's (a lead's) own."""
INFLATION_LIMITS = (0.5, 4.0)
"""Of the error variance: beyond, the blend or its verification is broken rather than flattered."""
FACTOR_LIMITS = (0.3, 4.0)
"""Of the anomalies; no ensemble in use is that far off."""


def realised_error(
    expected: Array, seen: Array, weight: Array, membership: Array, pool: NDArray[np.integer] | None = None
) -> Array:
    """(lead_bin, place) the blend's error variance as expected, corrected by what past blends have shown.

    expected: (lead_bin, place) error variance that the weights promise; seen, weight: (lead_bin, pool) mean square
    error of past blends at the time they were made, and how many days it is of (0: `seen` means nothing); membership:
    (cluster, place); pool: (place,) the pool of each place, every place its own if not given. A young history corrects
    little.
    """
    shares, count = membership.astype(np.float64), seen.shape[1]
    size = _in_pools(np.ones(expected.shape[1]), pool, count)
    groups = size * _mean_in_pools(shares, pool, count)
    days, known = weight.astype(np.float64), np.where(weight > 0, seen, 0).astype(np.float64)
    observed = (days * known) @ groups.T
    promised = (days * _mean_in_pools(expected.astype(np.float64), pool, count)) @ groups.T
    length = days @ groups.T / groups.sum(axis=1)
    every = _drawn(observed.sum(axis=1), promised.sum(axis=1), days @ size / size.sum(), 1.0)
    ratio = _drawn(observed, promised, length, every[:, None])
    correction = np.clip(ratio, *INFLATION_LIMITS) @ (shares / shares.sum(axis=0))
    return (expected * correction).astype(np.float32)


def _drawn(observed: Float, promised: Float, days: Float, prior: Float | float) -> Float:
    """observed / promised, drawn to `prior` by as much as the days are few."""
    ratio = np.where(promised > 0, observed / np.where(promised > 0, promised, 1), prior)
    return np.asarray((days * ratio + INFLATION_PRIOR * prior) / (days + INFLATION_PRIOR))


def fit_spread(
    error_variance: Array,
    variance: Array,
    weight: Array,
    today: Array,
    membership: Array,
    pool: NDArray[np.integer] | None = None,
) -> Array:
    """(lead_bin, place) factor that makes the ensemble's anomalies as wide as the blend errs; 1 where nothing is known.

    error_variance: (lead_bin, place), see `realised_error`; variance, weight: (lead_bin, pool) the ensemble's mean
    variance over past days and how many (0: unknown); today: (lead_bin, place) that of the hour's own ensemble, NaN
    where unknown, which counts as one day more; membership: (cluster, place); pool: see `realised_error`.
    """
    shares, count = membership.astype(np.float64), variance.shape[1]
    known = np.isfinite(today).astype(np.float64)
    past = weight.astype(np.float64) * _in_pools(np.ones(today.shape[1]), pool, count)
    days = (past + _in_pools(known, pool, count)) @ _mean_in_pools(shares, pool, count).T
    spread = np.where(weight > 0, past * variance, 0) + _in_pools(np.nan_to_num(today.astype(np.float64)), pool, count)
    ensemble = spread @ _mean_in_pools(shares, pool, count).T / np.maximum(days, 1e-30)
    error = error_variance.astype(np.float64) @ shares.T / shares.sum(axis=1)
    usable = (days > 0) & (ensemble > 0)
    factor = np.where(usable, np.sqrt(error / np.where(usable, ensemble, 1)), 1.0)
    return (np.clip(factor, *FACTOR_LIMITS) @ (shares / shares.sum(axis=0))).astype(np.float32)


def _mean_in_pools(values: Float, pool: NDArray[np.integer] | None, count: int) -> Float:
    return _in_pools(values, pool, count) / _in_pools(np.ones(values.shape[-1]), pool, count)


def _in_pools(values: Float, pool: NDArray[np.integer] | None, count: int) -> Float:
    """(..., pool) sums of `values` (..., place) over the places of each pool."""
    if pool is None:
        return values
    rows = values.reshape(-1, values.shape[-1])
    sums = np.stack([np.bincount(pool, row, count) for row in rows])
    return sums.reshape(*values.shape[:-1], count).astype(np.float64)
