"""The distribution of sorted members, a few cells side by side: recentred, its tails, quantiles and exceedance.

Every inner loop is a few wide instructions over `LANES` cells. Arrays are float32 and contiguous.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from pipeline.science.registers import WIDTH, bracket_columns, full_width

LANES = 8 * WIDTH  # cells whose rows of 30 members stay in the fastest cache, and enough to make calls cheap
_TAIL_SPACINGS = 3
_TAIL_POWER = 8  # the kernel squares three times
_LARGEST_RATIO = np.float32(3)
_SQUARED_SPREAD = np.float32(math.sqrt(5) - 1)  # how much wider the squares of exponential variates are, relatively
_MOST_SQUARED = np.float32(0.5)  # share of the squares: light rain keeps half its amount
# Rows of the scratch array `work`, one value a lane.
(
    MEAN, CENTRE, FACTOR, _LOWER, _UPPER, _INVERSE_LOWER, _INVERSE_UPPER, _RATIO, _REST, _WET, EXPECTED, _SQUARE,
    ROWS_OF_WORK,
) = range(13)  # fmt: skip


@numba.njit(cache=True, error_model="numpy")
def recentre(rows: Any, scores: Any, prior: Any, n: int, work: Any) -> None:
    full_width()
    mean, centre, factor, expected = work[MEAN], work[CENTRE], work[FACTOR], work[EXPECTED]
    slope = work[_RATIO]
    for k in range(LANES):
        slope[k] = (np.float32(1) - prior) * factor[k]
    for i in range(n):
        row, score = rows[i], prior * scores[i]
        for k in range(LANES):
            row[k] = centre[k] + slope[k] * (row[k] - mean[k]) + expected[k] * score


@numba.njit(cache=True, error_model="numpy")
def recentre_amount(rows: Any, n: int, work: Any) -> None:
    full_width()
    zero, one = np.float32(0), np.float32(1)
    mean, centre, factor = work[MEAN], work[CENTRE], work[FACTOR]
    ratio, rest, wet, square = work[_RATIO], work[_REST], work[_WET], work[_SQUARE]
    for k in range(LANES):
        wanted = centre[k] / mean[k] if mean[k] > 0 else np.float32(np.inf)
        ratio[k] = min(wanted, _LARGEST_RATIO)
        rest[k] = zero if wanted <= _LARGEST_RATIO else centre[k] - _LARGEST_RATIO * mean[k]
        wet[k] = square[k] = 0
    total = 0.0
    for i in range(n):
        total -= math.log(1 - (i + 0.5) / n)
    for i in range(n):
        row, share = rows[i], np.float32(-math.log(1 - (i + 0.5) / n) * n / total)
        for k in range(LANES):
            wet[k] += one if row[k] > 0 or rest[k] > 0 else zero
            row[k] = ratio[k] * row[k] + rest[k] * share
            square[k] += row[k] * row[k]
    for k in range(LANES):  # from here on what wet members are drawn to, how far, and what their squares weigh
        wet[k] = centre[k] * np.float32(n) / max(wet[k], one)
        ratio[k] = min(factor[k], one)
        rest[k] = min(max((factor[k] - one) / _SQUARED_SPREAD, zero), _MOST_SQUARED)
        square[k] = rest[k] * np.float32(n) * centre[k] / square[k] if square[k] > 0 else zero
    for i in range(n):
        row = rows[i]
        for k in range(LANES):
            drawn = ratio[k] * row[k] + (one - ratio[k]) * wet[k]
            stretched = drawn + row[k] * (square[k] * row[k] - rest[k])
            row[k] = stretched if row[k] > 0 else centre[k] * zero  # NaN where the centre is


@numba.njit(cache=True, error_model="numpy")
def tails(rows: Any, n: int, work: Any) -> None:
    """Scales of the tails below the first and above the last member."""
    full_width()
    spacings = max(min(_TAIL_SPACINGS, n - 1), 0)
    per_scale = np.float32(1e-30)
    for j in range(1, spacings + 1):
        per_scale += np.float32(1 / j)
    last = max(n - 1, 0)
    first, inner, outer, end = rows[0], rows[spacings], rows[last - spacings], rows[last]
    for k in range(LANES):
        lower, upper = (inner[k] - first[k]) / per_scale, (end[k] - outer[k]) / per_scale
        work[_LOWER, k], work[_UPPER, k] = lower, upper
        # A tail without a scale ends at once.
        work[_INVERSE_LOWER, k] = np.float32(1) / lower if lower > 0 else np.float32(np.inf)
        work[_INVERSE_UPPER, k] = np.float32(1) / upper if upper > 0 else np.float32(np.inf)


@numba.njit(cache=True, error_model="numpy")
def quantiles(rows: Any, n: int, work: Any, levels: Any, minimum: Any, maximum: Any, out: Any) -> None:
    full_width()
    lower, upper, last = work[_LOWER], work[_UPPER], max(n - 1, 0)
    for level in range(levels.shape[0]):
        p = levels[level]
        position = p * np.float32(n) - np.float32(0.5)
        below = min(max(math.floor(position), 0), last)
        weight = min(max(position - np.float32(below), np.float32(0)), np.float32(1))
        under = np.float32(_tail_inverse(p * 2 * n) if position < 0 else 0.0)
        over = np.float32(_tail_inverse((1 - p) * 2 * n) if position > n - 1 else 0.0)
        first, second, result = rows[below], rows[min(below + 1, last)], out[level]
        for k in range(LANES):
            low, high = first[k], second[k]
            value = low + weight * (high - low)
            value = (high if value > high else value) - under * lower[k] + over * upper[k]
            value = minimum if value < minimum else value
            result[k] = maximum if value > maximum else value
        if n == 0:
            result[:] = np.nan


@numba.njit(cache=True, error_model="numpy")
def exceedance(
    rows: Any, n: int, work: Any, bracket: Any, thresholds: Any, ranks: Any, minimum: Any, maximum: Any, out: Any
) -> None:
    full_width()
    counts, unders, overs = bracket[0], bracket[1], bracket[2]
    first, last = rows[0], rows[max(n - 1, 0)]
    for index in range(thresholds.shape[0]):
        t, result = thresholds[index], out[index]
        some_below = at_most(first, t) > 0
        if some_below and at_most(last, t) < LANES:
            for lane in range(0, LANES, WIDTH):
                bracket_columns(rows, lane, ranks, t, bracket)  # type: ignore[call-arg]
        else:  # mostly a threshold is far from all members of all cells
            for k in range(LANES):
                counts[k] = np.float32(n if some_below else 0)
                unders[k], overs[k] = last[k], first[k]
        _beyond(t, np.float32(n), counts, unders, overs, work[_INVERSE_LOWER], work[_INVERSE_UPPER], first, result)
        if t >= maximum or t < minimum or n == 0:
            certain = np.float32(np.nan) if n == 0 else np.float32(0 if t >= maximum else 1)
            for k in range(LANES):
                result[k] = certain if first[k] == first[k] else np.float32(np.nan)


@numba.njit(cache=True, error_model="numpy")
def _beyond(
    t: Any, number: Any, counts: Any, unders: Any, overs: Any, inverse_lower: Any, inverse_upper: Any, first: Any,
    result: Any,
) -> None:  # fmt: skip
    """Probability to exceed `t`, which `counts` of `number` members do not."""
    full_width()
    one, half, share = np.float32(1), np.float32(0.5), np.float32(1) / max(number, np.float32(1))
    for k in range(LANES):
        count, below, above = counts[k], unders[k], overs[k]
        inside = one - share * (count - half + (t - below) / (above - below))
        top = count >= number
        distance = t - below if top else above - t
        tail = half * share * _tail(distance * (inverse_upper[k] if top else inverse_lower[k]))
        p = tail if top else inside
        p = one - tail if count == 0 else p
        result[k] = p if first[k] == first[k] else np.float32(np.nan)


@numba.njit(cache=True, error_model="numpy", fastmath={"reassoc"})  # that the sum may become a wide instruction
def at_most(values: Any, bound: Any) -> Any:
    full_width()
    count = np.float32(0)
    for k in range(LANES):
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
