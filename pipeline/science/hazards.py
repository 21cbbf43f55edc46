"""Where a fine model would pay: cells with a likely hazard, gathered into boxes of the size that a limited area has.

Hazards are gathered together, whatever their kind, for one fine run serves them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Grid, unit_vectors

EARTH_RADIUS_KM = 6371.0
JOIN_KM = 300.0
"""Cells nearer than this to each other are of one system; neighbours always are, however coarse the grid."""
MARGIN_KM = 150.0
"""Around the cells: the zone in which the driving model is relaxed to, and what flows in within some hours."""
LARGEST_KM = 1500.0
"""Longest side of a box; a larger system is cut."""


@dataclass(frozen=True)
class Box:
    """A limited area by its centre (degrees) and sides (km), and the `cells` of the grid for whose sake it is there."""

    latitude: float
    longitude: float
    width_km: float
    height_km: float
    cells: NDArray[np.intp]


def peaks(chance: NDArray[np.floating], leads: NDArray[np.integer], hours: int) -> NDArray[np.float32]:
    """(window, ...) the greatest chance (lead, ...) in each window of so many hours; the first one begins with lead 0.

    A lead belongs to the window that it ends; one that is not whole is a window too.
    """
    window = np.maximum(-(-np.asarray(leads) // hours) - 1, 0)
    return np.stack([chance[window == number].max(axis=0) for number in range(window[-1] + 1)]).astype(np.float32)


def boxes(likely: NDArray[np.bool_], grid: Grid) -> list[Box]:
    """Boxes that hold all cells (latitude, longitude) with a likely hazard, the one with the most cells first."""
    cells = np.flatnonzero(likely)
    if not len(cells):
        return []
    from sklearn.cluster import DBSCAN  # not before there is a hazard: its import takes long

    points = unit_vectors(*(part[cells] for part in grid.places))
    reach = max(JOIN_KM / EARTH_RADIUS_KM, 1.5 * np.deg2rad(grid.resolution))
    label = DBSCAN(eps=2 * np.sin(reach / 2), min_samples=1).fit_predict(points)  # of chords
    found = [
        box
        for number in range(label.max() + 1)
        for box in _fitting(points[label == number], cells[label == number], np.deg2rad(grid.resolution))
    ]
    return sorted(found, key=lambda box: (-len(box.cells), int(box.cells[0])))


def _fitting(points: NDArray[np.float64], cells: NDArray[np.intp], spacing: float) -> Iterator[Box]:
    """The box of a system, or those of its parts."""
    box = _around(points, cells, spacing * EARTH_RADIUS_KM)
    if len(cells) == 1 or max(box.width_km, box.height_km) <= LARGEST_KM:
        yield box
        return
    from sklearn.cluster import KMeans

    half = KMeans(2, n_init=1, random_state=0).fit_predict(points) == 0
    for part in (half, ~half):
        yield from _fitting(points[part], cells[part], spacing)


def _around(points: NDArray[np.float64], cells: NDArray[np.intp], spacing_km: float) -> Box:
    """The box about the points and MARGIN_KM more, on the plane that touches the sphere in their middle."""
    east, north, up = _axes(points.mean(axis=0))
    angle = np.arccos(np.clip(points @ up, -1, 1))
    scale = EARTH_RADIUS_KM / np.maximum(np.sinc(angle / np.pi), 1e-9)  # azimuthal equidistant
    x, y = (points @ east) * scale, (points @ north) * scale
    middle = np.array([(side.max() + side.min()) / 2 for side in (x, y)])
    distance = np.hypot(*middle) / EARTH_RADIUS_KM
    centre = np.cos(distance) * up + np.sinc(distance / np.pi) * (middle @ np.stack([east, north])) / EARTH_RADIUS_KM
    width, height = (float(np.ptp(side)) + spacing_km + 2 * MARGIN_KM for side in (x, y))
    latitude = float(np.rad2deg(np.arcsin(np.clip(centre[2], -1, 1))))
    return Box(latitude, float(np.rad2deg(np.arctan2(centre[1], centre[0]))), width, height, cells)


def _axes(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """East, north and up at the place below the mean of some points, as rows."""
    up = mean / np.linalg.norm(mean)
    east = np.array([-up[1], up[0], 0.0])
    length = np.linalg.norm(east)
    east = east / length if length > 1e-9 else np.array([0.0, 1.0, 0.0])
    return np.stack([east, np.cross(up, east), up])
