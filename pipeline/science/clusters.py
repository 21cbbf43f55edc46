"""Unsupervised regimes of places: alike in how the sources err there and in where they lie.

Membership is soft, so that weights have no seams; centres start from those of the hour before, so that labels do not
flicker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import unit_vectors
from pipeline.science.skill import Skill

Float = NDArray[np.float64]

LARGEST_SAMPLE = 20_000
"""Places used to find the centres; the fit does not improve beyond it (PEERS: faiss subsample)."""


def signature(skill: Skill, latitude: Float, longitude: Float, altitude: Float, land: Float) -> Float:
    """(place, feature) error signature and geography, each feature of order one.

    Errors: per source the bias and the log of the root mean square error over all lead bins, shrunk to the mean of all
    places where the sample is small. Geography: the point on the unit sphere, altitude (m) and land fraction.
    """
    geography = [1.5 * unit_vectors(latitude, longitude), altitude[:, None] / 1000, land[:, None]]
    weight, bias, mean_square = _over_leads(skill)
    known = weight.sum(axis=1) > 0
    if not known.any():
        return np.hstack(geography)
    weight, bias, mean_square = weight[known], bias[known], mean_square[known]
    total = weight.sum(axis=1, keepdims=True)
    prior = 5.0
    shrunk = weight / (weight + prior)
    bias, mean_square = (
        mean + shrunk * (value - mean)
        for value in (bias, mean_square)
        for mean in ((weight * value).sum(axis=1, keepdims=True) / total,)
    )
    scale = np.sqrt(mean_square.mean(axis=1, keepdims=True)) + 1e-12
    size = 0.5 * np.log((mean_square + 1e-12 * scale**2) / (scale**2 + 1e-30) + 1e-12)
    errors = np.vstack([bias / scale, size]).T / np.sqrt(known.sum() / 2)
    return np.hstack([errors, *geography])


def _over_leads(skill: Skill) -> tuple[Float, Float, Float]:
    """(source, place) weight, mean error and mean square error over all lead bins."""
    weight = error = square = np.zeros((len(skill.sources), len(skill.pools.index)))
    for lead_bin in range(len(skill.lead_bins)):
        share, mean, apart = skill.seen(lead_bin)
        weight, error, square = weight + share, error + share * mean, square + share * (mean**2 + apart)
    total = np.maximum(weight, 1e-9)
    return weight, error / total, square / total


def fit_centres(features: Float, count: int, previous: Float | None = None) -> Float:
    """(cluster, feature) K-means centres; `previous` centres of the same features keep their labels.

    The first fit numbers the clusters from south to north. Where there are to be more than before the largest are
    halved, the new ones last; where fewer, the last of the two that lie closest goes.
    """
    from sklearn.cluster import KMeans  # its import takes long, and of all stages only one fits

    count = min(count, len(features))
    sample = features[:: max(1, len(features) // LARGEST_SAMPLE)]
    if previous is not None and previous.shape[1:] == features.shape[1:]:
        start = recounted(sample, previous, count)
        return KMeans(count, init=start, n_init=1, max_iter=25).fit(sample).cluster_centers_
    centres = KMeans(count, n_init=1, max_iter=50, random_state=0).fit(sample).cluster_centers_
    return centres[np.lexsort(np.round(centres.T, 6))]


def recounted(features: Float, centres: Float, count: int) -> Float:
    """The centres, as many of them as `count`."""
    while len(centres) > count:
        distance = _squares(centres, centres) + np.diag(np.full(len(centres), np.inf))
        first, second = np.unravel_index(distance.argmin(), distance.shape)
        centres = np.delete(centres, max(first, second), axis=0)
    while len(centres) < count:
        square = _squares(features, centres)
        label, nearest = square.argmin(axis=0), square.min(axis=0)
        largest = np.bincount(label, nearest, len(centres)).argmax()
        far = (label == largest) & (nearest >= np.median(nearest[label == largest]))
        direction = features[far] @ (features[far][0] - centres[largest])  # one side of the cluster
        centres = np.vstack([centres, features[far][direction >= np.median(direction)].mean(axis=0)])
    return centres


def settle(features: Float, centres: Float, rounds: int = 10) -> Float:
    """The centres after some rounds of Lloyd's (1982) algorithm; for few places, where a library's start costs more."""
    for _ in range(rounds):
        nearest = _squares(features, centres).argmin(axis=0)
        belongs = (nearest == np.arange(len(centres))[:, None]).astype(np.float64)
        count = belongs.sum(axis=1, keepdims=True)
        centres = np.where(count > 0, belongs @ features / np.maximum(count, 1), centres)
    return centres


def _squares(features: Float, centres: Float) -> Float:
    """(cluster, place) square distances."""
    square = (features**2).sum(axis=1) + (centres**2).sum(axis=1)[:, None] - 2 * centres @ features.T
    return np.asarray(np.maximum(square, 0))


def membership(features: Float, centres: Float) -> NDArray[np.float32]:
    """(cluster, place) soft membership that sums to one: Gaussian in the distance to the centres.

    The width is the mean distance to the nearest centre, so that a place amid a cluster belongs mostly to it and one
    between two belongs to both.
    """
    square = _squares(features, centres)
    nearest = square.min(axis=0)
    width = max(float(nearest.mean()), 1e-12)
    share = np.exp(-(square - nearest) / (0.5 * width))
    return (share / share.sum(axis=0)).astype(np.float32)
