"""The compiled inner part of `probability`: many cells sorted side by side, read once.

The kernels keep `_LANES` cells side by side in the last axis: every inner loop is a few wide instructions. Arrays are
float32 and contiguous; numba has no types to offer a checker.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from pipeline.science.registers import WIDTH, bracket_columns, sort_columns

_LANES = 8 * WIDTH  # cells whose rows of 30 members stay in the fastest cache, and enough to make calls cheap
_CHUNK = 4096  # cells that one task of a thread takes
_TAIL_SPACINGS = 3
_TAIL_POWER = 8  # the kernel squares three times
_LARGEST_RATIO = np.float32(3)
_SQUARED_SPREAD = np.float32(math.sqrt(5) - 1)  # how much wider the squares of exponential variates are, relatively
_MOST_SQUARED = np.float32(0.5)  # share of the squares: light rain keeps half its amount
# Rows of the kernels' scratch array, one value a lane.
(
    _MEAN, _CENTRE, _FACTOR, _LOWER, _UPPER, _INVERSE_LOWER, _INVERSE_UPPER, _RATIO, _REST, _WET, _EXPECTED, _SQUARE,
    _ROWS_OF_WORK,
) = range(13)  # fmt: skip


@numba.njit(parallel=True, cache=True, error_model="numpy")
def fill_distribution(
    members: Any, centre: Any, spread_factor: Any, expected: Any, prior: Any, scores: Any, levels: Any,
    thresholds: Any, ranks: Any, minimum: Any, maximum: Any, multiplicative: bool, quantiles: Any, exceedance: Any,
) -> None:  # fmt: skip
    """See `probability.distribution`; `ranks`, a tuple, is longer than there are members."""
    _, leads, places = members.shape
    chunks = (places + _CHUNK - 1) // _CHUNK
    for task in numba.prange(leads * chunks):
        begin = (task % chunks) * _CHUNK
        _chunk(members, centre, spread_factor, expected, prior, scores, levels, thresholds, ranks, minimum, maximum,
               multiplicative, quantiles, exceedance, task // chunks, begin, min(begin + _CHUNK, places))  # fmt: skip


# A function of its own, for numba would run every assignment of a slice in a parallel loop as a parallel loop.
@numba.njit(cache=True, error_model="numpy")
def _chunk(
    members: Any, centre: Any, spread_factor: Any, expected: Any, prior: Any, scores: Any, levels: Any,
    thresholds: Any, ranks: Any, minimum: Any, maximum: Any, multiplicative: bool, quantiles: Any, exceedance: Any,
    lead: int, begin: int, stop: int,
) -> None:  # fmt: skip
    number = members.shape[0]
    rows = np.zeros((len(ranks), _LANES), np.float32)
    copy = np.zeros((number, _LANES), np.float32)
    valid = np.zeros(_LANES, np.int64)
    work = np.zeros((_ROWS_OF_WORK, _LANES), np.float32)
    q = np.zeros((len(levels), _LANES), np.float32)
    p = np.zeros((len(thresholds), _LANES), np.float32)
    bracket = np.zeros((3, _LANES), np.float32)
    for start in range(begin, stop, _LANES):
        lanes = min(_LANES, stop - start)
        _copy(centre[lead, start : start + lanes], work[_CENTRE])
        _copy(spread_factor[lead, start : start + lanes], work[_FACTOR])
        _copy(expected[lead, start : start + lanes], work[_EXPECTED])
        n, fewest = number + 1, 0
        while n > fewest:  # cells of equally many members together, mostly all at once
            complete = _sorted(members[:, lead], start, lanes, ranks, rows, copy, valid, work)
            fewest = number if complete else valid[:lanes].min()
            n = number if complete else _next_smaller(valid, lanes, n)
            if multiplicative:
                _recentre_amount(rows, n, work)
            else:
                _recentre(rows, scores[n], prior, n, work)
            _tails(rows, n, work)
            _quantiles(rows, n, work, levels, minimum, maximum, q)
            _exceedance(rows, n, work, bracket, thresholds, ranks, minimum, maximum, p)
            _store(q, n, valid, n == fewest == number, quantiles, lead, start, lanes)
            _store(p, n, valid, n == fewest == number, exceedance, lead, start, lanes)


@numba.njit(cache=True, error_model="numpy")
def _next_smaller(valid: Any, lanes: int, n: int) -> int:
    largest = 0
    for k in range(lanes):
        largest = max(largest, valid[k] if valid[k] < n else 0)
    return largest


@numba.njit(cache=True, error_model="numpy")
def _copy(values: Any, row: Any) -> None:
    if len(values) == _LANES:  # much faster with a count known to the compiler
        for k in range(_LANES):
            row[k] = values[k]
    else:
        for k in range(len(values)):
            row[k] = values[k]


@numba.njit(cache=True, error_model="numpy")
def _store(values: Any, n: int, valid: Any, whole: bool, out: Any, lead: int, start: int, lanes: int) -> None:
    """Keep the results of the cells that have n members, of the whole block if all have."""
    for i in range(values.shape[0]):
        row, value = out[i, lead, start : start + lanes], values[i]
        if whole and lanes == _LANES:
            for k in range(_LANES):
                row[k] = value[k]
        else:
            for k in range(lanes):
                if whole or valid[k] == n:
                    row[k] = value[k]


@numba.njit(cache=True, error_model="numpy")
def _sorted(members: Any, start: int, lanes: int, ranks: Any, rows: Any, copy: Any, valid: Any, work: Any) -> bool:
    """The cells' members in order and their mean; +inf for those without a value, `valid` counts the others.

    True if no member is missing.
    """
    number, mean = members.shape[0], work[_MEAN]
    source, at = members, start
    if lanes < _LANES:
        copy[:, :lanes] = members[:, start : start + lanes]
        source, at = copy[:, :], 0
    _sort(source, at, ranks, rows, mean)
    for k in range(_LANES):
        mean[k] /= np.float32(number)
    if _at_most(mean, np.float32(np.inf)) == _LANES:  # no NaN
        return True
    _leave_out_missing(members, start, lanes, copy, valid)
    _sort(copy[:, :], 0, ranks, rows, mean)
    for k in range(_LANES):
        total = np.float32(0)
        for i in range(valid[k]):
            total += rows[i, k]
        mean[k] = total / np.float32(valid[k])
    return False


@numba.njit(cache=True, error_model="numpy")
def _sort(source: Any, at: int, ranks: Any, rows: Any, total: Any) -> None:
    for first in range(0, _LANES, WIDTH):
        sort_columns(source, at + first, source.shape[0], rows, first, ranks, total)  # type: ignore[call-arg]


@numba.njit(cache=True, error_model="numpy")
def _leave_out_missing(members: Any, start: int, lanes: int, copy: Any, valid: Any) -> None:
    valid[:] = 0
    for i in range(members.shape[0]):
        for k in range(lanes):
            value = members[i, start + k]
            valid[k] += 1 if value == value else 0
            copy[i, k] = value if value == value else np.float32(np.inf)


@numba.njit(cache=True, error_model="numpy")
def _recentre(rows: Any, scores: Any, prior: Any, n: int, work: Any) -> None:
    mean, centre, factor, expected = work[_MEAN], work[_CENTRE], work[_FACTOR], work[_EXPECTED]
    slope = work[_RATIO]
    for k in range(_LANES):
        slope[k] = (np.float32(1) - prior) * factor[k]
    for i in range(n):
        row, score = rows[i], prior * scores[i]
        for k in range(_LANES):
            row[k] = centre[k] + slope[k] * (row[k] - mean[k]) + expected[k] * score


@numba.njit(cache=True, error_model="numpy")
def _recentre_amount(rows: Any, n: int, work: Any) -> None:
    zero, one = np.float32(0), np.float32(1)
    mean, centre, factor = work[_MEAN], work[_CENTRE], work[_FACTOR]
    ratio, rest, wet, square = work[_RATIO], work[_REST], work[_WET], work[_SQUARE]
    for k in range(_LANES):
        wanted = centre[k] / mean[k] if mean[k] > 0 else np.float32(np.inf)
        ratio[k] = min(wanted, _LARGEST_RATIO)
        rest[k] = zero if wanted <= _LARGEST_RATIO else centre[k] - _LARGEST_RATIO * mean[k]
        wet[k] = square[k] = 0
    total = 0.0
    for i in range(n):
        total -= math.log(1 - (i + 0.5) / n)
    for i in range(n):
        row, share = rows[i], np.float32(-math.log(1 - (i + 0.5) / n) * n / total)
        for k in range(_LANES):
            wet[k] += one if row[k] > 0 or rest[k] > 0 else zero
            row[k] = ratio[k] * row[k] + rest[k] * share
            square[k] += row[k] * row[k]
    for k in range(_LANES):  # from here on what wet members are drawn to, how far, and what their squares weigh
        wet[k] = centre[k] * np.float32(n) / max(wet[k], one)
        ratio[k] = min(factor[k], one)
        rest[k] = min(max((factor[k] - one) / _SQUARED_SPREAD, zero), _MOST_SQUARED)
        square[k] = rest[k] * np.float32(n) * centre[k] / square[k] if square[k] > 0 else zero
    for i in range(n):
        row = rows[i]
        for k in range(_LANES):
            drawn = ratio[k] * row[k] + (one - ratio[k]) * wet[k]
            stretched = drawn + row[k] * (square[k] * row[k] - rest[k])
            row[k] = stretched if row[k] > 0 else centre[k] * zero  # NaN where the centre is


@numba.njit(cache=True, error_model="numpy")
def _tails(rows: Any, n: int, work: Any) -> None:
    """Scales of the tails below the first and above the last member."""
    spacings = max(min(_TAIL_SPACINGS, n - 1), 0)
    per_scale = np.float32(1e-30)
    for j in range(1, spacings + 1):
        per_scale += np.float32(1 / j)
    last = max(n - 1, 0)
    first, inner, outer, end = rows[0], rows[spacings], rows[last - spacings], rows[last]
    for k in range(_LANES):
        lower, upper = (inner[k] - first[k]) / per_scale, (end[k] - outer[k]) / per_scale
        work[_LOWER, k], work[_UPPER, k] = lower, upper
        # A tail without a scale ends at once.
        work[_INVERSE_LOWER, k] = np.float32(1) / lower if lower > 0 else np.float32(np.inf)
        work[_INVERSE_UPPER, k] = np.float32(1) / upper if upper > 0 else np.float32(np.inf)


@numba.njit(cache=True, error_model="numpy")
def _quantiles(rows: Any, n: int, work: Any, levels: Any, minimum: Any, maximum: Any, out: Any) -> None:
    lower, upper, last = work[_LOWER], work[_UPPER], max(n - 1, 0)
    for level in range(levels.shape[0]):
        p = levels[level]
        position = p * np.float32(n) - np.float32(0.5)
        below = min(max(math.floor(position), 0), last)
        weight = min(max(position - np.float32(below), np.float32(0)), np.float32(1))
        under = np.float32(_tail_inverse(p * 2 * n) if position < 0 else 0.0)
        over = np.float32(_tail_inverse((1 - p) * 2 * n) if position > n - 1 else 0.0)
        first, second, result = rows[below], rows[min(below + 1, last)], out[level]
        for k in range(_LANES):
            low, high = first[k], second[k]
            value = low + weight * (high - low)
            value = (high if value > high else value) - under * lower[k] + over * upper[k]
            value = minimum if value < minimum else value
            result[k] = maximum if value > maximum else value
        if n == 0:
            result[:] = np.nan


@numba.njit(cache=True, error_model="numpy")
def _exceedance(
    rows: Any, n: int, work: Any, bracket: Any, thresholds: Any, ranks: Any, minimum: Any, maximum: Any, out: Any
) -> None:
    counts, unders, overs = bracket[0], bracket[1], bracket[2]
    first, last = rows[0], rows[max(n - 1, 0)]
    for index in range(thresholds.shape[0]):
        t, result = thresholds[index], out[index]
        some_below = _at_most(first, t) > 0
        if some_below and _at_most(last, t) < _LANES:
            for lane in range(0, _LANES, WIDTH):
                bracket_columns(rows, lane, ranks, t, bracket)  # type: ignore[call-arg]
        else:  # mostly a threshold is far from all members of all cells
            for k in range(_LANES):
                counts[k] = np.float32(n if some_below else 0)
                unders[k], overs[k] = last[k], first[k]
        _beyond(t, np.float32(n), counts, unders, overs, work[_INVERSE_LOWER], work[_INVERSE_UPPER], first, result)
        if t >= maximum or t < minimum or n == 0:
            certain = np.float32(np.nan) if n == 0 else np.float32(0 if t >= maximum else 1)
            for k in range(_LANES):
                result[k] = certain if first[k] == first[k] else np.float32(np.nan)


@numba.njit(cache=True, error_model="numpy")
def _beyond(
    t: Any, number: Any, counts: Any, unders: Any, overs: Any, inverse_lower: Any, inverse_upper: Any, first: Any,
    result: Any,
) -> None:  # fmt: skip
    """Probability to exceed `t`, which `counts` of `number` members do not."""
    one, half, share = np.float32(1), np.float32(0.5), np.float32(1) / max(number, np.float32(1))
    for k in range(_LANES):
        count, below, above = counts[k], unders[k], overs[k]
        inside = one - share * (count - half + (t - below) / (above - below))
        top = count >= number
        distance = t - below if top else above - t
        tail = half * share * _tail(distance * (inverse_upper[k] if top else inverse_lower[k]))
        p = tail if top else inside
        p = one - tail if count == 0 else p
        result[k] = p if first[k] == first[k] else np.float32(np.nan)


@numba.njit(cache=True, error_model="numpy", fastmath={"reassoc"})  # that the sum may become a wide instruction
def _at_most(values: Any, bound: Any) -> Any:
    count = np.float32(0)
    for k in range(_LANES):
        count += np.float32(1) if values[k] <= bound else np.float32(0)
    return count


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
