"""Optimal interpolation against its textbook formula, and the ramp."""

from __future__ import annotations

from dataclasses import replace

import gridpp
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.grid import Grid, unit_vectors
from pipeline.science.ramp import analysis_increment, departures
from pipeline.science.ramp_structure import Stations, Structure, background_error, fit, observation_scale

GRID = Grid(3)
FLAT = np.zeros(GRID.shape)
TEMPERATURE = Structure(1.0, 500e3, 500)


def stations(latitude: list[float], longitude: list[float], error: float = 0.5, elevation: float = 0) -> Stations:
    count = len(latitude)
    return Stations(np.array(latitude), np.array(longitude), np.full(count, float(elevation)), np.zeros(count),
                    np.full(count, error))  # fmt: skip


def distance(latitude: float, longitude: float) -> NDArray[np.float64]:
    """Straight-line distance in m of every cell to a place."""
    here = unit_vectors(np.array([latitude]), np.array([longitude]))[0]
    return np.linalg.norm(unit_vectors(*GRID.places) - here, axis=1).reshape(GRID.shape) * 6.371e6


@pytest.mark.parametrize(("latitude", "longitude"), [(0, 359.9), (0, -179.9), (40, 0.1), (89, 10), (-90, 77)])
def test_one_observation_spreads_as_the_formula_says_everywhere_on_the_sphere(
    latitude: float, longitude: float
) -> None:
    increment = analysis_increment(np.array([2.0]), GRID, stations([latitude], [longitude]), altitude=FLAT,
                                   structure=TEMPERATURE)  # fmt: skip
    expected = 2.0 / (1 + 0.25) * np.exp(-0.5 * (distance(latitude, longitude) / 500e3) ** 2)
    np.testing.assert_allclose(increment, expected, atol=0.004)
    assert np.ptp(increment[0]) < 1e-5  # a pole is one place
    assert np.ptp(increment[-1]) < 1e-5


def test_several_observations_against_the_matrix_form() -> None:
    random = np.random.default_rng(0)
    latitude, longitude = random.uniform(-20, 20, 15), random.uniform(170, 190, 15)
    departure, error, background = random.normal(size=15), 0.7, 1.4
    increment = analysis_increment(departure, GRID, stations(list(latitude), list(longitude), error), altitude=FLAT,
                                   structure=replace(TEMPERATURE, background_error=background))  # fmt: skip
    points = unit_vectors(latitude, longitude) * 6.371e6
    between = np.linalg.norm(points[:, None] - points[None], axis=-1)
    covariance = background**2 * np.exp(-0.5 * (between / 500e3) ** 2) + error**2 * np.eye(15)
    towards = np.stack([distance(*place) for place in zip(latitude, longitude, strict=True)], axis=-1)
    expected = background**2 * np.exp(-0.5 * (towards / 500e3) ** 2) @ np.linalg.solve(covariance, departure)
    np.testing.assert_allclose(increment, expected, atol=0.004)


def test_a_network_over_mountains_as_gridpp_interpolates_it() -> None:
    random = np.random.default_rng(6)
    count = 600
    altitude = np.abs(random.normal(0, 400, GRID.shape))
    there = Stations(np.rad2deg(np.arcsin(random.uniform(-1, 1, count))), random.uniform(-180, 180, count),
                     np.abs(random.normal(0, 400, count)), np.zeros(count), np.full(count, 0.6))  # fmt: skip
    departure = random.normal(size=count)
    ours = analysis_increment(departure, GRID, there, altitude=altitude, structure=TEMPERATURE)
    latitude, longitude = np.meshgrid(GRID.latitude, GRID.longitude, indexing="ij")
    theirs = gridpp.optimal_interpolation(
        gridpp.Grid(latitude, longitude, altitude), np.zeros(GRID.shape),
        gridpp.Points(there.latitude, there.longitude, there.elevation), departure, there.error**2, np.zeros(count),
        gridpp.BarnesStructure(TEMPERATURE.horizontal, TEMPERATURE.vertical), 100,
    )  # fmt: skip
    np.testing.assert_allclose(ours, theirs, atol=0.08)
    assert np.corrcoef(ours.ravel(), np.ravel(theirs))[0, 1] > 0.999


def test_where_the_blend_is_sure_of_itself_an_observation_changes_less() -> None:
    sure = np.broadcast_to(np.where(GRID.latitude > 0, 0.3, 2.0)[:, None], GRID.shape)
    increment = analysis_increment(np.array([1.0, 1.0]), GRID, stations([45, -45], [90, 90]), altitude=FLAT,
                                   structure=TEMPERATURE, background_error=sure)  # fmt: skip
    assert increment[15, 30] == pytest.approx(0.09 / (0.09 + 0.25), abs=0.01)
    assert increment[45, 30] == pytest.approx(4 / (4 + 0.25), abs=0.01)


def test_a_valley_says_little_of_the_mountain_above_it() -> None:
    altitude = np.zeros(GRID.shape)
    altitude[:, 31] = 1500
    increment = analysis_increment(np.array([1.0]), GRID, stations([0], [90]), altitude=altitude,
                                   structure=TEMPERATURE)  # fmt: skip
    assert increment[30, 31] < 0.05 * increment[30, 29]


