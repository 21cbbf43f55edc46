"""The loops of the blend over blocks of places.

Between two lead bins weights and biases are linear in the lead, so the sum over sources of weight times (value less
bias) is the values' sum with (factor + part * slope), less a quadratic of `part` that knows no value. Factors, slopes
and quadratics are made once a block and pair of bins; a lead then costs one multiplication a value. Whatever the
block, a place's own operations and their order are the same, so results do not depend on how places are cut.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.blend_columns import blend_columns, blend_place
from pipeline.science.registers import WIDTH
from pipeline.science.streaming import settle, stream

Array = NDArray[np.float32]

BLOCK = 4096
"""Places whose factors of all sources fit the second cache of a core, in rows long enough to be fetched ahead."""


@njit(parallel=True, cache=True)
def weighted_mean(
    forecasts: Array,
    taper: Array,
    bias: Array,
    weight: Array,
    lower: NDArray[np.int64],
    fraction: Array,
    result: Array,
) -> None:  # pragma: no cover
    """Fill `result` (lead, place); see `blend.blend`. NaN where no source present has any weight."""
    places = forecasts.shape[2]
    for task in prange((places + BLOCK - 1) // BLOCK):
        # Slices of whole rows are known to be contiguous, slices of slices are not: then no wide instructions.
        span = task * BLOCK, min((task + 1) * BLOCK, places)
        _block(forecasts, taper, bias, weight, lower, fraction, span, result)


@njit(cache=True)
def _block(
    forecasts: Array,
    taper: Array,
    bias: Array,
    weight: Array,
    lower: NDArray[np.int64],
    fraction: Array,
    span: tuple[int, int],
    result: Array,
) -> None:  # pragma: no cover
    (sources, leads, _), (start, stop) = forecasts.shape, span
    places = stop - start
    table, made = np.empty((3, sources + 2, places), np.float32), np.empty(places, np.float32)
    share, before, chosen = np.zeros(sources, np.float32), np.zeros(sources, np.float32), np.empty(sources, np.int64)
    heavy = np.empty((sources, bias.shape[1]), np.bool_)
    for source in range(sources):
        for b in range(bias.shape[1]):
            heavy[source, b] = weight[source, b, start:stop].any()
    for lead in range(leads):
        low, high, part = lower[lead], min(lower[lead] + 1, bias.shape[1] - 1), fraction[lead]
        count, same = 0, lead > 0 and low == lower[lead - 1]
        for source in range(sources):
            counts = heavy[source, low] or heavy[source, high]
            row = forecasts[source, lead, start:stop]
            present = counts and taper[source, lead] > 0 and not (np.isnan(row[0]) and np.isnan(row).all())
            share[source] = taper[source, lead] if present else np.float32(0)
            same &= share[source] == before[source]
            if present:
                chosen[count] = source
                count += 1
        if not same:
            table[:, sources:] = 0
            for k in range(count):
                source = chosen[k]
                weights = weight[source, low, start:stop], weight[source, high, start:stop]
                biases = bias[source, low, start:stop], bias[source, high, start:stop]
                _prepare(weights, biases, share[source], table[0, k], table[1, k], table[:, sources:])
            before[:] = share
        if _fill(forecasts[:, lead], start, chosen, count, table, part, made):
            _with_gaps(forecasts, weight, bias, share, (lead, low, high), part, span, made)
        stream(made, result[lead, start:stop])
    settle()


@njit(cache=True, inline="never")
def _fill(
    values: Array, start: int, chosen: NDArray[np.int64], count: int, table: Array, part: np.float32, result: Array
) -> bool:  # pragma: no cover
    """A row of the block; whether any place is missing. See `blend_columns`."""
    missing, wide = False, len(result) - len(result) % WIDTH
    for first in range(0, wide, WIDTH):
        missing |= blend_columns(values, start, chosen, count, table, part, first, result)
    for first in range(wide, len(result)):
        missing |= blend_place(values, start, chosen, count, table, part, first, result)
    return missing


@njit(cache=True, inline="never")
def _prepare(
    weights: tuple[Array, Array],
    biases: tuple[Array, Array],
    share: np.float32,
    factor: Array,
    slope: Array,
    sums: Array,
) -> None:  # pragma: no cover
    """One source's factor and slope; add its part to `sums` (degree, 2, place) of its biases and of the weights."""
    (weight_low, weight_high), (bias_low, bias_high) = weights, biases
    for k in range(len(factor)):
        weight, rise = share * weight_low[k], share * (weight_high[k] - weight_low[k])
        shift, turn = bias_low[k], bias_high[k] - bias_low[k]
        factor[k] = weight
        slope[k] = rise
        sums[0, 0, k] += weight * shift
        sums[1, 0, k] += weight * turn + rise * shift
        sums[2, 0, k] += rise * turn
        sums[0, 1, k] += weight
        sums[1, 1, k] += rise


@njit(cache=True)
def _with_gaps(
    forecasts: Array,
    weight: Array,
    bias: Array,
    share: Array,
    at: tuple[int, int, int],
    part: np.float32,
    span: tuple[int, int],
    result: Array,
) -> None:  # pragma: no cover
    """A row once more, from copies in which a missing value is nothing and weighs nothing."""
    (lead, low, high), (start, stop) = at, span
    places, present = stop - start, np.flatnonzero(share)
    count = len(present)
    values, table = np.empty((count, places), np.float32), np.zeros((3, count + 2, places), np.float32)
    first, second = np.empty(places, np.float32), np.empty(places, np.float32)
    for row in range(count):
        source = present[row]
        for k in range(places):
            value = forecasts[source, lead, start + k]
            known = value == value
            values[row, k] = value if known else np.float32(0)
            first[k] = weight[source, low, start + k] if known else np.float32(0)
            second[k] = weight[source, high, start + k] if known else np.float32(0)
        biases = bias[source, low, start:stop], bias[source, high, start:stop]
        _prepare((first, second), biases, share[source], table[0, row], table[1, row], table[:, count:])
    _fill(values, 0, np.arange(count), count, table, part, result)
