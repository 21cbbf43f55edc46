"""What may come, given what the sources say: a censored logistic distribution, learnt from past pairs only.

The location is linear in the blend and in the plain mean of the sources, the logarithm of the scale in those of the
sources' spread and of the expected error (as EMOS, Gneiting et al. 2005; logistic and censored: Messner et al. 2014).
Amounts are taken by their square root, so that one distribution serves for a shower and for a storm, and what it has
below zero is the chance of a dry hour; other parameters are censored at their own bounds. Coefficients are drawn to the
bare blend as if by `PRIOR_PAIRS` pairs.

How long the past stays true differs from place to place, so several memories are learnt side by side and averaged by
how well each has forecast so far (prequential: Dawid 1984; exponential weights: Vovk 1990).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipeline.parameters import Parameter
from pipeline.science.censored_logistic import LOGISTIC_SCALE, Distribution, Family, crps

Float = NDArray[np.float64]

MEMORIES = (5.0, 15.0, 45.0, 135.0)
"""Days over which a past pair's weight falls to a half: from a spell of weather to a season, each thrice the last."""
PRIOR_PAIRS = 1.0
FORGETTING = 0.99
"""How the scores of the memories fade from one hour to the next, so that another can take over."""
MOST_PAIRS = 50_000
"""Newest pairs that are kept."""
MOST_FITTED = 4_000
"""Pairs, evenly drawn from those kept, that a fit looks at: six coefficients gain nothing from more."""
CLOSE_ENOUGH = 0.03
"""How near its optimum, in standard errors of a coefficient, a fit may stop."""
FEWEST_PAIRS = 5
LOCATIONS, SCALES = 3, 3
"""Coefficients of the location (one, blend, mean) and of the logarithm of the scale (one, spread, deviation)."""


@dataclass(frozen=True)
class Predictors:
    """What distributions are made from, all (pair,) in units of the family.

    centre: the blend; mean: plain mean of the sources as they come; spread: deviation of the corrected sources about
    the centre; deviation: expected error of the blend.
    """

    centre: Float
    mean: Float
    spread: Float
    deviation: Float


@dataclass(frozen=True)
class History:
    """Pairs in the order in which they became known; `crps` (memory, pair) is how each memory had forecast them.

    hours: (pair,) valid time in hours; observed: (pair,) in units of the family.
    """

    hours: Float
    predictors: Predictors
    observed: Float
    crps: Float


@dataclass(frozen=True)
class Fit:
    """Coefficients of one memory, with the units and origins (mean, mean, spread, deviation) they refer to."""

    coefficients: Float
    unit: float
    origin: Float
    size: Float


def family_of(row: Parameter) -> Family:
    """Amounts by their square root, everything else as it is, within the bounds of the catalogue."""
    if row.blend == "precipitation":
        return Family(0.5, 0.0, float(np.inf))
    return Family(1.0, -np.inf, np.inf) if row.kind == "direction" else Family(1.0, row.minimum, row.maximum)


def predictors(
    family: Family, models: Float, corrected: Float, weights: Float, precision: float, deviation: Float | None = None
) -> Predictors:
    """Predictors of one case from what the models say as it comes, (model, place), and all sources corrected, (source,
    place), NaN where absent.

    weights: (source, place); precision: smallest spread, in the parameter's units; deviation: (place,) the blend's
    expected error, the spread if not given.
    """
    raw, values = (np.maximum(v, 0) ** family.power if family.power != 1 else v for v in (models, corrected))
    present = np.isfinite(values)
    share = np.where(present, weights, 0.0)
    share = share / np.maximum(share.sum(axis=0), 1e-12)
    centre = (share * np.where(present, values, 0)).sum(axis=0)
    variance = (share * np.where(present, values - centre, 0) ** 2).sum(axis=0)
    spread = np.sqrt(variance + precision ** (2 * family.power))
    said = np.isfinite(raw)
    mean = np.where(said.any(axis=0), np.where(said, raw, 0).sum(axis=0) / np.maximum(said.sum(axis=0), 1), centre)
    return Predictors(centre, mean, spread, spread if deviation is None else deviation)


def empty() -> History:
    """The history of a table that has just begun."""
    none = np.zeros(0)
    return History(none, Predictors(none, none, none, none), none, np.zeros((len(MEMORIES), 0)))


def remember(history: History, more: History) -> History:
    """The history with more pairs; of a long one the newest are kept."""
    keep = slice(-MOST_PAIRS, None)
    parts = {
        field.name: np.concatenate([getattr(history.predictors, field.name), getattr(more.predictors, field.name)])
        for field in fields(Predictors)
    }
    return History(
        np.concatenate([history.hours, more.hours])[keep],
        Predictors(**{name: values[keep] for name, values in parts.items()}),
        np.concatenate([history.observed, more.observed])[keep],
        np.concatenate([history.crps, more.crps], axis=1)[:, keep],
    )


def fit(history: History, family: Family, now: float, starts: list[Fit | None]) -> list[Fit | None]:
    """The coefficients of every memory as known at `now` (hours); None while there are too few pairs.

    starts: those of the hour before, from which the search sets out.
    """
    if len(history.hours) < FEWEST_PAIRS:
        return [None] * len(MEMORIES)
    age = (now - history.hours) / 24
    return [_fit(history, family, 0.5 ** (age / memory), start) for memory, start in zip(MEMORIES, starts, strict=True)]


