"""Values of fields between grid points, against scipy's and against the formula written out."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from pipeline.grid import Grid
from pipeline.science.interpolate import bilinear

GRID = Grid(10)
RANDOM = np.random.default_rng(1)
LATITUDE, LONGITUDE = RANDOM.uniform(-90, 90, (50, 8)), RANDOM.uniform(-180, 360, (50, 8))


def test_between_points_as_scipy_has_it_also_across_the_date_line() -> None:
    field = RANDOM.normal(size=GRID.shape).astype(np.float32)
    wrapped = np.concatenate([field, field[:, :1]], axis=1)[::-1]
    scipys = RegularGridInterpolator((GRID.latitude[::-1], np.arange(0, 361, 10.0)), wrapped)
    expected = scipys(np.stack([LATITUDE, LONGITUDE % 360], axis=-1))
    np.testing.assert_allclose(bilinear(field, GRID, LATITUDE, LONGITUDE), expected, rtol=1e-5, atol=1e-6)


def test_corners_without_a_value_leave_their_weight_to_the_others() -> None:
    field = np.where(RANDOM.random(GRID.shape) < 0.4, np.nan, RANDOM.normal(size=GRID.shape))
    y, x = (90 - LATITUDE) / 10, LONGITUDE % 360 / 10
    top, left = np.minimum(y.astype(int), GRID.shape[0] - 2), x.astype(int)
    weight = np.stack([(1 - y + top) * (1 - x + left), (1 - y + top) * (x - left), (y - top) * (1 - x + left),
                       (y - top) * (x - left)])  # fmt: skip
    corners = np.stack([field[top + i, (left + j) % GRID.shape[1]] for i in (0, 1) for j in (0, 1)])
    known = np.where(np.isfinite(corners), weight, 0)
    total = known.sum(axis=0)
    expected = np.where(total >= 0.5, (known * np.nan_to_num(corners)).sum(axis=0) / np.maximum(total, 0.5), np.nan)
    found = bilinear(field, GRID, LATITUDE, LONGITUDE)
    assert 0.2 < np.isnan(found).mean() < 0.6
    np.testing.assert_allclose(found, expected)
    assert np.isnan(bilinear(np.full(GRID.shape, np.nan), GRID, np.array([1.0]), np.array([2.0]))).all()
