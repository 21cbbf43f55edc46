"""From what a station says about pressure to the pressure at mean sea level."""

from __future__ import annotations

import math

from pipeline.observations.report import KELVIN

_EXPONENT = 0.190263  # R a / g of the ICAO standard atmosphere
_STANDARD_TEMPERATURE = 288.15  # K
LAPSE_RATE = 0.0065  # K m-1
GRAVITY_OVER_GAS_CONSTANT = 9.80665 / 287.05  # K m-1
HIGHEST_REDUCED_STATION = 750.0  # m; above it the reduction depends more on its assumptions than on the measurement


def station_pressure(altimeter: float, elevation: float) -> float:
    """Pressure in Pa at `elevation` (m) from the altimeter setting QNH in Pa: ICAO standard atmosphere (Doc 7488)."""
    reduced = (altimeter / 100) ** _EXPONENT - 1013.25**_EXPONENT * LAPSE_RATE * elevation / _STANDARD_TEMPERATURE
    return float(100 * reduced ** (1 / _EXPONENT))


def sea_level_pressure(pressure: float, elevation: float, temperature: float, dew_point: float) -> float:
    """Reduce station pressure in Pa to mean sea level; temperatures in K, elevation in m.

    WMO-No. 8, 3.11: mean virtual temperature of a column with the standard lapse rate and a humidity term.
    """
    vapour_pressure = 6.112 * math.exp(17.62 * (dew_point - KELVIN) / (dew_point - KELVIN + 243.12))  # hPa
    column = temperature + LAPSE_RATE * elevation / 2 + 0.12 * vapour_pressure
    return pressure * math.exp(GRAVITY_OVER_GAS_CONSTANT * elevation / column)
