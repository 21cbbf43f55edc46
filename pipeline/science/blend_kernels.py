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
    factor, slope = np.empty(sources * BLOCK, np.float32), np.empty(sources * BLOCK, np.float32)
    sums, total = np.empty((5, places), np.float32), np.empty(places, np.float32)
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
            sums[:] = 0
            for k in range(count):
                source, own = chosen[k], slice(k * BLOCK, k * BLOCK + places)
                weights = weight[source, low, start:stop], weight[source, high, start:stop]
                biases = bias[source, low, start:stop], bias[source, high, start:stop]
                _prepare(weights, biases, share[source], factor[own], slope[own], sums)
            before[:] = share
        total[:] = 0
        for k in range(0, count - count % 4, 4):
            _add_four(
                forecasts[chosen[k], lead, start:stop],
                forecasts[chosen[k + 1], lead, start:stop],
                forecasts[chosen[k + 2], lead, start:stop],
                forecasts[chosen[k + 3], lead, start:stop],
                factor[k * BLOCK :],
                slope[k * BLOCK :],
                part,
                total,
            )
        for k in range(count - count % 4, count):
            row = forecasts[chosen[k], lead, start:stop]
            _add_one(row, factor[k * BLOCK :], slope[k * BLOCK :], part, total)
        row = result[lead, start:stop]
        if _divide(total, sums, part, row):
            _with_gaps(forecasts, weight, bias, share, (lead, low, high), part, span, row)


@njit(cache=True, inline="never")
def _prepare(
    weights: tuple[Array, Array],
    biases: tuple[Array, Array],
    share: np.float32,
    factor: Array,
    slope: Array,
    sums: Array,
) -> None:  # pragma: no cover
    """One source's factor and slope; add its part to `sums`: three coefficients of the bias, two of the weight."""
    (weight_low, weight_high), (bias_low, bias_high) = weights, biases
    for k in range(len(factor)):
        weight, rise = share * weight_low[k], share * (weight_high[k] - weight_low[k])
        shift, turn = bias_low[k], bias_high[k] - bias_low[k]
        factor[k] = weight
        slope[k] = rise
        sums[0, k] += weight * shift
        sums[1, k] += weight * turn + rise * shift
        sums[2, k] += rise * turn
        sums[3, k] += weight
        sums[4, k] += rise


@njit(cache=True, fastmath={"contract"}, inline="never")
def _add_four(
    a: Array, b: Array, c: Array, d: Array, factor: Array, slope: Array, part: np.float32, total: Array
) -> None:  # pragma: no cover
    """Add four sources to the total, one after the other."""
    if part == 0:
        for k in range(len(total)):
            t = total[k]
            t += factor[k] * a[k]
            t += factor[k + BLOCK] * b[k]
            t += factor[k + 2 * BLOCK] * c[k]
            t += factor[k + 3 * BLOCK] * d[k]
            total[k] = t
        return
    for k in range(len(total)):
        t = total[k]
        t += (factor[k] + part * slope[k]) * a[k]
        t += (factor[k + BLOCK] + part * slope[k + BLOCK]) * b[k]
        t += (factor[k + 2 * BLOCK] + part * slope[k + 2 * BLOCK]) * c[k]
        t += (factor[k + 3 * BLOCK] + part * slope[k + 3 * BLOCK]) * d[k]
        total[k] = t


@njit(cache=True, fastmath={"contract"}, inline="never")
def _add_one(values: Array, factor: Array, slope: Array, part: np.float32, total: Array) -> None:  # pragma: no cover
    if part == 0:
        for k in range(len(total)):
            total[k] += factor[k] * values[k]
        return
    for k in range(len(total)):
        total[k] += (factor[k] + part * slope[k]) * values[k]


@njit(cache=True, error_model="numpy", inline="never")
def _divide(total: Array, sums: Array, part: np.float32, result: Array) -> bool:  # pragma: no cover
    """Less the biases, over the weights; whether any place is missing."""
    constant, linear, square, weight, rise = sums[0], sums[1], sums[2], sums[3], sums[4]
    missing = False
    if part == 0:
        for k in range(len(result)):
            value = (total[k] - constant[k]) / weight[k]
            result[k] = value
            missing |= value != value
        return missing
    for k in range(len(result)):
        value = (total[k] - (constant[k] + part * (linear[k] + part * square[k]))) / (weight[k] + part * rise[k])
        result[k] = value
        missing |= value != value
    return missing


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
    places = stop - start
    factor, slope, sums = np.empty(places, np.float32), np.empty(places, np.float32), np.zeros((5, places), np.float32)
    total, values = np.zeros(places, np.float32), np.empty(places, np.float32)
    first, second = np.empty(places, np.float32), np.empty(places, np.float32)
    for source in range(len(share)):
        if share[source] == 0:
            continue
        for k in range(places):
            value = forecasts[source, lead, start + k]
            known = value == value
            values[k] = value if known else np.float32(0)
            first[k] = weight[source, low, start + k] if known else np.float32(0)
            second[k] = weight[source, high, start + k] if known else np.float32(0)
        biases = bias[source, low, start:stop], bias[source, high, start:stop]
        _prepare((first, second), biases, share[source], factor, slope, sums)
        _add_one(values, factor, slope, part, total)
    _divide(total, sums, part, result)
