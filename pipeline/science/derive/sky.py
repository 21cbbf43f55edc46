"""Clouds, visibility and what falls from them, beyond the weather code."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.math import elementwise, f4, kernel
from pipeline.science.derive.thermo import FREEZING, Field
from pipeline.science.registers import full_width

HOUR = 3600.0  # s
KNOT = 0.514444  # m s-1
ICE_DENSITY, WATER_DENSITY = 900.0, 1000.0  # kg m-3


def cloud_okta(total_cloud_cover: Field) -> Field:
    """Eighths, 0 only without cloud and 8 only without gap. WMO-No. 8, chapter 15."""
    eighths = np.rint(total_cloud_cover * 8)
    some, gaps = total_cloud_cover > 0.01, total_cloud_cover < 0.99
    return np.clip(eighths, np.float32(1) * some, 8 - np.float32(1) * gaps)


def sky_condition(cloud_okta: Field) -> Field:
    """0 clear, 1 few (1 to 2 oktas), 2 scattered (3, 4), 3 broken (5 to 7), 4 overcast. WMO-No. 306, FM 15."""
    return thermo.category(cloud_okta, 1, 3, 5, 8)


def convective_cloud_cover(convective_precipitation: Field) -> Field:
    """1: 0.247 + 0.126 ln of the rain in mm a day, at most 0.8. Slingo (1987)."""
    return np.clip(0.247 + 0.126 * np.log(np.maximum(convective_precipitation * 24, 0.14)), 0, 0.8)


@kernel
def top_clouds(
    high: Any,
    medium: Any,
    low: Any,
    h850: Any,
    h700: Any,
    h500: Any,
    h250: Any,
    z850: Any,
    z700: Any,
    z500: Any,
    z250: Any,
    ground: Any,
    out: Any,
) -> None:
    """m of the highest cloud from covers, and humidity and height at levels."""
    full_width()
    for i in range(len(out)):
        top = z700[i] if h700[i] >= min(h850[i], f4(0.84)) else z850[i]
        top = top if low[i] >= f4(0.125) else ground[i]
        middle = f4(0.5) * (z500[i] + z700[i]) if h500[i] < min(h700[i], f4(0.84)) else z500[i]
        top = middle if medium[i] >= f4(0.125) else top
        highest = z250[i] - (f4(2000.0) if h250[i] < f4(0.6) else f4(0.0))
        out[i] = max(highest if high[i] >= f4(0.125) else top, ground[i])


def cloud_top_altitude(
    high_cloud_cover: Field,
    medium_cloud_cover: Field,
    low_cloud_cover: Field,
    relative_humidity_850hpa: Field,
    relative_humidity_700hpa: Field,
    relative_humidity_500hpa: Field,
    relative_humidity_250hpa: Field,
    geopotential_height_850hpa: Field,
    geopotential_height_700hpa: Field,
    geopotential_height_500hpa: Field,
    geopotential_height_250hpa: Field,
    surface_altitude: Field,
) -> Field:
    """m above sea level of the highest cloud, the surface in a clear sky: an estimate.

    The highest layer (above 440, 680 hPa, below) that covers an eighth, in it the moistest level, at 84 % or more
    the upper of two. After Wang and Rossow (1995); layers of ISCCP.
    """
    cover = (high_cloud_cover, medium_cloud_cover, low_cloud_cover)
    humidity = (relative_humidity_850hpa, relative_humidity_700hpa, relative_humidity_500hpa, relative_humidity_250hpa)
    heights = (geopotential_height_850hpa, geopotential_height_700hpa, geopotential_height_500hpa)
    return elementwise(top_clouds, *cover, *humidity, *heights, geopotential_height_250hpa, surface_altitude)


def cloud_top_temperature(
    cloud_top_altitude: Field,
    surface_altitude: Field,
    geopotential_height_925hpa: Field,
    geopotential_height_850hpa: Field,
    geopotential_height_700hpa: Field,
    geopotential_height_500hpa: Field,
    geopotential_height_250hpa: Field,
    temperature_2m: Field,
    temperature_925hpa: Field,
    temperature_850hpa: Field,
    temperature_700hpa: Field,
    temperature_500hpa: Field,
    temperature_250hpa: Field,
) -> Field:
    """K at `cloud_top_altitude`, linear between the levels; that at 2 m in a clear sky. ISCCP's definition."""
    heights = (
        surface_altitude, geopotential_height_925hpa, geopotential_height_850hpa, geopotential_height_700hpa,
        geopotential_height_500hpa, geopotential_height_250hpa,
    )  # fmt: skip
    temperatures = (
        temperature_2m, temperature_925hpa, temperature_850hpa, temperature_700hpa, temperature_500hpa,
        temperature_250hpa,
    )  # fmt: skip
    return thermo.at_height(heights, temperatures, cloud_top_altitude - surface_altitude)


