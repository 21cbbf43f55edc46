"""Regridding between grids of rows and columns: one small weight table for latitudes, one for longitudes.

Every method is separable on such grids, so a field is blended down its columns into one row (contiguous, vectorised)
and that row is gathered along longitude. Conservative weights are overlaps in sine of latitude and in longitude:
exact areas on the sphere. Rows beyond a global source's last latitude reach to the pole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Grid
from pipeline.science.registers import WIDTH
from pipeline.science.regrid_kernels import blend_rows, refine_rows

Method = Literal["bilinear", "conservative", "nearest"]
TOLERANCE = 1e-4
"""Positions may be off by this fraction of the spacing (grids are encoded to a millionth of a degree)."""
MANY_RUNS = 32


@dataclass(frozen=True)
class Axis:
    """Weights of one direction: for each target its sources; `share` is the part of the target that has a source."""

    index: NDArray[np.uint32]  # (source of a target, target)
    weight: NDArray[np.float32]  # (source of a target, target), sums to one where share > 0
    share: NDArray[np.float32]  # (target,)


@dataclass(frozen=True)
class Pairs:
    """Columns made of two neighbours at most: the first of them, the weight of the next, and the runs of targets
    (first, end, source less target) whose sources follow each other, none where there are too many to pay.
    `times`: targets from each source column to the next where that is the same all round the world, else 0.
    """

    first: NDArray[np.uint32]  # (target,), empty if columns are not made so
    weight: NDArray[np.float32]
    runs: NDArray[np.int64]  # (run, 3)
    times: int = 0


@dataclass(frozen=True)
class RectilinearWeights:
    """From a source of `shape` rows and columns to the rows and columns of the target."""

    shape: tuple[int, int]
    transposed: bool
    alternating: bool
    rows: Axis
    columns: Axis
    pairs: Pairs
    longitude: NDArray[np.float64]  # of the source's columns, radians
    pole_rows: tuple[int, int]  # source rows next to the north and the south pole where a polar row is made, or -1

    @property
    def places(self) -> int:
        """Number of target places."""
        return len(self.rows.share) * len(self.columns.share)

    @property
    def coverage(self) -> NDArray[np.bool_]:
        """(place,) where at least half of the target's weight lies on the source."""
        return np.asarray((self.rows.share[:, None] * self.columns.share[None, :] >= 0.5).ravel())


def rectilinear_weights(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], grid: Grid, method: Method
) -> RectilinearWeights | None:
    """Weights of a source given by (row, column) coordinates, or None if it has no rows and columns.

    latitude, longitude: (row, column) degrees in any scan order, also column by column and in alternating rows.
    """
    transposed = bool(longitude.shape[0] > 1 and np.allclose(longitude, longitude[:, :1], atol=1e-3))
    if transposed:
        latitude, longitude = latitude.T, longitude.T
    alternating = bool(longitude.shape[0] > 1 and np.allclose(longitude[1], longitude[0, ::-1], atol=1e-3))
    if alternating:
        longitude = longitude.copy()
        longitude[1::2] = longitude[1::2, ::-1]
    same_rows = np.allclose(latitude, latitude[:, :1], atol=1e-3)
    if min(latitude.shape) < 2 or not same_rows or not np.allclose(longitude, longitude[:1], atol=1e-3):
        return None
    row, column = latitude[:, 0], longitude[0]
    columns, world = _longitude_axis(column, grid, method)
    rows, pole_rows = _latitude_axis(row, grid, method, world=world)
    return RectilinearWeights(
        (len(row), len(column)),
        transposed,
        alternating,
        rows,
        columns,
        _pairs(columns, len(column)),
        np.deg2rad(column),
        pole_rows,
    )


