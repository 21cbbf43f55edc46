"""Fire weather: spread and danger from the Canadian codes, and the indices of other countries."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.science.derive import thermo
from pipeline.science.derive.fire_codes import KMH, carried, noon_rain
from pipeline.science.derive.thermo import FREEZING, Field

DRIEST = 10.0  # drought factor of McArthur's index, 0 to 10
SNOW_COVER = 0.01  # m from which the ground counts as covered
NESTEROV_RAIN = 3.0  # kg m-2 a day that ends a dry spell


def spread_index(code: Field, wind_speed: Field) -> Field:
    """Initial spread index from the fine fuel moisture code and m s-1. Van Wagner and Pickett (1985), eqs. 24 to 26."""
    held = 147.2 * (101 - code) / (59.5 + code)
    moisture = 91.9 * np.exp(-0.1386 * held) * (1 + np.power(np.maximum(held, 1e-3), np.float32(5.31)) / 4.93e7)
    return 0.208 * np.exp(np.minimum(0.05039 * KMH * wind_speed, 20)) * moisture


def initial_spread_index(
    fine_fuel_moisture_code: Field,
    wind_speed_10m: Field,
    local_noon: Field,
    snow_depth: Field | None = None,
    initial_spread_index_start: Field | None = None,
) -> Field:
    """0 and up, of the last noon, a state; before any noon of the first hour; 0 where snow lies.

    Van Wagner and Pickett (1985), eq. 26; a fire season begins once the snow has gone: Lawson and Armitage (2008).
    """

    def spread(at: Any) -> Field:
        index = spread_index(fine_fuel_moisture_code[at], wind_speed_10m[at])
        return index if snow_depth is None else np.where(snow_depth[at] < SNOW_COVER, index, np.float32(0))

    def step(lead: int, places: NDArray[np.intp], index: Field) -> Field:
        del index  # of the day before
        return spread((lead, places))

    start = initial_spread_index_start
    return carried(spread(0) if start is None else start, local_noon, step)


def build_up_index(duff_moisture_code: Field, drought_code: Field) -> Field:
    """0 and up: fuel that can burn. Van Wagner and Pickett (1985), eq. 27."""
    p, d = np.maximum(duff_moisture_code, 0), 0.4 * np.maximum(drought_code, 0)
    total = np.maximum(p + d, 1e-6)
    low = 2 * p * d / total
    high = p - (1 - 2 * d / total) * (0.92 + np.power(0.0114 * p, np.float32(1.7)))
    return np.maximum(np.where(p <= d, low, high), 0)


def fire_weather_index(initial_spread_index: Field, build_up_index: Field) -> Field:
    """0 and up: intensity of a fire front. Van Wagner and Pickett (1985), eqs. 28 to 30."""
    low = 0.626 * np.power(np.maximum(build_up_index, 0), np.float32(0.809)) + 2
    high = 1000 / (25 + 108.64 * np.exp(-0.023 * build_up_index))
    scale = 0.1 * initial_spread_index * np.where(build_up_index <= 80, low, high)
    grown = np.exp(2.72 * np.power(0.434 * np.log(np.maximum(scale, 1)), np.float32(0.647)))
    return np.where(scale > 1, grown, scale)


def daily_severity_rating(fire_weather_index: Field) -> Field:
    """0 and up: effort of control. Van Wagner and Pickett (1985), eq. 31."""
    return 0.0272 * np.power(fire_weather_index, np.float32(1.77))


def fire_danger_category(fire_weather_index: Field) -> Field:
    """0 very low, 1 low, 2 moderate, 3 high, 4 very high, 5 extreme. European Forest Fire Information System."""
    return thermo.category(fire_weather_index, 5.2, 11.2, 21.3, 38.0, 50.0)


def _haines(lapse: Field, dryness: Field, lapses: tuple[float, float], dry: tuple[float, float]) -> Field:
    return 2 + thermo.category(lapse, *lapses) + thermo.category(dryness, *dry)


def haines_index_low(
    temperature_2m: Field,
    surface_pressure: Field,
    temperature_925hpa: Field,
    temperature_850hpa: Field,
    dew_point_depression_850hpa: Field,
) -> Field:
    """2 to 6, for altitudes below 300 m; 950 hPa linear in the logarithm of pressure from 2 m to 925. Haines (1988)."""
    depth = np.log(np.maximum(surface_pressure, 95000) / 92500)
    at_950 = temperature_925hpa + (temperature_2m - temperature_925hpa) * (math.log(950 / 925) / depth)
    return _haines(at_950 - temperature_850hpa, dew_point_depression_850hpa, (4, 8), (6, 10))


def haines_index_middle(
    temperature_850hpa: Field, temperature_700hpa: Field, dew_point_depression_850hpa: Field
) -> Field:
    """2 to 6, for altitudes of 300 to 900 m. Haines (1988)."""
    return _haines(temperature_850hpa - temperature_700hpa, dew_point_depression_850hpa, (6, 11), (6, 13))


def haines_index_high(
    temperature_700hpa: Field, temperature_500hpa: Field, dew_point_depression_700hpa: Field
) -> Field:
    """2 to 6, for altitudes above 900 m. Haines (1988)."""
    return _haines(temperature_700hpa - temperature_500hpa, dew_point_depression_700hpa, (18, 22), (15, 21))


def haines_index(
    haines_index_low: Field, haines_index_middle: Field, haines_index_high: Field, surface_altitude: Field
) -> Field:
    """2 to 6, growth of plume fires: the variant for altitudes below 305 m, to 914 m, or above. Haines (1988)."""
    near = np.where(surface_altitude < 304.8, haines_index_low, haines_index_middle)
    return np.where(surface_altitude > 914.4, haines_index_high, near)


def continuous_haines_index(
    temperature_850hpa: Field, temperature_700hpa: Field, dew_point_depression_850hpa: Field
) -> Field:
    """1, some 0 to 13, extreme from 10. Mills and McCaw (2010)."""
    dryness = np.minimum(dew_point_depression_850hpa, 30) / 3 - 1
    return (temperature_850hpa - temperature_700hpa) / 2 - 2 + np.where(dryness > 5, 5 + (dryness - 5) / 2, dryness)


def forest_fire_danger_index(temperature_2m: Field, relative_humidity_2m: Field, wind_speed_10m: Field) -> Field:
    """0 and up, severe from 50: McArthur's Mark 5 at the greatest drought factor, 10. Noble et al. (1980)."""
    wind = 0.0234 * KMH * wind_speed_10m
    power = -0.45 + 0.987 * math.log(DRIEST) - 3.45 * relative_humidity_2m + 0.0338 * (temperature_2m - FREEZING)
    return 2 * np.exp(np.minimum(power + wind, 20))


