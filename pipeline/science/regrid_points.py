"""Regridding from scattered points and projected grids: neighbours on the unit sphere, no date line and no pole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.grid import Grid, unit_vectors

NEIGHBOURS = 8


@dataclass(frozen=True)
class PointWeights:
    """Sparse rows: sources and weights of place p stand at start[p] to start[p + 1]; an empty row has no value."""

    points: int
    start: NDArray[np.int64]
    index: NDArray[np.int32]
    weight: NDArray[np.float32]

    @property
    def coverage(self) -> NDArray[np.bool_]:
        """(place,) where the source reaches."""
        return np.asarray(np.diff(self.start) > 0)


def barycentric_weights(source: NDArray[np.float64], target: NDArray[np.float64], *, nearest: bool) -> PointWeights:
    """Weights from the three points around each target, or from its nearest point.

    source (n, 3), target (place, 3): unit vectors. A target farther outside the points than their spacing gets none.
    """
    many = 1 if nearest else min(NEIGHBOURS, len(source))
    tree, spacings = cKDTree(source), _spacing(source)
    # Searching neighbours from afar visits the whole tree, so targets beyond reach are found first, which is cheap.
    reach = 4 * float(spacings.max())
    close = np.flatnonzero(np.isfinite(tree.query(target, k=1, distance_upper_bound=reach, workers=2)[0]))
    index, weight = np.zeros((len(target), many), np.int32), np.zeros((len(target), many), np.float32)
    distance, near = tree.query(target[close], k=many, workers=2)
    distance, near = distance.reshape(len(close), many), near.reshape(len(close), many).astype(np.int32)
    spacing, parts = spacings[near[:, 0]], np.zeros(near.shape, np.float32)
    if nearest:
        parts[:, 0] = distance[:, 0] < 0.75 * spacing
    else:
        _enclose(source, target[close], near, parts)
        parts[(parts.sum(axis=1) == 0) & (distance[:, 0] < 0.5 * spacing), 0] = 1
    index[close], weight[close] = near, parts
    return _rows(len(source), index, weight)


def binned_weights(
    source: NDArray[np.float64], latitude: NDArray[np.float64], longitude: NDArray[np.float64], grid: Grid
) -> PointWeights:
    """Means of the points within each target cell; where cells hold fewer than two, the three points around.

    Points are taken to stand for equal areas; a cell of which less than half is filled counts as empty.
    """
    height, width = grid.shape
    row = np.clip(np.round((90 - latitude) / grid.resolution), 0, height - 1).astype(np.int64)
    column = np.round(longitude / grid.resolution).astype(np.int64) % width
    cell = row * width + column
    count = np.bincount(cell, minlength=height * width)
    expected = np.repeat(4 * np.pi * grid.cell_area, width) / float(np.median(_spacing(source))) ** 2
    full = (count >= 2) & (count >= expected / 2)
    order = np.argsort(cell, kind="stable").astype(np.int32)
    order = order[full[cell[order]]]
    means = PointWeights(
        len(source),
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


def _spacing(source: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) distance of each point to its second nearest neighbour, from a sample where there are many."""
    if len(source) < 3:
        return np.full(len(source), np.inf)
    tree = cKDTree(source)
    if len(source) <= 200_000:
        return np.asarray(tree.query(source, k=3, workers=2)[0][:, 2])
    sample = source[:: len(source) // 2000]
    return np.full(len(source), np.quantile(tree.query(sample, k=3, workers=2)[0][:, 2], 0.99))


def _rows(points: int, near: NDArray[np.int32], weight: NDArray[np.float32]) -> PointWeights:
    kept = weight > 0
    return PointWeights(points, np.concatenate(([0], np.cumsum(kept.sum(axis=1)))), near[kept], weight[kept])


@njit(parallel=True, cache=True)
def _enclose(
    source: NDArray[np.float64], target: NDArray[np.float64], near: NDArray[np.int32], weight: NDArray[np.float32]
) -> None:  # pragma: no cover
    """The nearest three neighbours whose triangle, seen from the centre of the sphere, holds the target."""
    many = near.shape[1]
    for p in prange(len(target)):
        t, found = target[p], False
        for c in range(2, many):
            for b in range(1, c):
                for a in range(b):
                    va, vb, vc = source[near[p, a]], source[near[p, b]], source[near[p, c]]
                    volume = np.dot(va, np.cross(vb, vc))
                    wa = np.dot(t, np.cross(vb, vc)) / volume if volume != 0 else -1.0
                    wb = np.dot(t, np.cross(vc, va)) / volume if volume != 0 else -1.0
                    wc = np.dot(t, np.cross(va, vb)) / volume if volume != 0 else -1.0
                    if min(wa, wb, wc) >= -1e-6:
                        wa, wb, wc = max(wa, 0.0), max(wb, 0.0), max(wc, 0.0)
                        total = wa + wb + wc
                        weight[p, a], weight[p, b], weight[p, c] = wa / total, wb / total, wc / total
                        found = True
                        break
                if found:
                    break
            if found:
                break


@njit(parallel=True, cache=True)
def apply_points(
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    weight: NDArray[np.float32],
    values: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:  # pragma: no cover
    """Fill `out` (field, place) from `values` (field, n); missing values leave their weight to the others."""
    places = len(start) - 1
    blocks = (places + 4095) // 4096
    for job in prange(len(values) * blocks):
        k, block = job // blocks, job % blocks
        for p in range(block * 4096, min(places, (block + 1) * 4096)):
            total, value = np.float32(0), np.float32(0)
            for m in range(start[p], start[p + 1]):
                part = values[k, index[m]]
                if not np.isnan(part):
                    total += weight[m]
                    value += weight[m] * part
            out[k, p] = value / total if total >= np.float32(0.4999) else np.nan
