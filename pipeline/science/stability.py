"""How steady a forecast is: in space across the seams of its making, in time from one issue to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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


def jump_ratio(field: Array, seams: Borders, latitude: Array) -> float:
    """Root mean square difference of neighbours across the seams over that of all other neighbours.

    field: (latitude, longitude), NaN where there is none; latitude: (latitude,) in degrees, neighbours count by the
    area they stand for. Weather has gradients of its own where seams lie (coasts, mountains), so the figure of a blend
    is to be held against that of its inputs across the same seams. NaN if there is no seam or nothing else.
    """
    east, south = np.roll(field, -1, axis=1) - field, field[1:] - field[:-1]
    area = np.cos(np.deg2rad(latitude))[:, None]
    parts = ((east, seams.east, area), (south, seams.south, (area[1:] + area[:-1]) / 2))
    sums = np.zeros((2, 2))  # across or elsewhere, square or weight
    for difference, across, weight in parts:
        share = np.where(np.isfinite(difference), weight, 0.0).ravel()
        square = share * np.nan_to_num(difference.ravel().astype(np.float64)) ** 2
        inside = across.ravel().astype(np.float64)
        sums[0] += square @ inside, share @ inside
        sums[1] += square.sum(), share.sum()
    sums[1] -= sums[0]
    if (sums[:, 1] <= 0).any() or sums[1, 0] <= 0:
        return float("nan")
    return float(np.sqrt(sums[0, 0] / sums[0, 1] / (sums[1, 0] / sums[1, 1])))


def roughness(field: Array, latitude: Array) -> float:
    """Root mean square of what a cell differs by from the mean of its four neighbours, in the field's units.

    field: (latitude, longitude), cells at the poles and beside missing ones do not count; latitude: (latitude,).
    """
    inner = field[1:-1].astype(np.float64)
    around = (np.roll(inner, 1, axis=1) + np.roll(inner, -1, axis=1) + field[2:] + field[:-2]) / 4
    square, area = (inner - around) ** 2, np.cos(np.deg2rad(latitude[1:-1]))[:, None] * np.ones(inner.shape)
    known = np.isfinite(square)
    return float(np.sqrt(np.average(square[known], weights=area[known]))) if known.any() else float("nan")


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
