"""Values of a gridded field at any place."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.grid import Grid

Floats = NDArray[np.floating]


def bilinear(field: Floats, grid: Grid, latitude: Floats, longitude: Floats) -> NDArray[np.float64]:
    """Bilinear values (...) of a field (latitude, longitude) at places (...) in degrees, across the date line.

    Corners without a value (land in a field of the sea) are left out; NaN where the nearer half has none.
    """
    north, east = (np.array(part, np.float64) for part in np.broadcast_arrays(latitude, longitude))
    result, values = np.empty(north.size), np.array(field, np.float64, order="C")
    _bilinear(values, float(grid.resolution), north.ravel(), east.ravel(), result)
    return result.reshape(north.shape)


@njit(cache=True)
def _bilinear(
    field: NDArray[np.float64], resolution: float, latitude: Floats, longitude: Floats, result: Floats
) -> None:
    """Fill `result` (place,); see `bilinear`."""
    rows, columns = field.shape
    for place in range(len(result)):
        y = min(max((90 - latitude[place]) / resolution, 0.0), rows - 1.0)
        x = (longitude[place] - 360 * np.floor(longitude[place] / 360)) / resolution
        top, left = min(int(y), rows - 2), int(x)
        total = weight_sum = 0.0
        for row in range(2):
            for column in range(2):
                weight = abs(1 - row - (y - top)) * abs(1 - column - (x - left))
                corner = field[top + row, left + column - (columns if left + column >= columns else 0)]
                if np.isfinite(corner):
                    total += weight * corner
                    weight_sum += weight
        result[place] = total / weight_sum if weight_sum >= 0.5 else np.nan
