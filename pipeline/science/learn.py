"""From skill to clusters to weights for one parameter, wherever its places are: grid cells or stations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import Parameter
from pipeline.science import clusters, weights
from pipeline.science.skill import Skill
from pipeline.science.weights import Weights

Float = NDArray[np.float64]

RATIO_RULES = ("precipitation",)
"""Blending rules whose bias multiplies: an additive one would rain everywhere."""


@dataclass(frozen=True)
class Places:
    """Where the cells or stations are, all (place,): degrees, metres, fraction of land."""

    latitude: Float
    longitude: Float
    altitude: Float
    land: Float


@dataclass(frozen=True)
class Learnt:
    """One `Weights` for each skill state given, and the clusters behind them."""

    weights: list[Weights]
    centres: Float
    membership: NDArray[np.float32]


def cluster_count(places: int) -> int:
    """Enough clusters to tell regimes apart, few enough that each holds hundreds of places."""
    return int(np.clip(places // 300, 2, 24)) if places >= 4 else 1


def learn(parameter: Parameter, skills: list[Skill], places: Places, previous_centres: Float | None = None) -> Learnt:
    """Clusters and weights of a scalar parameter, or of both components of a vector (two skill states, one weight)."""
    features = clusters.signature(skills[0], places.latitude, places.longitude, places.altitude, places.land)
    centres = clusters.fit_centres(features, cluster_count(len(features)), previous_centres)
    membership = clusters.membership(features, centres)
    return Learnt(weights.fit(skills, membership, ratio=parameter.blend in RATIO_RULES), centres, membership)
