"""The sea: what waves do to ships and coasts."""

from __future__ import annotations

import math

import numpy as np

from pipeline.science.derive.thermo import FREEZING, GRAVITY, Field, category

SEA_DENSITY = 1025.0  # kg m-3
SEA_FREEZING = 271.35  # K, sea water of 33 g/kg
AIR_VISCOSITY = 1.5e-5  # m2 s-1
KARMAN = 0.4
ROUGHEST = 3.35e-3  # m; Donelan et al. (2004)
DOUGLAS = (0.0, 0.1, 0.5, 1.25, 2.5, 4.0, 6.0, 9.0, 14.0)
"""Upper limits of states 0 to 8 in m, WMO code table 3700."""


def wave_steepness(significant_wave_height: Field, primary_wave_period: Field) -> Field:
    """1: height over deep-water length of the peak period. WMO-No. 702 (2018)."""
    return 2 * math.pi / GRAVITY * significant_wave_height / np.maximum(primary_wave_period, 1) ** 2


def wave_length(primary_wave_period: Field) -> Field:
    """m: deep-water length of the peak period. WMO-No. 702 (2018)."""
    return GRAVITY / (2 * math.pi) * primary_wave_period**2


def wave_power(significant_wave_height: Field, primary_wave_period: Field) -> Field:
    """W m-1 of crest in deep water; energy period 0.9 of the peak period. Cornett (2008)."""
    return SEA_DENSITY * GRAVITY**2 / (64 * math.pi) * significant_wave_height**2 * (0.9 * primary_wave_period)


def maximum_wave_height(significant_wave_height: Field, mean_wave_period: Field) -> Field:
    """m: most probable highest of an hour's waves, heights after Rayleigh. Longuet-Higgins (1952)."""
    waves = 3600 / np.clip(mean_wave_period, 1, 40)
    return significant_wave_height * np.sqrt(np.log(waves) / 2)


def swell_energy_fraction(significant_wave_height: Field, swell_wave_height: Field) -> Field:
    """1: share of the first swell in the wave energy, 0 in a flat sea. WMO-No. 702 (2018)."""
    sea = np.maximum(significant_wave_height, 0.01)
    return np.minimum(swell_wave_height / sea, 1) ** 2


def wave_age(primary_wave_period: Field, wind_speed_10m: Field) -> Field:
    """1: phase speed over wind (at least 1 m s-1); below 1.2 the wind raises the sea. WMO-No. 702 (2018)."""
    return GRAVITY / (2 * math.pi) * primary_wave_period / np.maximum(wind_speed_10m, 1)


def sea_surface_roughness_length(
    significant_wave_height: Field, primary_wave_period: Field, wind_speed_10m: Field
) -> Field:
    """m: by the steepness of the waves (Taylor and Yelland 2001), of a smooth sea by what friction there is.

    Friction velocity at first a 28th of the wind (Fairall et al. 1996); roughness saturates (Donelan et al. 2004).
    """
    smooth = np.float32(0.11 * AIR_VISCOSITY) / np.maximum(wind_speed_10m / 28, np.float32(0.003))
    steepness = wave_steepness(significant_wave_height, primary_wave_period)
    rough = 1200 * significant_wave_height * steepness**4 * np.sqrt(steepness)
    return np.minimum(smooth + rough, np.float32(ROUGHEST))


def drag_coefficient_with_waves(sea_surface_roughness_length: Field) -> Field:
    """1: of the neutral wind at 10 m over waves. Taylor and Yelland (2001)."""
    return (KARMAN / np.log(10 / sea_surface_roughness_length)) ** 2


def wind_speed_10m_over_waves(wind_speed_100m: Field, sea_surface_roughness_length: Field) -> Field:
    """m s-1: neutral profile from the wind at 100 m down to waves of that roughness. Taylor and Yelland (2001)."""
    return wind_speed_100m * np.log(10 / sea_surface_roughness_length) / np.log(100 / sea_surface_roughness_length)


def friction_velocity_with_waves(wind_speed_10m_over_waves: Field, drag_coefficient_with_waves: Field) -> Field:
    """m s-1: of the neutral wind over waves. Taylor and Yelland (2001)."""
    return wind_speed_10m_over_waves * np.sqrt(drag_coefficient_with_waves)


def sea_state(significant_wave_height: Field) -> Field:
    """0 to 9. WMO code table 3700 (Douglas)."""
    return category(significant_wave_height, *(np.nextafter(np.float32(limit), np.float32(99)) for limit in DOUGLAS))


def sea_surface_temperature(
    skin_temperature: Field,
    sea_ice_fraction: Field,
    temperature_2m_mean_24h: Field,
    land_area_fraction: Field | float = 0.0,
) -> Field:
    """K: no feed delivers it but as the skin of open water; the more ice floats in it, the nearer it is to the freezing
    point of sea water. Reynolds et al. (2007), sea ice as a proxy.

    As far as the cell is of land, that of lakes and rivers, the past day's air. Mohseni and Stefan (1999).
    """
    open_water = skin_temperature + np.nan_to_num(land_area_fraction) * (temperature_2m_mean_24h - skin_temperature)
    warmth = np.maximum(open_water - np.float32(SEA_FREEZING), 0)
    return np.float32(SEA_FREEZING) + (1 - sea_ice_fraction) * warmth


def sea_air_temperature_difference(sea_surface_temperature: Field, temperature_2m: Field) -> Field:
    """K: sea less air, positive where the air is made unstable. WMO-No. 471."""
    return sea_surface_temperature - temperature_2m


def freezing_spray_predictor(temperature_2m: Field, wind_speed_10m: Field, sea_surface_temperature: Field) -> Field:
    """m s-1 K-fraction of Overland (1990), 0 where no ice forms: above 22 moderate, 53 heavy, 83 extreme."""
    freezing = FREEZING - 1.7
    supply = wind_speed_10m * (freezing - temperature_2m)
    return np.maximum(supply / (1 + 0.3 * np.maximum(sea_surface_temperature - freezing, 0)), 0)


FORMULAS = (
    sea_surface_temperature,
    wave_steepness,
    wave_length,
    wave_power,
    maximum_wave_height,
    swell_energy_fraction,
    wave_age,
    sea_surface_roughness_length,
    drag_coefficient_with_waves,
    wind_speed_10m_over_waves,
    friction_velocity_with_waves,
    sea_state,
    sea_air_temperature_difference,
    freezing_spray_predictor,
)
