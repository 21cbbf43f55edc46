"""From any source grid to the target grid: weights once per source grid, then cheap application per field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

from pipeline.grid import Grid, unit_vectors
from pipeline.science.regrid_points import Points, PointWeights, apply_weights, barycentric_weights, binned_weights
from pipeline.science.regrid_rectilinear import Method, RectilinearWeights, apply_rectilinear, rectilinear_weights

Weights = RectilinearWeights | PointWeights

FADE_DEGREES, FADE_CELLS = 2.0, 2.5
"""How far inside its edge a region counts in full, at least: within two cells one alone would have a part of its
weight, and two steps of a half be left as a seam."""


def weights(
    source_latitude: NDArray[np.float64],
    source_longitude: NDArray[np.float64],
    shape: tuple[int, int] | None,
    grid: Grid,
    method: Method,
) -> Weights:
    """How each place of the grid is made of the source's points.

    source_latitude, source_longitude: (n,) degrees of the points in the order of a field's values.
    shape: (rows, columns) of a grid, None for points without one.
    Rows and columns in latitude and longitude (global or regional, any scan order, across the date line) take
    separable weights: bilinear, nearest, or areas of overlap on the sphere, which conserve the global mean.
    Other points take barycentric weights of the three around a place; `conservative` takes the mean of the points
    in the cell where they are finer than the grid. Places outside a regional source have no weight.
    Raises ValueError if coordinates and shape do not belong together or are not finite, or for fewer than 4 points.
    """
    latitude, longitude = (np.asarray(x, np.float64).ravel() for x in (source_latitude, source_longitude))
    if len(latitude) != len(longitude) or (shape is not None and len(latitude) != shape[0] * shape[1]):
        raise ValueError(
            f"expected one latitude and longitude a point of {shape}; found {len(latitude)} and {len(longitude)}"
        )
    if len(latitude) < 4:
        raise ValueError(f"expected a field of 4 points or more; found {len(latitude)}, which no grid can be made of")
    if not (np.isfinite(latitude).all() and np.isfinite(longitude).all() and (np.abs(latitude) < 90.001).all()):
        raise ValueError("expected finite coordinates with latitudes from -90 to 90 degrees; the source has others")
    if shape is not None:
        separable = rectilinear_weights(latitude.reshape(shape), longitude.reshape(shape), grid, method)
        if separable is not None:
            return separable
    source = Points.at(latitude, longitude)
    if method == "conservative":
        return binned_weights(source, latitude, longitude, grid)
    return barycentric_weights(source, unit_vectors(*grid.places), nearest=method == "nearest")


def apply(
    weights: Weights, values: NDArray[np.float32], *, vector: bool = False, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Fields on the target grid.

    values: (..., n) float32, NaN where missing: a missing point leaves its weight to the others, and a place of which
    less than half of the weight is present is NaN. `vector`: the field is a component of a vector, which matters
    for a polar row that the source lacks. `out`: (..., place) contiguous float32 to fill instead of a new array.
    Returns (..., place). Raises ValueError if the fields are not of the grid the weights were made for.
    """
    points = weights.points if isinstance(weights, PointWeights) else weights.shape[0] * weights.shape[1]
    if values.shape[-1] != points:
        raise ValueError(f"expected fields of {points} points, as the weights; found {values.shape[-1]}")
    fields = np.ascontiguousarray(values, np.float32).reshape(-1, points)
    if out is None:
        out = np.empty((*values.shape[:-1], weights.places), np.float32)
    target = out.reshape(-1, weights.places)
    if isinstance(weights, PointWeights):
        apply_weights(weights, fields, target)
    else:
        apply_rectilinear(weights, fields, target, vector=vector)
    return out


def feather(coverage: NDArray[np.bool_], grid: Grid, width_degrees: float = FADE_DEGREES) -> NDArray[np.float32]:
    """Weight of a source that rises smoothly from 0 at the edge of what it covers to 1 `width_degrees` inside, or
    `FADE_CELLS` inside where cells are large.

    coverage: (place,) where the source has values. Returns (place,), 0 outside; all 1 for a global source.
    """
    width_degrees = max(width_degrees, FADE_CELLS * grid.resolution)
    if coverage.all() or not coverage.any():
        return coverage.astype(np.float32)
    outside = ~coverage.reshape(grid.shape)
    # The column on each side of the date line is a neighbour.
    wrapped = np.pad(~outside, ((0, 0), (1, 1)), mode="wrap")
    edge = (outside & binary_dilation(wrapped, np.ones((3, 3)))[:, 1:-1]).ravel()
    points = unit_vectors(*grid.places)
    reach = 2 * np.sin(np.deg2rad(min(width_degrees, 180)) / 2)
    chord = cKDTree(points[edge]).query(points[coverage], distance_upper_bound=reach, workers=2)[0]
    degrees = np.where(np.isfinite(chord), np.rad2deg(2 * np.arcsin(np.minimum(chord / 2, 1))), width_degrees)
    result = np.zeros(coverage.shape, np.float32)
    result[coverage] = (1 - np.cos(np.pi * np.minimum(degrees / width_degrees, 1))) / 2
    return result


def nearest_fill(
    values: NDArray[np.float32], wanted: NDArray[np.bool_], points: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Fields with wanted places that have no value filled from the nearest place that has.

    values: (..., place); wanted: (place,); points: (place, 3) unit vectors. Fields without any value stay so.
    A place has values if it has them in every field that is not empty.
    """
    fields = values.reshape(-1, values.shape[-1])
    finite = np.isfinite(fields)
    present = finite[finite.any(axis=1)].all(axis=0)
    empty = wanted & ~present
    result = fields.copy()
    if present.any() and empty.any():
        have = np.flatnonzero(present)
        near = have[cKDTree(points[have]).query(points[empty], workers=2)[1]]
        result[:, empty] = np.where(finite[:, empty], fields[:, empty], fields[:, near])
    return result.reshape(values.shape)
