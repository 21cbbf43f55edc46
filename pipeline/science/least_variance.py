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
    count = len(known)
    scratch, result = np.empty((count + 1, count)), np.empty(count)
    _weigh(covariance, known, np.empty(count, np.intp), scratch, result)
    return result


@njit(cache=True)
def _weigh(covariance: Float, known: NDArray[np.bool_], index: NDArray[np.intp], scratch: Float, result: Float) -> None:
    """The same into `result`; index (source,) and scratch (source + 1, source) are written over."""
    count, size = len(known), 0
    for source in range(count):
        result[source] = 0.0 if known[source] else 1.0 / count
        if known[source]:
            index[size] = source
            size += 1
    share, factors, solution = size / count, scratch[:count], scratch[count]
    while size:
        for i in range(size):
            for j in range(i):
                factors[i, j] = covariance[index[i], index[j]]
            factors[i, i] = covariance[index[i], index[i]] * (1 + 1e-6)
        _solve_ones(factors, solution, size)
        lowest = np.argmin(solution[:size])
        if solution[lowest] >= 0 or size == 1:
            total = solution[:size].sum()
            for i in range(size):
                result[index[i]] = share * solution[i] / total
            break
        size -= 1
        for i in range(lowest, size):
            index[i] = index[i + 1]


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
    weights, pairs = np.empty((count, places), np.float32), _pairs(correlation)
    for task in prange((places + BLOCK - 1) // BLOCK):
        covariance, mixed, result = np.empty((count, count)), np.empty(pairs.shape[1]), np.empty(count)
        index, scratch = np.empty(count, np.intp), np.empty((count + 1, count))
        for place in range(task * BLOCK, min((task + 1) * BLOCK, places)):
            total, pair = _mix(pairs, membership[place], 1e-3, mixed), 0
            for i in range(count):
                for j in range(i):
                    covariance[i, j] = mixed[pair] * deviation[i, place] * deviation[j, place]
                    pair += 1
                covariance[i, i] = total * deviation[i, place] ** 2
            _weigh(covariance, known, index, scratch, result)
            weights[:, place] = result
    return weights


@njit(parallel=True, cache=True)
def expected_square(deviation: Array, correlation: Float, membership: Float, weights: Array) -> Array:
    """(place,) variance of the weighted mean; arguments as those of `weigh_places`."""
    count, places = deviation.shape
    result, pairs = np.empty(places, np.float32), _pairs(correlation)
    for task in prange((places + BLOCK - 1) // BLOCK):
        mixed, scaled = np.empty(pairs.shape[1]), np.empty(count)
        for place in range(task * BLOCK, min((task + 1) * BLOCK, places)):
            share, pair, total = _mix(pairs, membership[place], 0.0, mixed), 0, 0.0
            for i in range(count):
                scaled[i] = weights[i, place] * deviation[i, place]
                for j in range(i):
                    total += 2 * scaled[i] * mixed[pair] * scaled[j]
                    pair += 1
                total += share * scaled[i] ** 2
            result[place] = total
    return result


@njit(parallel=True, cache=True)
def weigh_beside(
    deviation: Array, correlation: Float, membership: Float, blend: Array, other: Array, most: float
) -> Array:
    """(source, place) weights: those of `blend` (source, place), of which `other` (source,) takes its part.

    The part is that of least variance, at most `most`; deviation, correlation, membership as those of `weigh_places`.
    """
    count, places = deviation.shape
    result, pairs = np.empty((count, places), np.float32), _pairs(correlation)
    for task in prange((places + BLOCK - 1) // BLOCK):
        mixed, ours, theirs = np.empty(pairs.shape[1]), np.empty(count), np.empty(count)
        for place in range(task * BLOCK, min((task + 1) * BLOCK, places)):
            total, pair = _mix(pairs, membership[place], 1e-3, mixed), 0
            of_blend, of_other, common = 0.0, 0.0, 0.0
            for i in range(count):
                ours[i], theirs[i] = blend[i, place] * deviation[i, place], other[i] * deviation[i, place]
                for j in range(i):
                    of_blend += 2 * ours[i] * mixed[pair] * ours[j]
                    of_other += 2 * theirs[i] * mixed[pair] * theirs[j]
                    common += mixed[pair] * (ours[i] * theirs[j] + theirs[i] * ours[j])
                    pair += 1
                of_blend += total * ours[i] ** 2
                of_other += total * theirs[i] ** 2
                common += total * ours[i] * theirs[i]
            best = (of_blend - common) / max(of_blend + of_other - 2 * common, 1e-30)
            part = most * min(max(best, 0.0), 1.0)
            for i in range(count):
                result[i, place] = (1 - part) * blend[i, place] + part * other[i]
    return result


@njit(cache=True)
def _pairs(correlation: Float) -> Float:
    """(cluster, pair) correlations below the diagonal, row by row, from (cluster, source, source)."""
    clusters, count, _ = correlation.shape
    result = np.empty((clusters, count * (count - 1) // 2))
    for cluster in range(clusters):
        pair = 0
        for i in range(count):
            for j in range(i):
                result[cluster, pair] = correlation[cluster, i, j]
                pair += 1
    return result


@njit(cache=True)
def _mix(pairs: Float, shares: Float, least: float, result: Float) -> float:
    """The sum of `pairs` (cluster, pair) by a place's `shares` (cluster,) that are above `least`; returns theirs."""
    total = 0.0
    result[:] = 0
    for cluster in range(len(shares)):
        if shares[cluster] > least:
            total += shares[cluster]
            for pair in range(len(result)):
                result[pair] += shares[cluster] * pairs[cluster, pair]
    return total