def test_land_says_little_of_the_sea_before_it() -> None:
    land = np.zeros(GRID.shape)
    land[:, 31:] = 1
    coastal = replace(TEMPERATURE, coast=0.5)
    inland = replace(stations([0], [93]), land=np.array([np.nan]))
    increment = analysis_increment(np.array([1.0]), GRID, inland, altitude=FLAT, structure=coastal, land=land)
    assert increment[30, 30] < 0.2 * increment[30, 32]
    afloat = replace(stations([0], [93]), land=np.array([0.0]))
    increment = analysis_increment(np.array([1.0]), GRID, afloat, altitude=FLAT, structure=coastal, land=land)
    assert increment[30, 32] < 0.2 * increment[30, 30]
    nowhere = analysis_increment(np.array([1.0]), GRID, inland, altitude=FLAT, structure=coastal)
    np.testing.assert_allclose(nowhere[30, 30], nowhere[30, 32], rtol=1e-4)


def test_departures_compare_at_the_stations_height_and_across_the_date_line() -> None:
    altitude = np.full(GRID.shape, 200.0)
    background = np.broadcast_to(GRID.latitude[:, None] + 280, GRID.shape).astype(np.float32)
    there = Stations(np.array([10.0, 10, 10]), np.array([-179.0, 358.5, 0]), np.array([1200.0, 200, np.nan]),
                     np.array([283.5, 290, 290]), np.ones(3))  # fmt: skip
    result = departures(background, GRID, there, altitude=altitude, lapse_rate=-0.0065)
    np.testing.assert_allclose(result, [0, 0, 0], atol=1e-4)


def test_no_value_in_the_blend_no_departure() -> None:
    background = np.full(GRID.shape, np.nan)
    background[:, :60] = 3.0
    result = departures(background, GRID, stations([0, 0, 0], [90, 270, 179]), altitude=FLAT, lapse_rate=0)
    np.testing.assert_array_equal(np.isnan(result), [False, True, True])


def test_without_observations_nothing_changes_and_nan_is_refused() -> None:
    nothing = analysis_increment(np.zeros(0), GRID, stations([], []), altitude=FLAT, structure=TEMPERATURE,
                                 )  # fmt: skip
    assert not nothing.any()
    with pytest.raises(ValueError, match="every departure must be finite"):
        analysis_increment(np.array([np.nan]), GRID, stations([0], [0]), altitude=FLAT, structure=TEMPERATURE,
                           )  # fmt: skip


def test_background_error_is_recovered_in_spite_of_gross_errors() -> None:
    random = np.random.default_rng(3)
    departure = random.normal(0, np.hypot(1.5, 0.7), 2000)
    departure[:40] += 20
    assert background_error(departure, np.full(2000, 0.7), 1.0) == pytest.approx(1.5, rel=0.1)
    assert background_error(departure[:10], np.full(10, 0.7), 1.0) == 1.0
    assert background_error(np.zeros(100), np.full(100, 0.7), 1.0) == 0.25


def test_size_and_reach_of_the_background_error_are_found_and_bounded() -> None:
    random = np.random.default_rng(5)
    count = 1500
    latitude, longitude = random.uniform(30, 60, count), random.uniform(-20, 40, count)
    points = unit_vectors(latitude, longitude) * 6.371e6
    waves = random.normal(size=(3000, 3)) / 350e3
    smooth = np.sqrt(2 / 3000) * np.cos(points @ waves.T + random.uniform(0, 2 * np.pi, 3000)).sum(axis=1)
    there = stations(list(latitude), list(longitude), 0.8)
    prior = Structure(1.0, 250e3)
    found = fit(1.7 * smooth + 0.8 * random.normal(size=count), there, prior)
    assert found.background_error == pytest.approx(1.7, rel=0.15)
    assert found.horizontal == pytest.approx(350e3, rel=0.25)
    departure = 1.7 * smooth + 0.8 * random.normal(size=count)
    for stated, scale in ((0.8, 1.0), (1.1, 0.73), (2.4, 0.5), (0.5, 1.0)):
        assert observation_scale(departure, np.full(count, stated), 1.7) == pytest.approx(scale, rel=0.15)
    assert observation_scale(departure[:99], np.full(99, 1.6), 1.7) == 1
    noise = fit(random.normal(size=count), there, prior)
    assert 0.25 <= noise.background_error < 0.4
    assert 125e3 <= noise.horizontal <= 500e3
    assert fit(np.zeros(10), stations([0] * 10, [0] * 10), prior) == prior
    assert fit(np.zeros(count), there, prior).background_error == 0.25


def test_neighbours_that_err_alike_make_no_more_of_the_blends_error_than_all_departures_have() -> None:
    random, prior = np.random.default_rng(5), Structure(0.6, 250e3)
    latitude, longitude = random.uniform(35, 60, 130), random.uniform(-10, 30, 130)
    latitude[:10], longitude[:10] = 0, np.linspace(100, 104, 10)
    departure = np.where(np.arange(130) < 10, 2.0, 0.1 * random.normal(size=130))
    found = fit(departure, stations(list(latitude), list(longitude), 0.1), prior)
    assert 0.4 < found.background_error <= np.sqrt(np.mean(departure**2)) < 0.6