def forecast(fits: list[Fit | None], family: Family, given: Predictors) -> Distribution:
    """(memory, pair) the distributions of every memory; without history the bare blend and its expected error."""
    pairs = [_apply(one, given) for one in fits]
    return Distribution(family, np.stack([first for first, _ in pairs]), np.stack([second for _, second in pairs]))


def combine(history: History, memories: Distribution) -> Distribution:
    """(pair,) one distribution: location and scale averaged over the memories by how well each has forecast."""
    share = memory_weights(history)
    return Distribution(memories.family, share @ memories.location, share @ memories.scale)


def memory_weights(history: History) -> Float:
    """(memory,) exp(-what it has lost to the best, in mean CRPS of that), hour by hour: pairs of one hour are alike."""
    if not len(history.hours):
        return np.full(len(MEMORIES), 1 / len(MEMORIES))
    _, hour, count = np.unique(history.hours, return_inverse=True, return_counts=True)
    fade = FORGETTING ** (len(count) - 1 - np.arange(len(count)))
    total = np.array([(fade * np.bincount(hour, row) / count).sum() for row in history.crps])
    best = total.min()
    weight = np.exp(-(total - best) / max(best / fade.sum(), 1e-12))
    return weight / weight.sum()


def score(distribution: Distribution, observed: Float) -> Float:
    """(..., pair) CRPS in the parameter's units; observed: (pair,) in units of the family."""
    return crps(distribution, np.broadcast_to(observed, distribution.location.shape))


def _fit(history: History, family: Family, weight: Float, start: Fit | None) -> Fit:
    fresh = np.flatnonzero(weight > 1e-3 * weight.max())
    fresh = fresh[:: -(-len(fresh) // MOST_FITTED)]
    weight = weight[fresh]
    given = Predictors(*(getattr(history.predictors, field.name)[fresh] for field in fields(Predictors)))
    observed, total = history.observed[fresh], weight.sum()
    unit = float(np.sqrt((weight * (observed - given.centre) ** 2).sum() / total)) + 1e-6
    columns = np.stack(_columns(given))
    origin = columns @ weight / total
    size = np.sqrt((columns - origin[:, None]) ** 2 @ weight / total) + 1e-6
    design = _design(given, origin, size)
    prior = np.zeros(LOCATIONS + SCALES)
    prior[LOCATIONS] = np.log(LOGISTIC_SCALE)
    result = minimize(
        _loss, prior if start is None else start.coefficients, jac=True, method="BFGS",
        options={"gtol": CLOSE_ENOUGH * np.sqrt(total)},
        args=(design, given.centre / unit, observed / unit, family.lower / unit, family.upper / unit, weight, prior),
    )  # fmt: skip
    return Fit(result.x, unit, origin, size)


def _columns(given: Predictors) -> tuple[Float, ...]:
    return given.centre, given.mean - given.centre, np.log(given.spread), np.log(given.deviation)


def _design(given: Predictors, origin: Float, size: Float) -> Float:
    """(pair, coefficient): the location's and then the scale's, each of order one."""
    first, second, third, fourth = (np.stack(_columns(given)) - origin[:, None]) / size[:, None]
    one = np.ones(len(first))
    return np.ascontiguousarray(np.stack([one, first, second, one, third, fourth], axis=1))


def _apply(fitted: Fit | None, given: Predictors) -> tuple[Float, Float]:
    if fitted is None:
        return given.centre, LOGISTIC_SCALE * given.deviation
    design = _design(given, fitted.origin, fitted.size)
    location = given.centre + fitted.unit * (design[:, :LOCATIONS] @ fitted.coefficients[:LOCATIONS])
    return location, fitted.unit * np.exp(design[:, LOCATIONS:] @ fitted.coefficients[LOCATIONS:])


@njit(cache=True, error_model="numpy")
def _loss(
    coefficients: Float, design: Float, centre: Float, observed: Float, lower: float, upper: float, weight: Float,
    prior: Float,
) -> tuple[float, Float]:  # fmt: skip
    """Penalised negative logarithm of the likelihood and its gradient; everything in units of the typical error."""
    total = 0.0
    gradient = np.zeros(len(coefficients))
    for k in range(len(coefficients)):
        away = coefficients[k] - prior[k]
        total += PRIOR_PAIRS * away**2
        gradient[k] = 2 * PRIOR_PAIRS * away
    for i in range(len(weight)):
        location, logarithm = centre[i], 0.0
        for k in range(LOCATIONS):
            location += coefficients[k] * design[i, k]
        for k in range(LOCATIONS, len(coefficients)):
            logarithm += coefficients[k] * design[i, k]
        scale = np.exp(logarithm)
        u = (observed[i] - location) / scale
        near = np.exp(-abs(u))
        above = near / (1 + near) if u < 0 else 1 / (1 + near)  # the distribution function at u
        soft = np.log(1 + near) + max(-u, 0.0)  # -log of it
        if observed[i] <= lower:
            loss, slope, constant = soft, above - 1, 0.0
        elif observed[i] >= upper:
            loss, slope, constant = soft + u, above, 0.0
        else:
            loss, slope, constant = 2 * soft + u + logarithm, 2 * above - 1, 1.0
        total += weight[i] * loss
        for k in range(LOCATIONS):
            gradient[k] -= weight[i] * slope / scale * design[i, k]
        for k in range(LOCATIONS, len(coefficients)):
            gradient[k] += weight[i] * (constant - slope * u) * design[i, k]
    return total, gradient
