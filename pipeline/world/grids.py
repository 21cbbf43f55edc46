"""The grids the world's models are written on, coarse sisters of the real ones, with their GRIB2 grid description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.world.interpolate import LONGITUDE

ICON_BISECTIONS = 3  # R2B03: 5,120 triangles


@dataclass(frozen=True, eq=False)
class NativeGrid:
    """Points in the order of the GRIB values; `keys` are ecCodes keys of section 3, set in their order.

    `turn`: cosine and sine of the angle (counter-clockwise) from the grid's x axis to east, of a grid whose winds
    point along its axes; None where they point east and north.
    """

    name: str
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    keys: Mapping[str, str | int | float]
    turn: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    @property
    def size(self) -> int:
        """Number of points."""
        return self.latitude.size


def _regular(name: str, step: float, north_to_south: bool = True) -> NativeGrid:
    rows, columns = round(180 / step) + 1, round(360 / step)
    south_to_north = np.linspace(-90.0, 90.0, rows)
    latitude = south_to_north[::-1] if north_to_south else south_to_north
    longitude = np.arange(columns) * step
    lat, lon = np.meshgrid(latitude, longitude, indexing="ij")
    keys: dict[str, str | int | float] = {
        "gridType": "regular_ll",
        "shapeOfTheEarth": 6,
        "Ni": columns,
        "Nj": rows,
        "latitudeOfFirstGridPointInDegrees": float(latitude[0]),
        "longitudeOfFirstGridPointInDegrees": 0.0,
        "latitudeOfLastGridPointInDegrees": float(latitude[-1]),
        "longitudeOfLastGridPointInDegrees": float(longitude[-1]),
        "iDirectionIncrementInDegrees": step,
        "jDirectionIncrementInDegrees": step,
        "iScansNegatively": 0,
        "jScansPositively": int(not north_to_south),
    }
    return NativeGrid(name, lat.ravel(), lon.ravel(), keys)


def _icosahedral(name: str) -> NativeGrid:
    """Centres of the triangles of ICON's grid R2B03: edges of an icosahedron halved, then halved again and again."""
    golden = (1 + 5**0.5) / 2
    ring = np.array([(0, i, j * golden) for i in (-1, 1) for j in (-1, 1)])
    corners = np.concatenate([np.roll(ring, shift, axis=1) for shift in range(3)])
    distance = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    near = np.abs(distance - 2) < 1e-6
    faces = [
        (i, j, k) for i in range(12) for j in range(i) for k in range(j) if near[i, j] and near[j, k] and near[i, k]
    ]
    triangles = corners[np.array(faces)] / np.linalg.norm(corners[0])
    for _ in range(1 + ICON_BISECTIONS):
        a, b, c = triangles.transpose(1, 0, 2)
        ab, bc, ca = (_unit(x + y) for x, y in ((a, b), (b, c), (c, a)))
        triangles = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    centre = _unit(triangles.sum(1))
    latitude, longitude = np.rad2deg(np.arcsin(centre[:, 2])), np.rad2deg(np.arctan2(centre[:, 1], centre[:, 0]))
    keys: dict[str, str | int | float] = {
        "gridType": "unstructured_grid",
        "shapeOfTheEarth": 6,
        "numberOfGridUsed": 26,
        "numberOfGridInReference": 1,
    }
    return NativeGrid(name, latitude, longitude % 360, keys)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _lambert(name: str, spacing: float = 135000.0, columns: int = 40, rows: int = 24) -> NativeGrid:
    """HRRR's projection (tangent at 38.5 N, 97.5 W on a sphere of 6,371,229 m) and domain with wider spacing."""
    radius, tangent, orientation = 6371229.0, np.deg2rad(38.5), 262.5
    first_latitude, first_longitude = 21.138123, 237.280472
    cone = np.sin(tangent)
    scale = radius * np.cos(tangent) / cone * np.tan(np.pi / 4 + tangent / 2) ** cone

    def distance(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
        return scale / np.tan(np.pi / 4 + np.deg2rad(latitude) / 2) ** cone

    angle = cone * np.deg2rad(first_longitude - orientation)
    rho = distance(np.array(first_latitude))
    x = rho * np.sin(angle) + np.arange(columns) * spacing
    y = -rho * np.cos(angle) + np.arange(rows)[:, None] * spacing
    latitude = np.rad2deg(2 * np.arctan((scale / np.hypot(x, y)) ** (1 / cone)) - np.pi / 2)
    longitude = orientation + np.rad2deg(np.arctan2(x, -y)) / cone
    keys: dict[str, str | int | float] = {
        "gridType": "lambert",
        "shapeOfTheEarth": 6,
        "Nx": columns,
        "Ny": rows,
        "latitudeOfFirstGridPointInDegrees": first_latitude,
        "longitudeOfFirstGridPointInDegrees": first_longitude,
        "LaDInDegrees": 38.5,
        "LoVInDegrees": orientation,
        "DxInMetres": int(spacing),
        "DyInMetres": int(spacing),
        "Latin1InDegrees": 38.5,
        "Latin2InDegrees": 38.5,
        "iScansNegatively": 0,
        "jScansPositively": 1,
        "uvRelativeToGrid": 1,
    }
    east = (cone * np.deg2rad(longitude - orientation)).ravel()
    turn = np.cos(east).astype(np.float32), np.sin(east).astype(np.float32)
    return NativeGrid(name, latitude.ravel(), longitude.ravel() % 360, keys, turn)


_GRID_OF = {
    "gfs": "regular_2p5", "gdas": "regular_2p5", "gefs_mean": "regular_3", "gefs": "regular_3", "ifs": "regular_3",
    "aifs": "regular_3", "gdps": "south_to_north_3", "icon": "icosahedral", "hrrr": "lambert",
    "gfs_wave": "regular_3", "ecmwf_wam": "regular_3", "gdas_wave": "regular_3",
    "ifs_ocean": "regular_3",
}  # fmt: skip


@cache
def _grid(name: str) -> NativeGrid:
    if name == "regular_2p5":
        return _regular(name, LONGITUDE[1] - LONGITUDE[0])
    if name == "icosahedral":
        return _icosahedral(name)
    if name == "lambert":
        return _lambert(name)
    return _regular(name, 3.0, north_to_south=name == "regular_3")


def native_grid(source: str) -> NativeGrid:
    """The grid of a source in the world; KeyError for a source that is not in it."""
    return _grid(_GRID_OF[source])
