"""Crops, orchards and livestock: heat and chill gathered, water evaporated, disease, spraying, stress.

What is summed over a season is a state: the value at a lead, given as `<name>_start` to a later derivation whose first
hour that is, goes on as if there had been no break; without, the sum begins at 0. A season's first hour sets it to 0.
"""

from __future__ import annotations

import numpy as np

from pipeline.science.derive.land import penman_monteith, penman_terms
from pipeline.science.derive.thermo import FREEZING, Field, category
from pipeline.science.derive.window import past_minimum, past_sum

UTAH = np.array([0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0], np.float32)
GROWING_SEASON = (1, 182)  # days of the year north and south of the equator: 1 January, 1 July
CHILL_SEASON = (274, 91)  # 1 October, 1 April; in leap years a day earlier
SNOW_SEASON = (182, 1)  # 1 July, 1 January


def _begins(latitude: Field, day_of_year: Field, days: tuple[int, int]) -> Field:
    """1 in the hour that ends as the season of the hemisphere begins, 0 UTC, else 0."""
    first = np.where(latitude < 0, days[1], days[0])
    return (np.abs(day_of_year - first) < 1 / 48).astype(np.float32)


def growing_season_begins(latitude: Field, day_of_year: Field) -> Field:
    """1 at 0 UTC of 1 January, south of the equator of 1 July, else 0: how degree days are counted. Convention."""
    return _begins(latitude, day_of_year, GROWING_SEASON)


def chill_season_begins(latitude: Field, day_of_year: Field) -> Field:
    """1 at 0 UTC of 1 October, south of the equator of 1 April, else 0: how chill is counted. Convention."""
    return _begins(latitude, day_of_year, CHILL_SEASON)


def snow_season_begins(latitude: Field, day_of_year: Field) -> Field:
    """1 at 0 UTC of 1 July, south of the equator of 1 January, else 0: how snowfall is counted. Convention."""
    return _begins(latitude, day_of_year, SNOW_SEASON)


def summed(hourly: Field, begins: Field, start: Field | None) -> Field:
    """The state `start` (0 without) of the first hour and every later hour's amount, never negative, on top.

    begins: 1 where a season does, whose sum is 0 then.
    """
    total = np.array(hourly, np.float64)
    total[0] = 0 if start is None else start
    np.cumsum(total, axis=0, out=total)
    if begins.any():
        total -= np.maximum.accumulate(np.where(begins, total, 0), axis=0)
    return total.astype(np.float32)


def _degree_days(temperature: Field, base: float) -> Field:
    return np.maximum(temperature - np.float32(FREEZING + base), 0) / np.float32(24)


def growing_degree_base0(temperature_2m: Field) -> Field:
    """K day gained in the past hour above 0 degC, as of wheat. McMaster and Wilhelm (1997)."""
    return _degree_days(temperature_2m, 0)


def growing_degree_base5(temperature_2m: Field) -> Field:
    """K day gained in the past hour above 5 degC, as of grass and rape. McMaster and Wilhelm (1997)."""
    return _degree_days(temperature_2m, 5)


def growing_degree_sum_base0(
    growing_degree_base0: Field, growing_season_begins: Field, growing_degree_sum_base0_start: Field | None = None
) -> Field:
    """K day above 0 degC since the season began: a state. McMaster and Wilhelm (1997)."""
    return summed(growing_degree_base0, growing_season_begins, growing_degree_sum_base0_start)


def growing_degree_sum_base5(
    growing_degree_base5: Field, growing_season_begins: Field, growing_degree_sum_base5_start: Field | None = None
) -> Field:
    """K day above 5 degC since the season began: a state. McMaster and Wilhelm (1997)."""
    return summed(growing_degree_base5, growing_season_begins, growing_degree_sum_base5_start)


def growing_degree_sum_base10(
    growing_degree: Field, growing_season_begins: Field, growing_degree_sum_base10_start: Field | None = None
) -> Field:
    """K day above 10 degC, at most as at 30, since the season began: a state. McMaster and Wilhelm (1997)."""
    return summed(growing_degree, growing_season_begins, growing_degree_sum_base10_start)