def fog_stability_index(
    dew_point_depression_2m: Field, temperature_2m: Field, temperature_850hpa: Field, wind_speed_850hpa: Field
) -> Field:
    """1, radiation fog likely below 31, unlikely above 55. Freeman and Perkins (1998), U.S. Air Weather Service."""
    return 2 * dew_point_depression_2m + 2 * (temperature_2m - temperature_850hpa) + wind_speed_850hpa / KNOT


def freezing_fog(visibility: Field, relative_humidity_2m: Field, temperature_2m: Field, precipitation: Field) -> Field:
    """1 if visibility is below 1 km below 0 degC in moist air without much precipitation, else 0. WMO-No. 306, FZFG."""
    fog = (visibility < 1000) & (relative_humidity_2m >= 0.9) & (precipitation < 0.5)
    return (fog & (temperature_2m < FREEZING)).astype(np.float32)


def stratiform_precipitation(precipitation: Field, convective_precipitation: Field) -> Field:
    """kg m-2 in the past hour: what is not convective."""
    return np.maximum(precipitation - convective_precipitation, 0)


def convective_fraction(precipitation: Field, convective_precipitation: Field) -> Field:
    """1: share of the past hour's precipitation, 0 where there is none."""
    return np.minimum(convective_precipitation / np.maximum(precipitation, 0.01), 1)


def freezing_rain(precipitation: Field, precipitation_type: Field) -> Field:
    """kg m-2 in the past hour, by the precipitation type."""
    return precipitation * (precipitation_type == 3)


def ice_pellets(precipitation: Field, precipitation_type: Field) -> Field:
    """kg m-2 in the past hour, by the precipitation type."""
    return precipitation * (precipitation_type == 8)


def ice_accretion(freezing_rain: Field, wind_speed_10m: Field) -> Field:
    """m of ice around a wire from the past hour's freezing rain. Jones (1998), eq. 1, the simple model.

    Rain falls on and is blown at the wire, its liquid water 0.067 g m-3 times the hour's mm to the power 0.846.
    """
    water = np.float32(0.067) * np.power(np.maximum(freezing_rain, 1e-6), np.float32(0.846))
    fall, blown = freezing_rain * np.float32(WATER_DENSITY / 1000), np.float32(3.6) * wind_speed_10m * water
    rate = thermo.length(fall, blown) / np.float32(ICE_DENSITY * math.pi)
    return rate * (freezing_rain > 0)


def radar_reflectivity(rainfall: Field, snowfall: Field) -> Field:
    """dBZ of the hour's mean rain (Z = 200 R^1.6, Marshall and Palmer 1948) and snow (Z = 1780 R^2.21, Sekhon and
    Srivastava 1970), 0 or more.
    """
    rain = 200 * np.power(np.maximum(rainfall, 1e-3), np.float32(1.6))
    snow = 1780 * np.power(np.maximum(snowfall, 1e-3), np.float32(2.21))
    return np.maximum(10 * np.log10(rain + snow), 0)


def rain_kinetic_energy(rainfall: Field) -> Field:
    """J m-2 of the past hour's rain, which erodes soil. Brown and Foster (1987), RUSLE: 29 J m-2 a mm at most."""
    return 29 * (1 - np.float32(0.72) * np.exp(-np.float32(0.05) * rainfall)) * rainfall


