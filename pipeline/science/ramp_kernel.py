"""The compiled inner part of `ramp`: what every observation adds to every cell in its reach."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

REACH = 4.0  # decorrelation lengths beyond which a correlation, 0.0003 by then, is taken as none
_SMALLEST_EXPONENT = np.float32(-12)  # exp(-12) is nothing beside the correlations that matter


@numba.njit(parallel=True, cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def spread(
    sine: Any, cosine: Any, cosine_longitude: Any, sine_longitude: Any, height: Any, shore: Any,
    latitude: Any, longitude: Any, own_height: Any, own_shore: Any, weight: Any, horizontal: float, result: Any,
) -> None:  # fmt: skip
    """Add weight * correlation of every observation to `result` (latitude, longitude).

    Of the cells: sine and cosine of latitude (row,) and of longitude (column,), height and land fraction (row, column)
    in their decorrelation lengths. Of the observations, in ascending latitude: position in radians, height and land
    fraction, weight. `horizontal` is the decorrelation length in earth radii. On the sphere a Gaussian of the straight
    distance is exp(-(1 - cos(angle)) / horizontal^2).
    """
    rows, columns = height.shape
    kappa = 1 / horizontal**2
    # The angle whose chord is the reach.
    farthest = 2 * math.asin(min(REACH * horizontal / 2, 1.0))
    for row in numba.prange(rows):
        here = math.asin(sine[row])
        begin = np.searchsorted(latitude, here - farthest)
        end = np.searchsorted(latitude, here + farthest)
        for i in range(begin, end):
            product, north = cosine[row] * math.cos(latitude[i]), sine[row] * math.sin(latitude[i])
            half = columns
            if product > 1e-9:
                edge = (math.cos(farthest) - north) / product
                if edge >= 1:
                    continue
                if edge > -1:
                    half = int(math.acos(edge) * columns / (2 * math.pi)) + 1
            middle = round(longitude[i] * columns / (2 * math.pi))
            first, count = (middle - half) % columns, min(2 * half + 1, columns)
            east, side = math.cos(longitude[i]), math.sin(longitude[i])
            for start, stop in ((first, min(first + count, columns)), (0, first + count - columns)):
                _add(result[row], height[row], shore[row], cosine_longitude, sine_longitude, start, stop,
                     np.float32(kappa * (north - 1)), np.float32(kappa * product * east),
                     np.float32(kappa * product * side), np.float32(own_height[i]), np.float32(own_shore[i]),
                     np.float32(weight[i]))  # fmt: skip


@numba.njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _add(
    result: Any, height: Any, shore: Any, cosine_longitude: Any, sine_longitude: Any, start: int, stop: int,
    constant: Any, along: Any, across: Any, own_height: Any, own_shore: Any, weight: Any,
) -> None:  # fmt: skip
    for column in range(start, stop):
        above, inland = height[column] - own_height, shore[column] - own_shore
        exponent = constant + along * cosine_longitude[column] + across * sine_longitude[column]
        exponent -= np.float32(0.5) * (above * above + inland * inland)
        exponent = exponent if exponent > _SMALLEST_EXPONENT else _SMALLEST_EXPONENT
        result[column] += weight * _exponential(exponent)


@numba.njit(cache=True, error_model="numpy", inline="always")
def _exponential(x: Any) -> Any:
    """exp(x) for -12 <= x <= 0 to 2e-6: a polynomial of x / 16 to the 16th, which compilers turn into wide code."""
    y = x * np.float32(1 / 16)
    p = np.float32(1 / 720) * y + np.float32(1 / 120)
    p = p * y + np.float32(1 / 24)
    p = p * y + np.float32(1 / 6)
    p = p * y + np.float32(0.5)
    p = p * y + np.float32(1)
    p = p * y + np.float32(1)
    p *= p
    p *= p
    p *= p
    return p * p
