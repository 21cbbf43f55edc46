"""The gate of a member passes weather and stops what is none."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.grid import Grid
from pipeline.parameters import blended
from pipeline.science.sanity import complaints

GRID = Grid(15)
PRESSURE = blended()["pressure_at_sea_level"]


@pytest.fixture
def values() -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((5, *GRID.shape)).astype(np.float32)
    return 101000 + 500 * noise


def test_weather_passes(values: np.ndarray) -> None:
    assert complaints(PRESSURE, values, GRID.cell_area) == []


def test_one_value_that_is_not_finite_is_enough(values: np.ndarray) -> None:
    values[3, 2, 1] = np.nan
    assert complaints(PRESSURE, values, GRID.cell_area) == ["pressure_at_sea_level is not finite"]


def test_values_beyond_the_catalogue_are_named(values: np.ndarray) -> None:
    values[4, 0, 0] = 60000
    assert "reaches 60000" in complaints(PRESSURE, values, GRID.cell_area)[0]


def test_a_drifting_mean_is_measured_by_area(values: np.ndarray) -> None:
    poles = values.copy()
    poles[-1, [0, -1]] += 2500  # one hundredth of the sphere
    assert complaints(PRESSURE, poles, GRID.cell_area) == []
    values[-1] += 600
    assert "drifts by" in complaints(PRESSURE, values, GRID.cell_area)[0]
