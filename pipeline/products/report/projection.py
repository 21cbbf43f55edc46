"""World maps without a map library: Equal Earth projection, smooth resampling, lines as SVG paths, palette PNG.

Equal Earth (Savric, Patterson and Jenny 2018, doi:10.1080/13658816.2018.1504949) keeps areas true, so a map of
weights or rain shows honest shares of the globe.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from contourpy import contour_generator
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.products.report.colours import Scale

WIDTH = 1200
HEIGHT = 584
CENTRE = 11.0  # degrees east; the seam then runs through the Bering Strait and cuts no continent
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_X_MAX = 2 * np.pi / (np.sqrt(3) * _A1)
_Y_MAX = 1.3173627591574133

Field = NDArray[np.floating]


def _height(theta: Field) -> Field:
    return theta * (_A1 + _A2 * theta**2 + theta**6 * (_A3 + _A4 * theta**2))


def _stretch(theta: Field) -> Field:
    """x for one radian of longitude."""
    slope = _A1 + 3 * _A2 * theta**2 + theta**6 * (7 * _A3 + 9 * _A4 * theta**2)
    return 2 * np.sqrt(3) * np.cos(theta) / (3 * slope)


def project(latitude: Field, east: Field) -> tuple[Field, Field]:
    """Pixels (x right, y down) of points; `east` is degrees east of CENTRE, -180 to 180."""
    theta = np.arcsin(np.sqrt(3) / 2 * np.sin(np.deg2rad(latitude)))
    x = _stretch(theta) * np.deg2rad(east)
    return (x / _X_MAX + 1) * WIDTH / 2, (1 - _height(theta) / _Y_MAX) * HEIGHT / 2


def unproject(x: Field, y: Field) -> tuple[Field, Field]:
    """Latitude and degrees east of CENTRE of pixels; east is beyond +-180 outside the globe."""
    table = np.linspace(-np.pi / 3, np.pi / 3, 4001)
    theta = np.interp((1 - 2 * y / HEIGHT) * _Y_MAX, _height(table), table)
    latitude = np.rad2deg(np.arcsin(np.clip(2 / np.sqrt(3) * np.sin(theta), -1, 1)))
    return latitude, np.rad2deg((2 * x / WIDTH - 1) * _X_MAX / _stretch(theta))


def interpolation(count: int, positions: Field, *, wrap: bool) -> csr_array:
    """(position, count) sparse matrix of cubic convolution (Keys 1981) at fractional indices."""
    left = np.floor(positions).astype(int)
    t = positions - left
    taps = [
        (-t + 2 * t**2 - t**3) / 2, (2 - 5 * t**2 + 3 * t**3) / 2, (t + 4 * t**2 - 3 * t**3) / 2, (t**3 - t**2) / 2
    ]  # fmt: skip
    index = left[:, None] + np.arange(-1, 3)
    index = index % count if wrap else np.clip(index, 0, count - 1)
    values = np.stack(taps, axis=-1).astype(np.float32)
    return csr_array((values.ravel(), index.ravel(), np.arange(0, values.size + 1, 4)), (len(positions), count))


def resampled(rows: csr_array, columns: csr_array, field: Field) -> NDArray[np.float32]:
    """(row, column) `field` interpolated by the two matrices."""
    return np.asarray(rows @ np.ascontiguousarray((columns @ field.astype(np.float32).T).T))


class Canvas:
    """Resampling of one regular global grid (90 to -90, 0 to 360) to map pixels, prepared once for many fields."""

    def __init__(self, shape: tuple[int, int], *, width: int = WIDTH) -> None:
        rows, columns = shape
        self.shape = shape
        height = round(width * HEIGHT / WIDTH)
        x = (np.arange(width) + 0.5) * WIDTH / width
        y = (np.arange(height) + 0.5) * HEIGHT / height
        latitude, east = unproject(x[None, :], y[:, None])
        fine = max(columns, width // 2)  # cubic to these columns, linear between them
        self._rows = interpolation(rows, (90 - latitude[:, 0]) * (rows - 1) / 180, wrap=False)
        longitude = (np.arange(fine) * 360 / fine - 180 + CENTRE) % 360
        self._columns = interpolation(columns, longitude * columns / 360, wrap=True)
        position = np.clip((east + 180) / 360 * fine, 0, fine)
        left, row = np.minimum(position, fine - 1).astype(np.int64), fine * np.arange(height)[:, None]
        self._left, self._right = row + left, row + (left + 1) % fine  # in the flattened rows
        self._part = (position - left).astype(np.float32)
        self.outside = np.abs(east) > 180

    def raster(self, field: Field) -> NDArray[np.float32]:
        """(height, width) values at pixels, NaN outside the globe; `field` is (latitude, longitude) without NaN."""
        smooth = resampled(self._rows, self._columns, field)
        values = smooth.take(self._left)
        values += self._part * (smooth.take(self._right) - values)
        values[self.outside] = np.nan
        return values


def png(bands: NDArray[np.uint8], palette: NDArray[np.uint8]) -> str:
    """A data URI of an image of palette numbers (height, width); `palette` is (n, 4) RGBA."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = bands.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), bands]).tobytes()
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
    data += chunk(b"PLTE", palette[:, :3].tobytes()) + chunk(b"tRNS", palette[:, 3].tobytes())
    data += chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(data).decode()


