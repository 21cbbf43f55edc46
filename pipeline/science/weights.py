"""From skill to what the blend applies: every source's bias and weight at each place and lead bin.

Bias: the place's own mean error, shrunk to its clusters' by as much as the sample says (empirical Bayes). Weights:
those of least error variance, non-negative, from each place's error variances and its clusters' error correlations
(Bates and Granger 1969; Williams, AAAI-16), shrunk towards equal weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.skill import Skill, diagonal

Array = NDArray[np.float32]
Float = NDArray[np.float64]

INDEPENDENT_PLACES = 2.0
"""Errors of neighbours are alike: a cluster's mean is as sure as that of two."""
WEAKEST_SIGNAL = 0.005
"""Least variance of true biases, in variances of a single error, that is still believed in."""
VARIANCE_PRIOR = 30.0
"""Pairs a cluster's error variance counts for beside a place's own."""
CORRELATION_SHRINKAGE = 0.3
EQUAL_SHARE = 0.1
"""How far the correlations are drawn to zero and the weights to equal ones: both only guard against a short sample."""
RATIO_EQUAL_SHARE = 0.5
"""The same for amounts, whose error variance a few storms decide."""
RATIO_PRIOR = 100.0
"""Pairs that a cluster's ratio counts for beside a place's own, all places' beside a cluster's, 1 beside theirs."""
RATIO_LIMITS = (0.4, 2.5)


@dataclass(frozen=True)
class Weights:
    """What the blend applies, all (source, lead_bin, place) or (lead_bin, place).

    bias: subtracted from a source or, where `ratio`, its multiplier; weight: non-negative, sums to one over sources;
    error_variance: expected square error of the blend; spread_factor: multiplies the ensemble's anomalies.
    """

    sources: tuple[str, ...]
    lead_bins: tuple[float, ...]
    bias: Array
    weight: Array
    error_variance: Array
    spread_factor: Array
    ratio: bool


@dataclass(frozen=True)
class Errors:
    """Error statistics after the bias is removed: variance (source, lead_bin, place), covariance by cluster."""

    variance: Float
    correlation: Float
    known: NDArray[np.bool_]


def fit_bias(skill: Skill, membership: Array) -> Float:
    """(source, lead_bin, place) additive bias; 0 for a source without any history in that bin."""
    weight, error = skill.presence.astype(np.float64), skill.error.astype(np.float64)
    square = skill.product[diagonal(len(skill.sources))].astype(np.float64)
    shares = membership.astype(np.float64)
    overall = error.sum(axis=-1, keepdims=True) / np.maximum(weight.sum(axis=-1, keepdims=True), 1e-9)
    mean = np.where(weight > 0, error / np.maximum(weight, 1e-9), overall)
    pooled = np.maximum(weight @ shares.T, 1e-9)
    groups = np.minimum((weight > 0) @ shares.T, 0.8 * pooled)  # means that cost a degree of freedom
    within = (square - weight * mean**2) @ shares.T
    noise = _repetition(skill.lead_bins) * np.maximum(within, 1e-12) / np.maximum(pooled - groups, 1e-9)
    sampling = noise * groups / pooled
    # Per cluster, for most regions have no bias and a few have a large one; about the mean of all places, for the
    # clusters were drawn around the very biases, noise included.
    between = ((weight * (mean - overall) ** 2) @ shares.T) / pooled
    signal = np.maximum(between - sampling, WEAKEST_SIGNAL * noise)
    strength = np.maximum((noise @ shares) / (signal @ shares), 1)
    cluster, luck = (error @ shares.T) / pooled, sampling / INDEPENDENT_PLACES
    drawn = luck / np.maximum((cluster - overall) ** 2 - luck, WEAKEST_SIGNAL * luck + 1e-15)
    prior = ((cluster + drawn * overall) / (1 + drawn)) @ shares
    return (error + strength * prior) / (weight + strength)