def chill_unit(temperature_2m: Field) -> Field:
    """1: units of the past hour, -1 to 1. Richardson et al. (1974), the Utah model."""
    limits = (FREEZING + limit for limit in (1.5, 2.5, 9.2, 12.5, 16.0, 18.05))
    return UTAH[category(temperature_2m, *limits).astype(np.intp)]


def chill_unit_sum(chill_unit: Field, chill_season_begins: Field, chill_unit_sum_start: Field | None = None) -> Field:
    """1: units since the season began, never below 0: a state. Richardson et al. (1974), the Utah model."""
    total = np.array(chill_unit, np.float32)
    total[0] = 0 if chill_unit_sum_start is None else chill_unit_sum_start
    total[0] *= 1 - chill_season_begins[0]
    for lead in range(1, len(total)):
        total[lead] = np.maximum(total[lead - 1] + total[lead], 0) * (1 - chill_season_begins[lead])
    return total


def chill_hour_sum(chill_hour: Field, chill_season_begins: Field, chill_hour_sum_start: Field | None = None) -> Field:
    """1: hours between 0 and 7.2 degC since the season began: a state. Weinberger (1950)."""
    return summed(chill_hour, chill_season_begins, chill_hour_sum_start)


def fresh_snow_sum(fresh_snow: Field, snow_season_begins: Field, fresh_snow_sum_start: Field | None = None) -> Field:
    """m of snow fallen, without settling, since the season began: a state. WMO-No. 8, chapter 6."""
    return summed(fresh_snow, snow_season_begins, fresh_snow_sum_start)


def corn_heat_unit_24h(temperature_2m_maximum_24h: Field, temperature_2m_minimum_24h: Field) -> Field:
    """1: of the past 24 hours, from their highest and lowest temperature. Brown and Bootsma (1993)."""
    day = np.maximum(temperature_2m_maximum_24h - np.float32(FREEZING + 10), 0)
    night = np.maximum(temperature_2m_minimum_24h - np.float32(FREEZING + 4.4), 0)
    return np.maximum(3.33 * day - 0.084 * day * day + 1.8 * night, 0) / 2


def tall_reference_evapotranspiration(
    temperature_2m: Field,
    vapour_pressure_deficit_2m: Field,
    wind_speed_10m: Field,
    surface_pressure: Field,
    surface_downwelling_shortwave_flux: Field,
    surface_downwelling_longwave_flux: Field,
) -> Field:
    """kg m-2 in the past hour from alfalfa of 0.5 m, never negative. ASCE-EWRI (2005), table 1, hourly.

    Radiation, wind and pressure as in `reference_evapotranspiration`; ground heat 0.04 of net by day, 0.2 by night.
    """
    fluxes = (surface_downwelling_shortwave_flux, surface_downwelling_longwave_flux)
    terms = penman_terms(temperature_2m, surface_pressure, *fluxes, albedo=0.23)
    day = (surface_downwelling_shortwave_flux > 1).astype(np.float32)
    ground, resistance = 0.2 - np.float32(0.16) * day, 1.7 - np.float32(1.45) * day
    return penman_monteith(terms, ground, 66, resistance, temperature_2m, vapour_pressure_deficit_2m, wind_speed_10m)


def open_water_evaporation(
    temperature_2m: Field,
    vapour_pressure_deficit_2m: Field,
    wind_speed_10m: Field,
    surface_pressure: Field,
    surface_downwelling_shortwave_flux: Field,
    surface_downwelling_longwave_flux: Field,
) -> Field:
    """kg m-2 in the past hour from shallow water of albedo 0.08, at least 0. Penman (1948) by Shuttleworth (1993)."""
    fluxes = (surface_downwelling_shortwave_flux, surface_downwelling_longwave_flux)
    slope, psychrometric, net = penman_terms(temperature_2m, surface_pressure, *fluxes, albedo=0.08)
    drying = 6.43 / 24 * (1 + 0.536 * 0.748 * wind_speed_10m) * vapour_pressure_deficit_2m / 1000
    return np.maximum((slope * net + psychrometric * drying) / (2.45 * (slope + psychrometric)), 0)


