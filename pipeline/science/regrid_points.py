"""Regridding from scattered points and projected grids: neighbours on the unit sphere, no date line and no pole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.grid import Grid, unit_vectors

NEIGHBOURS = 12
MANY = 200_000
LINE_FIELDS = 16
"""Fields that are carried over at a time: their values at a point fill one line of a cache."""


@dataclass(frozen=True)
class PointWeights:
    """Sparse rows: sources and weights of place p stand at start[p] to start[p + 1]; an empty row has no value."""

    points: int
    start: NDArray[np.int64]
    index: NDArray[np.int32]
    weight: NDArray[np.float32]

    @property
    def places(self) -> int:
        """Number of target places."""
        return len(self.start) - 1

    @property
    def coverage(self) -> NDArray[np.bool_]:
        """(place,) where the source reaches."""
        return np.asarray(np.diff(self.start) > 0)


@dataclass(frozen=True)
class Points:
    """Source points on the unit sphere; `spacing` (n,) is the distance of each to its second nearest neighbour.

    Of many points a sample tells the spacing of all.
    """

    vectors: NDArray[np.float64]  # (n, 3)
    tree: cKDTree
    spacing: NDArray[np.float64]

    @classmethod
    def at(cls, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> Points:
        """Index the points given in degrees."""
        vectors = unit_vectors(latitude, longitude)
        # A balanced tree of millions of points takes seconds to build and gains nothing for ordered grids.
        tree = cKDTree(vectors, leafsize=32, compact_nodes=False, balanced_tree=False)
        if len(vectors) <= MANY:
            return cls(vectors, tree, tree.query(vectors, k=3, workers=2)[0][:, 2])
        sample = vectors[:: len(vectors) // 2000]
        usual = np.quantile(tree.query(sample, k=3, workers=2)[0][:, 2], 0.99)
        return cls(vectors, tree, np.full(len(vectors), usual))


def barycentric_weights(source: Points, target: NDArray[np.float64], *, nearest: bool) -> PointWeights:
    """Weights from the three points around each target, or from its nearest point.

    target: (place, 3) unit vectors. A target farther outside the points than their spacing gets none.
    """
    count = len(source.vectors)
    reach = 4 * float(source.spacing.max())
    distance, near = source.tree.query(target, k=[1], distance_upper_bound=reach, workers=2)
    spacing = source.spacing[np.minimum(near[:, 0], count - 1)]
    if nearest:
        inside = distance[:, :1] < spacing[:, None]
        return _rows(count, np.minimum(near, count - 1).astype(np.int32), inside.astype(np.float32))
    close = np.flatnonzero(np.isfinite(distance[:, 0]))
    neighbours = np.zeros((len(target), NEIGHBOURS), np.int32)
    weight = np.zeros((len(target), NEIGHBOURS), np.float32)
    for many in (4, NEIGHBOURS):  # four nearly always hold the three around
        many = min(many, count)
        far, found = source.tree.query(target[close], k=many, distance_upper_bound=reach, workers=2)
        found, share = np.minimum(found.reshape(len(close), many), count - 1), np.zeros((len(close), many), np.float32)
        _enclose(source.vectors, target[close], found, np.isfinite(far.reshape(len(close), many)).sum(axis=1), share)
        neighbours[close, :many], weight[close, :many] = found, share
        close = close[share.sum(axis=1) == 0]
    alone = close[distance[close, 0] < 0.5 * spacing[close]]
    weight[alone, 0] = 1
    return _rows(count, neighbours, weight)


def binned_weights(
    source: Points, latitude: NDArray[np.float64], longitude: NDArray[np.float64], grid: Grid
) -> PointWeights:
    """Means of the points within each target cell; where cells hold fewer than two, the three points around.

    Points are taken to stand for equal areas; a cell of which less than half is filled counts as empty.
    """
    height, width = grid.shape
    row = np.clip(np.round((90 - latitude) / grid.resolution), 0, height - 1).astype(np.int64)
    column = np.round(longitude / grid.resolution).astype(np.int64) % width
    cell = row * width + column
    count = np.bincount(cell, minlength=height * width)
    expected = np.repeat(4 * np.pi * grid.cell_area, width) / float(np.median(source.spacing)) ** 2
    full = (count >= 2) & (count >= expected / 2)
    order = np.argsort(cell, kind="stable").astype(np.int32)
    order = order[full[cell[order]]]
    means = PointWeights(
        len(source.vectors),
        np.concatenate(([0], np.cumsum(np.where(full, count, 0)))),
        order,
        (1 / count[cell[order]]).astype(np.float32),
    )
    if full.all():
        return means
    return _merge(means, full, barycentric_weights(source, unit_vectors(*grid.places)[~full], nearest=False))


def _merge(means: PointWeights, full: NDArray[np.bool_], others: PointWeights) -> PointWeights:
    lengths = np.diff(means.start)
    lengths[~full] = np.diff(others.start)
    from_means = np.repeat(full, lengths)
    index, weight = np.empty(len(from_means), np.int32), np.empty(len(from_means), np.float32)
    index[from_means], index[~from_means] = means.index, others.index
    weight[from_means], weight[~from_means] = means.weight, others.weight
    return PointWeights(means.points, np.concatenate(([0], np.cumsum(lengths))), index, weight)


def _rows(points: int, near: NDArray[np.int32], weight: NDArray[np.float32]) -> PointWeights:
    kept = weight > 0
    return PointWeights(points, np.concatenate(([0], np.cumsum(kept.sum(axis=1)))), near[kept], weight[kept])


@njit(parallel=True, cache=True)
def _enclose(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    near: NDArray[np.int64],
    known: NDArray[np.int64],
    weight: NDArray[np.float32],
) -> None:  # pragma: no cover
    """The nearest three of each target's `known` neighbours whose triangle, seen from the centre, holds it."""
    for p in prange(len(target)):
        t = target[p]
        for c in range(2, known[p]):
            if weight[p].sum() > 0:
                break
            for b in range(1, c):
                for a in range(b):
                    va, vb, vc = source[near[p, a]], source[near[p, b]], source[near[p, c]]
                    volume = _triple(va, vb, vc)
                    if abs(volume) < 1e-18 or weight[p].sum() > 0:
                        continue
                    wa, wb, wc = _triple(t, vb, vc) / volume, _triple(va, t, vc) / volume, _triple(va, vb, t) / volume
                    if min(wa, wb, wc) >= -1e-6:
                        wa, wb, wc = max(wa, 0.0), max(wb, 0.0), max(wc, 0.0)
                        total = wa + wb + wc
                        weight[p, a], weight[p, b], weight[p, c] = wa / total, wb / total, wc / total


