"""The past hours: extremes, means, sums and changes up to each lead, at shorter leads over the hours there are."""

from __future__ import annotations

import numpy as np

from pipeline.science.derive.thermo import Field, category
from pipeline.science.derive.window import past_change, past_maximum, past_mean, past_minimum, past_sum

WET = 0.1  # kg m-2 in an hour: the least that is reported as precipitation
HOUR = 3600.0  # s


def temperature_2m_maximum_6h(temperature_2m_maximum: Field) -> Field:
    """K: highest in the past 6 hours. WMO-No. 306, FM 12, group 1sTTT."""
    return past_maximum(temperature_2m_maximum, 6)


def temperature_2m_maximum_24h(temperature_2m_maximum: Field) -> Field:
    """K: highest in the past 24 hours. WMO-No. 306, FM 12, group 1sTTT."""
    return past_maximum(temperature_2m_maximum, 24)


def temperature_2m_minimum_6h(temperature_2m_minimum: Field) -> Field:
    """K: lowest in the past 6 hours. WMO-No. 306, FM 12, group 2sTTT."""
    return past_minimum(temperature_2m_minimum, 6)


def temperature_2m_minimum_24h(temperature_2m_minimum: Field) -> Field:
    """K: lowest in the past 24 hours. WMO-No. 306, FM 12, group 2sTTT."""
    return past_minimum(temperature_2m_minimum, 24)


def temperature_2m_mean_24h(temperature_2m: Field) -> Field:
    """K: mean of the past 24 hours."""
    return past_mean(temperature_2m, 24)


def temperature_2m_range_24h(temperature_2m_maximum_24h: Field, temperature_2m_minimum_24h: Field) -> Field:
    """K: highest less lowest of the past 24 hours."""
    return temperature_2m_maximum_24h - temperature_2m_minimum_24h


def temperature_2m_change_24h(temperature_2m: Field) -> Field:
    """K in the past 24 hours; 0 at shorter leads, where a part of the daily course would be taken for a change."""
    change = np.zeros_like(temperature_2m)
    change[24:] = temperature_2m[24:] - temperature_2m[:-24]
    return change


def relative_humidity_2m_minimum_24h(relative_humidity_2m: Field) -> Field:
    """1: lowest in the past 24 hours."""
    return past_minimum(relative_humidity_2m, 24)


def relative_humidity_2m_maximum_24h(relative_humidity_2m: Field) -> Field:
    """1: highest in the past 24 hours."""
    return past_maximum(relative_humidity_2m, 24)


def wet_bulb_temperature_2m_maximum_24h(wet_bulb_temperature_2m: Field) -> Field:
    """K: highest in the past 24 hours."""
    return past_maximum(wet_bulb_temperature_2m, 24)


def heat_index_maximum_24h(heat_index: Field) -> Field:
    """K: highest in the past 24 hours, which heat warnings go by. U.S. NWS directive 10-515."""
    return past_maximum(heat_index, 24)


def wind_chill_minimum_24h(wind_chill: Field) -> Field:
    """K: lowest in the past 24 hours, which cold warnings go by. U.S. NWS directive 10-515."""
    return past_minimum(wind_chill, 24)


def wind_speed_10m_maximum_24h(wind_speed_10m: Field) -> Field:
    """m s-1: highest hourly value of the past 24 hours."""
    return past_maximum(wind_speed_10m, 24)


def wind_gust_maximum_6h(wind_gust: Field) -> Field:
    """m s-1: strongest in the past 6 hours. WMO-No. 306, FM 12, group 911ff."""
    return past_maximum(wind_gust, 6)


def wind_gust_maximum_24h(wind_gust: Field) -> Field:
    """m s-1: strongest in the past 24 hours."""
    return past_maximum(wind_gust, 24)


def wind_run_24h(wind_speed_10m: Field) -> Field:
    """m: way of the air at 10 m in the past 24 hours. WMO-No. 8, chapter 5."""
    return past_sum(wind_speed_10m, 24) * np.float32(HOUR)


def pressure_tendency_1h(pressure_at_sea_level: Field) -> Field:
    """Pa in the past hour. WMO-No. 8."""
    return past_change(pressure_at_sea_level, 1)


def pressure_tendency_3h(pressure_at_sea_level: Field) -> Field:
    """Pa in the past 3 hours; in the first hours the change since the start, scaled to 3 hours. WMO-No. 8."""
    return past_change(pressure_at_sea_level, 3)


def pressure_tendency_6h(pressure_at_sea_level: Field) -> Field:
    """Pa in the past 6 hours; in the first hours the change since the start, scaled to 6 hours. WMO-No. 8."""
    return past_change(pressure_at_sea_level, 6)


def pressure_tendency_24h(pressure_at_sea_level: Field) -> Field:
    """Pa in the past 24 hours; in the first hours the change since the start, scaled. WMO-No. 306, group 58/59ppp."""
    return past_change(pressure_at_sea_level, 24)


def pressure_tendency_characteristic(pressure_at_sea_level: Field) -> Field:
    """WMO code table 0200 of the past 3 hours: 0 rose then fell, 1 rose then steady, 2 rose, 3 fell or steady
    then rose and is higher, 4 steady, 5 fell then rose, 6 fell then steady, 7 fell, 8 steady or rose then fell.

    Steady is less than 10 Pa; the halves are compared at an hour and a half before.
    """
    leads = len(pressure_at_sea_level)
    now = np.arange(leads)
    late, early = np.maximum(now - 1, 0), np.maximum(now - 2, 0)
    middle = (pressure_at_sea_level[late] + pressure_at_sea_level[early]) / 2
    first = middle - pressure_at_sea_level[np.maximum(now - 3, 0)]
    last = pressure_at_sea_level - middle
    before, after = category(first, -9.99, 10), category(last, -9.99, 10)  # falling, steady, rising
    total = first + last
    table = np.array([[7, 6, 5], [8, 4, 3], [8, 1, 2]], np.float32)
    code = table[before.astype(np.intp), after.astype(np.intp)]
    code = np.where((before == 2) & (after == 0) & (total >= 0), np.float32(0), code)
    return np.where((before == 0) & (after == 2) & (total > 0), np.float32(3), code)


