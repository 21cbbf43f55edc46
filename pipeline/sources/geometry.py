"""Where the points of a message lie: coordinates from ecCodes, once per grid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import eccodes
import numpy as np
from numpy.typing import NDArray

from pipeline.grid import unit_vectors
from pipeline.sources.messages import GribError, Message
from pipeline.sources.naming import with_handle

Coordinates = tuple[NDArray[np.float64], NDArray[np.float64]]

_UNSTRUCTURED_TEMPLATE = 101
_NCEP_ROTATED_TEMPLATE = 32769


@dataclass(frozen=True, eq=False)
class Geometry:
    """A grid: latitude and longitude (degrees) of every point in the order of the values.

    `shape`: (rows, columns) in that order, None for points without rows. `grid_relative`: wind components point along
    the grid's axes, not east and north. `key`: equal for equal grids. `backward`: the points run against the x axis.
    """

    key: str
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    shape: tuple[int, int] | None
    grid_relative: bool = False
    backward: bool = False
    transposed: bool = False

    def axes(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cosine and sine of the angle, counter-clockwise, from east to the grid's x axis at every point.

        Found from the neighbours along x, second order also at the edges; exact enough for any projection.
        Raises GribError for points without rows and columns, which have no axes.
        """
        if self.shape is None or min(self.shape) < 3:
            raise GribError("the grid has no rows and columns, so its grid-relative winds cannot be turned to earth")
        points = unit_vectors(self.latitude, self.longitude).reshape(*self.shape, 3)
        along = np.asarray(np.gradient(points, axis=0 if self.transposed else 1, edge_order=2)).reshape(-1, 3)
        along *= -1 if self.backward else 1
        phi, lam = np.deg2rad(self.latitude), np.deg2rad(self.longitude)
        east = -np.sin(lam) * along[:, 0] + np.cos(lam) * along[:, 1]
        north = np.cos(phi) * along[:, 2] - np.sin(phi) * (np.cos(lam) * along[:, 0] + np.sin(lam) * along[:, 1])
        length = np.hypot(east, north)
        return (east / length).astype(np.float32), (north / length).astype(np.float32)


_KNOWN: dict[str, Geometry] = {}
_KNOWN_LIMIT = 32


def geometry(message: Message, coordinates: Coordinates | None = None) -> Geometry:
    """The grid of a message; `coordinates` (latitude, longitude) are those of an unstructured grid.

    Raises GribError if ecCodes cannot give coordinates, or if an unstructured grid comes without them.
    """
    section = message.section(3 if message.edition == 2 else 2) or message.section(1)[6:8]
    key = hashlib.sha1(bytes([message.edition]) + section).hexdigest()
    known = _KNOWN.get(key)
    if known is None:
        template = int.from_bytes(section[12:14], "big") if message.edition == 2 else None
        if template == _UNSTRUCTURED_TEMPLATE:
            known = _unstructured(key, int.from_bytes(section[6:10], "big"), coordinates)
        elif template == _NCEP_ROTATED_TEMPLATE:
            known = _ncep_rotated(key, section)
        else:
            known = with_handle(message, lambda handle: _from_handle(handle, key))
        if len(_KNOWN) >= _KNOWN_LIMIT:
            _KNOWN.clear()
        _KNOWN[key] = known
    return known


def _unstructured(key: str, points: int, coordinates: Coordinates | None) -> Geometry:
    if coordinates is None or len(coordinates[0]) != points:
        found = "none" if coordinates is None else f"those of {len(coordinates[0])} points"
        raise GribError(
            f"the grid is unstructured ({points} points) and the message has no coordinates: "
            f"give its CLAT and CLON files too; found {found}"
        )
    return Geometry(key, coordinates[0], coordinates[1], None)


