"""How steady a forecast is: in space across the seams of its making, in time from one issue to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Borders:
    """Which pairs of neighbouring cells lie across a seam.

    east: (latitude, longitude) of a cell and the next one eastwards, round the globe; south: (latitude - 1, longitude)
    of a cell and the one south of it.
    """

    east: NDArray[np.bool_]
    south: NDArray[np.bool_]


def borders(label: NDArray[np.generic]) -> Borders:
    """The seams between cells of different `label` (latitude, longitude), such as a cluster's number or a coverage."""
    return Borders(np.asarray(label != np.roll(label, -1, axis=1)), np.asarray(label[1:] != label[:-1]))


def jump(field: Array, seams: Borders, latitude: Array) -> tuple[float, float]:
    """Root mean square difference of neighbours across the seams, in the field's units; and over that of all others.

    field: (latitude, longitude), NaN where there is none; latitude: (latitude,) in degrees, neighbours count by the
    area they stand for. Weather has gradients of its own where seams lie (coasts, mountains), so the figures of a blend
    are to be held against those of its inputs across the same seams. NaN if there is no seam or nothing else.
    """
    sums = _differences(np.array(field, np.float64, order="C"), seams.east, seams.south, np.cos(np.deg2rad(latitude)))
    sums[1] -= sums[0]
    if (sums[:, 1] <= 0).any() or sums[1, 0] <= 0:
        return float("nan"), float("nan")
    across, elsewhere = np.sqrt(sums[:, 0] / sums[:, 1])
    return float(across), float(across / elsewhere)


@njit(cache=True)
def _differences(
    field: NDArray[np.float64], east: NDArray[np.bool_], south: NDArray[np.bool_], area: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(2, 2) weighted square differences of neighbours and their weights: across the seams, and of all."""
    sums, (rows, columns) = np.zeros((2, 2)), field.shape
    for row in range(rows):
        for column in range(columns):
            for neighbour in range(2 if row + 1 < rows else 1):
                if neighbour == 0:
                    other, across, weight = field[row, (column + 1) % columns], east[row, column], area[row]
                else:
                    other, across = field[row + 1, column], south[row, column]
                    weight = (area[row + 1] + area[row]) / 2
                square = weight * (other - field[row, column]) ** 2
                if np.isfinite(square):
                    sums[1, 0] += square
                    sums[1, 1] += weight
                    if across:
                        sums[0, 0] += square
                        sums[0, 1] += weight
    return sums


def roughness(field: Array, latitude: Array) -> float:
    """Root mean square of what a cell differs by from the mean of its four neighbours, in the field's units.

    field: (latitude, longitude), cells at the poles and beside missing ones do not count; latitude: (latitude,).
    """
    square, area = _curvature(np.array(field, np.float64, order="C"), np.cos(np.deg2rad(latitude)))
    return float(np.sqrt(square / area)) if area > 0 else float("nan")


@njit(cache=True)
def _curvature(field: NDArray[np.float64], area: NDArray[np.float64]) -> tuple[float, float]:
    """Weighted square differences of cells from the mean of their neighbours, and the weights."""
    rows, columns = field.shape
    square = weight = 0.0
    for row in range(1, rows - 1):
        for column in range(columns):
            beside = field[row, column - 1] + field[row, (column + 1) % columns]
            difference = field[row, column] - (beside + field[row + 1, column] + field[row - 1, column]) / 4
            if np.isfinite(difference):
                square += area[row] * difference**2
                weight += area[row]
    return square, weight


def flip_flop(issues: Array) -> NDArray[np.float64]:
    """How much a forecast of one time goes to and fro from issue to issue, (...): 0 where it moves one way only.

    issues: (issue, ...) in the order they were made, at least three, in the field's units. The sum of the changes less
    the range, by the number of turns there can be (Griffiths, Foley, Ioannou and Leeuwenburg 2019, Met. Apps.).
    Raises ValueError for fewer than three issues.
    """
    if len(issues) < 3:
        raise ValueError(f"expected at least 3 issues of a forecast; found {len(issues)}")
    values = issues.astype(np.float64)
    changes = np.abs(np.diff(values, axis=0)).sum(axis=0)
    return np.asarray((changes - (values.max(axis=0) - values.min(axis=0))) / (len(values) - 2))
