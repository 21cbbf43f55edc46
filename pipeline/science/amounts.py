"""Amounts: what the past says of them, and what the blend makes of that: mapped sources, and the amount to expect.

Distributions are compared over the intervals that an analysis tells of. So every such interval is corrected by its
mean, and its hours are multiplied alike: when in the interval it rains remains for the sources to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.science import expected_amount, quantile_mapping
from pipeline.science.covariance import pool_membership
from pipeline.science.expected_amount import Curve, Response
from pipeline.science.pools import Pools
from pipeline.science.quantile_mapping import Counts, Mapping

Array = NDArray[np.float32]
Hours = NDArray[np.int64]


@dataclass(frozen=True)
class Past:
    """How often sources have said and analyses have shown how much, and what came when their blend said so much.

    The places of a pool count as one: neighbours see the same rain.
    """

    pools: Pools
    counts: Counts
    response: Response


@dataclass(frozen=True)
class Correction:
    """What the blend does to amounts at some places, by their membership (cluster, place)."""

    mapping: Mapping
    curve: Curve
    membership: Array


def zero(sources: tuple[str, ...], lead_bins: tuple[float, ...], pools: Pools) -> Past:
    """The state that knows nothing."""
    return Past(pools, quantile_mapping.zero(sources, lead_bins, pools.count), expected_amount.zero(lead_bins))


def update(past: Past, lead_bin: int, forecasts: Array, observed: Array, blend: Array | None) -> None:
    """Add one verified forecast, in place.

    forecasts: (source, place) as they came, observed: (place,), blend: (place,) of the mapped sources as it was made
    beforehand, if it was; all in kg m-2, NaN where absent.
    """
    index = past.pools.index
    worth = (1 / np.bincount(index, minlength=past.pools.count))[index]
    quantile_mapping.update(past.counts, lead_bin, forecasts, observed, index, worth)
    if blend is not None:
        expected_amount.update(past.response, lead_bin, blend, observed, worth)


def decay(past: Past, elapsed_hours: float) -> Past:
    """The state with everything faded by the hours that went by."""
    return replace(
        past, counts=quantile_mapping.decay(past.counts, elapsed_hours),
        response=expected_amount.decay(past.response, elapsed_hours),
    )  # fmt: skip


def align_sources(past: Past, sources: tuple[str, ...]) -> Past:
    """The same knowledge for another list of sources: new ones start from nothing, left ones are dropped."""
    return replace(past, counts=quantile_mapping.align_sources(past.counts, sources))


def align_leads(past: Past, lead_bins: tuple[float, ...]) -> Past:
    """The same knowledge for another list of lead bins: new ones start from nothing, left ones are dropped."""
    counts = quantile_mapping.align_leads(past.counts, lead_bins)
    return replace(past, counts=counts, response=expected_amount.align_leads(past.response, lead_bins))


def fit(past: Past, membership: Array) -> Correction:
    """What to do to amounts at the places of `membership` (cluster, place); nothing without history."""
    mapping = quantile_mapping.fit(past.counts, pool_membership(membership, past.pools))
    return Correction(mapping, expected_amount.fit(past.response), membership)


def for_sources(correction: Correction, names: Sequence[str]) -> Correction:
    """The correction of the named sources alone, in their order."""
    known = correction.mapping
    chosen = [known.sources.index(name) for name in names]
    return replace(correction, mapping=replace(known, sources=tuple(names), ratio=known.ratio[chosen]))


def interval_ends(start_hour: int, leads: NDArray[np.integer], length: int) -> NDArray[np.int64]:
    """(lead,) the lead at which the interval ends that an hour is in; `length` hours each, from 00 UTC on."""
    return -(-(start_hour + np.asarray(leads, np.int64)) // length) * length - start_hour


def mapped(forecasts: Array, correction: Correction, ends: Hours, age: float = 0) -> Array:
    """(source, lead, place) the sources' amounts, each interval's as heavy as its like is observed; dry stays dry.

    forecasts: (source, lead, place) kg m-2 an hour, NaN where absent; ends: (lead,) see `interval_ends`; age: hours by
    which the runs are older than those that the correction was learnt from.
    """

    def correct(mean: Array, leads: Hours) -> Array:
        return quantile_mapping.apply(mean, correction.mapping, correction.membership, leads + age)

    return _by_interval(forecasts, ends, correct)


def expected(blend: Array, correction: Correction, ends: Hours, *, dry: bool = True) -> Array:
    """(lead, place) the amount to expect where the blend (lead, place) of mapped sources says so much, kg m-2 an hour.

    `dry`: small ones become 0, so that it is wet as often as is observed; False leaves the mean, for a distribution.
    """

    def correct(mean: Array, leads: Hours) -> Array:
        return expected_amount.apply(mean, correction.curve, leads, dry=dry)

    return _by_interval(blend, ends, correct)


def _by_interval(values: Array, ends: Hours, correct: Callable[[Array, Hours], Array]) -> Array:
    """Amounts (..., lead, place) whose mean over the hours of an interval that are there becomes `correct` of it."""
    last, first = np.unique(ends, return_index=True)
    parts = np.split(values, first[1:], axis=-2)
    mean = np.stack([_mean(part) for part in parts], axis=-2)
    factor = np.divide(correct(mean, last), mean, out=np.ones_like(mean), where=mean > 0)
    return np.concatenate([part * factor[..., k, None, :] for k, part in enumerate(parts)], axis=-2)


def _mean(values: Array) -> Array:
    """Mean over the hours (..., hour, place) that are there; NaN where none is."""
    known = np.isfinite(values)
    count = known.sum(axis=-2, dtype=np.float32)
    total = np.where(known, values, np.float32(0)).sum(axis=-2)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def to_dataset(past: Past) -> xr.Dataset:
    """The state as a dataset that `from_dataset` reads back unchanged."""
    return xr.merge([quantile_mapping.to_dataset(past.counts), expected_amount.to_dataset(past.response)])


def from_dataset(dataset: xr.Dataset, pools: Pools) -> Past:
    """The state that `to_dataset` made of these pools."""
    return Past(pools, quantile_mapping.from_dataset(dataset), expected_amount.from_dataset(dataset))


TABLES = ("mapping", "blended_amount", "expected_amount", "driest_amount")


def tables(correction: Correction) -> dict[str, tuple[tuple[str, ...], NDArray[np.floating]]]:
    """Dimensions and values of what there is beside the membership, by name, for `from_tables`."""
    curve = correction.curve
    values = correction.mapping.ratio, curve.amount, curve.expected, curve.driest
    axes = ("source", "lead_bin", "cluster", "amount"), ("lead_bin", "node"), ("lead_bin", "node"), ("lead_bin",)
    return dict(zip(TABLES, zip(axes, values, strict=True), strict=True))


def from_tables(data: xr.Dataset) -> Correction:
    """The correction that `tables` told of, with the `membership` (cluster, place) beside them."""
    sources = tuple(str(name) for name in data["source"].values)
    bins = tuple(float(lead) for lead in data["lead_bin"].values)
    ratio, *curve = (data[name].values for name in TABLES)
    return Correction(Mapping(sources, bins, ratio), Curve(bins, *curve), data["membership"].values)