def precipitation_3h(precipitation: Field) -> Field:
    """kg m-2 in the past 3 hours, at shorter leads since the start."""
    return past_sum(precipitation, 3)


def precipitation_6h(precipitation: Field) -> Field:
    """kg m-2 in the past 6 hours, at shorter leads since the start."""
    return past_sum(precipitation, 6)


def precipitation_12h(precipitation: Field) -> Field:
    """kg m-2 in the past 12 hours, at shorter leads since the start."""
    return past_sum(precipitation, 12)


def precipitation_24h(precipitation: Field) -> Field:
    """kg m-2 in the past 24 hours, at shorter leads since the start."""
    return past_sum(precipitation, 24)


def precipitation_maximum_24h(precipitation: Field) -> Field:
    """kg m-2: wettest hour of the past 24."""
    return past_maximum(precipitation, 24)


def precipitation_duration_24h(precipitation: Field) -> Field:
    """s of the past 24 hours with 0.1 kg m-2 an hour or more. WMO-No. 8, chapter 6."""
    return past_sum((precipitation >= WET).astype(np.float32), 24) * np.float32(HOUR)


def rainfall_24h(rainfall: Field) -> Field:
    """kg m-2 in the past 24 hours, at shorter leads since the start."""
    return past_sum(rainfall, 24)


def snowfall_24h(snowfall: Field) -> Field:
    """kg m-2 of water in the past 24 hours, at shorter leads since the start."""
    return past_sum(snowfall, 24)


def fresh_snow_6h(fresh_snow: Field) -> Field:
    """m in the past 6 hours without settling, at shorter leads since the start."""
    return past_sum(fresh_snow, 6)


def fresh_snow_12h(fresh_snow: Field) -> Field:
    """m in the past 12 hours without settling, at shorter leads since the start."""
    return past_sum(fresh_snow, 12)


def fresh_snow_24h(fresh_snow: Field) -> Field:
    """m in the past 24 hours without settling, at shorter leads since the start."""
    return past_sum(fresh_snow, 24)


def ice_accretion_24h(ice_accretion: Field) -> Field:
    """m of ice from freezing rain in the past 24 hours, at shorter leads since the start."""
    return past_sum(ice_accretion, 24)


def sunshine_duration_24h(sunshine_duration: Field) -> Field:
    """s in the past 24 hours, at shorter leads since the start."""
    return past_sum(sunshine_duration, 24)


def solar_energy_24h(surface_downwelling_shortwave_flux: Field) -> Field:
    """J m-2 on level ground in the past 24 hours, at shorter leads since the start."""
    return past_sum(surface_downwelling_shortwave_flux, 24) * np.float32(HOUR)


def reference_evapotranspiration_24h(reference_evapotranspiration: Field) -> Field:
    """kg m-2 from short grass in the past 24 hours, at shorter leads since the start."""
    return past_sum(reference_evapotranspiration, 24)


def climatic_water_balance_24h(precipitation_24h: Field, reference_evapotranspiration_24h: Field) -> Field:
    """kg m-2: precipitation less reference evapotranspiration of the past 24 hours. Vicente-Serrano et al. (2010)."""
    return precipitation_24h - reference_evapotranspiration_24h


def heating_degree_24h(heating_degree: Field) -> Field:
    """K day below 18 degC in the past 24 hours, at shorter leads since the start."""
    return past_sum(heating_degree, 24)


def cooling_degree_24h(cooling_degree: Field) -> Field:
    """K day above 18 degC in the past 24 hours, at shorter leads since the start."""
    return past_sum(cooling_degree, 24)


def significant_wave_height_maximum_24h(significant_wave_height: Field) -> Field:
    """m: highest hourly value of the past 24 hours."""
    return past_maximum(significant_wave_height, 24)


DIRECT = (
    temperature_2m_maximum_6h,
    temperature_2m_maximum_24h,
    temperature_2m_minimum_6h,
    temperature_2m_minimum_24h,
    temperature_2m_mean_24h,
    temperature_2m_range_24h,
    temperature_2m_change_24h,
    wind_speed_10m_maximum_24h,
    wind_gust_maximum_6h,
    wind_gust_maximum_24h,
    wind_run_24h,
    pressure_tendency_1h,
    pressure_tendency_3h,
    pressure_tendency_6h,
    pressure_tendency_24h,
    pressure_tendency_characteristic,
    precipitation_3h,
    precipitation_6h,
    precipitation_12h,
    precipitation_24h,
    precipitation_maximum_24h,
    precipitation_duration_24h,
    snowfall_24h,
    solar_energy_24h,
    significant_wave_height_maximum_24h,
)
FORMULAS = (
    relative_humidity_2m_minimum_24h,
    relative_humidity_2m_maximum_24h,
    wet_bulb_temperature_2m_maximum_24h,
    heat_index_maximum_24h,
    wind_chill_minimum_24h,
    rainfall_24h,
    fresh_snow_6h,
    fresh_snow_12h,
    fresh_snow_24h,
    ice_accretion_24h,
    sunshine_duration_24h,
    reference_evapotranspiration_24h,
    climatic_water_balance_24h,
    heating_degree_24h,
    cooling_degree_24h,
)