def blowing_snow(
    temperature_2m: Field,
    wind_speed_10m: Field,
    snow_depth: Field,
    snowfall: Field,
    land_area_fraction: Field | None = None,
    sea_ice_fraction: Field | None = None,
) -> Field:
    """1 if the wind lifts dry snow, 0 else or without snow or on open water. Li and Pomeroy (1997), eq. 5 for the
    threshold; what is not known of a place counts as land.
    """
    celsius = np.clip(temperature_2m - FREEZING, -60, 0)
    threshold = 9.43 + 0.18 * celsius + 0.0033 * celsius * celsius
    lies = (np.nan_to_num(snow_depth) > 0.02) | (snowfall > 0.5)
    if land_area_fraction is not None:
        ice = np.float32(0) if sea_ice_fraction is None else np.nan_to_num(sea_ice_fraction)
        lies &= np.maximum(np.nan_to_num(land_area_fraction, nan=1.0), ice) >= 0.5
    return ((wind_speed_10m >= threshold) & lies & (temperature_2m < FREEZING)).astype(np.float32)


def blizzard(wind_gust: Field, visibility: Field, blowing_snow: Field, snowfall: Field) -> Field:
    """1 if gusts reach 35 mph and visibility is below a quarter mile in falling or blowing snow. U.S. NWS 10-513."""
    snow = (blowing_snow > 0) | (snowfall > 0.1)
    return ((wind_gust >= 15.65) & (visibility < 402.3) & snow).astype(np.float32)


def snow_water_equivalent(snow_depth: Field) -> Field:
    """kg m-2 lying: density from 262 to 474 kg m-3 with depth. Sturm et al. (2010), mean of the five classes of snow on
    the first of February, which this fits within 2 %.
    """
    return (np.float32(262) + 212 * (1 - np.exp(np.float32(-0.142) * snow_depth))) * snow_depth


def roof_snow_load(snow_water_equivalent: Field) -> Field:
    """Pa on a flat roof: 0.8 of the weight on the ground. EN 1991-1-3, 5.3."""
    return np.float32(0.8 * thermo.GRAVITY) * snow_water_equivalent


def snowmelt(
    temperature_2m: Field, rainfall: Field, snow_water_equivalent: Field, land_area_fraction: Field | float = 1.0
) -> Field:
    """kg m-2 in the past hour, no more than lies, nothing at sea: 3.5 mm a degree day and the rain's heat. Hock
    (2003)."""
    warm = np.maximum(temperature_2m - FREEZING, 0)
    melt = warm * (3.5 / 24 + 0.0126 * rainfall)
    return np.minimum(melt, snow_water_equivalent) * (np.nan_to_num(land_area_fraction, nan=1.0) > 0)


def hoar_frost(skin_temperature: Field, frost_point_temperature_2m: Field) -> Field:
    """1 if the surface is below 0 degC and the frost point of the air, so that frost grows, else 0. WMO-No. 407."""
    cold = (skin_temperature < FREEZING) & (skin_temperature < frost_point_temperature_2m)
    return cold.astype(np.float32)


def slippery_surface(skin_temperature: Field, precipitation_3h: Field, hoar_frost: Field) -> Field:
    """1 if the surface is below 0 degC and wet, snowed on in the past 3 hours, or white with frost. WMO-No. 1210."""
    icy = (skin_temperature < FREEZING) & (precipitation_3h >= 0.2)
    return np.maximum(icy, hoar_frost).astype(np.float32)


FORMULAS = (
    cloud_okta,
    sky_condition,
    convective_cloud_cover,
    cloud_top_altitude,
    cloud_top_temperature,
    fog_stability_index,
    freezing_fog,
    stratiform_precipitation,
    convective_fraction,
    freezing_rain,
    ice_pellets,
    ice_accretion,
    radar_reflectivity,
    rain_kinetic_energy,
    blowing_snow,
    blizzard,
    snow_water_equivalent,
    roof_snow_load,
    snowmelt,
    hoar_frost,
    slippery_surface,
)
