"""What follows from neighbours: closed forms on the sphere, MetPy, conservation, and no seam wherever it is cut."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.grid import Grid
from pipeline.science import consistency, gradients
from pipeline.science.consistency_ties import GROUPS
from pipeline.science.derive import gradients as derive_gradients
from pipeline.science.derive.catalogue import FORMULAS
from tests.science.referee import agrees

Array = NDArray[np.float32]
RADIUS = gradients.EARTH_RADIUS
WIND = ("eastward_wind_850hpa", "northward_wind_850hpa", "temperature_850hpa")
VORTICITY, DIVERGENCE, ADVECTION = "relative_vorticity_850hpa", "divergence_850hpa", "temperature_advection_850hpa"


def derived(fields: dict[str, Array], grid: Grid, rows: slice = slice(None), columns: int = 7) -> dict[str, Array]:
    """Everything on some rows (lead, row, column), a band of columns at a time."""
    first, stop, _ = rows.indices(grid.shape[0])
    around = {name: np.pad(field, ((0, 0), (1, 1), (0, 0))) for name, field in fields.items()}
    beyond = {name: field[:, [first, stop + 1]] for name, field in around.items()}
    tile = {name: field[:, first:stop] for name, field in fields.items()}
    bands = [slice(k, min(k + columns, grid.shape[1])) for k in range(0, grid.shape[1], columns)]
    parts = [derive_gradients.derive(tile, beyond, grid.latitude[first:stop], grid.resolution, band) for band in bands]
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}


def on_sphere(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude (row, 1) and longitude (1, column) in radians."""
    return np.deg2rad(grid.latitude)[:, None], np.deg2rad(grid.longitude)[None]


def second_order(grid: Grid) -> NDArray[np.float64]:
    """(row, 1) squared step in radians, more towards the poles, where a box's middle is not its centre of mass."""
    d, polar = np.deg2rad(grid.resolution), np.deg2rad(90 - np.abs(grid.latitude))
    return (d**2 * (1 + 1 / (2 * np.maximum(polar, d))))[:, None]


def fields(east: NDArray[np.float64], north: NDArray[np.float64], scalar: NDArray[np.float64]) -> dict[str, Array]:
    shape = np.broadcast_shapes(east.shape, north.shape, scalar.shape)
    parts = (np.broadcast_to(part, shape).astype(np.float32)[None] for part in (east, north, scalar))
    return dict(zip(WIND, parts, strict=True))


@pytest.mark.parametrize("resolution", [1.0, 2.5])
def test_solid_rotation_about_any_axis(resolution: float) -> None:
    """u = U a rotation about an axis tilted by 0, 50 or 90 degrees: vorticity 2U/a times the sine to its equator."""
    grid = Grid(resolution)
    phi, lam = on_sphere(grid)
    for tilt in np.deg2rad([0.0, 50.0, 90.0]):
        east = 40 * (np.cos(phi) * np.cos(tilt) + np.sin(phi) * np.cos(lam) * np.sin(tilt))
        north = -40 * np.sin(lam) * np.sin(tilt) + 0 * phi
        height = np.sin(phi) * np.cos(tilt) - np.cos(phi) * np.cos(lam) * np.sin(tilt)
        found = derived(fields(east, north, 280 + 20 * height), grid)
        rate = 2 * 40 / RADIUS
        error = rate * second_order(grid)
        assert (np.abs(found[VORTICITY][0] - rate * height) < error).all()
        assert (np.abs(found[DIVERGENCE][0]) < error).all()
        assert (np.abs(found[ADVECTION][0]) < 20 * error).all()