def _latitude_axis(
    latitude: NDArray[np.float64], grid: Grid, method: Method, *, world: bool
) -> tuple[Axis, tuple[int, int]]:
    order = np.argsort(latitude)
    x = latitude[order]
    spacing = float(np.median(np.diff(x)))
    at_pole = [world and 90 - abs(edge) < spacing * 1.1 for edge in (x[-1], x[0])]
    if method == "conservative":
        edges = _cell_edges(x)
        edges[[-1, 0]] = np.where(at_pole, (90.0, -90.0), edges[[-1, 0]])
        edges = np.sin(np.deg2rad(np.clip(edges, -90, 90)))
        half = grid.resolution / 2
        low, high = (np.sin(np.deg2rad(np.clip(grid.latitude + side, -90, 90))) for side in (-half, half))
        return _overlaps(edges[:-1], edges[1:], low, high, order), (-1, -1)
    missing = [pole and 90 - abs(edge) > TOLERANCE * spacing for pole, edge in zip(at_pole, (x[-1], x[0]), strict=True)]
    pole_rows = (int(order[-1]) if missing[0] else -1, int(order[0]) if missing[1] else -1)
    # Polar rows follow the source's own: number n is the north pole's, n + 1 the south pole's.
    if missing[1]:
        x, order = np.concatenate(([-90.0], x)), np.concatenate(([len(latitude) + 1], order))
    if missing[0]:
        x, order = np.concatenate((x, [90.0])), np.concatenate((order, [len(latitude)]))
    if method == "nearest":
        order = np.where(order == len(latitude), pole_rows[0], np.where(order > len(latitude), pole_rows[1], order))
        pole_rows = (-1, -1)
    return _between(x, grid.latitude, order, method), pole_rows


def _longitude_axis(longitude: NDArray[np.float64], grid: Grid, method: Method) -> tuple[Axis, bool]:
    """Weights along longitude and whether the source goes round the world."""
    steps = (np.diff(longitude) + 180) % 360 - 180
    unwrapped = longitude[0] + np.concatenate(([0.0], np.cumsum(steps)))
    order = np.argsort(unwrapped)
    x = unwrapped[order]
    spacing = float(np.median(np.diff(x)))
    inside = x < x[0] + 360 - TOLERANCE * spacing
    x, order = x[inside], order[inside]
    world = bool(x[-1] - x[0] + spacing > 360 - 0.5 * spacing)
    if method == "conservative":
        edges = _cell_edges(np.concatenate(([x[-1] - 360], x, [x[0] + 360])))[1:-1] if world else _cell_edges(x)
        low = (grid.longitude - grid.resolution / 2 - edges[0]) % 360
        cells = edges - edges[0]
        return _overlaps(
            np.concatenate((cells[:-1], cells[:-1] + 360)),
            np.concatenate((cells[1:], cells[1:] + 360)),
            low,
            low + grid.resolution,
            np.concatenate((order, order)),
        ), world
    target = (grid.longitude - x[0]) % 360
    target[target > 360 - TOLERANCE * spacing] = 0.0
    if world:
        x, order = np.concatenate((x, [x[0] + 360])), np.concatenate((order, order[:1]))
    return _between(x - x[0], target, order, method), world