def _ncep_rotated(key: str, section: bytes) -> Geometry:
    """NCEP's own template for the rotated grid of its Rapid Refresh, of which ecCodes knows no coordinates.

    Rows and columns are even in latitude and longitude about the centre, from the first point to the last.
    """

    def number(octet: int) -> int:
        value = int.from_bytes(section[octet - 1 : octet + 3], "big")
        return -(value & 0x7FFFFFFF) if value & 0x80000000 else value

    columns, rows = number(31), number(35)
    first, centre, last = ((number(at) * 1e-6, number(at + 4) * 1e-6) for at in (47, 56, 73))
    if section[71] != 0x40 or columns * rows != int.from_bytes(section[6:10], "big"):
        raise GribError(f"the rotated grid of NCEP has {columns} x {rows} points and an order {section[71]} not known")
    (south, west), (north, east) = (_turned(*point, *centre) for point in (first, last))
    y, x = np.meshgrid(np.linspace(south, north, rows), np.linspace(west, east, columns), indexing="ij")
    latitude, longitude = _turned_back(y.ravel(), x.ravel(), *centre)
    return Geometry(key, latitude, longitude % 360.0, (rows, columns), bool(section[54] & 0x08))


def _turned(latitude: float, longitude: float, centre_latitude: float, centre_longitude: float) -> tuple[float, float]:
    """Coordinates on the globe that is turned so that the centre lies at 0, 0; degrees."""
    phi, lam, tilt = np.deg2rad([latitude, longitude - centre_longitude, centre_latitude])
    y = np.sin(phi) * np.cos(tilt) - np.cos(phi) * np.cos(lam) * np.sin(tilt)
    x = np.arctan2(np.cos(phi) * np.sin(lam), np.cos(phi) * np.cos(lam) * np.cos(tilt) + np.sin(phi) * np.sin(tilt))
    return float(np.rad2deg(np.arcsin(y))), float(np.rad2deg(x))


def _turned_back(
    y: NDArray[np.float64], x: NDArray[np.float64], centre_latitude: float, centre_longitude: float
) -> Coordinates:
    phi, lam, tilt = np.deg2rad(y), np.deg2rad(x), np.deg2rad(centre_latitude)
    latitude = np.arcsin(np.sin(phi) * np.cos(tilt) + np.cos(phi) * np.cos(lam) * np.sin(tilt))
    longitude = np.arctan2(
        np.cos(phi) * np.sin(lam), np.cos(phi) * np.cos(lam) * np.cos(tilt) - np.sin(phi) * np.sin(tilt)
    )
    return np.rad2deg(latitude), np.rad2deg(longitude) + centre_longitude


def _from_handle(handle: int, key: str) -> Geometry:
    kind = str(eccodes.codes_get(handle, "gridType"))
    try:
        latitude = eccodes.codes_get_double_array(handle, "latitudes")
        longitude = eccodes.codes_get_double_array(handle, "longitudes") % 360.0
    except eccodes.CodesInternalError as error:
        raise GribError(f"ecCodes has no coordinates for the grid {kind!r}: {error}") from None
    shape, transposed = _shape(handle, len(latitude))
    # On a grid of latitudes and longitudes the grid's axes are east and north.
    relative = _flag(handle, "uvRelativeToGrid") and not kind.startswith(("regular", "reduced_gg", "reduced_ll"))
    return Geometry(key, latitude, longitude, shape, relative, _flag(handle, "iScansNegatively"), transposed)


def _flag(handle: int, name: str) -> bool:
    try:
        return bool(eccodes.codes_get_long(handle, name))
    except eccodes.CodesInternalError:
        return False


def _shape(handle: int, points: int) -> tuple[tuple[int, int] | None, bool]:
    """(rows, columns) in the order of the values, and whether rows run along y."""
    for along_x, along_y in (("Ni", "Nj"), ("Nx", "Ny")):
        try:
            x, y = eccodes.codes_get_long(handle, along_x), eccodes.codes_get_long(handle, along_y)
        except eccodes.CodesInternalError:
            continue
        if x * y == points:
            consecutive = _flag(handle, "jPointsAreConsecutive")
            return ((x, y) if consecutive else (y, x)), consecutive
    return None, False
