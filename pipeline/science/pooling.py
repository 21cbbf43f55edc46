"""The pool of a distribution: members at leads of their own, brought to an hour and about one mean as they are needed.

Hourly fields of all members would be the largest thing in memory by far; here they are never whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """Fields of members and how every hour follows from two of them.

    values: (row, place), NaN where there is no value. before, after: (member, hour) the rows between which a member
    lies at an hour; weight: (member, hour) of the later, 0 to 1. ends: (group,) where each group of members ends; every
    group is shifted so that its mean is that of the first. Where the first or a group has no member, its values are
    missing.
    """

    values: Array
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    weight: Array
    ends: NDArray[np.int64]


@njit(cache=True, error_model="numpy")
def gather(
    values: Array, table: tuple[NDArray[np.int64], NDArray[np.int64], Array], hour: int, start: int, out: Array
) -> None:  # pragma: no cover
    """Fill `out` (member, cell) with the members of the cells from `start` on; table: before, after and weight."""
    before, after, weight = table
    stop = start + out.shape[1]
    for m in range(len(before)):
        first, second = values[before[m, hour], start:stop], values[after[m, hour], start:stop]
        _between(first, second, weight[m, hour], out[m])


@njit(cache=True, error_model="numpy", inline="never")
def _between(first: Array, second: Array, weight: np.float32, out: Array) -> None:  # pragma: no cover
    if weight == 0:
        for k in range(len(out)):
            out[k] = first[k]
    else:
        for k in range(len(out)):
            out[k] = first[k] + weight * (second[k] - first[k])


@njit(cache=True, error_model="numpy")
def any_missing(members: Array) -> bool:  # pragma: no cover
    """Whether any value of `members` (member, cell) is NaN."""
    total = np.zeros(members.shape[1], np.float32)
    for member in range(len(members)):
        _add(members[member], total)
    return bool(np.isnan(total).any())


@njit(cache=True, error_model="numpy", inline="never")
def _add(values: Array, total: Array) -> None:  # pragma: no cover
    for k in range(len(total)):
        total[k] += values[k]


@njit(cache=True, error_model="numpy")
def about_the_first(members: Array, ends: NDArray[np.int64]) -> None:  # pragma: no cover
    """Shift each group of `members` (member, cell), in place, so that its mean is that of the first; see `Pool`."""
    middle, mean = np.empty(members.shape[1], np.float32), np.empty(members.shape[1], np.float32)
    if len(ends) > 1:
        _mean(members, 0, ends[0], middle)
    for group in range(1, len(ends)):
        _mean(members, ends[group - 1], ends[group], mean)
        for k in range(len(mean)):
            mean[k] = middle[k] - mean[k]
        for member in range(ends[group - 1], ends[group]):
            _add(mean, members[member])


@njit(cache=True, error_model="numpy")
def _mean(members: Array, first: int, end: int, mean: Array) -> None:  # pragma: no cover
    """Mean over the members that have a value."""
    count = np.zeros(len(mean), np.float32)
    mean[:] = 0
    for member in range(first, end):
        _add_known(members[member], mean, count)
    for k in range(len(mean)):
        mean[k] = mean[k] / count[k]


@njit(cache=True, error_model="numpy", inline="never")
def _add_known(values: Array, total: Array, count: Array) -> None:  # pragma: no cover
    for k in range(len(total)):
        known = values[k] == values[k]
        total[k] += values[k] if known else np.float32(0)
        count[k] += np.float32(1) if known else np.float32(0)


@njit(parallel=True, cache=True)
def without_bias(
    values: Array, bias: Array, lower: NDArray[np.int64], fraction: Array, minimum: np.float32,
    maximum: np.float32, out: Array,
) -> None:  # fmt: skip  # pragma: no cover
    """Fill `out` (lead, place) with `values` less `bias` (lead_bin, place), within the bounds.

    lower, fraction: (lead,) as of `blend.lead_position`.
    """
    for lead in prange(len(values)):
        low, high, part = bias[lower[lead]], bias[min(lower[lead] + 1, len(bias) - 1)], fraction[lead]
        row, made = values[lead], out[lead]
        for k in range(len(row)):
            shift = (np.float32(1) - part) * low[k] + part * high[k]
            value = row[k] - shift
            value = minimum if value < minimum else value
            made[k] = maximum if value > maximum else value
