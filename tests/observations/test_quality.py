"""Gross errors are caught, good observations are not, and single checks do what they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.grid import unit_vectors
from pipeline.observations.quality import check_departures, check_elevation, check_range
from pipeline.parameters import parameter

Floats = NDArray[np.float64]


def smooth(latitude: Floats, longitude: Floats, length: float, random: np.random.Generator) -> Floats:
    """A field of unit variance with a Gaussian correlation of `length` m, by random Fourier features."""
    points = unit_vectors(latitude, longitude) * 6.371e6
    waves = random.normal(size=(400, 3)) / length
    return np.sqrt(2 / 400) * np.cos(points @ waves.T + random.uniform(0, 2 * np.pi, 400)).sum(axis=1)


def stations(kind: str, count: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    if kind == "spread":
        return np.rad2deg(np.arcsin(random.uniform(-1, 1, count))), random.uniform(-180, 180, count)
    centre = random.integers(0, 40, count)
    latitude = np.rad2deg(np.arcsin(random.uniform(-0.9, 0.9, 40)))[centre] + random.normal(size=count) * 4
    return np.clip(latitude, -90, 90), random.uniform(-180, 180, 40)[centre] + random.normal(size=count) * 5


@pytest.mark.parametrize("kind", ["spread", "clustered"])
@pytest.mark.parametrize(("error", "background"), [(0.5, 1.5), (1, 1), (1, 0.4)])
@pytest.mark.parametrize("length", [150e3, 300e3, 600e3])
def test_gross_errors_are_caught_and_good_observations_kept(
    kind: str, error: float, background: float, length: float
) -> None:
    random = np.random.default_rng(7)
    count = 2000
    latitude, longitude = stations(kind, count, random)
    total = np.hypot(error, background)
    gross = random.random(count) < 0.03
    departure = background * smooth(latitude, longitude, length, random) + error * random.normal(size=count)
    departure += gross * random.choice([-1, 1], count) * random.uniform(5, 15, count) * total
    flags = check_departures(latitude, longitude, departure, observation_error=np.full(count, error),
                             background_error=background, horizontal=200e3)  # fmt: skip
    assert (flags[gross] != "").mean() >= 0.95
    assert (flags[~gross] != "").mean() < 0.01


def test_neighbours_that_agree_against_the_blend_are_believed() -> None:
    random = np.random.default_rng(1)
    latitude, longitude = random.uniform(20, 22, 12), random.uniform(179, 181, 12)
    storm = 9 + 0.3 * random.normal(size=12)
    alone = check_departures(latitude[:1], longitude[:1], storm[:1], observation_error=np.ones(1),
                             background_error=1.0, horizontal=300e3)  # fmt: skip
    together = check_departures(latitude, longitude, storm, observation_error=np.ones(12), background_error=1.8,
                                horizontal=300e3)  # fmt: skip
    assert alone.tolist() == ["background"]
    assert (together == "").all()


def test_one_bad_station_does_not_take_its_neighbours_with_it() -> None:
    latitude, longitude = np.linspace(50, 51, 8), np.linspace(10, 11, 8)
    departure = np.array([0.1, -0.2, 0.3, 7.0, 0.0, -0.1, 0.2, -0.3])
    flags = check_departures(latitude, longitude, departure, observation_error=np.full(8, 0.5), background_error=1.5,
                             horizontal=300e3)  # fmt: skip
    assert np.flatnonzero(flags).tolist() == [3]
    assert flags[3] == "buddy"


def test_stations_at_one_place_and_departures_without_a_value() -> None:
    flags = check_departures(np.zeros(30), np.zeros(30), np.r_[np.zeros(28), np.nan, 40], background_error=1.0,
                             observation_error=np.ones(30), horizontal=1e5)  # fmt: skip
    assert np.flatnonzero(flags).tolist() == [29]
    nothing = np.zeros(0)
    assert len(check_departures(nothing, nothing, nothing, observation_error=nothing, background_error=1.0,
                                horizontal=1e5)) == 0  # fmt: skip


def test_range_and_elevation() -> None:
    row = parameter("temperature_2m")
    assert check_range(row, np.array([100.0, 280, 400, np.nan])).tolist() == ["range", "", "range", "range"]
    limits = check_elevation(np.array([100.0, 2000, np.nan]), np.array([0.0, 200, 0]), 800)
    assert limits.tolist() == ["", "elevation", ""]
