"""Derived parameters of whole columns of weather against independent codes, as many at once as each code knows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.science.derive.catalogue import derive
from tests.science.plausible import plausible
from tests.science.referee import agrees, xclim

Array = NDArray[np.float32]
PLACES = 12
METPY = {
    "wind_from_direction_.*": {"atol": 1e-3},
    "wind_speed_.*": {"atol": 1e-4},
    "dew_point_temperature_.*": {"rtol": 0.008},  # Bolton (1980) against Ambaum (2020): apart below -80 degC
    "vapour_pressure_.*": {"rtol": 2e-3},
    "specific_humidity_.*|humidity_mixing_ratio_.*|absolute_humidity_2m": {"rtol": 2e-3},
    "potential_temperature_.*": {"rtol": 1e-4},
    "equivalent_potential_temperature_.*": {"rtol": 3e-4},
    "wet_bulb_temperature_.*": {"atol": 0.7},  # psychrometric against adiabatic
    "relative_humidity_over_ice_.*": {"rtol": 0.03},  # Murphy and Koop (2005) against Ambaum (2020)
    "k_index|total_totals_index|sweat_index": {"atol": 0.02},
    "showalter_index": {"atol": 0.3},  # a lifted parcel against one of the same equivalent potential temperature
    "bradbury_index": {"atol": 0.05},
    "heat_index": {"atol": 1.3},  # below 40 degF the temperature itself, as the NWS has it
}
"""Tolerances by parameter."""


@pytest.fixture(scope="module")
def weather() -> dict[str, Array]:
    """What is blended and what we derive of it, (lead, place) hour by hour."""
    fields = plausible(17, PLACES)
    return fields | derive(fields)


def test_metpy_agrees_across_the_catalogue(weather: dict[str, Array], tmp_path: Path) -> None:
    pytest.importorskip("importlib.metadata").version("MetPy")
    whole = {name: values for name, values in weather.items() if values.shape == weather["temperature_2m"].shape}
    np.savez(tmp_path / "in.npz", **whole)
    script = Path(__file__).with_name("metpy_referee_catalogue.py")
    subprocess.run([sys.executable, script, tmp_path / "in.npz", tmp_path / "out.npz"], check=True)
    theirs = dict(np.load(tmp_path / "out.npz"))
    judged = [name for name in theirs if name in parameters.derived()]
    assert len(judged) > 90
    for name in judged:
        tolerance = next(found for pattern, found in METPY.items() if re.fullmatch(pattern, name))
        ours = weather[name].ravel()[: theirs[name].size].reshape(theirs[name].shape)
        agrees(name, ours, theirs[name], by="MetPy", **tolerance)


def _rolled(name: str, hours: int, how: str, weather: dict[str, Array]) -> NDArray[np.float64]:
    """By pandas: of the past hours, at shorter leads of those there are."""
    frame = pd.DataFrame(weather[name].astype(np.float64))
    return np.asarray(frame.rolling(hours, min_periods=1).agg(how))


WINDOWS = {
    "temperature_2m_maximum_6h": ("temperature_2m_maximum", 6, "max"),
    "temperature_2m_maximum_24h": ("temperature_2m_maximum", 24, "max"),
    "temperature_2m_minimum_6h": ("temperature_2m_minimum", 6, "min"),
    "temperature_2m_minimum_24h": ("temperature_2m_minimum", 24, "min"),
    "temperature_2m_mean_24h": ("temperature_2m", 24, "mean"),
    "wind_speed_10m_maximum_24h": ("wind_speed_10m", 24, "max"),
    "wind_gust_maximum_6h": ("wind_gust", 6, "max"),
    "wind_gust_maximum_24h": ("wind_gust", 24, "max"),
    "precipitation_3h": ("precipitation", 3, "sum"),
    "precipitation_6h": ("precipitation", 6, "sum"),
    "precipitation_12h": ("precipitation", 12, "sum"),
    "precipitation_24h": ("precipitation", 24, "sum"),
    "precipitation_maximum_24h": ("precipitation", 24, "max"),
    "rainfall_24h": ("rainfall", 24, "sum"),
    "snowfall_24h": ("snowfall", 24, "sum"),
    "fresh_snow_6h": ("fresh_snow", 6, "sum"),
    "fresh_snow_12h": ("fresh_snow", 12, "sum"),
    "fresh_snow_24h": ("fresh_snow", 24, "sum"),
    "ice_accretion_24h": ("ice_accretion", 24, "sum"),
    "sunshine_duration_24h": ("sunshine_duration", 24, "sum"),
    "reference_evapotranspiration_24h": ("reference_evapotranspiration", 24, "sum"),
    "heating_degree_24h": ("heating_degree", 24, "sum"),
    "cooling_degree_24h": ("cooling_degree", 24, "sum"),
    "significant_wave_height_maximum_24h": ("significant_wave_height", 24, "max"),
    "relative_humidity_2m_minimum_24h": ("relative_humidity_2m", 24, "min"),
    "relative_humidity_2m_maximum_24h": ("relative_humidity_2m", 24, "max"),
    "wet_bulb_temperature_2m_maximum_24h": ("wet_bulb_temperature_2m", 24, "max"),
    "heat_index_maximum_24h": ("heat_index", 24, "max"),
    "wind_chill_minimum_24h": ("wind_chill", 24, "min"),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_pandas_agrees_on_past_hours(weather: dict[str, Array], name: str) -> None:
    agrees(name, weather[name], _rolled(*WINDOWS[name], weather), by="pandas, rolling", rtol=1e-5, atol=1e-4)


def test_thermofeel_agrees_on_what_is_felt(weather: dict[str, Array]) -> None:
    thermofeel = pytest.importorskip("thermofeel")
    names = ("temperature_2m", "dew_point_temperature_2m", "relative_humidity_2m", "wind_speed_10m")
    t, td, humidity, wind = (weather[name].astype(np.float64) for name in names)
    humidex = np.maximum(thermofeel.calculate_humidex(t, td), t)  # of Environment Canada never below the temperature
    agrees("humidex", weather["humidex"], humidex, by="thermofeel", atol=0.6)  # Clausius-Clapeyron with constant heat
    felt = thermofeel.calculate_apparent_temperature(t, wind, 100 * humidity)
    agrees("apparent_temperature", weather["apparent_temperature"], felt, by="thermofeel", atol=0.05)
    discomfort = thermofeel.calculate_discomfort_index(t, 100 * humidity)
    agrees("discomfort_index", weather["discomfort_index"], discomfort, by="thermofeel", atol=1e-3)


def _labelled(values: Array, units: str) -> xr.DataArray:
    return xr.DataArray(values.astype(np.float64), dims=("time", "place"), attrs={"units": units})


def test_xclim_agrees_on_fire_crops_and_wind(weather: dict[str, Array]) -> None:
    indices = xclim("xclim.indices")
    t, humidity = _labelled(weather["temperature_2m"], "K"), _labelled(100 * weather["relative_humidity_2m"], "%")
    danger = indices.mcarthur_forest_fire_danger_index(
        xr.full_like(t, 10).assign_attrs(units="1"), t, humidity, _labelled(weather["wind_speed_10m"], "m s-1")
    )
    agrees("forest_fire_danger_index", weather["forest_fire_danger_index"], danger, by="xclim", rtol=1e-4, atol=1e-4)
    low, high = (_labelled(weather[f"temperature_2m_{end}imum_24h"], "K") for end in ("min", "max"))
    corn = np.maximum(indices.corn_heat_units(low, high, thresh_tasmin="4.4 degC"), 0)  # no warm day counts against it
    agrees("corn_heat_unit_24h", weather["corn_heat_unit_24h"], corn, by="xclim", atol=1e-3)
    speed, power = _labelled(weather["wind_speed_100m"], "m s-1"), weather["wind_profile_exponent"].astype(np.float64)
    for height in (80, 120, 160, 200):
        profile = indices.wind_profile(speed, f"{height} m", "100 m", alpha=power)
        agrees(f"wind_speed_{height}m", weather[f"wind_speed_{height}m"], profile, by="xclim", rtol=1e-3)


def test_pvlib_agrees_on_a_level_panel(weather: dict[str, Array]) -> None:
    pvlib = pytest.importorskip("pvlib")
    flux = weather["surface_downwelling_shortwave_flux"].astype(np.float64)
    cell = pvlib.temperature.ross(flux, weather["temperature_2m"] - 273.15, k=0.03)
    ratio = pvlib.pvsystem.pvwatts_dc(flux, cell, pdc0=1, gamma_pdc=-0.004)
    agrees("photovoltaic_power_ratio", weather["photovoltaic_power_ratio"], ratio, by="pvlib", atol=1e-5)
    outside = weather["toa_incoming_shortwave_flux"].astype(np.float64)
    day = outside > 10
    clear = pvlib.irradiance.clearness_index(flux[day], np.zeros(day.sum()), outside[day], max_clearness_index=1)
    agrees("clearness_index", weather["clearness_index"][day], clear, by="pvlib", atol=1e-5)
