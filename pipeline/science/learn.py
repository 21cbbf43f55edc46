"""From skill to clusters to weights for one parameter, wherever its places are: grid cells or stations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import Parameter
from pipeline.science import cluster_count, clusters, weights
from pipeline.science.amounts import Correction, Past, fit
from pipeline.science.blend import simple_blends
from pipeline.science.pools import Pools
from pipeline.science.skill import CANDIDATES, Skill
from pipeline.science.weights import Weights

Array = NDArray[np.float32]
Float = NDArray[np.float64]

AMOUNT_RULES = ("precipitation",)
"""Blending rules of amounts, whose sources are mapped: a bias taken off would rain everywhere."""


@dataclass(frozen=True)
class Places:
    """Where the cells or stations are, all (place,): degrees, metres, fraction of land; and their pools."""

    latitude: Float
    longitude: Float
    altitude: Float
    land: Float
    pools: Pools


@dataclass(frozen=True)
class Learnt:
    """One `Weights` for each skill state given, the clusters behind them, and of amounts what is done to them."""

    weights: list[Weights]
    centres: Float
    membership: NDArray[np.float32]
    correction: Correction | None


def learn(
    parameter: Parameter,
    skills: list[Skill],
    places: Places,
    previous_centres: Float | None = None,
    *,
    guarded: bool = True,
    today: Array | None = None,
    past: Past | None = None,
) -> Learnt:
    """Clusters and weights of a scalar parameter, or of both components of a vector (two skill states, one weight).

    `guarded`: False for the scheme by itself, with as many clusters as before, whose errors the guard is to judge.
    today: see `weights.fit`. past: of amounts.
    """
    geography, amount = (
        (places.latitude, places.longitude, places.altitude, places.land),
        parameter.blend in AMOUNT_RULES,
    )
    features = clusters.signature(skills[0], *geography)
    if guarded or previous_centres is None:
        count = cluster_count.choose(skills[0], geography, previous_centres, about_zero=amount)
    else:
        count = len(previous_centres)
    centres = clusters.fit_centres(features, count, previous_centres)
    membership = clusters.membership(features, centres)
    fitted = weights.fit(skills, membership, amounts=amount, guarded=guarded, today=today, longitude=places.longitude)
    return Learnt(fitted, centres, membership, None if past is None else fit(past, membership))


def candidates(scheme: Array, forecasts: Array, mean_square: Float, *, circular: bool) -> Array:
    """(candidate, place) the scheme's blend, equal weights, the best source.

    forecasts: (source, place) of the models, NaN where absent; mean_square: (source,) of theirs as known beforehand.
    NaN where no source is.
    """
    result = np.empty((CANDIDATES, forecasts.shape[1]), np.float32)
    result[1:] = simple_blends(forecasts, mean_square, circular=circular)[:2]
    result[0] = np.where(np.isnan(result[1]), result[1], scheme)
    return result
