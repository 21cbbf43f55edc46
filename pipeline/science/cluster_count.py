"""How many clusters to use: as many as foretell best what the newest pair showed, from what was known before it.

The skill keeps by how much every sampled place's newest error departed from its mean. That pair is taken out of the
means again, biases and error variances are fitted from what is left with fewer, as many and more clusters, and the
logarithmic scores (Good 1952) of what came are compared. One day's weather says little: it is a step at a time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.science import clusters
from pipeline.science.covariance import fit_variance
from pipeline.science.pools import single
from pipeline.science.skill import MEAN_LIMIT, Skill, zero
from pipeline.science.skill_kernel import pack, unpack
from pipeline.science.weights import fit_bias

Array = NDArray[np.float32]
Float = NDArray[np.float64]

LADDER = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Numbers of clusters, each compared with its neighbours here."""
PLACES_EACH = 300
"""Places of a cluster as long as nothing speaks for more or fewer."""
LARGEST_SAMPLE = 1_000
"""Places that judge."""
STRETCHES = 40
"""Parts of the sample, each of neighbours, that count as one draw: errors of neighbours are alike."""
CLEARLY = 2.0
"""Standard errors of the gain beyond which it counts: labels are not to change for luck."""


def choose(skill: Skill, geography: tuple[Float, ...], previous: Float | None, *, about_zero: bool) -> int:
    """The number of clusters, from that of the hour before or, without one, from as many as hold PLACES_EACH.

    geography: latitude, longitude, altitude and land fraction, each (place,); previous: (cluster, feature) centres.
    about_zero: for amounts, from which no bias is subtracted.
    """
    count = _usual(len(geography[0])) if previous is None else len(previous)
    chosen = np.arange(0, len(skill.pools.sample), -(-len(skill.pools.sample) // LARGEST_SAMPLE))
    before, newest = without_newest(skill, chosen)
    if not np.isfinite(newest).any():
        return count
    place = skill.pools.sample[chosen]
    judging = clusters.signature(before, *(part[place] for part in geography))

    if previous is None or previous.shape[1] != judging.shape[1]:  # sources have come or gone
        previous = clusters.fit_centres(judging, count)
    rung = LADDER.index(_rung(count))
    neighbours = [other for other in LADDER[max(rung - 1, 0) : rung + 2] if other != count]  # fewer first
    scores = {}
    for other in (count, *neighbours):
        centres = clusters.settle(judging, clusters.recounted(judging, previous, other))
        scores[other] = _score(before, newest, clusters.membership(judging, centres), about_zero)
    better = [
        other for other in neighbours if 4 * other <= len(judging) and _clearly_better(scores[other], scores[count])
    ]
    return better[0] if better else count


def _rung(count: int) -> int:
    """The largest number of the ladder that is not above `count`."""
    return max(other for other in LADDER if other <= count)


def _usual(places: int) -> int:
    """Few places have one cluster, any more at least two."""
    return _rung(max(places // PLACES_EACH, 2)) if places >= 4 else 1


def without_newest(skill: Skill, chosen: NDArray[np.intp]) -> tuple[Skill, Array]:
    """The state of the `chosen` of the sampled places before their newest pairs, and those pairs' errors.

    The errors are (source, lead_bin, place), NaN where there is none; a place that few pairs are known of has no state.
    """
    place = skill.pools.sample[chosen]
    weight, departure = skill.weight[:, :, skill.pools.index[place]], skill.last[:, :, chosen]
    share = 1 / np.maximum(weight, 2)
    limit = MEAN_LIMIT * np.sqrt(skill.echo[1])[..., None]
    mean = unpack(skill.mean[:, :, place]) - share * np.clip(departure, -limit, limit)
    square = unpack(skill.square[:, :, skill.pools.square_of[place]]) / (1 - share) - share * departure**2
    known = np.isfinite(mean + square) & (weight > 2)
    nothing = zero(skill.sources, skill.lead_bins, single(len(place)))
    state = replace(
        nothing, mean=pack(np.where(known, mean, np.nan)), square=pack(np.where(known, np.maximum(square, 0), np.nan)),
        weight=np.where(known, weight - 1, np.float32(0)), echo=skill.echo,
    )  # fmt: skip
    return state, np.where(known, mean + departure, np.nan).astype(np.float32)


def _score(before: Skill, newest: Array, membership: Array, about_zero: bool) -> Float:
    """(place,) mean logarithmic score of the newest errors, up to a constant; NaN where there is none."""
    total, count = np.zeros(newest.shape[-1]), np.zeros(newest.shape[-1])
    for lead_bin in range(len(before.lead_bins)):
        variance, _ = fit_variance(before, lead_bin, membership, about_zero=about_zero)
        bias = np.float32(0) if about_zero else fit_bias(before, lead_bin, membership)
        found = np.log(variance) + (newest[:, lead_bin] - bias) ** 2 / variance
        total += np.nansum(found, axis=0)
        count += np.isfinite(found).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _clearly_better(found: Float, score: Float) -> bool:
    """Whether `found` is lower than `score` (place,) by more than luck."""
    gain = (score - found)[np.isfinite(score)]
    draws = np.array([part.mean() for part in np.array_split(gain, min(STRETCHES, len(gain)))])
    return bool(len(draws) > 2 and draws.mean() > CLEARLY * draws.std(ddof=1) / np.sqrt(len(draws)))
