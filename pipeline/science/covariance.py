"""Error variances of places and error correlations of their clusters, from what places and their pools have seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.pools import Pools
from pipeline.science.references import models
from pipeline.science.skill import Skill, diagonal, repetition
from pipeline.science.skill_kernel import pool_products, unpack

Array = NDArray[np.float32]
Float = NDArray[np.float64]

CLUSTER_PRIOR = 30.0
"""Pairs that all places count for beside a cluster: a few days of it say little of what sources have in common."""
PLACE_PRIOR = 30.0
"""Pairs that its clusters count for beside a place's own error variance."""
CORRELATION_SHRINKAGE = 0.4
"""How far correlations are drawn to zero: a short sample overstates what sources have in common."""
FIRST_PAIR = 1.5
"""Weight up to which a place has seen hardly more than one pair."""
NEWCOMER = 1.5
"""Error variance, in those of the known sources, that one without history is given."""


@dataclass(frozen=True)
class Errors:
    """Of one lead bin after the bias is removed: variance (source, place), correlation (cluster, source, source) as it
    was seen, and which sources (source,) have a history."""

    variance: Array
    correlation: Float
    known: NDArray[np.bool_]


def drawn(correlation: Float) -> Float:
    """Correlations (..., source, source) drawn to zero by `CORRELATION_SHRINKAGE`."""
    itself = np.eye(correlation.shape[-1], dtype=bool)
    return np.where(itself, 1.0, (1 - CORRELATION_SHRINKAGE) * correlation)


def pool_membership(membership: Array, pools: Pools) -> Float:
    """(cluster, pool) share of each pool's places, from (cluster, place)."""
    return _pool_means(np.ascontiguousarray(membership), pools.index, pools.count)


@njit(parallel=True, cache=True)
def _pool_means(membership: Array, pool: NDArray[np.int32], count: int) -> Float:
    """See `pool_membership`; numpy takes three times as long, and every fit asks ten times."""
    result, size = np.zeros((len(membership), count)), np.zeros(count)
    for place in range(len(pool)):
        size[pool[place]] += 1
    for cluster in prange(len(membership)):
        for place in range(len(pool)):
            result[cluster, pool[place]] += membership[cluster, place]
        result[cluster] /= np.maximum(size, 1)
    return result


def fit_errors(skill: Skill, lead_bin: int, membership: Array, *, about_zero: bool) -> Errors:
    """Variances and correlations of the errors about what is taken off: their mean, or nothing.

    Nothing is taken off amounts (`about_zero`), whose bias is a ratio, and off what is no model.
    """
    variance, known = fit_variance(skill, lead_bin, membership, about_zero=about_zero)
    kept = about_zero | ~models(skill.sources)[:, None]
    mean = np.where(kept, np.nan_to_num(unpack(skill.mean[:, lead_bin])), np.float32(0)) if kept.any() else None
    return Errors(variance, _correlation(skill, lead_bin, membership, mean), known)


def fit_variance(
    skill: Skill, lead_bin: int, membership: Array, *, about_zero: bool
) -> tuple[Array, NDArray[np.bool_]]:
    """(source, place) error variance, the place's own drawn to that of its clusters; which sources are known."""
    weight, mean, square = skill.seen(lead_bin)
    # In-sample squares are small by one in the number of pairs. A first pair has none: there the error itself must tell
    # how large errors are, or all sources would look alike and as good as perfect. Of persistence no mean is taken off.
    first, persisted = weight <= FIRST_PAIR, ~models(skill.sources)[:, None]
    square *= np.where(first | persisted, 1, weight / np.maximum(weight - 1, FIRST_PAIR - 1))
    square += np.where(first | persisted | about_zero, mean**2, np.float32(0))
    total = weight.sum(axis=1, dtype=np.float64)
    pooled = (weight @ membership.T).astype(np.float64)
    overall = (weight * square).sum(axis=1, dtype=np.float64) / np.maximum(total, 1e-9)
    prior = CLUSTER_PRIOR * overall[:, None]
    cluster = ((weight * square) @ membership.T + prior) / (pooled + CLUSTER_PRIOR)
    known = total > 0
    usual = cluster.astype(np.float32) @ membership
    variance = (weight * square + PLACE_PRIOR * usual) / (weight + PLACE_PRIOR)
    if about_zero and known.any():  # of amounts a few storms decide, which say how large errors are, but not whose
        variance = usual * (variance[known] / np.maximum(usual[known], np.float32(1e-12))).mean(axis=0)
    again = np.where(persisted, 0, repetition(skill, lead_bin)[:, None])
    variance *= 1 + again / (weight + 1 + again)
    variance[~known] = NEWCOMER * (variance[known].mean() if known.any() else 1)
    return np.maximum(variance, 1e-12), known


def _correlation(skill: Skill, lead_bin: int, membership: Array, mean: Array | None) -> Float:
    """(cluster, source, source) correlation of errors, drawn to that of all places."""
    shares = pool_membership(membership, skill.pools)
    shared = skill.shared[:, lead_bin].astype(np.float64)
    product = skill.product[:, lead_bin].astype(np.float64)
    if mean is not None:
        product = product + pool_products(np.ascontiguousarray(mean[:, skill.pools.sample]), skill.pools.starts)[0]
    weight = shared @ shares.T
    overall = (shared * product).sum(axis=1) / np.maximum(shared.sum(axis=1), 1e-9)
    cluster = ((shared * product) @ shares.T + CLUSTER_PRIOR * overall[:, None]) / (weight + CLUSTER_PRIOR)
    count = len(skill.sources)
    rows, columns = np.triu_indices(count)
    deviation = np.sqrt(np.maximum(cluster[diagonal(count)], 1e-30))
    value = np.clip(cluster / np.maximum(deviation[rows] * deviation[columns], 1e-30), -0.99, 0.9999)
    result = np.zeros((shares.shape[0], count, count))
    result[:, rows, columns] = result[:, columns, rows] = value.T
    result[:, np.arange(count), np.arange(count)] = 1
    return result
