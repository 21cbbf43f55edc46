"""Quantile mapping of amounts: a source's light, moderate and heavy amounts come as often as they are observed.

A month is short for heavy rain, so the counts behind a mapping are pooled over similar places (Hamill et al. 2017). The
mapping multiplies: 0 stays 0 and a dry forecast stays dry, for wet areas out of nothing are false (improver#2423);
drizzle that falls more often than it is observed becomes dry. A source that is too rarely wet is left to the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.blend import WET_AMOUNT, Leads, lead_position

Array = NDArray[np.float32]
Float = NDArray[np.float64]

THRESHOLDS = np.geomspace(WET_AMOUNT, 200.0, 28)
"""kg m-2, each 1.36 times the last, from the least that counts as wet to the most that the catalogue allows."""
TIME_SCALE_DAYS = 60.0
"""As long as Hamill et al. (2017) pool: distributions drift slowly, and their tails need many days."""
CLUSTER_PRIOR = 200.0
"""Pairs that all places count for in the distributions of a cluster."""
EXCEEDANCES = 10.0
"""Forecasts beyond a threshold at which the mapping there is half believed; the rest is that of the threshold below."""
LARGEST_INCREASE = 2.5
"""As for the ratio of means; decreases need no bound, for they end at 0."""
INCREASE_HOURS = 240.0
"""Lead over which an increase fades to 1/e: what a source foresees no more should not be made heavier."""
DRY_RATIO = 1e-3
"""What remains of an amount that is not observed so often."""


@dataclass(frozen=True)
class Counts:
    """Weighted counts of the pairs that were seen, (source, lead_bin, pool, class) each, of forecasts and observations.

    Class k holds amounts from threshold k - 1 to below threshold k; class 0 is dry.
    """

    sources: tuple[str, ...]
    lead_bins: tuple[float, ...]
    forecast: Array
    observed: Array


@dataclass(frozen=True)
class Mapping:
    """Logarithm of mapped / forecast amount at the thresholds, (source, lead_bin, cluster, threshold)."""

    sources: tuple[str, ...]
    lead_bins: tuple[float, ...]
    ratio: Array


def zero(sources: tuple[str, ...], lead_bins: tuple[float, ...], pools: int) -> Counts:
    """The state that knows nothing."""
    shape = (len(sources), len(lead_bins), pools, len(THRESHOLDS) + 1)
    return Counts(sources, lead_bins, np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def update(
    state: Counts, lead_bin: int, forecasts: Array, observed: Array, pool: NDArray[np.integer], worth: Float
) -> None:
    """Count one verified forecast, in place.

    forecasts: (source, place) and observed: (place,) in kg m-2, NaN where absent; pool: (place,) which one each is of,
    worth: (place,) how many pairs it counts for.
    """
    pools, classes = state.forecast.shape[2:]
    truth = np.searchsorted(THRESHOLDS, observed, side="right")
    for index, values in enumerate(forecasts):
        both = np.isfinite(values) & np.isfinite(observed)
        first = pool[both] * classes
        said = np.searchsorted(THRESHOLDS, values[both], side="right")
        for counts, column in ((state.forecast, said), (state.observed, truth[both])):
            found = np.bincount(first + column, worth[both], minlength=pools * classes)
            counts[index, lead_bin] += found.reshape(pools, classes)


def decay(state: Counts, elapsed_hours: float) -> Counts:
    """The state with every count faded by the hours that went by."""
    scale = np.float32(np.exp(-elapsed_hours / (24 * TIME_SCALE_DAYS)))
    return replace(state, forecast=state.forecast * scale, observed=state.observed * scale)


def merge(first: Counts, second: Counts) -> Counts:
    """The state that has seen what both have seen, both decayed to the same time."""
    if (first.sources, first.lead_bins) != (second.sources, second.lead_bins):
        raise ValueError("counts of amounts merge only with the same sources and lead bins")
    return replace(first, forecast=first.forecast + second.forecast, observed=first.observed + second.observed)


def align_sources(state: Counts, sources: tuple[str, ...]) -> Counts:
    """The same knowledge for another list of sources: new ones start from nothing, left ones are dropped."""
    result = zero(sources, state.lead_bins, state.forecast.shape[2])
    for index, name in enumerate(sources):
        if name in state.sources:
            result.forecast[index] = state.forecast[state.sources.index(name)]
            result.observed[index] = state.observed[state.sources.index(name)]
    return result


def align_leads(state: Counts, lead_bins: tuple[float, ...]) -> Counts:
    """The same knowledge for another list of lead bins: new ones start from nothing, left ones are dropped."""
    result = zero(state.sources, lead_bins, state.forecast.shape[2])
    for index, lead in enumerate(lead_bins):
        if lead in state.lead_bins:
            result.forecast[:, index] = state.forecast[:, state.lead_bins.index(lead)]
            result.observed[:, index] = state.observed[:, state.lead_bins.index(lead)]
    return result


def fit(state: Counts, shares: NDArray[np.floating]) -> Mapping:
    """The mapping of every source, lead bin and cluster; identity without history.

    shares: (cluster, pool) part of each pool that belongs to a cluster. The clusters' distributions are drawn to those
    of all places, the ratio at a threshold that few forecasts pass to that of the threshold below it, the lowest to 1.
    """
    counts = [_exceeding(values, shares) for values in (state.forecast, state.observed)]
    (said, pairs), (seen, _) = counts
    ratio = np.zeros((*said.shape[:3], len(THRESHOLDS)))
    for index in np.ndindex(*said.shape[:3]):
        if pairs[index] > 0:
            ratio[index] = _ratios(said[index], seen[index])
    fade = np.exp(-np.asarray(state.lead_bins) / INCREASE_HOURS)[:, None, None]
    ratio = np.where(ratio > 0, fade * ratio, ratio)
    ratio[..., 0] = np.minimum(ratio[..., 0], 0)
    mapped = np.maximum.accumulate(np.log(THRESHOLDS) + ratio, axis=-1)
    return Mapping(state.sources, state.lead_bins, (mapped - np.log(THRESHOLDS)).astype(np.float32))


def _exceeding(counts: Array, shares: NDArray[np.floating]) -> tuple[Float, Float]:
    """Counts beyond each threshold (source, lead_bin, cluster, threshold) and in all, drawn to those of all places."""
    everywhere = counts.sum(axis=2, keepdims=True, dtype=np.float64)
    total = np.maximum(everywhere.sum(axis=-1, keepdims=True), 1e-9)
    pooled = shares.astype(np.float64) @ counts + np.minimum(CLUSTER_PRIOR, total) * everywhere / total
    beyond = pooled[..., ::-1].cumsum(axis=-1)[..., ::-1]
    return beyond[..., 1:], beyond[..., 0]


def _ratios(said: Float, seen: Float) -> Float:
    """Logarithm of observed / forecast amount of equal rank at each threshold, from the counts beyond each."""
    logarithm = np.log(THRESHOLDS)
    rank = np.maximum.accumulate(-seen)
    amount = np.interp(-said, rank, logarithm)
    amount = np.where(said > seen[0] * (1 + 1e-9), logarithm + np.log(DRY_RATIO), amount)
    raw = np.minimum(amount - logarithm, np.log(LARGEST_INCREASE))
    belief = said / (said + EXCEEDANCES)
    result, below = np.empty_like(raw), 0.0
    for k in range(len(raw)):
        below = result[k] = belief[k] * raw[k] + (1 - belief[k]) * below
    return result


def apply(forecasts: Array, mapping: Mapping, membership: Array, leads: Leads) -> Array:
    """(source, lead, place) the mapped amounts, NaN where a source has none.

    forecasts: (source, lead, place) kg m-2; membership: (cluster, place), summing to one; leads: (lead,) hours.
    Between thresholds, leads and clusters logarithms of ratios are interpolated, so that the result is monotone in
    the forecast; above the last threshold the ratio stays. Raises ValueError for another number of sources.
    """
    if forecasts.shape[0] != mapping.ratio.shape[0]:
        raise ValueError(f"expected forecasts of {mapping.ratio.shape[0]} sources; found {forecasts.shape[0]}")
    lower, fraction = lead_position(mapping.lead_bins, leads)
    upper = np.minimum(lower + 1, len(mapping.lead_bins) - 1)
    part = fraction[:, None, None]
    result = np.empty(forecasts.shape, np.float32)
    for source, values in enumerate(forecasts):
        ratio = (1 - part) * mapping.ratio[source][lower] + part * mapping.ratio[source][upper]
        _apply(np.ascontiguousarray(values, np.float32), ratio, np.ascontiguousarray(membership), result[source])
    return result


LOWEST, STEP = np.float32(np.log(THRESHOLDS[0])), np.float32(np.log(THRESHOLDS[1] / THRESHOLDS[0]))


@njit(parallel=True, cache=True, error_model="numpy")
def _apply(values: Array, ratio: Array, membership: Array, result: Array) -> None:
    last = ratio.shape[2] - 1
    for lead in prange(values.shape[0]):
        for place in range(values.shape[1]):
            value = values[lead, place]
            if not value > 0:
                result[lead, place] = value if value != value else 0
                continue
            position = min(max((np.log(value) - LOWEST) / STEP, np.float32(0)), np.float32(last))
            low = min(int(position), last - 1)
            part = position - low
            logarithm = np.float32(0)
            for cluster in range(membership.shape[0]):
                share = membership[cluster, place]
                first, second = ratio[lead, cluster, low], ratio[lead, cluster, low + 1]
                logarithm += share * (first + part * (second - first))
            result[lead, place] = value * np.exp(logarithm)


def to_dataset(state: Counts) -> xr.Dataset:
    """The state as a dataset that `from_dataset` reads back unchanged."""
    dims = ("source", "lead_bin", "pool", "class")
    return xr.Dataset(
        {"forecast_count": (dims, state.forecast), "observed_count": (dims, state.observed)},
        {"source": np.array(state.sources, dtype=object), "lead_bin": np.asarray(state.lead_bins, np.float64)},
    )


def from_dataset(dataset: xr.Dataset) -> Counts:
    """The state that `to_dataset` made."""
    return Counts(
        tuple(str(name) for name in dataset["source"].values),
        tuple(float(lead) for lead in dataset["lead_bin"].values),
        dataset["forecast_count"].values, dataset["observed_count"].values,
    )  # fmt: skip
