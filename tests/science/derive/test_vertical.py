"""Vertical velocity of all levels: exact columns, a closed form on the sphere, the least change by two other ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid

from pipeline.grid import Grid
from pipeline.science import gradients
from pipeline.science.derive import gradients as derive_gradients
from pipeline.science.derive.catalogue import FORMULAS, derive
from pipeline.science.derive.vertical import KNOWN, LEVELS, pressure_velocity_at_ground
from tests.science.referee import agrees

Array = NDArray[np.float32]
Wide = NDArray[np.float64]
MADE = tuple(level for level in LEVELS if level not in KNOWN)
OMEGA = [f"pressure_velocity_{level}hpa" for level in MADE]


def column(divergence: Wide, known: Wide, pressure: Wide, ground: Wide) -> dict[str, Array]:
    """All levels (place,) from the divergence (level, place) and the known velocities, as `derive` finds them."""
    fields = {f"divergence_{level}hpa": row for level, row in zip(LEVELS, divergence, strict=True)}
    fields |= {f"pressure_velocity_{level}hpa": row for level, row in zip(KNOWN, known, strict=True)}
    fields |= {"surface_pressure": pressure, "pressure_velocity_at_ground": ground}
    given_ = {name: np.asarray(values, np.float32)[None] for name, values in fields.items()}
    found = derive(given_)
    return {name: found[name][0] for name in OMEGA}


def test_air_that_spreads_alike_at_all_levels_sinks_in_proportion_to_the_pressure() -> None:
    pressure = np.array([101300.0, 100000.0, 96000.0])
    spread = np.array([2e-5, -1e-5, 3e-6])
    found = column(
        np.broadcast_to(spread, (13, 3)), np.array(KNOWN)[:, None] * -100 * spread, pressure, -spread * pressure
    )
    for level, name in zip(MADE, OMEGA, strict=True):
        np.testing.assert_allclose(found[name], -spread * np.minimum(100.0 * level, pressure), rtol=1e-4, err_msg=name)


def test_without_divergence_the_known_values_are_joined_by_the_variances() -> None:
    """From 850 (layer 3) over 925 (layer 2) to the ground at 1030 hPa (layer 1); from 500 up with layers 7 to 14."""
    zero = np.zeros((len(LEVELS), 1))
    found = column(zero, np.array([[-1.0], [-0.5], [-0.25]]), np.array([103000.0]), np.array([0.0]))
    parts = np.cumsum([3 * 75, 2 * 75, 1 * 30])
    np.testing.assert_allclose(found["pressure_velocity_925hpa"], -1 + parts[0] / parts[2], rtol=1e-5)
    np.testing.assert_allclose(found["pressure_velocity_1000hpa"], -1 + parts[1] / parts[2], rtol=1e-5)
    np.testing.assert_allclose(found["pressure_velocity_600hpa"], -0.25 - 0.25 * 6 / 11, rtol=1e-5)
    above = np.cumsum([14 * 50, 13 * 50, 12 * 50, 11 * 50, 10 * 50, 9 * 50, 8 * 100, 7 * 100])
    np.testing.assert_allclose(found["pressure_velocity_50hpa"], -0.25 * above[0] / above[-1], rtol=1e-5)
    np.testing.assert_allclose(found["pressure_velocity_400hpa"], -0.25 * above[-2] / above[-1], rtol=1e-5)


def least_change(knots: Wide, divergence: Wide, errors: Wide, ends: tuple[float, float]) -> Wide:
    """Pa s-1 at the knots (Pa): the smallest change of the layers' mean divergence, squares weighted by their mass over
    their error variance, with which the column goes from one end to the other; Lagrange's equations."""
    depth, mean = np.diff(knots), 0.5 * (divergence[1:] + divergence[:-1])
    count = len(depth)
    equations = np.zeros((count + 1, count + 1))
    equations[:count, :count] = np.diag(2 * depth / errors)
    equations[:count, count] = equations[count, :count] = depth
    missing = ends[0] - ends[1] - (mean * depth).sum()
    change = np.linalg.solve(equations, np.append(np.zeros(count), missing))[:count]
    return ends[0] - np.concatenate([[0], np.cumsum((mean + change) * depth)])


def test_it_is_the_least_change_of_the_divergence() -> None:
    rng = np.random.default_rng(3)
    count = 40
    divergence = rng.normal(0, 3e-5, (len(LEVELS), count))
    known, ground = rng.normal(0, 0.5, (len(KNOWN), count)), rng.normal(0, 0.2, count)
    pressure = rng.uniform(100100, 104000, count)
    found = column(divergence, known, pressure, ground)
    expected = {name: np.empty(count) for name in OMEGA}
    at = dict(zip(LEVELS, divergence, strict=True))
    for k in range(count):
        omega = dict(zip(KNOWN, known[:, k], strict=True))
        upper = (0, *LEVELS[::-1][: LEVELS[::-1].index(500) + 1])
        columns = (
            (np.array(upper) * 100.0, [at[max(p, 50)][k] for p in upper], range(14, 6, -1), (0.0, omega[500])),
            (np.array([5e4, 6e4, 7e4]), [at[p][k] for p in (500, 600, 700)], (6, 5), (omega[500], omega[700])),
            (np.array([85000, 92500, 1e5, pressure[k]]), [at[p][k] for p in (850, 925, 1000, 1000)], (3, 2, 1),
             (omega[850], ground[k])),
        )  # fmt: skip
        for knots, spread, errors, ends in columns:
            values = least_change(knots, np.array(spread), np.array(list(errors), float), ends)
            for knot, value in zip(knots, values, strict=True):
                if (name := f"pressure_velocity_{round(knot / 100)}hpa") in expected and knot % 2500 == 0:
                    expected[name][k] = value
    for name in OMEGA:
        agrees(name, found[name], expected[name], by="NumPy, constrained least squares", atol=2e-5)


