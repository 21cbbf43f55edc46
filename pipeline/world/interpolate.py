"""Interpolation between the world's regular grids, and from the truth's grid to any point."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

RESOLUTION = 2.5  # degrees, of the truth's grid
LATITUDE = np.linspace(90.0, -90.0, round(180 / RESOLUTION) + 1)
LONGITUDE = np.arange(round(360 / RESOLUTION)) * RESOLUTION
SHAPE = (LATITUDE.size, LONGITUDE.size)


@dataclass(frozen=True)
class Operator:
    """Separable linear map between two latitude-longitude grids: `latitude` (out, in) and `longitude` (in, out)."""

    latitude: NDArray[np.float32]
    longitude: NDArray[np.float32]

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., latitude, longitude) on the first grid -> the same on the second."""
        return np.matmul(self.latitude, values) @ self.longitude


def _cubic(position: NDArray[np.float64], size: int, periodic: bool) -> NDArray[np.float32]:
    """(out, in) weights of Keys' cubic convolution at fractional indices; the ends repeat unless periodic."""
    matrix = np.zeros((position.size, size), np.float64)
    base = np.floor(position).astype(int)
    fraction = position - base
    weights = np.stack([
        ((-0.5 * fraction + 1) * fraction - 0.5) * fraction,
        (1.5 * fraction - 2.5) * fraction**2 + 1,
        ((-1.5 * fraction + 2) * fraction + 0.5) * fraction,
        (0.5 * fraction - 0.5) * fraction**2,
    ])  # fmt: skip
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        index = (base + offset) % size if periodic else np.clip(base + offset, 0, size - 1)
        np.add.at(matrix, (np.arange(position.size), index), weight)
    return matrix.astype(np.float32)


def operator(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> Operator:
    """Map from a global grid (latitude north to south, equidistant longitude from 0) to the truth's grid."""
    rows = np.interp(-LATITUDE, -latitude, np.arange(latitude.size))
    columns = LONGITUDE / (longitude[1] - longitude[0])
    return Operator(_cubic(rows, latitude.size, False), _cubic(columns, longitude.size, True).T.copy())


@numba.njit(cache=True, fastmath=True)
def sample(
    fields: NDArray[np.float32],
    latitude: NDArray[np.float32],
    longitude: NDArray[np.float32],
    wanted: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Bilinear values at points: fields (field, latitude, longitude) on the truth's grid -> (wanted field, point)."""
    number, rows, columns = fields.shape
    planes = fields.reshape(number, rows * columns)
    step = np.float32(180.0 / (rows - 1))
    west, east = np.empty(latitude.size, np.int32), np.empty(latitude.size, np.int32)
    weights = np.empty((4, latitude.size), np.float32)
    for point in range(latitude.size):
        y = min(
            max((np.float32(90.0) - latitude[point]) / step, np.float32(0.0)), np.float32(rows - 1) - np.float32(1e-3)
        )
        x = (longitude[point] % np.float32(360.0)) / step
        i, j = int(y), int(x)
        fy, fx = y - i, x - j
        j = j % columns
        west[point], east[point] = i * columns + j, i * columns + (j + 1) % columns
        weights[0, point], weights[1, point] = (1 - fy) * (1 - fx), (1 - fy) * fx
        weights[2, point], weights[3, point] = fy * (1 - fx), fy * fx
    out = np.empty((wanted.size, latitude.size), np.float32)
    for index in range(wanted.size):  # one small plane after the other, so that it stays in the nearest cache
        plane = planes[wanted[index]]
        for point in range(latitude.size):
            a, b = west[point], east[point]
            out[index, point] = (
                weights[0, point] * plane[a] + weights[1, point] * plane[b]
                + weights[2, point] * plane[a + columns] + weights[3, point] * plane[b + columns]
            )  # fmt: skip
    return out
