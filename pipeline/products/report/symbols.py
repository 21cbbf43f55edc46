"""Symbols drawn over the maps: wind barbs, direction arrows, isobars with labels, centres of highs and lows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from pipeline.products.report import projection

KNOT = 0.514444  # m/s
Field = NDArray[np.floating]


def _stations(spacing: float) -> tuple[Field, Field, Field, Field]:
    """Points evenly spread over the map: x, y, latitude, degrees east of CENTRE, away from the globe's edge."""
    x, y = np.meshgrid(
        np.arange(spacing / 2, projection.WIDTH, spacing), np.arange(spacing / 2, projection.HEIGHT, spacing)
    )
    x[1::2] += spacing / 2
    latitude, east = projection.unproject(x, y)
    keep = (np.abs(east) < 177) & (np.abs(latitude) < 82)
    return x[keep], y[keep], latitude[keep], east[keep]


def sample(field: Field, latitude: Field, east: Field) -> Field:
    """Bilinear values of a global field (latitude 90 to -90, longitude) at points; `east` of CENTRE."""
    rows, columns = field.shape
    row = (90 - latitude) * (rows - 1) / 180
    column = ((east + projection.CENTRE) % 360) * columns / 360
    top, left = np.minimum(row.astype(int), rows - 2), column.astype(int) % columns
    dy, dx, right = row - top, column - np.floor(column), (left + 1) % columns
    upper = field[top, left] * (1 - dx) + field[top, right] * dx
    return upper * (1 - dy) + (field[top + 1, left] * (1 - dx) + field[top + 1, right] * dx) * dy


def _bearing(latitude: Field, east: Field, eastward: Field, northward: Field) -> tuple[Field, Field]:
    """Unit direction on the map (x right, y down) of vectors on the globe; the projection turns them."""
    size = np.maximum(np.hypot(eastward, northward), 1e-6)
    step = 0.2  # degrees
    x0, y0 = projection.project(latitude, east)
    ahead = east + step * eastward / size / np.cos(np.deg2rad(latitude))
    x1, y1 = projection.project(latitude + step * northward / size, ahead)
    length = np.maximum(np.hypot(x1 - x0, y1 - y0), 1e-6)
    return (x1 - x0) / length, (y1 - y0) / length


def barbs(eastward: Field, northward: Field, *, spacing: float = 34, length: float = 17) -> str:
    """SVG path data of wind barbs: full 10 kt, half 5 kt, pennant 50 kt, feathers towards the lower pressure."""
    x, y, latitude, east = _stations(spacing)
    u, v = sample(eastward, latitude, east), sample(northward, latitude, east)
    dx, dy = _bearing(latitude, east, u, v)
    fives = np.rint(np.hypot(u, v) / KNOT / 5).astype(int)
    parts = []
    for px, py, tx, ty, north, count in zip(x, y, dx, dy, latitude, fives, strict=True):
        if count == 0:
            parts.append(f"M{px - 1.5:.1f},{py:.1f}a1.5,1.5 0 1 0 3,0a1.5,1.5 0 1 0-3,0")
            continue
        side = 1 if north >= 0 else -1
        parts.append(_barb(px, py, tx * length, ty * length, side, int(count)))
    return "".join(parts)


def _barb(x: float, y: float, dx: float, dy: float, side: int, fives: int) -> str:
    """One barb; (dx, dy) is the shaft along the wind, feathers on its left for `side` 1."""
    left, back = (side * dy * 0.45, -side * dx * 0.45), (-dx * 0.14, -dy * 0.14)
    tail_x, tail_y = x - dx, y - dy
    text = f"M{x:.1f},{y:.1f}L{tail_x:.1f},{tail_y:.1f}"
    along = 0.0
    pennants, rest = divmod(fives, 10)
    fulls, half = divmod(rest, 2)
    if fives == 1:
        along = 0.16  # a lone half feather stands off the tail so that it is no full one
    for kind in ["pennant"] * pennants + ["full"] * fulls + ["half"] * half:
        px, py = tail_x + dx * along, tail_y + dy * along
        reach = 0.55 if kind == "half" else 1.0
        text += f"M{px:.1f},{py:.1f}l{reach * (left[0] + back[0]):.1f},{reach * (left[1] + back[1]):.1f}"
        if kind == "pennant":
            text += f"L{px + dx * 0.18:.1f},{py + dy * 0.18:.1f}"
            along += 0.06
        along += 0.17
    return text


