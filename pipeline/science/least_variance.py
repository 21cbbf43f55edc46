"""Non-negative weights of least variance, the core of every combination here."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]
Float = NDArray[np.float64]


BLOCK = 256
"""Places that one task weighs with one piece of scratch memory."""


@njit(cache=True)
def least_variance(covariance: Float, known: NDArray[np.bool_]) -> Float:
    """(source,) weights w >= 0 that sum to one for which w' covariance w is small (Bates and Granger 1969).

    covariance: (source, source), positive definite; `known` (source,): the others get their share of equal weights.
    The most negative source is dropped until none is, which finds the least variance but in rare ties.
    """
    count = covariance.shape[0]
    index = np.flatnonzero(known)
    size, share = len(index), len(index) / count
    result = np.full(count, 1.0 / count)
    factors, solution = np.empty((size, size)), np.empty(size)
    while size:
        for i in range(size):
            for j in range(i):
                factors[i, j] = covariance[index[i], index[j]]
            factors[i, i] = covariance[index[i], index[i]] * (1 + 1e-6)
        _solve_ones(factors, solution, size)
        lowest = np.argmin(solution[:size])
        if solution[lowest] >= 0 or size == 1:
            result[known] = 0.0
            result[index[:size]] = share * solution[:size] / solution[:size].sum()
            break
        size -= 1
        index[lowest:size] = index[lowest + 1 : size + 1].copy()
    return result


@njit(cache=True)
def _solve_ones(matrix: Float, solution: Float, size: int) -> None:
    """`solution` of matrix x = 1, of whose symmetric matrix the lower part is given and is overwritten (L D L').

    For so few sources a call of LAPACK takes several times as long.
    """
    for j in range(size):
        total = 1.0
        for k in range(j):
            factor = matrix[j, k] / matrix[k, k]
            matrix[j, j] -= factor * matrix[j, k]
            total -= factor * solution[k]
            for i in range(j + 1, size):
                matrix[i, j] -= factor * matrix[i, k]
        solution[j] = total
    for j in range(size - 1, -1, -1):
        for i in range(j + 1, size):
            solution[j] -= matrix[i, j] * solution[i]
        solution[j] /= matrix[j, j]


@njit(parallel=True, cache=True)
def weigh_places(deviation: Array, correlation: Float, membership: Float, known: NDArray[np.bool_]) -> Array:
    """(source, place) weights of least variance from each place's deviations and its clusters' correlations.

    deviation: (source, place); correlation: (cluster, source, source); membership: (place, cluster).
    """
    count, places = deviation.shape
    weights = np.empty((count, places), np.float32)
    for task in prange((places + BLOCK - 1) // BLOCK):
        covariance = np.empty((count, count))
        for place in range(task * BLOCK, min((task + 1) * BLOCK, places)):
            _mix(correlation, membership[place], 1e-3, covariance)
            for i in range(count):
                for j in range(count):
                    covariance[i, j] *= deviation[i, place] * deviation[j, place]
            weights[:, place] = least_variance(covariance, known)
    return weights


@njit(parallel=True, cache=True)
def expected_square(deviation: Array, correlation: Float, membership: Float, weights: Array) -> Array:
    """(place,) variance of the weighted mean; arguments as those of `weigh_places`."""
    count, places = deviation.shape
    result = np.empty(places, np.float32)
    for task in prange((places + BLOCK - 1) // BLOCK):
        mixed, scaled = np.empty((count, count)), np.empty(count)
        for place in range(task * BLOCK, min((task + 1) * BLOCK, places)):
            _mix(correlation, membership[place], 0.0, mixed)
            total = 0.0
            for i in range(count):
                scaled[i] = weights[i, place] * deviation[i, place]
                for j in range(i):
                    total += 2 * scaled[i] * mixed[i, j] * scaled[j]
                total += scaled[i] * mixed[i, i] * scaled[i]
            result[place] = total
    return result


@njit(cache=True)
def _mix(matrices: Float, shares: Float, least: float, result: Float) -> None:
    """The mean of `matrices` (cluster, source, source) by a place's `shares` (cluster,) that are above `least`."""
    result[:] = 0
    for cluster in range(len(shares)):
        if shares[cluster] > least:
            for i in range(result.shape[0]):
                for j in range(result.shape[1]):
                    result[i, j] += shares[cluster] * matrices[cluster, i, j]