def _repetition(lead_bins: tuple[float, ...]) -> Float:
    """(lead_bin, 1) how many pairs say as much as one independent pair.

    Errors of starts a day apart are alike for about as long as the forecasts have run.
    """
    return 1 + np.clip(np.asarray(lead_bins) / 48, 0, 3)[:, None]


def fit_ratio(skill: Skill, membership: Array) -> Float:
    """(source, lead_bin, place) multiplier truth / forecast for amounts, between RATIO_LIMITS; 1 without history."""
    truth, error = skill.truth.astype(np.float64), skill.error.astype(np.float64)
    forecast, shares = np.maximum(truth + error, 0), membership.astype(np.float64)
    weight = skill.presence.astype(np.float64)
    tiny = 1e-6
    amount = (forecast.sum(axis=-1, keepdims=True) + tiny) / np.maximum(weight.sum(axis=-1, keepdims=True), tiny)
    known = RATIO_PRIOR * amount
    overall = (truth.sum(axis=-1, keepdims=True) + known) / (forecast.sum(axis=-1, keepdims=True) + known)
    cluster = (truth @ shares.T + known * overall) / (forecast @ shares.T + known)
    ratio = (truth + known * (cluster @ shares)) / (forecast + known)
    return np.clip(ratio, *RATIO_LIMITS)


def fit_errors(skill: Skill, bias: Float, membership: Array) -> Errors:
    """Variance of each place and correlation of its clusters about `bias`, in or out of the sample's luck."""
    count, bins, _ = skill.error.shape
    shares = membership.astype(np.float64)
    residual = _residual_products(skill.error, skill.weight, skill.product, bias)
    weight = skill.weight.astype(np.float64)
    pooled, pooled_weight = residual @ shares.T, weight @ shares.T
    total = np.maximum(weight.sum(axis=-1), 1e-9)
    overall = residual.sum(axis=-1) / total
    cluster = (pooled + 5 * overall[..., None]) / (pooled_weight + 5)
    own = diagonal(count)
    known = weight[own].sum(axis=-1) > 0
    prior = cluster[own] @ shares
    presence = weight[own]
    variance = (residual[own] + VARIANCE_PRIOR * prior) / (presence + VARIANCE_PRIOR)
    repetition = _repetition(skill.lead_bins)
    variance *= 1 + repetition / (presence + 1 + repetition)
    fallback = np.where(known, np.nan, 1.5) * np.ones((count, bins))
    for b in range(bins):
        typical = variance[known[:, b], b].mean() if known[:, b].any() else 1.0
        variance[~known[:, b], b] = typical * fallback[~known[:, b], b][:, None]
    deviation = np.sqrt(np.maximum(cluster[own], 1e-30))
    rows, columns = np.triu_indices(count)
    correlation = np.where(rows[:, None, None] == columns[:, None, None], 1.0, 0.0) * np.ones(cluster.shape)
    scale = deviation[rows] * deviation[columns]
    measured = (total > 1)[..., None] & (scale > 1e-20)
    correlation = np.where(measured, np.clip(cluster / np.maximum(scale, 1e-30), -0.99, 1.0), correlation)
    return Errors(np.maximum(variance, 1e-12), correlation, known)


@njit(parallel=True, cache=True)
def _residual_products(error: Array, weight: Array, product: Array, bias: Float) -> Float:
    """(pair, lead_bin, place) sums of products of errors about the bias."""
    count, bins, places = error.shape
    result = np.empty(product.shape, np.float64)
    for place in prange(places):
        for b in range(bins):
            pair = 0
            starts = 0
            for i in range(count):
                own_i = starts
                other = starts
                for j in range(i, count):
                    own_j = other
                    shared = weight[pair, b, place]
                    mean_i = error[i, b, place] / max(weight[own_i, b, place], 1e-9)
                    mean_j = error[j, b, place] / max(weight[own_j, b, place], 1e-9)
                    cross = bias[i, b, place] * mean_j + bias[j, b, place] * mean_i
                    value = product[pair, b, place] - shared * (cross - bias[i, b, place] * bias[j, b, place])
                    result[pair, b, place] = max(value, 0.0) if i == j else value
                    other += count - j
                    pair += 1
                starts += count - i
    return result


