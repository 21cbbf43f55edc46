"""The target grid: regular in latitude and longitude, north to south, 0 to 360 degrees east."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_HAIR = 1e-9  # degrees by which arithmetic may miss a grid point


@dataclass(frozen=True)
class Grid:
    """A global grid that includes both poles; `resolution` in degrees must divide 90."""

    resolution: float = 0.25

    def __post_init__(self) -> None:
        if self.resolution <= 0 or abs(90 / self.resolution - round(90 / self.resolution)) > 1e-9:
            raise ValueError(f"grid resolution must divide 90 degrees, such as 0.25 or 2.5; found {self.resolution}")

    @property
    def shape(self) -> tuple[int, int]:
        """(latitude, longitude)"""
        return round(180 / self.resolution) + 1, round(360 / self.resolution)

    @cached_property
    def latitude(self) -> NDArray[np.float64]:
        """Degrees north, 90 to -90."""
        return np.linspace(90, -90, self.shape[0])

    @cached_property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east, 0 to 360 - resolution."""
        return np.arange(self.shape[1], dtype=np.float64) * np.float64(self.resolution)

    def area(self, *, north: float, south: float, west: float, east: float) -> Area:
        """The grid points in a box that reaches from `west` eastwards to `east`, over the date line where need be.

        Degrees; 360 and more from west to east is the whole circle, once. The area is empty where no point is inside.
        """
        rows = np.flatnonzero((self.latitude <= north + _HAIR) & (self.latitude >= south - _HAIR))
        width = east - west if east - west >= 360 else (east - west) % 360
        first = int(np.ceil(west / self.resolution - _HAIR))
        last = int(np.floor((west + width) / self.resolution + _HAIR))
        steps = np.arange(first, min(last + 1, first + self.shape[1]))
        return Area(self.resolution, rows, steps)

    @cached_property
    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude of every cell, flattened in C order."""
        latitude, longitude = np.meshgrid(self.latitude, self.longitude, indexing="ij")
        return latitude.ravel(), longitude.ravel()

    @cached_property
    def cell_area(self) -> NDArray[np.float64]:
        """(latitude,) area of a cell as a fraction of the sphere; the polar rows are caps."""
        edges = np.clip(np.concatenate(([90.0], self.latitude[1:] + self.resolution / 2, [-90.0])), -90, 90)
        return -np.diff(np.sin(np.deg2rad(edges))) / 2 / self.shape[1]


@dataclass(frozen=True, eq=False)
class Area:
    """A box of a grid: its `rows` counted from the north, and its `steps` of longitude counted from Greenwich."""

    resolution: float
    rows: NDArray[np.intp]
    steps: NDArray[np.intp]

    @property
    def shape(self) -> tuple[int, int]:
        """(latitude, longitude)"""
        return len(self.rows), len(self.steps)

    @cached_property
    def columns(self) -> NDArray[np.intp]:
        """Where the longitudes lie in the grid."""
        return self.steps % round(360 / self.resolution)

    @cached_property
    def latitude(self) -> NDArray[np.float64]:
        """Degrees north, falling."""
        return 90 - self.rows * np.float64(self.resolution)

    @cached_property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east, rising from the western side, over 180 or 360 where the box reaches so far."""
        return self.steps * np.float64(self.resolution)

    @property
    def is_circle(self) -> bool:
        """Whether it reaches all the way round."""
        return len(self.steps) == round(360 / self.resolution)


def unit_vectors(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """(place, 3) points of the unit sphere, where distance has no date line and no pole."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
