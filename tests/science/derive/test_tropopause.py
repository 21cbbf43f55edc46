"""Tropopause and jet of columns whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.science.derive import tropopause
from pipeline.science.derive.tropopause import ALOFT, JET_LEVELS


def column(top: float, surface: float = 288.15, above: float = 0.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Temperature (K) and height (m) at ALOFT of air that cools by 6.5 K km-1 up to `top` (m), then by `above`."""
    height = np.linspace(0, 30000, 30001)
    cooling = np.where(height < top, 0.0065, above)
    temperature = surface - np.concatenate([[0], np.cumsum(0.5 * (cooling[1:] + cooling[:-1]))])
    pressure = 101325 * np.exp(-np.concatenate([[0], np.cumsum(9.80665 / 287.05 / temperature[:-1])]))
    at = [float(np.interp(-np.log(level * 100.0), -np.log(pressure), height)) for level in ALOFT]
    return ([np.array([np.interp(z, height, temperature)], np.float32) for z in at],
            [np.array([z], np.float32) for z in at])  # fmt: skip


@pytest.mark.parametrize("top", [8000, 10000, 11000, 12500, 15000, 17000])
def test_standard_columns(top: float) -> None:
    warm = 288.15 if top < 15000 else 305.0
    temperature, height = column(top, warm)
    pressure = tropopause.tropopause_air_pressure(*temperature, *height)
    altitude = tropopause.at_tropopause(pressure, *height)
    assert altitude[0] == pytest.approx(top, abs=900)  # levels are 2 km apart there
    coldest = warm - 0.0065 * top
    assert tropopause.at_tropopause(pressure, *temperature)[0] == pytest.approx(coldest, abs=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(190, 270, width=32), min_size=len(ALOFT), max_size=len(ALOFT)))
def test_it_lies_among_the_levels(values: list[float]) -> None:
    _, height = column(11000)
    temperature = [np.array([value], np.float32) for value in values]
    pressure = tropopause.tropopause_air_pressure(*temperature, *height)
    assert 5000 <= pressure[0] <= 60000
    assert min(values) - 0.01 <= tropopause.at_tropopause(pressure, *temperature)[0] <= max(values) + 0.01


def test_an_inversion_on_high_ground_is_no_tropopause() -> None:
    """As over Antarctica in winter: 600 hPa colder than 500, a troposphere above; all through stable, the bottom."""
    temperature, height = column(9000, 265.0)
    plain = tropopause.tropopause_air_pressure(*temperature, *height)
    found = tropopause.tropopause_air_pressure(temperature[1] - np.float32(8), *temperature[1:], *height)
    np.testing.assert_array_equal(found, plain)
    cooling = [np.array([230.0 - 12 * max(k - 1, 0)], np.float32) for k in range(len(ALOFT))]  # under an inversion
    assert 5000 < tropopause.tropopause_air_pressure(*cooling, *height)[0] < 7500
    stable = [np.array([240.0 + k], np.float32) for k in range(len(ALOFT))]
    assert 50000 < tropopause.tropopause_air_pressure(*stable, *height)[0] < 60000


def test_the_jet_is_the_strongest_wind() -> None:
    speeds = [np.array([10.0 + k], np.float32) for k in range(len(JET_LEVELS))]
    speeds[3] = np.array([60.0], np.float32)
    strongest = tropopause.jet_wind_speed(*speeds)
    assert strongest[0] == 60
    assert tropopause.jet_air_pressure(strongest, *speeds)[0] == 100 * JET_LEVELS[3]
