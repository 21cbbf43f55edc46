"""Non-negative weights of least variance, the core of every combination here."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]
Float = NDArray[np.float64]


@njit(cache=True)
def least_variance(covariance: Float, known: NDArray[np.bool_]) -> Float:
    """(source,) weights w >= 0 that sum to one for which w' covariance w is small (Bates and Granger 1969).

    covariance: (source, source), positive definite; `known` (source,): the others get their share of equal weights.
    The most negative source is dropped until none is, which finds the least variance but in rare ties.
    """
    count = covariance.shape[0]
    active = known.copy()
    result = np.full(count, 1.0 / count)
    while active.any():
        index = np.flatnonzero(active)
        size = len(index)
        matrix = np.empty((size, size))
        for i in range(size):
            for j in range(size):
                matrix[i, j] = covariance[index[i], index[j]]
            matrix[i, i] *= 1 + 1e-6
        solution = np.linalg.solve(matrix, np.ones(size))
        lowest = np.argmin(solution)
        if solution[lowest] >= 0 or size == 1:
            share = known.sum() / count
            for i in range(count):
                if known[i]:
                    result[i] = 0.0
            total = solution.sum()
            for i in range(size):
                result[index[i]] = share * solution[i] / total
            break
        active[index[lowest]] = False
    return result


@njit(parallel=True, cache=True)
def weigh_places(deviation: Array, correlation: Float, membership: Float, known: NDArray[np.bool_]) -> Array:
    """(source, place) weights of least variance from each place's deviations and its clusters' correlations.

    deviation: (source, place); correlation: (cluster, source, source); membership: (place, cluster).
    """
    count, places = deviation.shape
    weights = np.empty((count, places), np.float32)
    for place in prange(places):
        covariance = np.zeros((count, count))
        for cluster in range(membership.shape[1]):
            share = membership[place, cluster]
            if share > 1e-3:
                covariance += share * correlation[cluster]
        for i in range(count):
            for j in range(count):
                covariance[i, j] *= deviation[i, place] * deviation[j, place]
        weights[:, place] = least_variance(covariance, known).astype(np.float32)
    return weights


@njit(parallel=True, cache=True)
def expected_square(deviation: Array, correlation: Float, membership: Float, weights: Array) -> Array:
    """(place,) variance of the weighted mean; arguments as those of `weigh_places`."""
    count, places = deviation.shape
    result = np.empty(places, np.float32)
    for place in prange(places):
        total = 0.0
        for cluster in range(membership.shape[1]):
            for i in range(count):
                scaled = membership[place, cluster] * weights[i, place] * deviation[i, place]
                for j in range(count):
                    total += scaled * correlation[cluster, i, j] * weights[j, place] * deviation[j, place]
        result[place] = total
    return result
