"""Unsupervised regimes of places: alike in how the sources err there and in where they lie.

Membership is soft, so that weights have no seams; centres start from those of the hour before, so that labels do not
flicker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from pipeline.grid import unit_vectors
from pipeline.science.skill import Skill
from pipeline.science.skill_kernel import unpack

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
        share = skill.presence(lead_bin)
        mean, apart = np.nan_to_num(unpack(skill.mean[:, lead_bin])), np.nan_to_num(skill.squares(lead_bin))
        weight, error, square = weight + share, error + share * mean, square + share * (mean**2 + apart)
    total = np.maximum(weight, 1e-9)
    return weight, error / total, square / total


def fit_centres(features: Float, count: int, previous: Float | None = None) -> Float:
    """(cluster, feature) K-means centres; `previous` centres of the same features keep their labels.

    The first fit numbers the clusters from south to north.
    """
    count = min(count, len(features))
    sample = features[:: max(1, len(features) // LARGEST_SAMPLE)]
    if previous is not None and previous.shape == (count, features.shape[1]):
        return KMeans(count, init=previous, n_init=1, max_iter=25).fit(sample).cluster_centers_
    centres = KMeans(count, n_init=1, max_iter=50, random_state=0).fit(sample).cluster_centers_
    return centres[np.lexsort(np.round(centres.T, 6))]


def membership(features: Float, centres: Float) -> NDArray[np.float32]:
    """(cluster, place) soft membership that sums to one: Gaussian in the distance to the centres.

    The width is the mean distance to the nearest centre, so that a place amid a cluster belongs mostly to it and one
    between two belongs to both.
    """
    square = ((features**2).sum(axis=1) + (centres**2).sum(axis=1)[:, None]) - 2 * centres @ features.T
    square = np.maximum(square, 0)
    nearest = square.min(axis=0)
    width = max(float(nearest.mean()), 1e-12)
    share = np.exp(-(square - nearest) / (0.5 * width))
    return (share / share.sum(axis=0)).astype(np.float32)