def fit_weights(errors: Errors, membership: Array, equal_share: float = EQUAL_SHARE) -> tuple[Array, Array]:
    """Weights (source, lead_bin, place) of least variance and the blend's expected square error (lead_bin, place).

    Raises ValueError for an empty list of sources.
    """
    if not errors.variance.shape[0]:
        raise ValueError("expected at least one source to weigh; found none")
    shares = np.ascontiguousarray(membership.T, np.float64)
    correlation = np.ascontiguousarray((1 - CORRELATION_SHRINKAGE) * errors.correlation)
    correlation[diagonal(errors.variance.shape[0])] = 1
    return _least_variance(np.sqrt(errors.variance), correlation, shares, errors.known, equal_share)


@njit(parallel=True, cache=True)
def _least_variance(
    deviation: Float, correlation: Float, shares: Float, known: NDArray[np.bool_], equal_share: float
) -> tuple[Array, Array]:
    count, bins, places = deviation.shape
    weights = np.empty((count, bins, places), np.float32)
    expected = np.empty((bins, places), np.float32)
    for place in prange(places):
        covariance = np.empty((count, count))
        for b in range(bins):
            pair = 0
            for i in range(count):
                for j in range(i, count):
                    mixed = 0.0
                    for c in range(shares.shape[1]):
                        mixed += correlation[pair, b, c] * shares[place, c]
                    covariance[i, j] = covariance[j, i] = mixed * deviation[i, b, place] * deviation[j, b, place]
                    pair += 1
            solution = _non_negative(covariance, known[:, b])
            total = 0.0
            for i in range(count):
                solution[i] = (1 - equal_share) * solution[i] + equal_share / count
            for i in range(count):
                for j in range(count):
                    total += solution[i] * solution[j] * covariance[i, j]
                weights[i, b, place] = solution[i]
            expected[b, place] = total
    return weights, expected


@njit(cache=True)
def _non_negative(covariance: Float, known: NDArray[np.bool_]) -> Float:
    """Weights of least variance, the most negative source dropped until none is; unknown sources get equal shares."""
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


def fit_spread(skill: Skill, expected: Array, membership: Array) -> Array:
    """(lead_bin, place) factor that makes the ensemble as wide as the blend errs; 1 without history.

    Both variances are pooled over clusters, so that the factor corrects a regime and keeps the flow of the day.
    """
    shares = membership.astype(np.float64)
    weight = skill.variance_weight.astype(np.float64) @ shares.T
    variance = skill.variance.astype(np.float64) @ shares.T / np.maximum(weight, 1e-9)
    error = (expected.astype(np.float64) @ shares.T) / shares.sum(axis=1)
    usable = (weight > 1) & (variance > 0)
    factor = np.where(usable, np.sqrt(error / np.maximum(variance, 1e-30)), 1.0)
    return (np.clip(factor, 0.3, 4.0) @ shares).astype(np.float32)


def fit(skills: list[Skill], membership: Array, *, ratio: bool) -> list[Weights]:
    """Weights of parameters that are blended as one: a scalar alone, or the two components of a vector together."""
    biases = [fit_ratio(skill, membership) if ratio else fit_bias(skill, membership) for skill in skills]
    about = [np.zeros_like(bias) if ratio else bias for bias in biases]
    errors = [fit_errors(skill, bias, membership) for skill, bias in zip(skills, about, strict=True)]
    joint = Errors(
        np.mean([error.variance for error in errors], axis=0),
        np.mean([error.correlation for error in errors], axis=0),
        np.logical_and.reduce([error.known for error in errors]),
    )
    weight, expected = fit_weights(joint, membership, RATIO_EQUAL_SHARE if ratio else EQUAL_SHARE)
    return [
        Weights(
            skill.sources, skill.lead_bins, bias.astype(np.float32), weight, expected,
            fit_spread(skill, expected, membership), ratio,
        )
        for skill, bias in zip(skills, biases, strict=True)
    ]  # fmt: skip
