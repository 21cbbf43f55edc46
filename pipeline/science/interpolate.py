"""Values of a gridded field at any place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Grid

Floats = NDArray[np.floating]


def bilinear(field: Floats, grid: Grid, latitude: Floats, longitude: Floats) -> NDArray[np.float64]:
    """Bilinear values (...) of a field (latitude, longitude) at places (...) in degrees, across the date line.

    Corners without a value (land in a field of the sea) are left out; NaN where the nearer half has none.
    """
    rows, columns = grid.shape
    y = np.clip((90 - np.asarray(latitude, float)) / grid.resolution, 0, rows - 1)
    x = np.mod(np.asarray(longitude, float), 360) / grid.resolution
    top, left = np.minimum(y.astype(int), rows - 2), x.astype(int)
    total, weight_sum = np.zeros(y.shape), np.zeros(y.shape)
    for row in (0, 1):
        for column in (0, 1):
            weight = np.abs(1 - row - (y - top)) * np.abs(1 - column - (x - left))
            corner = field[top + row, (left + column) % columns]
            present = np.isfinite(corner)
            total += np.where(present, weight * corner, 0)
            weight_sum += np.where(present, weight, 0)
    return np.where(weight_sum >= 0.5, total / np.maximum(weight_sum, 0.5), np.nan)
