"""What the past month says about every source: exponentially weighted sums that merge in any order.

The state holds sums, never means, so that it has a zero, and adding, merging and decaying commute. Errors are
forecast minus truth. Everything else (bias, mean square error, error covariance) is derived from the sums.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import xarray as xr
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]

BLOCK = 2048
"""Places whose errors of all sources fit the cache of a core, so that the pairs are read from there."""


@dataclass(frozen=True)
class Skill:
    """Weighted sums over past pairs of forecast and truth; `pair` runs over i <= j of the sources, row by row.

    error: (source, lead_bin, place) sum of errors, in the parameter's units
    weight: (pair, lead_bin, place) sum of the weights of pairs for which both sources were present
    product: (pair, lead_bin, place) sum of error_i * error_j
    truth: (source, lead_bin, place) sum of the truth where the source was present (for ratio biases)
    variance: (lead_bin, place) sum of the ensemble variance, and variance_weight its weight
    """

    sources: tuple[str, ...]
    lead_bins: tuple[float, ...]
    error: Array
    weight: Array
    product: Array
    truth: Array
    variance: Array
    variance_weight: Array

    @property
    def presence(self) -> Array:
        """(source, lead_bin, place) sum of the weights for which the source was present."""
        return self.weight[diagonal(len(self.sources))]


SUMS = tuple(field.name for field in fields(Skill))[2:]


def diagonal(sources: int) -> NDArray[np.intp]:
    """Indices of the pairs (i, i)."""
    return np.cumsum(np.r_[0, np.arange(sources, 1, -1)]).astype(np.intp)


def zero(sources: tuple[str, ...], lead_bins: tuple[float, ...], places: int) -> Skill:
    """The state that knows nothing."""
    count, bins = len(sources), len(lead_bins)
    pairs = count * (count + 1) // 2
    single, double, flat = (count, bins, places), (pairs, bins, places), (bins, places)
    shapes: dict[str, tuple[int, ...]] = {"error": single, "weight": double, "product": double, "truth": single}
    shapes |= {"variance": flat, "variance_weight": flat}
    return Skill(sources, lead_bins, **{name: np.zeros(shape, np.float32) for name, shape in shapes.items()})


def update(
    skill: Skill,
    lead_bin: int,
    errors: Array,
    truth: Array,
    *,
    variance: Array | None = None,
    limits: tuple[Array, Array] | None = None,
) -> None:
    """Add one verified forecast to the state, in place.

    errors: (source, place), NaN where a source is absent; truth: (place,); variance: (place,) of the ensemble.
    limits: lower and upper bounds (source, place) to which errors are winsorised, so that one corrupt truth or
    forecast cannot leak into a month of statistics; see `limits`.
    """
    count = len(skill.sources)
    if errors.shape != (count, skill.error.shape[2]):
        raise ValueError(
            f"expected errors of shape (source, place) {(count, skill.error.shape[2])}; found {errors.shape}"
        )
    if limits is not None:
        errors = np.clip(errors, limits[0], limits[1])
    _add_errors(
        np.ascontiguousarray(errors, np.float32), np.ascontiguousarray(truth, np.float32), skill.error[:, lead_bin],
        skill.weight[:, lead_bin], skill.product[:, lead_bin], skill.truth[:, lead_bin],
    )  # fmt: skip
    if variance is not None:
        good = np.isfinite(variance)
        skill.variance[lead_bin, good] += variance[good]
        skill.variance_weight[lead_bin, good] += 1


@njit(parallel=True, cache=True)
def _add_errors(errors: Array, truth: Array, error: Array, weight: Array, product: Array, truth_sum: Array) -> None:
    count, places = errors.shape
    for task in prange((places + BLOCK - 1) // BLOCK):
        start, stop = task * BLOCK, min((task + 1) * BLOCK, places)
        pair = 0
        for i in range(count):
            _add_own(errors[i, start:stop], truth[start:stop], error[i, start:stop], truth_sum[i, start:stop])
            for j in range(i, count):
                _add_pair(
                    errors[i, start:stop], errors[j, start:stop], weight[pair, start:stop], product[pair, start:stop]
                )
                pair += 1


@njit(cache=True, inline="never")
def _add_own(errors: Array, truth: Array, error: Array, truth_sum: Array) -> None:
    for k in range(len(errors)):
        good = errors[k] == errors[k]
        error[k] += errors[k] if good else np.float32(0)
        truth_sum[k] += truth[k] if good else np.float32(0)


@njit(cache=True, inline="never")
def _add_pair(first: Array, second: Array, weight: Array, product: Array) -> None:
    for k in range(len(first)):
        both = first[k] * second[k]
        good = both == both
        weight[k] += np.float32(1) if good else np.float32(0)
        product[k] += both if good else np.float32(0)


def mean_square(skill: Skill) -> NDArray[np.float64]:
    """(source, lead_bin) mean square error over all places, NaN without history."""
    weight = skill.presence.sum(axis=-1, dtype=np.float64)
    square = skill.product[diagonal(len(skill.sources))].sum(axis=-1, dtype=np.float64)
    return np.where(weight > 0, square / np.maximum(weight, 1e-9), np.nan)


def decay(skill: Skill, factors: NDArray[np.floating] | float) -> Skill:
    """The state with every sum multiplied by its lead bin's factor; `factors` is (lead_bin,) or one number."""
    scale = np.broadcast_to(np.asarray(factors, np.float32), (len(skill.lead_bins),))[:, None]
    return replace(skill, **{name: getattr(skill, name) * scale for name in SUMS})