def angstrom_index(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """1, fire likely below 2, unlikely above 4. Chandler et al. (1983)."""
    return 5 * relative_humidity_2m + (27 - (temperature_2m - FREEZING)) / 10


def nesterov_index(
    temperature_2m: Field,
    dew_point_temperature_2m: Field,
    precipitation: Field,
    local_noon: Field,
    precipitation_since_noon: Field,
    nesterov_index_start: Field | None = None,
) -> Field:
    """K2: sum of noon's degC times dew point depression since a day with 3 mm, extreme above 10000: a state.

    Nesterov (1949), at noon in place of 15 h; 0 at first.
    """

    def step(lead: int, places: NDArray[np.intp], index: Field) -> Field:
        celsius = np.maximum(temperature_2m[lead, places] - np.float32(FREEZING), 0)
        dry = noon_rain(precipitation_since_noon, precipitation, lead, places) < NESTEROV_RAIN
        return index * dry + celsius * (temperature_2m[lead, places] - dew_point_temperature_2m[lead, places]) * dry

    return carried(0.0 if nesterov_index_start is None else nesterov_index_start, local_noon, step)


def sharples_fuel_moisture_index(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """1, near the moisture of fine dead fuel in per cent, at least 0.5. Sharples et al. (2009a)."""
    return np.maximum(10 - 0.25 * (temperature_2m - FREEZING - 100 * relative_humidity_2m), 0.5)


def sharples_fire_danger_index(wind_speed_10m: Field, sharples_fuel_moisture_index: Field) -> Field:
    """1: wind in km/h, at least 1, over the fuel moisture index; severe from some 6. Sharples et al. (2009b)."""
    return np.maximum(KMH * wind_speed_10m, 1) / sharples_fuel_moisture_index


def dead_fuel_moisture(vapour_pressure_deficit_2m: Field) -> Field:
    """1: of 10-hour dead fuel, from the vapour pressure deficit. Resco de Dios et al. (2015), eq. 4."""
    return (5.43 + 52.91 * np.exp(-0.64e-3 * vapour_pressure_deficit_2m)) / 100


def ignition_probability(temperature_2m: Field, fine_fuel_moisture: Field) -> Field:
    """1: that a firebrand ignites fine fuel at air temperature. Schroeder (1969), as in BehavePlus."""
    celsius, percent = temperature_2m - FREEZING, 100 * fine_fuel_moisture
    heat = 144.5 - 0.266 * celsius - 0.00058 * celsius**2 - celsius * percent / 100
    heat = heat + 18.54 * (1 - np.exp(-0.151 * percent)) + 6.4 * percent
    excess = np.maximum((400 - heat) / 10, 0)
    return np.clip(0.000048 * np.power(excess, np.float32(4.3)) / 50, 0, 1)


def red_flag_conditions(relative_humidity_2m: Field, wind_speed_10m: Field, temperature_2m: Field) -> Field:
    """1 if humidity is 20 % or less, wind 15 mph or more and it does not freeze, else 0. U.S. NWS 10-401."""
    dry = (relative_humidity_2m <= 0.2) & (wind_speed_10m >= 6.7056)
    return (dry & (temperature_2m > FREEZING)).astype(np.float32)


FORMULAS = (
    initial_spread_index,
    build_up_index,
    fire_weather_index,
    daily_severity_rating,
    fire_danger_category,
    haines_index_low,
    haines_index_middle,
    haines_index_high,
    haines_index,
    continuous_haines_index,
    forest_fire_danger_index,
    angstrom_index,
    nesterov_index,
    sharples_fuel_moisture_index,
    sharples_fire_danger_index,
    dead_fuel_moisture,
    ignition_probability,
    red_flag_conditions,
)
