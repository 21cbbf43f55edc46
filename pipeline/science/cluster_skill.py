"""What the skill says of each source in each cluster: the figures behind its weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Float = NDArray[np.float64]


def cluster_means(values: Array, membership: Array) -> Float:
    """(..., cluster) mean of `values` (..., place) over each cluster's places; membership: (cluster, place)."""
    shares = membership.astype(np.float64)
    return values.astype(np.float64) @ shares.T / np.maximum(shares.sum(axis=1), 1e-12)


def cluster_skill(
    sample: Array, mean: Array, mean_square: Array, bias: Array, membership: Array
) -> tuple[Float, Float]:
    """Root mean square error about `bias` and effective sample of a place, both (source, lead_bin, cluster).

    sample, mean, mean_square, bias: (source, lead_bin, place) weight of the past pairs, their mean error and mean
    square error, and what is removed; membership: (cluster, place). NaN and 0 for a source without history.
    """
    shares, weight = membership.astype(np.float64), sample.astype(np.float64)
    square = np.maximum(mean_square - 2.0 * bias * mean + np.square(bias, dtype=np.float64), 0)
    pooled = weight @ shares.T
    known = pooled > 0
    total = np.where(weight > 0, weight * square, 0) @ shares.T
    rmse = np.sqrt(np.divide(total, pooled, out=np.full(total.shape, np.nan), where=known))
    return rmse, pooled / np.maximum(shares.sum(axis=1), 1e-12)
