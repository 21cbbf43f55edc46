"""Skill states put together, fitted to other sources, and as they lie in storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.science.pools import Pools
from pipeline.science.skill import STATISTICS, Array, Skill, zero
from pipeline.science.skill_kernel import pack, pool_products, unpack

DIMENSIONS = {
    "mean": ("source", "lead_bin", "place"), "square": ("source", "lead_bin", "square"),
    "weight": ("source", "lead_bin", "pool"),
    "product": ("pair", "lead_bin", "pool"), "shared": ("pair", "lead_bin", "pool"),
    "variance": ("lead_bin", "pool"), "variance_weight": ("lead_bin", "pool"),
    "contest": ("contest", "lead_bin", "pool"), "contest_weight": ("contest", "lead_bin", "pool"),
    "course": ("moment", "source", "lead_bin", "pool"),
    "last": ("source", "lead_bin", "sample"), "echo": ("echo", "source", "lead_bin"),
}  # fmt: skip


def merge(first: Skill, second: Skill) -> Skill:
    """The state that has seen what both have seen, both decayed to the same time (Chan et al. 1979).

    `second` is the later one: only what a pair repeats of the one before it depends on that.

    Raises ValueError unless both are of the same sources, lead bins and pools.
    """
    if (first.sources, first.lead_bins) != (second.sources, second.lead_bins):
        raise ValueError("skill states merge only with the same sources and lead bins")
    if not np.array_equal(first.pools.index, second.pools.index):
        raise ValueError("skill states merge only on the same places")
    result = zero(first.sources, first.lead_bins, first.pools)
    for lead_bin in range(len(first.lead_bins)):
        apart = _merge_places(first, second, result, lead_bin)
        _merge_products(first, second, result, lead_bin, apart)
        _merge_course(first, second, result, lead_bin, apart)
    result.weight[:] = first.weight + second.weight
    for name, weight in (("variance", "variance_weight"), ("contest", "contest_weight")):
        share = _share(getattr(first, weight), getattr(second, weight))
        getattr(result, name)[:] = getattr(first, name) + share * (getattr(second, name) - getattr(first, name))
        getattr(result, weight)[:] = getattr(first, weight) + getattr(second, weight)
    result.last[:] = np.where(np.isfinite(second.last), second.last, first.last)
    share = _share(*(state.weight.max(axis=-1, initial=0) for state in (first, second)))
    result.echo[:] = first.echo + share * (second.echo - first.echo)
    return result


def _merge_places(first: Skill, second: Skill, result: Skill, lead_bin: int) -> Array:
    """Means and squares of every place; returns how far the two means are apart (source, sample)."""
    weights = [state.presence(lead_bin) for state in (first, second)]
    share = _share(*weights)
    means = [np.nan_to_num(unpack(state.mean[:, lead_bin])) for state in (first, second)]
    apart, known = means[1] - means[0], weights[0] + weights[1] > 0
    result.mean[:, lead_bin] = pack(np.where(known, means[0] + share * apart, np.nan))
    kept = first.pools.kept
    squares, part = [np.nan_to_num(unpack(state.square[:, lead_bin])) for state in (first, second)], share[:, kept]
    square = squares[0] + part * (squares[1] - squares[0]) + part * (1 - part) * apart[:, kept] ** 2
    result.square[:, lead_bin] = pack(np.where(known[:, kept], square, np.nan))
    return apart[:, first.pools.sample]


def _merge_products(first: Skill, second: Skill, result: Skill, lead_bin: int, apart: Array) -> None:
    share = _share(first.shared[:, lead_bin], second.shared[:, lead_bin])
    one, two = first.product[:, lead_bin], second.product[:, lead_bin]
    distance, _ = pool_products(np.ascontiguousarray(apart), first.pools.starts)
    result.product[:, lead_bin] = one + share * (two - one) + share * (1 - share) * distance
    result.shared[:, lead_bin] = first.shared[:, lead_bin] + second.shared[:, lead_bin]


def _merge_course(first: Skill, second: Skill, result: Skill, lead_bin: int, apart: Array) -> None:
    share = _share(first.weight[:, lead_bin], second.weight[:, lead_bin])
    one, two = first.course[:, :, lead_bin], second.course[:, :, lead_bin]
    count = np.diff(first.pools.starts)
    error = np.add.reduceat(apart, first.pools.starts[:-1], axis=1) / np.maximum(count, 1)
    c, s = two[:2] - one[:2]
    between = np.stack([np.zeros_like(c), np.zeros_like(s), c * c, c * s, s * s, c * error, s * error])
    result.course[:, :, lead_bin] = one + share * (two - one) + share * (1 - share) * between


def _share(first: Array, second: Array) -> Array:
    return np.asarray(second / np.maximum(first + second, 1e-9), np.float32)


def align_sources(skill: Skill, sources: tuple[str, ...]) -> Skill:
    """The same knowledge for another list of sources: new ones start from nothing, left ones are dropped."""
    if sources == skill.sources:
        return skill
    result = zero(sources, skill.lead_bins, skill.pools)
    old = {name: index for index, name in enumerate(skill.sources)}
    table, wanted = _pair_table(len(skill.sources)), _pair_table(len(sources))
    for i, first in enumerate(sources):
        if first not in old:
            continue
        for name in ("mean", "square", "weight", "last"):
            getattr(result, name)[i] = getattr(skill, name)[old[first]]
        result.echo[:, i] = skill.echo[:, old[first]]
        result.course[:, i] = skill.course[:, old[first]]
        for j, second in enumerate(sources):
            if second in old:
                result.shared[wanted[i, j]] = skill.shared[table[old[first], old[second]]]
                result.product[wanted[i, j]] = skill.product[table[old[first], old[second]]]
    kept = ("variance", "variance_weight", "contest", "contest_weight")
    return replace(result, **{name: getattr(skill, name) for name in kept})


def align_leads(skill: Skill, lead_bins: tuple[float, ...]) -> Skill:
    """The same knowledge for another list of lead bins: new ones start from nothing, left ones are dropped."""
    if lead_bins == skill.lead_bins:
        return skill
    result = zero(skill.sources, lead_bins, skill.pools)
    shared = [lead for lead in lead_bins if lead in skill.lead_bins]
    here, there = ([bins.index(lead) for lead in shared] for bins in (lead_bins, skill.lead_bins))
    for name in STATISTICS:
        axis = DIMENSIONS[name].index("lead_bin")
        np.moveaxis(getattr(result, name), axis, 0)[here] = np.moveaxis(getattr(skill, name), axis, 0)[there]
    return result


def join(parts: Sequence[Skill]) -> Skill:
    """The lead bins of several states of the same sources and places as one state, shortest lead first."""
    first, bins = parts[0], [lead for part in parts for lead in part.lead_bins]
    if len(parts) == 1:
        return first
    order = np.argsort(bins, kind="stable")
    joined = {}
    for name in STATISTICS:
        axis = DIMENSIONS[name].index("lead_bin")
        joined[name] = np.concatenate([getattr(part, name) for part in parts], axis=axis).take(order, axis=axis)
    return Skill(first.sources, tuple(bins[index] for index in order), first.pools, **joined)


def _pair_table(sources: int) -> NDArray[np.intp]:
    """(source, source) index of the pair of two sources."""
    table = np.zeros((sources, sources), np.intp)
    rows, columns = np.triu_indices(sources)
    table[rows, columns] = table[columns, rows] = np.arange(len(rows))
    return table


def to_dataset(skill: Skill) -> xr.Dataset:
    """The state as a dataset that `from_dataset` reads back unchanged: means as upper halves of float32."""
    data = {name: (DIMENSIONS[name], getattr(skill, name)) for name in STATISTICS}
    return xr.Dataset(
        data | {"pool_of_place": (("place",), skill.pools.index)},
        {"source": np.array(skill.sources, dtype=object), "lead_bin": np.asarray(skill.lead_bins, np.float64)},
        {"columns": skill.pools.columns, "together": skill.pools.together},
    )


def from_dataset(dataset: xr.Dataset) -> Skill:
    """The state that `to_dataset` made, without what has been left out of it."""
    sources = tuple(str(name) for name in dataset["source"].values)
    bins = tuple(float(value) for value in dataset["lead_bin"].values)
    rows = (int(dataset.attrs[name]) for name in ("columns", "together"))
    pools = _pools(dataset["pool_of_place"].values.astype(np.int32).tobytes(), *rows)
    known: dict[str, Any] = {name: dataset[name].values for name in STATISTICS if name in dataset}
    if len(known) == len(STATISTICS):
        return Skill(sources, bins, pools, **known)
    return replace(zero(sources, bins, pools), **known)


@lru_cache(maxsize=4)
def _pools(index: bytes, columns: int, together: int) -> Pools:
    """Those of the last states, which have their samples at hand: one grid has one division into pools."""
    of_place = np.frombuffer(index, np.int32).copy()
    return Pools(of_place, int(of_place.max(initial=-1)) + 1, columns, together)