@pytest.mark.parametrize("tilt", [0.0, 60.0])
def test_a_harmonic_potential_and_its_convergence(tilt: float) -> None:
    """The gradient of a harmonic of degree 1 diverges by -2 of it over a squared, and brings its own square up."""
    grid = Grid(1.0)
    phi, lam = on_sphere(grid)
    angle = np.deg2rad(tilt)
    potential = np.sin(phi) * np.cos(angle) + np.cos(phi) * np.cos(lam) * np.sin(angle)
    east = -np.sin(lam) * np.sin(angle) + 0 * phi
    north = np.cos(phi) * np.cos(angle) - np.sin(phi) * np.cos(lam) * np.sin(angle)
    found = derived(fields(30 * east, 30 * north, 280 + 10 * potential), grid)
    error = 2 * 30 / RADIUS * second_order(grid)
    assert (np.abs(found[DIVERGENCE][0] + 2 * 30 / RADIUS * potential) < error).all()
    assert (np.abs(found[VORTICITY][0]) < error).all()
    brought = -30 * 10 / RADIUS * (east**2 + north**2)
    assert (np.abs(found[ADVECTION][0] - brought) < 10 * error).all()


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_deformation_is_uniform_across_a_pole(pole: float) -> None:
    """A wind stretched along one axis of the plane that touches the pole, (kx, -ky), deforms by 2k."""
    grid, sign = Grid(0.5), np.sign(pole)
    phi, lam = on_sphere(grid)
    reach = RADIUS * np.cos(phi)
    x, y = reach * np.cos(lam), sign * reach * np.sin(lam)
    outward, around = 1e-5 * (x * x - y * y) / reach, 1e-5 * (-y * x - x * y) / reach
    wind = [part.astype(np.float32) for part in (sign * around, -sign * outward)]
    framed = [np.pad(part, 1, mode="wrap")[None] for part in wind]
    made = gradients.turn_and_spread(*framed, grid.latitude, grid.resolution)[2][0]
    near = slice(1, 4) if pole > 0 else slice(-4, -1)
    np.testing.assert_allclose(made[near], 2e-5, rtol=0.02)
    beside = 1 if pole > 0 else -2
    polar = gradients.polar_turn_and_spread(*(part[None, beside] for part in wind), pole, grid.resolution)
    np.testing.assert_allclose([float(part[0]) for part in polar], [0, 0, 2e-5], rtol=1e-3, atol=1e-9)


def test_metpy_agrees(tmp_path: Path) -> None:
    pytest.importorskip("importlib.metadata").version("MetPy")
    grid = Grid(1.0)
    phi, lam = on_sphere(grid)
    rng = np.random.default_rng(7)
    east, north, scalar = (np.zeros(grid.shape) for _ in range(3))
    for field in (east, north, scalar):
        for wave in range(1, 5):
            shift, tall = rng.uniform(0, 6, 2)
            field += 8 * np.cos(wave * lam + shift) * np.cos(phi) ** 3 * np.sin(wave * phi + tall)
    source = {"east": east, "north": north, "scalar": scalar, "latitude": grid.latitude}
    inner = {name: values[1:-1] for name, values in source.items()}
    np.savez(tmp_path / "in.npz", step=grid.resolution, radius=RADIUS, **inner)
    script = Path(__file__).with_name("metpy_referee_gradients.py")
    subprocess.run([sys.executable, script, tmp_path / "in.npz", tmp_path / "out.npz"], check=True)
    at_850 = fields(east, north, 280 + scalar)
    given_ = {name: at_850[f"{name.rsplit('_', 1)[0]}_850hpa"] for name in derive_gradients.INPUTS}
    found = derived(given_, grid)
    for level in derive_gradients.LEVELS:
        turning = (found[f"relative_vorticity_{level}hpa"], on_sphere(grid)[0] * 180 / np.pi)
        found[f"absolute_vorticity_{level}hpa"] = FORMULAS[f"absolute_vorticity_{level}hpa"].compute(*turning)
    theirs = {"relative_vorticity": "vorticity", "divergence": "divergence", "total_deformation": "deformation",
              "temperature_advection": "advection", "absolute_vorticity": "absolute_vorticity"}  # fmt: skip
    with np.load(tmp_path / "out.npz") as referee:
        for name, values in found.items():
            expected = referee[theirs[name.rsplit("_", 1)[0]]][10:-10, 10:-10]  # away from its one-sided differences
            agrees(name, values[0, 11:-11, 10:-10], expected, by="MetPy", atol=2e-3 * np.abs(expected).max())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_the_globe_as_a_whole_neither_turns_nor_spreads(seed: int) -> None:
    grid = Grid(7.5)
    wind = np.random.default_rng(seed).normal(0, 20, (2, *grid.shape)) * (np.abs(grid.latitude) < 90)[:, None]
    found = derived(fields(wind[0], wind[1], np.zeros(grid.shape)), grid)
    phi, d = np.deg2rad(grid.latitude), np.deg2rad(grid.resolution)
    area = 2 * np.cos(phi) * np.sin(d)
    area[[0, -1]] = 1 - np.cos(d)
    for name in (VORTICITY, DIVERGENCE):
        parts = found[name][0].astype(np.float64) * area[:, None]
        assert abs(parts.sum()) < 1e-5 * np.abs(parts).sum()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(1, 48), st.integers(0, 100))
