"""The gate of a member passes weather and stops what is none."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.parameters import blended
from pipeline.science.sanity import complaints

PRESSURE = blended()["pressure_at_sea_level"]
LOWEST, HIGHEST, MEAN = np.full(5, 96000.0), np.full(5, 104000.0), np.full(5, 101000.0)


def changed(values: np.ndarray, lead: int, to: float) -> np.ndarray:
    out = values.copy()
    out[lead] = to
    return out


def test_weather_passes() -> None:
    assert complaints(PRESSURE, LOWEST, HIGHEST, MEAN) == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_value_that_is_not_finite_is_enough(value: float) -> None:
    found = complaints(PRESSURE, LOWEST, changed(HIGHEST, 3, value), MEAN)
    assert found == ["pressure_at_sea_level is not finite"]


def test_values_beyond_the_catalogue_are_named() -> None:
    assert "reaches 60000" in complaints(PRESSURE, changed(LOWEST, 4, 60000), HIGHEST, MEAN)[0]


def test_a_mean_may_drift_by_so_much_from_the_start() -> None:
    assert complaints(PRESSURE, LOWEST, HIGHEST, changed(MEAN, 4, 101499)) == []
    assert "drifts by 501" in complaints(PRESSURE, LOWEST, HIGHEST, changed(MEAN, 2, 100499))[0]