def decay_factors(
    lead_bins: tuple[float, ...], elapsed_hours: float, time_scale_days: float = 12.0
) -> NDArray[np.float64]:
    """(lead_bin,) exp(-elapsed / scale), with a scale that grows by half towards 120 h.

    Biases of longer leads are noisier, so that a longer memory pays (Cui et al. 2012; NBM's decaying average).
    """
    growth = 1 + 0.5 * np.clip(np.asarray(lead_bins) / 120, 0, 1)
    return np.exp(-elapsed_hours / (24 * time_scale_days * growth))


def merge(first: Skill, second: Skill) -> Skill:
    """The state that has seen what both have seen, both decayed to the same time."""
    if (first.sources, first.lead_bins) != (second.sources, second.lead_bins):
        raise ValueError("skill states merge only with the same sources and lead bins")
    return replace(first, **{name: getattr(first, name) + getattr(second, name) for name in SUMS})


def align_sources(skill: Skill, sources: tuple[str, ...]) -> Skill:
    """The same knowledge for another list of sources: new ones start from nothing, left ones are dropped."""
    if sources == skill.sources:
        return skill
    result = zero(sources, skill.lead_bins, skill.error.shape[2])
    old = {name: index for index, name in enumerate(skill.sources)}
    table, wanted = _pair_table(len(skill.sources)), _pair_table(len(sources))
    for i, first in enumerate(sources):
        if first not in old:
            continue
        result.error[i], result.truth[i] = skill.error[old[first]], skill.truth[old[first]]
        for j, second in enumerate(sources):
            if second in old:
                result.weight[wanted[i, j]] = skill.weight[table[old[first], old[second]]]
                result.product[wanted[i, j]] = skill.product[table[old[first], old[second]]]
    return replace(result, variance=skill.variance, variance_weight=skill.variance_weight)


def _pair_table(sources: int) -> NDArray[np.intp]:
    """(source, source) index of the pair of two sources."""
    table = np.zeros((sources, sources), np.intp)
    rows, columns = np.triu_indices(sources)
    table[rows, columns] = table[columns, rows] = np.arange(len(rows))
    return table


def limits(
    skill: Skill, lead_bin: int, width: float = 2.0, prior_weight: float = 1.0, variance_prior: float = 15.0
) -> tuple[Array, Array] | None:
    """Bounds (source, place) beyond which a new error is winsorised: bias +- width * standard deviation.

    The variance is the place's own, drawn to that of all places (which counts for `variance_prior` pairs), so that a
    station with wild reports cannot widen its own gate at once; the bounds come from the state of the hour before, so
    that updates within an hour still commute. None while the state is too young to judge. (Huber 1964.)
    """
    presence = skill.presence[:, lead_bin].astype(np.float64)
    total = presence.sum(axis=1, keepdims=True)
    if presence.shape[1] == 0 or total.max() < max(3.0, 0.5 * presence.shape[1]):
        return None
    total = np.maximum(total, 1e-9)
    error = skill.error[:, lead_bin].astype(np.float64)
    square = skill.product[diagonal(len(skill.sources)), lead_bin].astype(np.float64)
    mean = error.sum(axis=1, keepdims=True) / total
    centre = (error + prior_weight * mean) / (presence + prior_weight)
    residual = np.maximum(square - 2 * centre * error + presence * centre**2, 0)
    pooled = residual.sum(axis=1, keepdims=True) / total
    variance = (residual + variance_prior * pooled) / (presence + variance_prior)
    half = width * np.sqrt(np.maximum(variance, 1e-12) * (1 + 1 / (presence + prior_weight)))
    known = total > 3
    lower = np.where(known, centre - half, -np.inf)
    upper = np.where(known, centre + half, np.inf)
    return lower.astype(np.float32), upper.astype(np.float32)


def to_dataset(skill: Skill) -> xr.Dataset:
    """The state as a dataset that `from_dataset` reads back unchanged."""
    dims = {"error": "source", "truth": "source", "weight": "pair", "product": "pair"}
    data = {
        name: (((dims[name],) if name in dims else ()) + ("lead_bin", "place"), getattr(skill, name)) for name in SUMS
    }
    return xr.Dataset(
        data, {"source": np.array(skill.sources, dtype=object), "lead_bin": np.asarray(skill.lead_bins, np.float64)}
    )


def from_dataset(dataset: xr.Dataset) -> Skill:
    """The state that `to_dataset` made."""
    sources = tuple(str(name) for name in dataset["source"].values)
    bins = tuple(float(value) for value in dataset["lead_bin"].values)
    return Skill(sources, bins, **{name: dataset[name].values for name in SUMS})