def _pairs(columns: Axis, width: int) -> Pairs:
    first, second = columns.index[0].astype(np.int64), columns.index[-1]
    alone = first == second
    if len(columns.index) > 2 or not (alone | ((first + 1) % width == second)).all():
        return Pairs(np.empty(0, np.uint32), np.empty(0, np.float32), np.empty((0, 3), np.int64))
    starts = np.concatenate(([0], np.flatnonzero(np.diff(first) != 1) + 1))
    runs = np.stack([starts, np.append(starts[1:], len(first)), first[starts] - starts], axis=1)
    if len(runs) > MANY_RUNS:
        runs = runs[:0]
    weight = np.where(alone, 0, columns.weight[-1]).astype(np.float32)
    times, rest = divmod(len(first), width)
    even = times > 1 and not rest and (first == (first[0] + np.arange(len(first)) // times) % width).all()
    even = even and np.ptp(weight.reshape(width, times), axis=0).max() < TOLERANCE
    return Pairs(columns.index[0], weight, runs, times if even else 0)


def _cell_edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    middles = (centres[1:] + centres[:-1]) / 2
    ends = 2 * centres[[0, -1]] - middles[[0, -1]]
    return np.concatenate((ends[:1], middles, ends[1:]))


def _between(x: NDArray[np.float64], target: NDArray[np.float64], order: NDArray[np.intp], method: Method) -> Axis:
    """The two neighbours of each target and their linear weights (or all weight to the nearer)."""
    tolerance = TOLERANCE * float(np.median(np.diff(x)))
    inside = (target >= x[0] - tolerance) & (target <= x[-1] + tolerance)
    before = np.clip(np.searchsorted(x, target, side="right") - 1, 0, len(x) - 2)
    fraction = np.clip((target - x[before]) / (x[before + 1] - x[before]), 0, 1)
    fraction[np.abs(fraction - np.round(fraction)) < TOLERANCE] = np.round(fraction)[
        np.abs(fraction - np.round(fraction)) < TOLERANCE
    ]
    if method == "nearest":
        return Axis(
            order[before + (fraction > 0.5)][None].astype(np.uint32),
            np.ones((1, len(target)), np.float32),
            inside.astype(np.float32),
        )
    index = np.stack([order[before], order[before + 1]])
    # A neighbour without weight must not bring its missing value along.
    index = np.where(np.stack([fraction == 1, fraction == 0]), index[::-1], index)
    return Axis(
        index.astype(np.uint32), np.stack([1 - fraction, fraction]).astype(np.float32), inside.astype(np.float32)
    )


def _overlaps(
    cell_low: NDArray[np.float64],
    cell_high: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    order: NDArray[np.intp],
) -> Axis:
    """Shares of each target (low, high) that ascending source cells cover."""
    first = np.searchsorted(cell_high, low, side="right")
    last = np.searchsorted(cell_low, high, side="left")
    reach = np.arange(max(1, int((last - first).max())))[:, None]
    cell = np.minimum(first + reach, len(cell_low) - 1)
    overlap = np.minimum(cell_high[cell], high) - np.maximum(cell_low[cell], low)
    overlap = np.where(first + reach < last, np.maximum(overlap, 0), 0) / (high - low)
    overlap[overlap < 1e-9] = 0
    total = overlap.sum(axis=0)
    weight = overlap / np.where(total > 0, total, 1)
    heaviest = np.take_along_axis(cell, weight.argmax(axis=0)[None], axis=0)
    cell = np.where(weight > 0, cell, heaviest)
    return Axis(order[cell].astype(np.uint32), weight.astype(np.float32), np.minimum(total, 1).astype(np.float32))


def apply_rectilinear(
    weights: RectilinearWeights, values: NDArray[np.float32], out: NDArray[np.float32], *, vector: bool
) -> None:
    """Fill `out` (field, place) from `values` (field, n); see `regrid.apply`."""
    height, width = weights.shape
    if weights.transposed:
        values = values.reshape(len(values), width, height).swapaxes(1, 2)
    fields = np.ascontiguousarray(values.reshape(len(values), height, width))
    if weights.alternating:
        fields = fields.copy()
        fields[:, 1::2] = fields[:, 1::2, ::-1]
    poles = _polar_rows(fields, weights, vector=vector)
    rows, columns = ((axis.index, axis.weight, axis.share) for axis in (weights.rows, weights.columns))
    complete = bool(rows[2].min() * columns[2].min() >= 0.5)
    pairs = (weights.pairs.first, weights.pairs.weight, weights.pairs.runs)
    target = out.reshape(len(values), len(rows[2]), len(columns[2]))
    if weights.pairs.times and len(rows[0]) == 2 and len(columns[2]) >= WIDTH:
        refine_rows(fields, poles, rows, columns, pairs, weights.pairs.times, complete, target)
    else:
        blend_rows(fields, poles, rows, columns, pairs, complete, target)


def _polar_rows(fields: NDArray[np.float32], weights: RectilinearWeights, *, vector: bool) -> NDArray[np.float32]:
    """(field, pole, column): the mean of the last row, or for a vector's component its first harmonic.

    At a pole a constant vector is a sine of longitude in each of its components.
    """
    poles = np.empty((len(fields), 2, fields.shape[2]), np.float32)
    wave = np.stack([np.cos(weights.longitude), np.sin(weights.longitude)])
    for side, row in enumerate(weights.pole_rows):
        if row < 0:
            continue
        edge = fields[:, row]
        present = np.isfinite(edge)
        count = np.maximum(present.sum(axis=1, keepdims=True), 1)
        known = np.where(present, edge, 0).astype(np.float64)
        pole = (2 * (known @ wave.T) @ wave if vector else known.sum(axis=1, keepdims=True)) / count
        poles[:, side] = np.where(present.any(axis=1, keepdims=True), pole, np.nan)
    return poles