def arrows(degrees_from: Field, hide: Field, *, spacing: float = 34, length: float = 15) -> str:
    """SVG path data of arrows along waves that come from `degrees_from`; none where `hide` exceeds a half."""
    x, y, latitude, east = _stations(spacing)
    keep = sample(hide, latitude, east) < 0.5
    x, y, latitude, east = x[keep], y[keep], latitude[keep], east[keep]
    angle = np.deg2rad(degrees_from)
    u, v = (sample(part, latitude, east) for part in (-np.sin(angle), -np.cos(angle)))
    dx, dy = (part * length / 2 for part in _bearing(latitude, east, u, v))
    parts = []
    for px, py, tx, ty in zip(x, y, dx, dy, strict=True):
        neck_x, neck_y, side_x, side_y = px + 0.5 * tx, py + 0.5 * ty, -0.35 * ty, 0.35 * tx
        head = f"M{neck_x + side_x:.1f},{neck_y + side_y:.1f}L{px + tx:.1f},{py + ty:.1f}"
        head += f"L{neck_x - side_x:.1f},{neck_y - side_y:.1f}"
        parts.append(f"M{px - tx:.1f},{py - ty:.1f}L{px + tx:.1f},{py + ty:.1f}{head}")
    return "".join(parts)


def isobars(pressure: Field) -> str:
    """SVG of sea-level pressure (Pa) every 4 hPa, labelled, with highs and lows marked."""
    hectopascal = pressure / 100
    levels = np.arange(4 * np.ceil(hectopascal.min() / 4), hectopascal.max(), 4)
    thin: list[Field] = []
    thick: list[Field] = []
    labels: list[str] = []
    centres, taken = _centres(hectopascal)
    for level, line in projection.contours(hectopascal, levels):
        (thick if level % 20 == 0 else thin).append(line)
        x, y = line[len(line) // 2]
        if len(line) > 40 and level % 8 == 0 and _is_free(taken, x, y, 36):
            labels.append(f'<text class="il" x="{x:.0f}" y="{y + 3:.0f}">{level:.0f}</text>')
    paths = f'<path class="ib" d="{projection.path(thin, tolerance=0.4)}"/>'
    paths += f'<path class="ib thick" d="{projection.path(thick, tolerance=0.4)}"/>'
    return paths + "".join(labels) + centres


def _is_free(taken: list[tuple[float, float]], x: float, y: float, room: float) -> bool:
    """Whether no label lies within `room` pixels; if so the place is taken from now on."""
    free = all((x - other_x) ** 2 + (y - other_y) ** 2 > room**2 for other_x, other_y in taken)
    if free:
        taken.append((x, y))
    return free


def _centres(pressure: Field, *, reach: float = 11.0) -> tuple[str, list[tuple[float, float]]]:
    """SVG letters at pressure extremes that stand out within `reach` degrees, and where they are."""
    latitude, east, values = projection.refined(pressure, 1.0)
    size = (2 * round(reach * len(latitude) / 180) + 1, 2 * round(1.6 * reach * len(east) / 360) + 1)
    parts: list[str] = []
    taken: list[tuple[float, float]] = []
    for letter, name, extreme, sign in (("H", "high", maximum_filter, 1), ("L", "low", minimum_filter, -1)):
        centre = (values == extreme(values, size=size, mode=("nearest", "wrap"))) & (sign * (values - 1013) > 5)
        for row, column in zip(*np.nonzero(centre), strict=True):
            x, y = (float(part) for part in projection.project(latitude[row], east[column]))
            if abs(latitude[row]) > 78 or abs(east[column]) > 174 or not _is_free(taken, x, y, 44):
                continue
            parts.append(f'<text class="hl {name}" x="{x:.0f}" y="{y:.0f}">{letter}</text>')
            parts.append(f'<text class="hv" x="{x:.0f}" y="{y + 11:.0f}">{values[row, column]:.0f}</text>')
    return "".join(parts), taken
