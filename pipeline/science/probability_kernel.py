"""The compiled inner part of `probability`: many cells sorted side by side, read once.

The kernels keep `_LANES` cells side by side in the last axis: every inner loop is a few wide instructions. Arrays are
float32 and contiguous; numba has no types to offer a checker.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

_LANES = 32  # cells sorted side by side, two registers of the widest vector unit
_CHUNK = 4096  # cells that one task of a thread takes
_STEP = 5  # members added at a time, five times faster than one; rows are filled up to it
_TAIL_SPACINGS = 3
_TAIL_POWER = 8  # the kernel squares three times
_LARGEST_RATIO = np.float32(3)
# Rows of the kernels' scratch array, one value a lane.
_MEAN, _CENTRE, _FACTOR, _LOWER, _UPPER, _COUNT, _BELOW, _ABOVE, _INVERSE_LOWER, _INVERSE_UPPER, _ROWS_OF_WORK = range(
    11
)


@numba.njit(parallel=True, cache=True, error_model="numpy")
def fill_distribution(
    members: Any, centre: Any, spread_factor: Any, levels: Any, thresholds: Any, network: Any,
    minimum: Any, maximum: Any, multiplicative: bool, quantiles: Any, exceedance: Any,
) -> None:  # fmt: skip
    number, leads, places = members.shape
    chunks = (places + _CHUNK - 1) // _CHUNK
    exponential = np.empty(number, np.float32)
    for i in range(number):
        exponential[i] = -math.log(1 - (i + 0.5) / number)
    exponential /= max(exponential.mean(), np.float32(1e-9))
    for task in numba.prange(leads * chunks):
        begin = (task % chunks) * _CHUNK
        _chunk(members, centre, spread_factor, levels, thresholds, network, exponential, minimum, maximum,
               multiplicative, quantiles, exceedance, task // chunks, begin, min(begin + _CHUNK, places))  # fmt: skip


# A function of its own, for numba would run every assignment of a slice in a parallel loop as a parallel loop.
@numba.njit(cache=True, error_model="numpy")
def _chunk(
    members: Any, centre: Any, spread_factor: Any, levels: Any, thresholds: Any, network: Any, exponential: Any,
    minimum: Any, maximum: Any, multiplicative: bool, quantiles: Any, exceedance: Any, lead: int, begin: int, stop: int,
) -> None:  # fmt: skip
    number = members.shape[0]
    rows = np.zeros(((number + _STEP - 1) // _STEP * _STEP, _LANES), np.float32)
    valid = np.zeros(_LANES, np.int64)
    work = np.zeros((_ROWS_OF_WORK, _LANES), np.float32)
    q = np.zeros((len(levels), _LANES), np.float32)
    p = np.zeros((len(thresholds), _LANES), np.float32)
    bracket = np.zeros((len(thresholds), 3, _LANES), np.float32)
    for start in range(begin, stop, _LANES):
        lanes = min(_LANES, stop - start)
        n, fewest = number + 1, 0
        while n > fewest:  # cells of equally many members together, mostly all at once
            complete = _load(members, centre, spread_factor, lead, start, lanes, rows, valid, work)
            _sort(rows, network)
            fewest = number if complete else valid[:lanes].min()
            n = number if complete else _next_smaller(valid, lanes, n)
            if multiplicative:
                _recentre_amount(rows, n, work, exponential)
            else:
                _recentre(rows, n, work)
            _tails(rows, n, work)
            _quantiles(rows, n, work, levels, minimum, maximum, q)
            _exceedance(rows, n, work, bracket, thresholds, minimum, maximum, p)
            _store(q, n, valid, n == fewest == number, quantiles, lead, start, lanes)
            _store(p, n, valid, n == fewest == number, exceedance, lead, start, lanes)


@numba.njit(cache=True, error_model="numpy")
def _next_smaller(valid: Any, lanes: int, n: int) -> int:
    largest = 0
    for k in range(lanes):
        if largest < valid[k] < n:
            largest = valid[k]
    return largest


@numba.njit(cache=True, error_model="numpy")
def _store(values: Any, n: int, valid: Any, whole: bool, out: Any, lead: int, start: int, lanes: int) -> None:
    """Keep the results of the cells that have n members, of the whole block if all have."""
    for i in range(values.shape[0]):
        if whole and lanes == _LANES:
            for k in range(_LANES):
                out[i, lead, start + k] = values[i, k]
        elif whole:
            for k in range(lanes):
                out[i, lead, start + k] = values[i, k]
        else:
            for k in range(lanes):
                if valid[k] == n:
                    out[i, lead, start + k] = values[i, k]


@numba.njit(cache=True, error_model="numpy")
def _load(
    members: Any, centre: Any, spread_factor: Any, lead: int, start: int, lanes: int, rows: Any, valid: Any, work: Any
) -> bool:
    """Members of the cells and their mean, +inf for those without a value; `valid` counts the others.

    True if no member is missing.
    """
    number = members.shape[0]
    for k in range(_LANES):
        work[_MEAN, k] = 0
        valid[k] = number
    for i in range(number):
        if lanes == _LANES:  # three times faster with a count known to the compiler
            for k in range(_LANES):
                rows[i, k] = members[i, lead, start + k]
        else:
            for k in range(lanes):
                rows[i, k] = members[i, lead, start + k]
    for i in range(number, rows.shape[0]):
        for k in range(_LANES):
            rows[i, k] = 0
    for i in range(0, rows.shape[0], _STEP):
        for k in range(_LANES):
            work[_MEAN, k] += rows[i, k] + rows[i + 1, k] + rows[i + 2, k] + rows[i + 3, k] + rows[i + 4, k]
    for i in range(number, rows.shape[0]):
        for k in range(_LANES):
            rows[i, k] = np.inf
    complete = True
    for k in range(lanes):
        work[_CENTRE, k] = centre[lead, start + k]
        work[_FACTOR, k] = spread_factor[lead, start + k]
        work[_MEAN, k] /= np.float32(number)
        if work[_MEAN, k] != work[_MEAN, k]:
            _leave_out_missing(rows, k, valid, work)
            complete = False
    return complete


@numba.njit(cache=True, error_model="numpy")
def _leave_out_missing(rows: Any, k: int, valid: Any, work: Any) -> None:
    total = 0.0
    for i in range(rows.shape[0]):
        if rows[i, k] != rows[i, k]:
            rows[i, k] = np.inf
            valid[k] -= 1
        elif rows[i, k] != np.inf:
            total += rows[i, k]
    work[_MEAN, k] = np.float32(total / valid[k])


@numba.njit(cache=True, error_model="numpy")
def _sort(rows: Any, network: Any) -> None:
    for pair in range(network.shape[0]):
        low, high = network[pair, 0], network[pair, 1]
        for k in range(_LANES):
            a, b = rows[low, k], rows[high, k]
            rows[low, k] = a if a < b else b
            rows[high, k] = b if a < b else a


@numba.njit(cache=True, error_model="numpy")
def _recentre(rows: Any, n: int, work: Any) -> None:
    for i in range(n):
        for k in range(_LANES):
            rows[i, k] = work[_CENTRE, k] + work[_FACTOR, k] * (rows[i, k] - work[_MEAN, k])


@numba.njit(cache=True, error_model="numpy")
def _recentre_amount(rows: Any, n: int, work: Any, exponential: Any) -> None:
    zero = np.float32(0)
    for k in range(_LANES):
        target, mean, factor = work[_CENTRE, k], work[_MEAN, k], work[_FACTOR, k]
        ratio = min(target / mean, _LARGEST_RATIO) if mean > 0 else zero
        rest = target - ratio * mean if ratio == _LARGEST_RATIO or not mean > 0 else zero
        wet = 0
        for i in range(n):
            if rows[i, k] > 0 or rest > 0:
                wet += 1
        wet_mean = target * np.float32(n) / np.float32(max(wet, 1))
        for i in range(n):
            if rows[i, k] > 0 or rest > 0:
                amount = ratio * rows[i, k] + rest * exponential[i]
                rows[i, k] = max(wet_mean + factor * (amount - wet_mean), zero)
            else:
                rows[i, k] = target * zero  # NaN where the centre is


@numba.njit(cache=True, error_model="numpy")
def _tails(rows: Any, n: int, work: Any) -> None:
    """Scales of the exponential tails below the first and above the last member."""
    spacings = min(_TAIL_SPACINGS, n - 1)
    per_scale = np.float32(0)
    for j in range(1, spacings + 1):
        per_scale += np.float32(1 / j)
    for k in range(_LANES):
        work[_LOWER, k] = (rows[spacings, k] - rows[0, k]) / per_scale if spacings > 0 else np.float32(0)
        work[_UPPER, k] = (rows[n - 1, k] - rows[n - 1 - spacings, k]) / per_scale if spacings > 0 else np.float32(0)


@numba.njit(cache=True, error_model="numpy")
def _quantiles(
    rows: Any, n: int, work: Any, levels: Any, minimum: Any, maximum: Any, out: Any
) -> None:  # fmt: skip
    for level in range(levels.shape[0]):
        p = levels[level]
        position = p * np.float32(n) - np.float32(0.5)
        below = min(max(math.floor(position), 0), max(n - 1, 0))
        above = min(below + 1, max(n - 1, 0))
        weight = min(max(position - np.float32(below), np.float32(0)), np.float32(1))
        under = np.float32(_tail_inverse(p * 2 * n) if position < 0 else 0.0)
        over = np.float32(_tail_inverse((1 - p) * 2 * n) if position > n - 1 else 0.0)
        for k in range(_LANES):
            low, high = rows[below, k], rows[above, k]
            value = low + weight * (high - low)
            value = (high if value > high else value) - under * work[_LOWER, k] + over * work[_UPPER, k]
            value = minimum if value < minimum else value
            out[level, k] = maximum if value > maximum else value
        if n == 0:
            for k in range(_LANES):
                out[level, k] = np.nan


@numba.njit(cache=True, error_model="numpy")
def _exceedance(
    rows: Any, n: int, work: Any, bracket: Any, thresholds: Any, minimum: Any, maximum: Any, out: Any
) -> None:
    one, zero, half, share = np.float32(1), np.float32(0), np.float32(0.5), np.float32(1 / max(n, 1))
    inverse_lower, inverse_upper = work[_INVERSE_LOWER], work[_INVERSE_UPPER]
    for k in range(_LANES):  # a tail without a scale ends at once
        inverse_lower[k] = one / work[_LOWER, k] if work[_LOWER, k] > 0 else np.float32(np.inf)
        inverse_upper[k] = one / work[_UPPER, k] if work[_UPPER, k] > 0 else np.float32(np.inf)
    last = max(n - 1, 0)
    lowest, highest = np.float32(np.inf), np.float32(-np.inf)
    for k in range(_LANES):
        lowest = rows[0, k] if rows[0, k] < lowest else lowest
        highest = rows[last, k] if rows[last, k] > highest else highest
    for index in range(thresholds.shape[0]):
        if lowest <= thresholds[index] < highest:
            _bracket(rows, n, thresholds[index], bracket[index])
        else:  # mostly a threshold is far from all members of all cells
            above = thresholds[index] < lowest
            for k in range(_LANES):
                bracket[index, 0, k] = zero if above else np.float32(n)
                bracket[index, 1, k] = bracket[index, 2, k] = rows[0, k] if above else rows[last, k]
    for index in range(thresholds.shape[0]):
        t = thresholds[index]
        for k in range(_LANES):
            count, below, above = bracket[index, 0, k], bracket[index, 1, k], bracket[index, 2, k]
            inside = one - share * (count - half + (t - below) / (above - below))
            top = count == n
            distance = t - below if top else above - t
            beyond = half * share * _tail(distance * (inverse_upper[k] if top else inverse_lower[k]))
            p = beyond if top else inside
            p = one - beyond if count == 0 else p
            out[index, k] = p if rows[0, k] == rows[0, k] else np.float32(np.nan)
        if t >= maximum or t < minimum or n == 0:
            certain = np.float32(np.nan) if n == 0 else (zero if t >= maximum else one)
            for k in range(_LANES):
                out[index, k] = certain if rows[0, k] == rows[0, k] else np.float32(np.nan)


@numba.njit(cache=True, error_model="numpy")
def _bracket(rows: Any, n: int, t: Any, found: Any) -> None:
    """How many members are at most t, the last of these and the first above."""
    one, zero = np.float32(1), np.float32(0)
    for k in range(_LANES):
        found[0, k] = 0
    for i in range(0, rows.shape[0], _STEP):
        for k in range(_LANES):
            found[0, k] += (
                (one if rows[i, k] <= t else zero)
                + (one if rows[i + 1, k] <= t else zero)
                + (one if rows[i + 2, k] <= t else zero)
                + (one if rows[i + 3, k] <= t else zero)
                + (one if rows[i + 4, k] <= t else zero)
            )
    for k in range(_LANES):
        i = int(found[0, k])
        found[1, k] = rows[max(i - 1, 0), k]
        found[2, k] = rows[min(i, max(n - 1, 0)), k]


@numba.njit(cache=True, error_model="numpy")
def _tail_inverse(part: float) -> float:
    """Beyond how many scales of a tail lies `part` of it."""
    return _TAIL_POWER * (1 - part ** (1 / _TAIL_POWER))


@numba.njit(cache=True, error_model="numpy", inline="always")
def _tail(scales: Any) -> Any:
    """What part of a tail lies further out: (1 - z / 8)^8, nothing beyond 8 scales or where the scale is 0."""
    part = np.float32(1) - scales * np.float32(1 / _TAIL_POWER)
    part = part if part > 0 else np.float32(0)
    part *= part
    part *= part
    return part * part
