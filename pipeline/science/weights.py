"""From skill to what the blend applies: every source's bias and weight at each place and lead bin.

Bias: the place's own mean error, shrunk to its clusters' by as much as the sample says (empirical Bayes). Weights:
those of least error variance, non-negative, from each place's error variances and its clusters' error correlations
(Bates and Granger 1969; Williams, AAAI-16), shrunk towards equal weights, and what the guard makes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.science import guard
from pipeline.science.covariance import Errors, drawn, fit_errors
from pipeline.science.day_course import INDEPENDENT_PLACES, at_places, fit_course
from pipeline.science.least_variance import expected_square, weigh_beside, weigh_places
from pipeline.science.references import models
from pipeline.science.skill import Skill, mean_square_at, uncertainty
from pipeline.science.spread import fit_spread, realised_error

Array = NDArray[np.float32]
Float = NDArray[np.float64]

WEAKEST_SIGNAL = 0.005
"""Least variance of true biases, in variances of a single error, that is still believed in."""
TAILS = 8.0
"""Degrees of freedom of the distribution of true biases: most places have little, a few much."""
EQUAL_SHARE = 0.05
"""How far the weights are drawn to equal ones: a guard against a short sample."""
AMOUNT_EQUAL_SHARE = 0.5
"""The same for amounts, whose error variance a few storms decide."""


@dataclass(frozen=True)
class Weights:
    """What the blend applies, all (source, lead_bin, place) or (lead_bin, place).

    bias: subtracted from a source; weight: non-negative, sums to one over sources;
    error_variance: expected square error of the blend; spread_factor: multiplies the ensemble's anomalies;
    course: (2, source, lead_bin, place) what of a bias follows the sun, times cosine and sine of the hour in UTC; None
    if nothing does.
    """

    sources: tuple[str, ...]
    lead_bins: tuple[float, ...]
    bias: Array
    weight: Array
    error_variance: Array
    spread_factor: Array
    course: Array | None = None


def fit_bias(skill: Skill, lead_bin: int, membership: Array) -> Array:
    """(source, place) additive bias of one lead bin; 0 for a source without any history in it.

    Also 0 for what is no model: the mean error of persistence is what the weather did meanwhile, and turns with it.
    """
    weight, mean, square = skill.seen(lead_bin)
    total = weight.sum(axis=1, keepdims=True, dtype=np.float64)
    overall = (weight * mean).sum(axis=1, keepdims=True, dtype=np.float64) / np.maximum(total, 1e-9)
    pooled = np.maximum((weight @ membership.T).astype(np.float64), 1e-9)
    cluster = ((weight * mean) @ membership.T) / pooled
    groups = np.minimum((weight > 0).astype(np.float32) @ membership.T, 0.8 * pooled)  # means cost a degree of freedom
    within = (weight * square) @ membership.T
    noise = uncertainty(skill, lead_bin)[:, None] * np.maximum(within, 1e-12) / np.maximum(pooled - groups, 1e-9)
    sampling = noise * groups / pooled
    # Per cluster, for most regions have no bias and a few have a large one; about the mean of all places, for the
    # clusters were drawn around the very biases, noise included.
    apart = np.where(weight > 0, mean - overall.astype(np.float32), 0)
    between = ((weight * apart**2) @ membership.T) / pooled
    signal = np.maximum(between - sampling, WEAKEST_SIGNAL * noise)
    luck = sampling / INDEPENDENT_PLACES
    drawn = luck / np.maximum((cluster - overall) ** 2 - luck, WEAKEST_SIGNAL * luck + 1e-15)
    prior = ((cluster + drawn * overall) / (1 + drawn)).astype(np.float32) @ membership
    # A place far from its clusters, by more than chance, is one of the few with a bias of its own: true biases have
    # Student's tails.
    usual, error = (part.astype(np.float32) @ membership for part in (signal, noise))
    chance = error / np.maximum(weight, np.float32(1e-9))
    own = np.where(weight > 0, mean - prior, 0) ** 2 - chance
    usual = np.maximum((TAILS * usual + own) / (TAILS + 1), np.float32(WEAKEST_SIGNAL) * error)
    bias = prior + usual / (usual + chance) * (mean - prior)
    return np.where(models(skill.sources)[:, None], bias, np.float32(0))


def fit_weights(errors: Errors, membership: Array, equal_share: float, model: NDArray[np.bool_]) -> Array:
    """(source, place) weights of least variance; a model without history gets its share of equal weights.

    model: (source,) which sources are models; another has no weight but what its history earns it beside their blend.
    Raises ValueError where no source can be weighed.
    """
    used = np.flatnonzero(errors.known | model)
    if not len(used):
        raise ValueError("expected at least one source to weigh; found none")
    shares = np.ascontiguousarray(membership.T, np.float64)
    correlation = np.ascontiguousarray(drawn(errors.correlation)[:, used[:, None], used])
    weight = np.zeros(errors.variance.shape, np.float32)
    weight[used] = weigh_places(np.sqrt(errors.variance[used]), correlation, shares, errors.known[used])
    equal = np.where(model, 1 / max(model.sum(), 1), 0)[:, None] if model.any() else weight
    weight = np.asarray((1 - equal_share) * weight + equal_share * equal, np.float32)
    return _beside_models(errors, shares, weight, model, 1 - equal_share) if model.any() else weight


def _beside_models(errors: Errors, shares: Float, weight: Array, model: NDArray[np.bool_], most: float) -> Array:
    """(source, place) `weight` with what is no model weighed against the models' blend by their errors as seen.

    Correlations drawn to zero make a blend of models that err alike look better than it is, and leave too little to
    one that does not err as they do. shares: (place, cluster); `most`: the largest weight that it may have.
    """
    other = (errors.known & ~model).astype(np.float32)
    if not other.any():
        return weight
    blend = np.where(model[:, None], weight, 0) / np.maximum(weight[model].sum(axis=0), np.float32(1e-12))
    return weigh_beside(np.sqrt(errors.variance), errors.correlation, shares, blend, other / other.sum(), most)


def fit(
    skills: list[Skill], membership: Array, *, amounts: bool, guarded: bool = True, today: Array | None = None,
    longitude: Float | None = None,
) -> list[Weights]:  # fmt: skip
    """Weights of parameters that are blended as one: a scalar alone, or the two components of a vector together.

    membership: (cluster, place). `amounts`: they are mapped, and nothing is subtracted. `guarded`: False for the scheme
    by itself, which the guard judges, without expected errors and spread factors. today: (lead_bin, place) variance of
    the hour's own ensemble, NaN where unknown. longitude: (place,) degrees east, for biases that follow the sun.
    """
    first, where = skills[0], None if amounts else longitude
    fitted = [
        _fit_bin(skills, lead_bin, membership, amounts, guarded, where) for lead_bin in range(len(first.lead_bins))
    ]
    biases, courses, shares, squares = zip(*fitted, strict=True)
    bias, weight, expected = (np.stack(parts, axis=-2) for parts in (biases, shares, squares))
    course = [_whole(parts, bias[0]) for parts in zip(*courses, strict=True)]
    if not guarded:
        return [
            Weights(first.sources, first.lead_bins, bias[k], weight, expected, expected, course[k])
            for k in range(len(skills))
        ]
    index = first.pools.index
    error = realised_error(expected, first.contest[0], first.contest_weight[0], membership, index)
    spread = np.full(expected.shape, np.nan, np.float32) if today is None else today
    return [
        Weights(
            first.sources, first.lead_bins, bias[k], weight, error,
            fit_spread(error, skill.variance, skill.variance_weight, spread, membership, index), course[k],
        )
        for k, skill in enumerate(skills)
    ]  # fmt: skip


def _fit_bin(
    skills: list[Skill], lead_bin: int, membership: Array, amounts: bool, guarded: bool, longitude: Float | None
) -> tuple[Array, Sequence[Array | None], Array, Array]:
    """One lead bin's biases (parameter, source, place), of each parameter what follows the sun (2, source, place),
    weights (source, place) and expected square error (place,)."""
    parts = [fit_errors(skill, lead_bin, membership, about_zero=amounts) for skill in skills]
    joint = Errors(
        np.mean([part.variance for part in parts], axis=0), np.mean([part.correlation for part in parts], axis=0),
        np.logical_and.reduce([part.known for part in parts]),
    )  # fmt: skip
    model = models(skills[0].sources)
    scheme = fit_weights(joint, membership, AMOUNT_EQUAL_SHARE if amounts else EQUAL_SHARE, model)
    weight, trusted = _guarded(skills[0], lead_bin, scheme, membership) if guarded else (scheme, scheme)
    removed = np.zeros((len(skills), *weight.shape), np.float32)
    courses: Sequence[Array | None] = [None] * len(skills)
    if not amounts:
        corrected = trusted / np.maximum(weight, np.float32(1e-12))
        found = [_fit_biases(skill, lead_bin, membership, longitude) for skill in skills]
        removed = np.stack([corrected * bias for bias, _ in found])
        courses = [None if course is None else np.asarray(corrected * course, np.float32) for _, course in found]
    if not guarded:
        return removed, courses, weight, np.full(weight.shape[1:], np.nan, np.float32)
    shares = np.ascontiguousarray(membership.T, np.float64)
    return removed, courses, weight, expected_square(np.sqrt(joint.variance), drawn(joint.correlation), shares, weight)


def _fit_biases(skill: Skill, lead_bin: int, membership: Array, longitude: Float | None) -> tuple[Array, Array | None]:
    """(source, place) the bias on the mean of the day, and (2, source, place) what follows the sun, if anything."""
    bias = fit_bias(skill, lead_bin, membership)
    if longitude is None:
        return bias, None
    found = np.where(models(skill.sources)[:, None, None], fit_course(skill, lead_bin, membership, longitude), 0)
    if not found.any():
        return bias, None
    beside, course = at_places(found, skill, lead_bin, membership, longitude)
    return bias + beside, course


def _whole(parts: Sequence[Array | None], like: Array) -> Array | None:
    """(2, source, lead_bin, place) from those of each lead bin, zero where there is none; None if there is none at all.

    like: (source, lead_bin, place).
    """
    if all(part is None for part in parts):
        return None
    result = np.zeros((2, *like.shape), np.float32)
    for lead_bin, part in enumerate(parts):
        if part is not None:
            result[:, :, lead_bin] = part
    return result


def _guarded(skill: Skill, lead_bin: int, scheme: Array, membership: Array) -> tuple[Array, Array]:
    """(source, place) weights once the guard has spoken, and what part of them is the scheme's, bias removed."""
    share = guard.shares(skill, lead_bin, membership).T.astype(np.float32) @ membership
    model = models(skill.sources)
    error = np.where(model, mean_square_at(skill, lead_bin), np.nan)
    best = np.zeros((len(skill.sources), 1), np.float32)
    best[np.nanargmin(error) if np.isfinite(error).any() else 0] = 1
    equal = (model / max(model.sum(), 1)).astype(np.float32)[:, None]
    trusted = share[0] * scheme
    return trusted + share[1] * equal + share[2] * best, trusted
