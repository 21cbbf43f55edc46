"""The compiled part of `skill` that looks at a sample of every pool's places."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.skill_kernel import Half, widened, within

Array = NDArray[np.float32]
Float = NDArray[np.float64]
Places = NDArray[np.intp]


@njit(parallel=True, cache=True)
def look(
    errors: Array, mean: Half, square: Half, lead_bin: int, places: Places, squares: Places, weight: Array, wide: float
) -> tuple[Array, Array, Array]:
    """Errors and means so far of the sampled places, each (source, sample), and (4, source) what they come to.

    That is mean and square of all places that have any, the number of errors, and of those beyond `wide` deviations.
    places, squares: (sample,) where in `errors` and `mean` (source, lead_bin, place), and where in `square`; weight:
    (source, sample).
    """
    count, size = len(errors), len(places)
    error, before = np.empty((count, size), np.float32), np.empty((count, size), np.float32)
    found = np.empty((4, count), np.float32)
    for source in prange(count):
        total, first, second = 1e-9, 0.0, 0.0
        for k in range(size):
            error[source, k] = errors[source, places[k]]
            value = widened(mean[source, lead_bin, places[k]])
            before[source, k] = value
            if value == value:
                share = np.float64(weight[source, k])
                spread = widened(square[source, lead_bin, squares[k]])
                total += share
                first += share * value
                second += share * (spread if spread == spread else np.float32(0))
        overall, typical = np.float32(first / total), np.float32(second / total)
        limit, there, beyond = np.float32(wide) * np.sqrt(typical), 0, 0
        for k in range(size):
            there += error[source, k] == error[source, k]
            beyond += abs(error[source, k] - overall) > limit
        found[0, source], found[1, source], found[2, source], found[3, source] = overall, typical, there, beyond
    return error, before, found


@njit(parallel=True, cache=True)
def depart(
    error: Array, before: Array, last: Array, lead_bin: int, own: Array, starts: NDArray[np.int64], overall: Array,
    narrow: Array, wide: Array,
) -> tuple[Float, Array]:  # fmt: skip
    """Make errors (source, sample), in place, what they depart by from the means before, NaN where there is none.

    own: (source, sample) part of the gate's centre that is the place's own, `overall` (source,) the rest. A place's
    first error makes its mean and departs from it by nothing. `last` (source, lead_bin, sample) becomes the newest.
    Returns (4, source) number of departures that had one before them, sums of their products with that, of their
    squares, and of their squares within `narrow`; and (2, source, pool) how many errors there are, and places that
    ever had one.
    """
    count, pools = len(error), len(starts) - 1
    sums, seen = np.zeros((4, count)), np.zeros((2, count, pools), np.float32)
    for source in prange(count):
        for pool in range(pools):
            for k in range(starts[pool], starts[pool + 1]):
                value, mean = error[source, k], before[source, k]
                there = value == value
                seen[0, source, pool] += there
                seen[1, source, pool] += there or mean == mean
                if mean != mean:
                    error[source, k] = np.float32(0) if there else value
                elif there:
                    centre = overall[source] + own[source, k] * (mean - overall[source])
                    departure = centre + within(value - centre, wide[source]) - mean
                    previous, error[source, k] = last[source, lead_bin, k], departure
                    last[source, lead_bin, k] = departure
                    if previous == previous:
                        sums[0, source] += 1
                        sums[1, source] += departure * previous
                        sums[2, source] += departure**2
                        sums[3, source] += within(departure, narrow[source]) ** 2
    return sums, seen


@njit(parallel=True, cache=True)
def add_products(
    values: Array, starts: NDArray[np.int64], mean: Array, weight: Array, lead_bin: int, about_mean: bool
) -> None:
    """Move mean products (pair, lead_bin, pool) by those of two rows of `values` (row, sample); add to their weights.

    starts: (pool + 1,) where each pool's places begin; NaN is left out; pairs run over i <= j, row by row.
    about_mean: values depart from means that did not know them yet; what is left once those have moved is added.
    """
    rows, pools = len(values), len(starts) - 1
    for i in prange(rows):
        for j in range(i, rows):
            pair = i * rows - i * (i - 1) // 2 + j - i
            for pool in range(pools):
                total, count = np.float32(0), 0
                for k in range(starts[pool], starts[pool + 1]):
                    product = values[i, k] * values[j, k]
                    if product == product:
                        total += product
                        count += 1
                if count:
                    share = np.float32(count) / np.float32(starts[pool + 1] - starts[pool])
                    value = total / np.float32(count)
                    now = weight[pair, lead_bin, pool] + share
                    if about_mean:
                        value *= max(np.float32(1) - np.float32(1) / max(now, np.float32(1)), np.float32(0))
                    mean[pair, lead_bin, pool] += share / now * (value - mean[pair, lead_bin, pool])
                    weight[pair, lead_bin, pool] = now
