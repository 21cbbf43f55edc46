"""Windows over the past against pandas, and what their values mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.science.derive import past as derive_past
from pipeline.science.derive import window as derive_window
from pipeline.science.derive.catalogue import derive

Array = NDArray[np.float32]


def array(*values: float) -> Array:
    return np.array(values, np.float32)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 80), st.integers(1, 50), st.integers(0, 1000))
def test_pandas_agrees_on_every_window(leads: int, hours: int, seed: int) -> None:
    values = np.random.default_rng(seed).gamma(1, 3, (leads, 5)).astype(np.float32)
    rolling = pd.DataFrame(values.astype(np.float64)).rolling(hours, min_periods=1)
    np.testing.assert_allclose(derive_window.past_sum(values, hours), rolling.sum(), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(derive_window.past_mean(values, hours), rolling.mean(), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(derive_window.past_maximum(values, hours), rolling.max().astype(np.float32))
    np.testing.assert_array_equal(derive_window.past_minimum(values, hours), rolling.min().astype(np.float32))
    change = derive_window.past_change(values, hours)
    np.testing.assert_allclose(change[hours:], values[hours:] - values[:-hours], rtol=1e-5)


def test_windows_are_of_the_names_hours() -> None:
    rng = np.random.default_rng(2)
    temperature = (280 + rng.normal(0, 5, (60, 8))).astype(np.float32)
    rain = np.maximum(rng.normal(-1, 1, (60, 8)), 0).astype(np.float32)
    fields = {
        "temperature_2m": temperature,
        "temperature_2m_maximum": temperature + 1,
        "temperature_2m_minimum": temperature - 1,
        "wind_speed_10m": np.abs(temperature - 280),
        "wind_gust": np.abs(temperature - 280) * 2,
        "precipitation": rain,
        "snowfall": rain / 2,
        "pressure_at_sea_level": 100000 + 100 * (temperature - 280),
        "surface_downwelling_shortwave_flux": np.abs(temperature - 280) * 50,
        "significant_wave_height": np.abs(temperature - 280) / 5,
    }
    found = derive(fields)
    frame = {name: pd.DataFrame(values.astype(np.float64)) for name, values in (fields | found).items()}
    checks = (
        ("temperature_2m_maximum_6h", frame["temperature_2m_maximum"].rolling(6, 1).max()),
        ("temperature_2m_maximum_24h", frame["temperature_2m_maximum"].rolling(24, 1).max()),
        ("temperature_2m_minimum_6h", frame["temperature_2m_minimum"].rolling(6, 1).min()),
        ("temperature_2m_minimum_24h", frame["temperature_2m_minimum"].rolling(24, 1).min()),
        ("temperature_2m_mean_24h", frame["temperature_2m"].rolling(24, 1).mean()),
        ("temperature_2m_change_24h", frame["temperature_2m"].diff(24).fillna(0)),
        ("wind_speed_10m_maximum_24h", frame["wind_speed_10m"].rolling(24, 1).max()),
        ("wind_gust_maximum_6h", frame["wind_gust"].rolling(6, 1).max()),
        ("wind_gust_maximum_24h", frame["wind_gust"].rolling(24, 1).max()),
        ("wind_run_24h", frame["wind_speed_10m"].rolling(24, 1).sum() * 3600),
        ("precipitation_12h", frame["precipitation"].rolling(12, 1).sum()),
        ("precipitation_maximum_24h", frame["precipitation"].rolling(24, 1).max()),
        ("precipitation_duration_24h", (frame["precipitation"] >= 0.1).rolling(24, 1).sum() * 3600),
        ("rainfall_24h", frame["rainfall"].rolling(24, 1).sum()),
        ("solar_energy_24h", frame["surface_downwelling_shortwave_flux"].rolling(24, 1).sum() * 3600),
        ("heating_degree_24h", frame["heating_degree"].rolling(24, 1).sum()),
        ("cooling_degree_24h", frame["cooling_degree"].rolling(24, 1).sum()),
        ("significant_wave_height_maximum_24h", frame["significant_wave_height"].rolling(24, 1).max()),
    )
    for name, expected in checks:
        np.testing.assert_allclose(found[name], expected, rtol=2e-5, atol=2e-4, err_msg=name)
    for hours in (1, 6, 24):
        expected = frame["pressure_at_sea_level"].diff(hours)[hours:]
        np.testing.assert_allclose(found[f"pressure_tendency_{hours}h"][hours:], expected, atol=0.05)
    spread = found["temperature_2m_range_24h"]
    np.testing.assert_allclose(
        spread, found["temperature_2m_maximum_24h"] - found["temperature_2m_minimum_24h"], atol=1e-4
    )


def test_the_other_windows_take_their_own_parameter() -> None:
    values = np.random.default_rng(4).gamma(2, 1, (30, 6)).astype(np.float32)
    frame = pd.DataFrame(values.astype(np.float64))
    sums = {
        derive_past.fresh_snow_6h: 6, derive_past.fresh_snow_12h: 12, derive_past.ice_accretion_24h: 24,
        derive_past.sunshine_duration_24h: 24, derive_past.reference_evapotranspiration_24h: 24,
    }  # fmt: skip
    for formula, hours in sums.items():
        np.testing.assert_allclose(formula(values), frame.rolling(hours, 1).sum(), rtol=1e-5)
    most = (
        derive_past.relative_humidity_2m_maximum_24h, derive_past.wet_bulb_temperature_2m_maximum_24h,
        derive_past.heat_index_maximum_24h,
    )  # fmt: skip
    for formula in most:
        np.testing.assert_array_equal(formula(values), frame.rolling(24, 1).max().astype(np.float32))
    for formula in (derive_past.relative_humidity_2m_minimum_24h, derive_past.wind_chill_minimum_24h):
        np.testing.assert_array_equal(formula(values), frame.rolling(24, 1).min().astype(np.float32))
    assert derive_past.climatic_water_balance_24h(array(12), array(4))[0] == 8


@pytest.mark.parametrize(
    ("course", "code"),
    [
        ((0, 100, 100, 0), 0), ((0, 60, 60, 60), 1), ((0, 30, 60, 100), 2), ((60, 0, 0, 100), 3), ((0, 0, 0, 0), 4),
        ((100, 0, 0, 60), 5), ((100, 0, 0, 0), 6), ((100, 60, 30, 0), 7), ((60, 100, 100, 0), 8),
    ],
)  # fmt: skip
def test_the_course_of_pressure_by_the_wmo_table(course: tuple[float, ...], code: int) -> None:
    pressure = (100000 + np.array(course, np.float32))[:, None]
    assert derive_past.pressure_tendency_characteristic(pressure)[-1, 0] == code
