"""What weather feels like: heat, cold and humidity to people."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.science.derive.math import elementwise, f4, kernel
from pipeline.science.derive.thermo import FREEZING, Field
from pipeline.science.registers import full_width

MPS_TO_KMH = 3.6


@kernel
def felt_heat(temperature: Any, humidity: Any, out: Any) -> None:
    """K: Rothfusz' regression in degF and percent with both adjustments, Steadman's formula below 80 degF."""
    full_width()
    for i in range(len(out)):
        f = (temperature[i] - f4(273.15)) * f4(1.8) + f4(32.0)
        h = min(max(humidity[i], f4(0.0)), f4(1.0)) * f4(100.0)
        simple = f4(0.5) * (f + f4(61.0) + (f - f4(68.0)) * f4(1.2) + h * f4(0.094))
        t = min(max(f, f4(75.0)), f4(150.0))
        full = f4(-42.379) + f4(2.04901523) * t + f4(10.14333127) * h - f4(0.22475541) * t * h
        full += f4(-6.83783e-3) * t * t - f4(5.481717e-2) * h * h
        full += t * h * (f4(1.22874e-3) * t + f4(8.5282e-4) * h - f4(1.99e-6) * t * h)
        dry = (f4(13.0) - h) * f4(0.25) * (max(f4(17.0) - abs(t - f4(95.0)), f4(0.0)) / f4(17.0)) ** f4(0.5)
        full -= dry if (h < f4(13.0)) & (t >= f4(80.0)) & (t <= f4(112.0)) else f4(0.0)
        damp = (h - f4(85.0)) * f4(0.1) * (f4(87.0) - t) * f4(0.2)
        full += damp if (h > f4(85.0)) & (t >= f4(80.0)) & (t <= f4(87.0)) else f4(0.0)
        felt = full if simple + f >= f4(160.0) else simple
        out[i] = (f if f < f4(40.0) else felt) / f4(1.8) + f4(273.15 - 32 / 1.8)


def heat_index(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """K: the U.S. National Weather Service's full algorithm (Rothfusz 1990, SR 90-23, with both adjustments).

    Steadman's simple formula below 80 degF, the temperature itself below 40 degF.
    """
    return elementwise(felt_heat, temperature_2m, relative_humidity_2m)


def humidex(temperature_2m: Field, vapour_pressure_2m: Field) -> Field:
    """K: Masterton and Richardson (1979), never below the temperature, as Environment Canada reports it."""
    return temperature_2m + np.maximum(5 / 9 * (vapour_pressure_2m / 100 - 10), 0)


def wind_chill(temperature_2m: Field, wind_speed_10m: Field) -> Field:
    """K: Osczevski and Bluestein (2005), up to 10 degC and above 4.8 km/h; elsewhere the temperature."""
    celsius, power = temperature_2m - FREEZING, np.maximum(wind_speed_10m * MPS_TO_KMH, 4.8) ** np.float32(0.16)
    chill = 13.12 + 0.6215 * celsius - 11.37 * power + 0.3965 * celsius * power
    valid = (celsius <= 10) & (wind_speed_10m * MPS_TO_KMH > 4.8)
    return np.where(valid, np.minimum(chill, celsius), celsius) + FREEZING


def apparent_temperature(temperature_2m: Field, vapour_pressure_2m: Field, wind_speed_10m: Field) -> Field:
    """K: Steadman (1994) in the shade, as the Bureau of Meteorology uses it."""
    return temperature_2m + 0.33e-2 * vapour_pressure_2m - 0.70 * wind_speed_10m - 4.00


def feels_like_temperature(temperature_2m: Field, heat_index: Field, wind_chill: Field) -> Field:
    """K: wind chill up to 10 degC, heat index from 80 degF, the temperature between (U.S. NWS practice)."""
    felt = np.where(temperature_2m >= FREEZING + 26.67, heat_index, temperature_2m)
    return np.where(temperature_2m <= FREEZING + 10, wind_chill, felt)


def wet_bulb_globe_temperature(
    temperature_2m: Field,
    relative_humidity_2m: Field,
    wind_speed_10m: Field,
    surface_downwelling_shortwave_flux: Field,
) -> Field:
    """K, outdoors: regression of Ono and Tonouchi (2014), used by Japan's Ministry of the Environment.

    Made for summer (above some 20 degC); elsewhere an index without that meaning, never above the air in the cold.
    """
    celsius, percent = temperature_2m - FREEZING, relative_humidity_2m * 100
    kilowatt = surface_downwelling_shortwave_flux / 1000
    index = 0.735 * celsius + 0.0374 * percent + 0.00292 * celsius * percent
    index = index + 7.619 * kilowatt - 4.557 * kilowatt**2 - 0.0572 * wind_speed_10m - 4.064
    return np.where(celsius < 10, np.minimum(index, celsius), index) + FREEZING


def discomfort_index(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """K: Thom (1959) in the Celsius form of Giles et al. (1990)."""
    celsius = temperature_2m - FREEZING
    return temperature_2m - 0.55 * (1 - relative_humidity_2m) * (celsius - 14.5)


FORMULAS = (
    heat_index,
    humidex,
    wind_chill,
    apparent_temperature,
    feels_like_temperature,
    wet_bulb_globe_temperature,
    discomfort_index,
)