def picture(canvas: Canvas, field: Field, scale: Scale, *, hide: NDArray[np.bool_] | None = None) -> str:
    """A data URI of `field` (latitude, longitude, display units) in the bands of `scale`; `hide` in map pixels."""
    values = canvas.raster(field)
    if hide is not None:
        values[hide] = np.nan
    return png(scale.index(values), scale.palette)


def refined(field: Field, step: float = 1.25) -> tuple[Field, Field, Field]:
    """`field` smoothly resampled to about `step` degrees, seam to seam: latitude, degrees east of CENTRE, values."""
    rows, columns = field.shape
    latitude = np.linspace(90, -90, max(rows, round(180 / step) + 1))
    east = np.linspace(-180, 180, max(columns, round(360 / step)) + 1)
    by_row = interpolation(rows, (90 - latitude) * (rows - 1) / 180, wrap=False)
    by_column = interpolation(columns, ((east + CENTRE) % 360) * columns / 360, wrap=True)
    return latitude, east, resampled(by_row, by_column, field)


def path(lines: Iterable[Field], *, tolerance: float = 0.0) -> str:
    """SVG path data of lines (point, 2) in pixels, simplified so that none moves by more than `tolerance`."""
    parts = []
    for line in lines:
        tenths = np.rint(10 * (simplified(line, tolerance) if tolerance else line)).astype(int)
        if len(tenths) < 2:
            continue
        steps = np.diff(tenths, axis=0)
        parts.append(f"M{_short(tenths[0])}l" + " ".join(_short(step) for step in steps))
    return "".join(parts)


def simplified(line: Field, tolerance: float) -> Field:
    """The line (point, 2) with the points left out that lie within `tolerance` of it (Douglas and Peucker 1973)."""
    return line[_kept(np.array(line, np.float64, order="C"), float(tolerance))]


@njit(cache=True)
def _kept(line: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    """(point,) which points of the line stay."""
    keep = np.zeros(len(line), np.bool_)
    keep[0] = keep[-1] = True
    pieces = [(0, len(line) - 1)]
    while pieces:
        first, last = pieces.pop()
        east, south = line[last, 0] - line[first, 0], line[last, 1] - line[first, 1]
        length, largest, farthest = np.hypot(east, south), tolerance, 0
        for point in range(first + 1, last):
            x, y = line[point, 0] - line[first, 0], line[point, 1] - line[first, 1]
            distance = abs(x * south - y * east) / length if length > 0 else np.hypot(x, y)
            if distance > largest:
                largest, farthest = distance, point
        if farthest:
            keep[farthest] = True
            pieces.append((first, farthest))
            pieces.append((farthest, last))
    return keep


def _short(pair: NDArray[np.int_]) -> str:
    return ",".join(f"{value / 10:g}" for value in pair)


def contours(field: Field, levels: Iterable[float], *, step: float = 1.25) -> list[tuple[float, Field]]:
    """Contour lines of a global field as (level, points (n, 2) in map pixels)."""
    latitude, east, values = refined(field, step)
    generator = contour_generator(east, latitude, values)
    found: list[tuple[float, Field]] = []
    for level in levels:
        for line in generator.lines(level):
            longitude, north = np.asarray(line).T
            found.append((level, np.stack(project(north, longitude), axis=-1)))
    return found


def outline(field: Field, level: float) -> str:
    """SVG path data of the areas above `level` of a global field, for an even-odd fill: the land of a land fraction."""
    latitude, east, values = refined(field, 0.75)
    generator = contour_generator(east, latitude, values, fill_type="OuterOffset")
    rings = []
    for points, offsets in zip(*generator.filled(level, np.inf), strict=True):
        for start, end in pairwise(offsets):
            rings.append(np.stack(project(points[start:end, 1], points[start:end, 0]), axis=-1))
    return path(rings, tolerance=0.3)


def graticule() -> tuple[str, str]:
    """SVG path data of the globe's edge and of meridians and parallels every 30 degrees."""
    latitude = np.linspace(-90, 90, 91)
    sides = [project(latitude, np.full(91, -180.0)), project(latitude[::-1], np.full(91, 180.0))]
    edge = path([np.concatenate([np.stack(side, axis=-1) for side in sides])]) + "z"
    meridians = [project(latitude, np.full(91, east - CENTRE)) for east in range(-150, 181, 30)]
    parallels = [project(np.full(2, north), np.array([-180.0, 180.0])) for north in range(-60, 61, 30)]
    return edge, path(np.stack(line, axis=-1) for line in meridians + parallels)
