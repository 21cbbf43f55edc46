"""Regridding against scipy, analytic fields and exact areas; conservation, scan orders, poles and the date line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from pipeline.grid import Grid, unit_vectors
from pipeline.science import regrid
from pipeline.science.regrid_rectilinear import RectilinearWeights

GRID = Grid(2.5)
PLACE_LATITUDE, PLACE_LONGITUDE = GRID.places
Array = NDArray[np.float64]


def mesh(latitude: Array, longitude: Array) -> tuple[Array, Array, tuple[int, int]]:
    rows, columns = np.meshgrid(latitude, longitude, indexing="ij")
    return rows, columns, rows.shape


def rectilinear(resolution: float, offset: float) -> tuple[Array, Array, tuple[int, int]]:
    return mesh(np.arange(90 - offset, -90.0001, -resolution), np.arange(offset, 360, resolution))


def smooth(latitude: Array, longitude: Array) -> Array:
    x, y, z = unit_vectors(latitude, longitude).T
    return (2 + x * y + 0.5 * z + x).T


def regridded(latitude: Array, longitude: Array, values: Array, method: regrid.Method) -> NDArray[np.float32]:
    weights = regrid.weights(latitude.ravel(), longitude.ravel(), latitude.shape, GRID, method)
    return regrid.apply(weights, values.ravel().astype(np.float32))


@pytest.mark.parametrize(("resolution", "offset"), [(1.0, 0.0), (1.0, 0.5), (4.0, 2.0), (2.5, 0.0), (0.7, 0.35)])
@pytest.mark.parametrize("method", ["bilinear", "conservative", "nearest"])
def test_constants_and_smooth_fields_survive(resolution: float, offset: float, method: regrid.Method) -> None:
    if resolution == 0.7:
        latitude, longitude, _ = mesh(np.linspace(-89.65, 89.65, 257), np.linspace(0, 360, 515)[:-1] - 180)
    else:
        latitude, longitude, _ = rectilinear(resolution, offset)
    np.testing.assert_allclose(regridded(latitude, longitude, np.full(latitude.shape, 273.16), method), 273.16, 1e-6)
    error = regridded(latitude, longitude, smooth(latitude, longitude), method) - smooth(*GRID.places)
    if method == "conservative":  # the mean over a slice of the polar cap is not the value at the pole
        error[np.abs(PLACE_LATITUDE) == 90] = 0
    assert np.abs(error).max() < (0.02 if method == "nearest" else 0.003) * (1 + resolution**2)


def test_bilinear_equals_scipy_inside_a_region() -> None:
    latitude, longitude = np.linspace(20, 61, 83), np.linspace(230, 301, 91)
    values = np.random.default_rng(2).normal(size=(83, 91))
    rows, columns, _ = mesh(latitude, longitude)
    found = regridded(rows, columns, values, "bilinear")
    expected = RegularGridInterpolator((latitude, longitude), values, bounds_error=False)(np.stack(GRID.places, -1))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert np.isnan(found).any()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(5, 90), st.integers(8, 200), st.floats(-180, 360), st.booleans(), st.integers(0, 2**31), st.booleans()
)
def test_conservative_keeps_the_global_mean(
    rows: int, columns: int, west: float, poles: bool, seed: int, finer: bool
) -> None:
    edge = 90.0 if poles else 90 - 90 / rows
    latitude, longitude, _ = mesh(np.linspace(-edge, edge, rows), west + np.arange(columns) * 360 / columns)
    values = np.random.default_rng(seed).gamma(0.3, size=latitude.shape)
    middles = np.concatenate(([-90], (latitude[1:, 0] + latitude[:-1, 0]) / 2, [90]))
    expected = np.average(values.mean(axis=1), weights=np.diff(np.sin(np.deg2rad(middles))))
    found = regridded(latitude, longitude, values, "conservative").astype(np.float64)
    area = np.repeat(GRID.cell_area, GRID.shape[1])
    assert (found * area).sum() == pytest.approx(expected, rel=1e-5)
    assert found.min() >= 0
    assert found.max() <= values.max() * 1.00001


@settings(max_examples=25, deadline=None)
@given(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 143))
def test_any_scan_order_gives_the_same(
    north_first: bool, west_first: bool, by_column: bool, alternating: bool, roll: int
) -> None:
    latitude, longitude, _ = rectilinear(2.5, 1.25)
    values = np.random.default_rng(3).normal(size=latitude.shape)
    fields = [np.roll(field, roll, axis=1) for field in (latitude, longitude, values)]
    fields = [field[:: 1 if north_first else -1, :: 1 if west_first else -1].copy() for field in fields]
    if alternating:
        for field in fields:
            field[1::2] = field[1::2, ::-1]
    elif by_column:
        fields = [field.T for field in fields]
    for method in ("bilinear", "conservative", "nearest"):
        expected = regridded(latitude, longitude, values, method)
        np.testing.assert_allclose(regridded(fields[0], fields[1], fields[2], method), expected, atol=1e-6)


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(200, 300))
def test_linear_functions_of_latitude_are_exact(slope: float, constant: float) -> None:
    latitude, longitude, _ = mesh(np.linspace(90, -90, 61), np.arange(0, 360, 3.0))
    found = regridded(latitude, longitude, constant + slope * latitude, "bilinear")
    np.testing.assert_allclose(found, constant + slope * PLACE_LATITUDE, atol=2e-4)


def test_a_source_without_polar_rows_reaches_the_poles() -> None:
    latitude, longitude, _ = rectilinear(1.0, 0.5)
    scalar = regridded(latitude, longitude, smooth(latitude, longitude), "bilinear").reshape(GRID.shape)
    assert np.ptp(scalar[0]) < 1e-6
    assert scalar[0, 0] == pytest.approx(2.5, abs=1e-3)
    assert scalar[-1, 0] == pytest.approx(1.5, abs=1e-3)
    wind = -np.sin(np.deg2rad(longitude)) * 10 + np.cos(np.deg2rad(longitude)) * 3
    weights = regrid.weights(latitude.ravel(), longitude.ravel(), latitude.shape, GRID, "bilinear")
    found = regrid.apply(weights, wind.ravel().astype(np.float32), vector=True).reshape(GRID.shape)
    angle = np.deg2rad(GRID.longitude)
    np.testing.assert_allclose(found[0], -np.sin(angle) * 10 + np.cos(angle) * 3, atol=2e-3)


@pytest.mark.parametrize("method", ["bilinear", "conservative", "nearest"])
def test_a_region_across_the_date_line(method: regrid.Method) -> None:
    longitude = (np.arange(165, 196, 0.5) + 180) % 360 - 180
    latitude, longitude, _ = mesh(np.arange(-20, 20.1, 0.5), longitude)
    found = regridded(latitude, longitude, smooth(latitude, longitude), method)
    inside = (np.abs(PLACE_LATITUDE) < 18) & (np.abs(PLACE_LONGITUDE - 180) < 13)
    np.testing.assert_allclose(found[inside], smooth(*GRID.places)[inside], atol=0.01)
    outside = (np.abs(PLACE_LATITUDE) > 22) | (np.abs(PLACE_LONGITUDE - 180) > 17.5)
    assert np.isnan(found[outside]).all()


def test_conservative_equals_hand_computed_areas() -> None:
    latitude, longitude, _ = mesh(np.array([45.0, -45.0]), np.array([90.0, 270.0]))
    found = regridded(latitude, longitude, np.array([[1.0, 2.0], [3.0, 5.0]]), "conservative").reshape(GRID.shape)
    assert found[0, 0] == pytest.approx(1.5)  # longitude 0 lies half in each hemisphere
    assert found[0, 10] == 1.0
    assert found[36, 10] == pytest.approx(2.0)  # the equator's row
    assert found[-1, 100] == 5.0


def test_missing_points_leave_their_weight_to_the_others() -> None:
    latitude, longitude, _ = rectilinear(1.25, 0.0)
    values = smooth(latitude, longitude)
    values[latitude < -60] = np.nan
    values[40, 60] = np.nan
    for method in ("bilinear", "conservative"):
        found = regridded(latitude, longitude, values, method).reshape(GRID.shape)
        assert np.isnan(found[62:]).all()
        assert np.isfinite(found[:60]).all() or method == "bilinear"
        assert np.isfinite(found[:60]).sum() >= found[:60].size - 1
        np.testing.assert_allclose(
            found[:59][np.isfinite(found[:59])],
            smooth(*GRID.places).reshape(GRID.shape)[:59][np.isfinite(found[:59])],
            atol=0.02,
        )


@pytest.mark.parametrize(("resolution", "start"), [(5.0, 0.0), (5.0, -180.0), (10.0, 20.0)])
@pytest.mark.parametrize("vector", [False, True])
def test_even_refinement_equals_the_general_way(resolution: float, start: float, vector: bool) -> None:
    latitude, longitude, shape = mesh(
        np.arange(90 - resolution / 2, -90, -resolution), np.arange(start, start + 360, resolution)
    )
    fast = regrid.weights(latitude.ravel(), longitude.ravel(), shape, GRID, "bilinear")
    assert isinstance(fast, RectilinearWeights)
    assert fast.pairs.times == round(resolution / GRID.resolution)
    general = replace(fast, pairs=replace(fast.pairs, times=0))
    values = np.random.default_rng(1).normal(280, 10, (2, latitude.size)).astype(np.float32)
    values[1, np.random.default_rng(2).integers(0, latitude.size, 40)] = np.nan
    found, expected = (regrid.apply(weights, values, vector=vector) for weights in (fast, general))
    assert np.isnan(expected[1]).any()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("begin", [0, 1, 15])
def test_refinement_is_the_same_wherever_its_result_lies_in_memory(begin: int) -> None:
    latitude, longitude, shape = rectilinear(5.0, 0.0)
    weights = regrid.weights(latitude, longitude, shape, GRID, "bilinear")
    values = np.random.default_rng(1).normal(280, 10, (2, latitude.size)).astype(np.float32)
    values[1, 7::50] = np.nan
    expected = regrid.apply(weights, values)
    memory = np.full(expected.size + 40, -1, np.float32)
    inside = slice(begin + 16, begin + 16 + expected.size)
    regrid.apply(weights, values, out=memory[inside].reshape(expected.shape))
    np.testing.assert_array_equal(memory[inside].reshape(expected.shape), expected)
    assert (np.delete(memory, inside) == -1).all()


def lambert(spacing_degrees: float) -> tuple[Array, Array]:
    """A projected regional grid (stereographic about 40 N 100 W), which has neither rows nor columns."""
    side = np.deg2rad(np.arange(-18, 18.001, spacing_degrees))
    x, y = np.meshgrid(side, side)
    radius = np.hypot(x, y)
    angle = 2 * np.arctan(radius / 2)
    safe = np.where(radius > 0, radius, 1)
    centre = np.deg2rad(40)
    latitude = np.arcsin(np.cos(angle) * np.sin(centre) + y * np.sin(angle) * np.cos(centre) / safe)
    east = x * np.sin(angle) / (safe * np.cos(centre) * np.cos(angle) - y * np.sin(centre) * np.sin(angle))
    return np.rad2deg(latitude), (260 + np.rad2deg(np.arctan(east))) % 360


@pytest.mark.parametrize("method", ["bilinear", "conservative", "nearest"])
@pytest.mark.parametrize("spacing", [0.4, 3.0])
def test_projected_grids(method: regrid.Method, spacing: float) -> None:
    latitude, longitude = lambert(spacing)
    found = regridded(latitude, longitude, smooth(latitude, longitude), method)
    near = unit_vectors(*GRID.places) @ unit_vectors(np.array([40.0]), np.array([260.0]))[0] > np.cos(np.deg2rad(13))
    assert np.isfinite(found[near]).all()
    tolerance = 0.003 * (1 + spacing) if method != "nearest" else 0.02 * (1 + spacing)
    np.testing.assert_allclose(found[near], smooth(*GRID.places)[near], atol=tolerance)
    assert np.isnan(found[PLACE_LATITUDE < 10]).all()


def test_scattered_points_over_the_globe() -> None:
    k = np.arange(20_000) + 0.5
    latitude, longitude = np.rad2deg(np.arcsin(1 - k / 10_000)), np.rad2deg(np.pi * (1 + 5**0.5) * k) % 360
    for method in ("bilinear", "conservative", "nearest"):
        weights = regrid.weights(latitude, longitude, None, GRID, method)
        values = np.stack([smooth(latitude, longitude), np.full(20_000, 5.0)]).astype(np.float32)
        found = regrid.apply(weights, values)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found[0], smooth(*GRID.places), atol=0.002 if method == "bilinear" else 0.05)
        np.testing.assert_allclose(found[1], 5.0, rtol=1e-5)


def test_feather_rises_smoothly_from_the_edge() -> None:
    covered = (np.abs(PLACE_LATITUDE) < 30) & ((PLACE_LONGITUDE > 330) | (PLACE_LONGITUDE < 40))
    weight = regrid.feather(covered, GRID, 10.0).reshape(GRID.shape)
    assert (weight.ravel()[~covered] == 0).all()
    assert weight[36, 0] == 1
    assert np.abs(np.diff(weight, axis=0)).max() < 0.45
    assert (regrid.feather(np.ones_like(covered), GRID) == 1).all()


@pytest.mark.parametrize("resolution", [0.5, 2.5, 10.0])
def test_no_edge_is_a_step_however_large_the_cells(resolution: float) -> None:
    grid = Grid(resolution)
    latitude, longitude = grid.places
    covered = (np.abs(latitude) <= 50) & (np.abs(longitude - 180) <= 80)
    weight = regrid.feather(covered, grid).reshape(grid.shape)
    column = weight[:, grid.shape[1] // 2]
    assert column.max() == 1
    assert np.abs(np.diff(column)).max() < 0.6
    assert ((column > 0) & (column < 1)).sum() >= 4  # two cells at least on either side


def test_nearest_fill_fills_only_where_wanted() -> None:
    points = unit_vectors(np.zeros(6), np.array([0.0, 10, 20, 30, 340, 350]))
    values = np.array([[1, np.nan, 3, np.nan, np.nan, 6], [np.nan] * 6, [10, np.nan, 30, np.nan, 50, 60]], np.float32)
    filled = regrid.nearest_fill(values, np.array([True, False, True, True, True, True]), points)
    np.testing.assert_array_equal(filled[0], [1, np.nan, 3, 3, 6, 6])
    np.testing.assert_array_equal(filled[2], [10, np.nan, 30, 30, 50, 60])
    assert np.isnan(filled[1]).all()


def test_wrong_sizes_are_refused() -> None:
    latitude, longitude, shape = rectilinear(10.0, 0.0)
    weights = regrid.weights(latitude.ravel(), longitude.ravel(), shape, GRID, "bilinear")
    with pytest.raises(ValueError, match="fields of"):
        regrid.apply(weights, np.zeros(7, np.float32))
    with pytest.raises(ValueError, match="one latitude and longitude"):
        regrid.weights(latitude.ravel(), longitude.ravel(), (3, 3), GRID, "bilinear")
    with pytest.raises(ValueError, match="4 points or more"):
        regrid.weights(np.zeros(1), np.zeros(1), (1, 1), GRID, "nearest")
    with pytest.raises(ValueError, match="finite coordinates"):
        regrid.weights(np.full(4, np.nan), np.zeros(4), None, GRID, "nearest")
