"""Loops over places that follow a plan of leads: blocks of places stay in cache while all hours are made."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

BLOCK = 1024
CLEAREST = 1361.0 * 1.1
"""Bound of the clearness used for shape; the sun near the horizon makes more of small fluxes."""
LOW_SUN = 0.02
"""Below this mean cosine clearness is not known from the flux."""


@njit(cache=True)
def any_finite(fields: NDArray[np.float32]) -> NDArray[np.bool_]:  # pragma: no cover
    """(lead,) whether a field has any value."""
    found = np.zeros(len(fields), np.bool_)
    for k in range(len(fields)):
        for p in range(fields.shape[1]):
            if not np.isnan(fields[k, p]):
                found[k] = True
                break
    return found


@njit(parallel=True, cache=True)
def linear(
    fields: NDArray[np.float32],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    weight: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:  # pragma: no cover
    """out (hour, place) between two leads; NaN where `before` is negative."""
    places = fields.shape[1]
    for block in prange((places + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(places, (block + 1) * BLOCK)
        for h in range(len(before)):
            if before[h] < 0:
                out[h, first:last] = np.nan
            elif weight[h] == 0:
                out[h, first:last] = fields[before[h], first:last]
            else:
                a, b, w = fields[before[h]], fields[after[h]], weight[h]
                for p in range(first, last):
                    out[h, p] = a[p] + w * (b[p] - a[p])


@njit(parallel=True, cache=True)
def circular(
    fields: NDArray[np.float32],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    weight: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:  # pragma: no cover
    """As `linear`, for degrees, along the shorter arc."""
    places = fields.shape[1]
    full, half = np.float32(360), np.float32(180)
    for block in prange((places + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(places, (block + 1) * BLOCK)
        for h in range(len(before)):
            if before[h] < 0:
                out[h, first:last] = np.nan
                continue
            a, b, w = fields[before[h]], fields[after[h]], weight[h]
            for p in range(first, last):
                turn = b[p] - a[p]
                turn -= full * np.floor((turn + half) / full)
                angle = a[p] + w * turn
                angle -= full * np.floor(angle / full)
                out[h, p] = angle if angle != full else np.float32(0)


@njit(parallel=True, cache=True)
def conserve(
    fields: NDArray[np.float32],
    owner: NDArray[np.int64],
    offset: NDArray[np.float32],
    distance: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:  # pragma: no cover
    """Rates linear within each interval (minmod slope of its neighbours), so that its mean is kept."""
    places, last_interval = fields.shape[1], len(fields) - 1
    for block in prange((places + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(places, (block + 1) * BLOCK)
        for h in range(len(owner)):
            k = owner[h]
            if k < 0:
                continue
            if offset[h] == 0 or distance[k, 0] == 0 or distance[k, 1] == 0:
                out[h, first:last] = fields[k, first:last]
                continue
            left, here, right = fields[max(k - 1, 0)], fields[k], fields[min(k + 1, last_interval)]
            to_left, to_right = np.float32(1) / distance[k, 0], np.float32(1) / distance[k, 1]
            for p in range(first, last):
                rise, fall = (here[p] - left[p]) * to_left, (right[p] - here[p]) * to_right
                slope = min(abs(rise), abs(fall)) * np.sign(rise) if rise * fall > 0 else np.float32(0)
                out[h, p] = here[p] + slope * offset[h]


@njit(parallel=True, cache=True)
def extreme(
    fields: NDArray[np.float32],
    owner: NDArray[np.int64],
    target: NDArray[np.int64],
    guess: NDArray[np.float32],
    sign: np.float32,
    out: NDArray[np.float32],
) -> None:  # pragma: no cover
    """Hourly extremes: the guess, raised where its own extreme falls short, never beyond the interval's.

    Rows of `guess` (row, place) belong to interval `owner` and are written to row `target` of `out`. sign: 1 maximum,
    -1 minimum.
    """
    places = fields.shape[1]
    for block in prange((places + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(places, (block + 1) * BLOCK)
        top = np.full((len(fields), last - first), -np.inf, np.float32)
        for h in range(len(owner)):
            if owner[h] >= 0:
                highest, here = top[owner[h]], guess[h, first:last]
                for p in range(last - first):
                    highest[p] = max(highest[p], sign * here[p]) if here[p] == here[p] else highest[p]
        for h in range(len(owner)):
            k = owner[h]
            if k < 0 or target[h] < 0:
                continue
            highest, here, whole = top[k], guess[h, first:last], fields[k, first:last]
            made = out[target[h], first:last]
            for p in range(last - first):
                limit, value = sign * whole[p], sign * here[p]
                raised = min(value + max(limit - highest[p], np.float32(0)), limit)
                # Also where either is missing: comparisons are false, and the interval's own value stands.
                made[p] = sign * raised if value < highest[p] and limit == limit else whole[p]


@njit(parallel=True, cache=True)
def sunny(
    fields: NDArray[np.float32],
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    rows: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    shape: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]],
    cosine: NDArray[np.float32],
    first_hour: int,
    out: NDArray[np.float32],
) -> None:  # pragma: no cover
    """Interpolated clearness times the sun's height, scaled to each interval's mean.

    rows: owner, target and hour as in `extreme`, an owner of -1: outside, -2: not scaled. shape: the leads before and
    after between which the clearness of a row lies and the weight of the later. cosine (hour, place) ends at
    `first_hour` and later.
    """
    places, many = fields.shape[1], len(fields)
    owner, target, hour = rows
    before, after, weight = shape
    for block in prange((places + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(places, (block + 1) * BLOCK)
        clearness = _clearness(fields, starts, ends, cosine, first_hour, first, last)
        total = np.zeros((many, last - first), np.float32)
        light = np.zeros((many, last - first), np.float32)
        for h in range(len(owner)):
            row = int(hour[h]) - first_hour
            if owner[h] == -1 or row < 0 or row >= len(cosine):
                continue
            a, b, w = clearness[before[h]], clearness[after[h]], weight[h]
            for p in range(first, last):
                flux = (a[p - first] + w * (b[p - first] - a[p - first])) * cosine[row, p]
                if owner[h] >= 0:
                    total[owner[h], p - first] += flux
                    light[owner[h], p - first] += cosine[row, p]
                if target[h] >= 0:
                    out[target[h], p] = flux
        for h in range(len(owner)):
            k = owner[h]
            if k < 0 or target[h] < 0:
                continue
            row, length = int(hour[h]) - first_hour, np.float32(ends[k] - starts[k])
            for p in range(first, last):
                flux, sum_of_flux = fields[k, p] * length, total[k, p - first]
                if np.isnan(flux):
                    out[target[h], p] = np.nan
                elif sum_of_flux > 0:
                    out[target[h], p] *= flux / sum_of_flux
                elif light[k, p - first] > 0:
                    out[target[h], p] = flux * cosine[row, p] / light[k, p - first]
                else:
                    out[target[h], p] = 0


@njit(cache=True)
def _clearness(
    fields: NDArray[np.float32],
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    cosine: NDArray[np.float32],
    first_hour: int,
    first: int,
    last: int,
) -> NDArray[np.float32]:  # pragma: no cover
    """(lead, place of the block) flux over mean cosine; through the night that of the evening, before it the next."""
    many = len(fields)
    clearness = np.zeros((many, last - first), np.float32)
    for p in range(first, last):
        known, earliest = np.float32(-1), -1
        for k in range(many):
            begin = max(int(starts[k]) + 1 - first_hour, 0)
            end = min(int(ends[k]) + 1 - first_hour, len(cosine))
            height = np.float32(0)
            for row in range(begin, end):
                height += cosine[row, p]
            height /= max(end - begin, 1)
            if height > LOW_SUN and not np.isnan(fields[k, p]):
                known = min(max(fields[k, p], np.float32(0)) / height, np.float32(CLEAREST))
                if earliest < 0:
                    earliest = k
            clearness[k, p - first] = max(known, np.float32(0))
        for k in range(max(earliest, 0)):
            clearness[k, p - first] = clearness[earliest, p - first]
    return clearness