def test_no_cut_shows(height: int, width: int, seed: int) -> None:
    grid = Grid(7.5)
    rng = np.random.default_rng(seed)
    given_ = {name: rng.normal(0, 20, (2, *grid.shape)).astype(np.float32) for name in derive_gradients.INPUTS}
    whole = derived(given_, grid, columns=grid.shape[1])
    assert set(whole) == set(derive_gradients.NAMES)
    for first in range(0, grid.shape[0], height):
        rows = slice(first, min(first + height, grid.shape[0]))
        for name, values in derived(given_, grid, rows, width).items():
            np.testing.assert_array_equal(values, whole[name][:, rows], err_msg=name)


def test_the_date_line_is_no_edge() -> None:
    grid = Grid(7.5)
    rng = np.random.default_rng(1)
    given_ = {name: rng.normal(0, 20, (1, *grid.shape)).astype(np.float32) for name in WIND}
    turned = {name: np.roll(values, 17, axis=-1) for name, values in given_.items()}
    whole, again = derived(given_, grid), derived(turned, grid)
    for name in whole:
        np.testing.assert_allclose(again[name][:, 1:-1], np.roll(whole[name], 17, axis=-1)[:, 1:-1], rtol=1e-6)


def test_anything_stays_within_bounds_and_what_is_missing_makes_nothing() -> None:
    grid = Grid(7.5)
    rng = np.random.default_rng(2)
    given_ = {name: rng.choice([-150, 150], (1, *grid.shape)).astype(np.float32) for name in derive_gradients.INPUTS}
    for name, values in derived(given_, Grid(7.5)).items():
        row = parameters.derived()[name]
        assert np.float32(row.minimum) <= values.min() <= values.max() <= np.float32(row.maximum), name
        assert np.isfinite(values).all()
    few = {name: given_[name] for name in WIND[:2]}
    assert list(derived(few, grid)) == derive_gradients.possible(few) == [VORTICITY, DIVERGENCE]
    assert derived({}, grid) == {}


def test_consistency_leaves_what_neighbours_are_told_from_alone() -> None:
    targets = {name for rule in (*consistency.MEETINGS, *consistency.RULES) for name in rule.targets}
    targets |= {name for group in GROUPS for name in group.errors}
    assert not targets & set(derive_gradients.INPUTS)


def test_absolute_vorticity_and_turbulence() -> None:
    spin = FORMULAS["absolute_vorticity_500hpa"].compute(np.float32([1e-5, 1e-5]), np.float32([30, -90]))
    np.testing.assert_allclose(spin, [1e-5 + 7.292115e-5, 1e-5 - 2 * 7.292115e-5], rtol=1e-5)
    arguments = (np.float32([20]), np.float32([4e-5]), np.float32([6e-5]), np.float32([5500]), np.float32([10500]))
    for layer in ("ellrod_index_500_250hpa", "ellrod_index_700_500hpa"):
        assert FORMULAS[layer].compute(*arguments)[0] == pytest.approx(4e-3 * 5e-5, rel=1e-5)