@njit(cache=True)
def _triple(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> float:  # pragma: no cover
    """Volume of the parallelepiped."""
    return a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])


def apply_weights(weights: PointWeights, values: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Fill `out` (field, place) from `values` (field, n); missing values leave their weight to the others."""
    for first in range(0, len(values), LINE_FIELDS):
        some = slice(first, first + LINE_FIELDS)
        apply_points(weights.start, weights.index, weights.weight, np.ascontiguousarray(values[some].T), out[some])


@njit(parallel=True, cache=True)
def apply_points(
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[np.float32],
    values: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:  # pragma: no cover
    """Fill `out` (field, place) from `values` (n, field): the fields of a point lie in one line of memory."""
    places, count = len(start) - 1, values.shape[1]
    for block in prange((places + 511) // 512):
        total, value = np.empty(count, np.float32), np.empty(count, np.float32)
        for p in range(block * 512, min(places, (block + 1) * 512)):
            total[:], value[:] = 0, 0
            for m in range(start[p], start[p + 1]):
                there = values[index[m]]
                for k in range(count):
                    known = there[k] == there[k]
                    total[k] += weight[m] if known else np.float32(0)
                    value[k] += weight[m] * there[k] if known else np.float32(0)
            for k in range(count):
                out[k, p] = value[k] / total[k] if total[k] >= np.float32(0.4999) else np.nan