def test_a_column_that_closes_is_the_plain_integral() -> None:
    """Where SciPy's own integral meets the known values, nothing is left to spread."""
    rng = np.random.default_rng(4)
    divergence = rng.normal(0, 3e-5, (len(LEVELS), 30))
    knots = 100.0 * np.array([0, *LEVELS[::-1], 1020])
    profile = np.concatenate([divergence[-1:], divergence[::-1], divergence[:1]])
    omega = -cumulative_trapezoid(profile, knots, axis=0, initial=0)
    at = dict(zip(knots / 100, omega, strict=True))
    found = column(divergence, np.array([at[level] for level in KNOWN]), np.full(30, 102000.0), at[1020])
    for level, name in zip(MADE, OMEGA, strict=True):
        agrees(name, found[name], at[level], by="SciPy, cumulative_trapezoid", atol=2e-5)


def test_a_wind_of_a_known_potential_on_the_sphere() -> None:
    """The gradient of a harmonic of degree 2 times cos(pi p / p0): divergence -6/a squared of it, and its integral."""
    grid, base = Grid(2.5), 1e5
    phi, lam = np.deg2rad(grid.latitude)[:, None], np.deg2rad(grid.longitude)[None]
    harmonic, scale = np.cos(phi) ** 2 * np.cos(2 * lam), 2e7
    east, north = -2 * np.cos(phi) * np.sin(2 * lam), -2 * np.cos(phi) * np.sin(phi) * np.cos(2 * lam)

    def omega(pressure: float) -> Wide:
        integral = base / np.pi * np.sin(np.pi * pressure / base)
        return np.asarray(6 * scale / gradients.EARTH_RADIUS**2 * harmonic * integral)

    fields = {}
    for level in LEVELS:
        size = scale / gradients.EARTH_RADIUS * np.cos(np.pi * level * 100 / base)
        fields |= {f"eastward_wind_{level}hpa": size * east, f"northward_wind_{level}hpa": size * north}
    winds = {name: values[None].astype(np.float32) for name, values in fields.items()}
    beyond = {name: np.zeros((1, 2, grid.shape[1]), np.float32) for name in winds}
    made = derive_gradients.derive(winds, beyond, grid.latitude, grid.resolution, slice(0, grid.shape[1]))
    spread = np.stack([made[f"divergence_{level}hpa"][0].ravel() for level in LEVELS])
    known = np.stack([omega(100.0 * level).ravel() for level in KNOWN])
    found = column(spread, known, np.full(known.shape[1], base), np.zeros(known.shape[1]))
    largest = np.abs(known).max()
    for level, name in zip(MADE, OMEGA, strict=True):
        np.testing.assert_allclose(found[name], omega(100.0 * level).ravel(), atol=0.02 * largest, err_msg=name)


def test_below_the_ground_air_moves_as_on_the_ground() -> None:
    zero, one = np.zeros((len(LEVELS), 4)), np.ones(4)
    found = column(zero, -one * np.ones((3, 1)), np.array([100000.0, 92500, 85000, 60000]), 0.3 * one)
    np.testing.assert_allclose(found["pressure_velocity_1000hpa"], 0.3, rtol=1e-6)
    np.testing.assert_allclose(found["pressure_velocity_925hpa"][1:], 0.3, rtol=1e-6)
    assert found["pressure_velocity_925hpa"][0] == pytest.approx(-1 + 1.3 * 3 / 5, rel=1e-5)


def test_wind_up_a_slope_rises() -> None:
    """10 m/s up 1 in 100 is 0.1 m/s: 1.2 kg m-3 times gravity times that, upwards."""
    ten, still, air = np.float32([10]), np.float32([0]), np.float32([1.2])
    slope = np.float32([0.01])
    assert pressure_velocity_at_ground(ten, still, air, slope, slope)[0] == pytest.approx(-1.1768, rel=1e-4)
    assert pressure_velocity_at_ground(still, ten, air, 0 * slope, -slope)[0] == pytest.approx(1.1768, rel=1e-4)
    assert pressure_velocity_at_ground(ten, ten, air)[0] == 0


SOME = st.floats(-1e-4, 1e-4)


@settings(max_examples=40, deadline=None)
@given(st.lists(SOME, min_size=13, max_size=13), st.floats(-2, 2), st.floats(50100, 108000))
def test_a_level_near_the_ground_moves_as_it(spread: list[float], ground: float, base: float) -> None:
    column_of = np.array(spread)[:, None]
    for level in (925, 1000):
        near = column(column_of, np.zeros((3, 1)), np.array([100.0 * level + 1]), np.array([ground]))
        assert near[f"pressure_velocity_{level}hpa"][0] == pytest.approx(ground, abs=1e-3)
    values = column(column_of, np.zeros((3, 1)), np.array([base]), np.array([ground]))
    assert all(np.isfinite(value).all() for value in values.values())


def test_every_level_has_one_formula() -> None:
    assert len(LEVELS) == 13
    assert set(OMEGA) <= set(FORMULAS)