def leaf_wetness_duration(leaf_wetness: Field, leaf_wetness_duration_start: Field | None = None) -> Field:
    """s that leaves have been wet without a break: a state. Sentelhas et al. (2008)."""
    time = np.array(leaf_wetness, np.float32) * 3600
    if leaf_wetness_duration_start is not None:
        time[0] = leaf_wetness_duration_start
    for lead in range(1, len(time)):
        time[lead] = (time[lead - 1] + 3600) * leaf_wetness[lead]
    return time


def late_blight_risk(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """1 after two days of at least 10 degC, each with six hours of 90 % humidity, else 0, as before 48 hours are known.

    Hutton criteria, Dancey et al. (2017).
    """
    humid = past_sum((relative_humidity_2m >= 0.9).astype(np.float32), 24) >= 6
    both = np.zeros_like(humid)
    both[47:] = humid[47:] & humid[23:-24]
    return (both & (past_minimum(temperature_2m, 48) >= FREEZING + 10)).astype(np.float32)


def spray_window(wet_bulb_depression_2m: Field, wind_speed_10m: Field, precipitation: Field) -> Field:
    """0 do not spray, 1 marginal, 2 good: Delta T of 2 to 8 K (marginal to 10), wind of 3 to 15 km/h (to 20), no rain.

    Australian Grains Research and Development Corporation (2017), Weather essentials for pesticide application.
    """
    dry = precipitation < 0.1
    air, wind = wet_bulb_depression_2m, 3.6 * wind_speed_10m
    good = dry & (air >= 2) & (air <= 8) & (wind >= 3) & (wind <= 15)
    fair = dry & (air >= 1) & (air <= 10) & (wind >= 2) & (wind <= 20)
    return np.float32(1) * good + fair


def temperature_humidity_index(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """1: of cattle, stress from 72. National Research Council (1971)."""
    celsius = temperature_2m - FREEZING
    return 1.8 * celsius + 32 - 0.55 * (1 - relative_humidity_2m) * (1.8 * celsius - 26)


def heat_load_index(relative_humidity_2m: Field, globe_temperature: Field, wind_speed_10m: Field) -> Field:
    """1: of feedlot cattle, hot from 77, very hot from 86. Gaughan et al. (2008); wind at 2 m."""
    celsius, percent, wind = globe_temperature - FREEZING, 100 * relative_humidity_2m, 0.748 * wind_speed_10m
    hot = 8.62 + 0.38 * percent + 1.55 * celsius - 0.5 * wind + np.exp(2.4 - wind)
    return np.where(celsius >= 25, hot, 10.66 + 0.28 * percent + 1.3 * celsius - wind)


def sheep_chill_index(temperature_2m: Field, wind_speed_10m: Field, precipitation_24h: Field) -> Field:
    """kJ m-2 h-1 that sheep lose, alerts above 1000. Nixon-Smith (1972), Donnelly (1984); wind at 0.4 m."""
    wind = np.float32(0.53) * wind_speed_10m
    wet = 418 * (1 - np.exp(-0.04 * precipitation_24h))
    return np.maximum((11.7 + 3.1 * np.sqrt(wind)) * (40 - (temperature_2m - FREEZING)) + 481 + wet, 0)


def frozen_soil(soil_temperature_0_10cm: Field) -> Field:
    """1 if the uppermost 10 cm of soil are below 0 degC, else 0. WMO-No. 8, chapter 2."""
    return (soil_temperature_0_10cm < FREEZING).astype(np.float32)


FORMULAS = (
    growing_season_begins,
    chill_season_begins,
    snow_season_begins,
    growing_degree_base0,
    growing_degree_base5,
    growing_degree_sum_base0,
    growing_degree_sum_base5,
    growing_degree_sum_base10,
    chill_unit,
    chill_unit_sum,
    chill_hour_sum,
    fresh_snow_sum,
    corn_heat_unit_24h,
    tall_reference_evapotranspiration,
    open_water_evaporation,
    leaf_wetness_duration,
    late_blight_risk,
    spray_window,
    temperature_humidity_index,
    heat_load_index,
    sheep_chill_index,
    frozen_soil,
)
