"""The sea, beyond the wave basics: swell, crests, drift, icing of ships, heat between sea and air, ice."""

from __future__ import annotations

import math

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.marine import SEA_DENSITY
from pipeline.science.derive.thermo import (
    EPSILON,
    FREEZING,
    GRAVITY,
    Field,
    category,
    saturation_vapour_pressure,
)

HEAT_CAPACITY, LATENT = 1004.0, 2.5e6  # J kg-1 K-1, J kg-1
HOUR, KNOT, FEET = 3600.0, 0.514444, 0.3048  # s, m s-1, m
_SWELL = np.array([[0, 0, 0], [1, 1, 2], [3, 4, 5], [6, 7, 8]], np.float32)


def mean_wave_steepness(significant_wave_height: Field, mean_wave_period: Field) -> Field:
    """1: height over deep-water length of the mean period. WMO-No. 702 (2018)."""
    return np.float32(2 * math.pi / GRAVITY) * significant_wave_height / np.maximum(mean_wave_period, 1) ** 2


def wave_group_speed(primary_wave_period: Field) -> Field:
    """m s-1 at which energy of the peak period travels in deep water. WMO-No. 702 (2018)."""
    return np.float32(GRAVITY / (4 * math.pi)) * primary_wave_period


def maximum_crest_height(significant_wave_height: Field, mean_wave_period: Field) -> Field:
    """m above still water: most probable highest of an hour's crests, deep water, short-crested. Forristall (2000)."""
    period = np.clip(mean_wave_period, 1, 40)
    steep = np.minimum(np.float32(2 * math.pi / GRAVITY) * significant_wave_height / (period * period), 0.15)
    waves = np.log(HOUR / period)
    return significant_wave_height * (0.3536 + 0.2568 * steep) * np.power(waves, 1 / (2 - 1.7912 * steep))


def orbital_speed(significant_wave_height: Field, primary_wave_period: Field) -> Field:
    """m s-1 of the water at the surface under waves of the significant height and peak period. WMO-No. 702 (2018)."""
    return math.pi * significant_wave_height / np.maximum(primary_wave_period, 1)


def stokes_drift_speed(significant_wave_height: Field, mean_wave_period: Field) -> Field:
    """m s-1 at the surface, of regular waves of as much energy and the mean period. Kenyon (1969)."""
    period = np.maximum(mean_wave_period, 1)
    return np.float32(math.pi**3 / GRAVITY) * significant_wave_height * significant_wave_height / period**3


def swell_length(swell_wave_period: Field) -> Field:
    """m: deep-water length of the first swell. WMO-No. 702 (2018)."""
    return np.float32(GRAVITY / (2 * math.pi)) * swell_wave_period * swell_wave_period


def swell_steepness(swell_wave_height: Field, swell_wave_period: Field) -> Field:
    """1: height of the first swell over its deep-water length. WMO-No. 702 (2018)."""
    return np.float32(2 * math.pi / GRAVITY) * swell_wave_height / np.maximum(swell_wave_period, 1) ** 2


def swell_power(swell_wave_height: Field, swell_wave_period: Field) -> Field:
    """W m-1 of crest that the first swell carries in deep water, its period as the energy's. Cornett (2008)."""
    factor = np.float32(SEA_DENSITY * GRAVITY**2 / (64 * math.pi))
    return factor * swell_wave_height * swell_wave_height * swell_wave_period


def swell_state(swell_wave_height: Field, swell_length: Field) -> Field:
    """0 none, 1 low short or average, 2 low long, 3 to 5 moderate and 6 to 8 heavy short to long. Douglas (1921).

    Low below 2 m, heavy above 4; short below 100 m, long above 200.
    """
    height, length = category(swell_wave_height, 0.1, 2, 4), category(swell_length, 100, 200)
    return np.take(_SWELL.reshape(-1), (3 * height + length).astype(np.intp))


def wind_wave_angle(wave_direction: Field, wind_from_direction_10m: Field) -> Field:
    """Degrees, 0 to 180, between where waves and wind come from. Geometry."""
    turn = wave_direction - wind_from_direction_10m
    return np.abs(turn - 360 * np.rint(turn / 360))


def whitecap_fraction(wind_speed_10m: Field) -> Field:
    """1: share of the sea that is white. Monahan and O'Muircheartaigh (1980)."""
    return np.minimum(np.float32(3.84e-6) * np.power(wind_speed_10m, np.float32(3.41)), 1)


def vessel_icing(freezing_spray_predictor: Field) -> Field:
    """m of ice on a trawler in the past hour from spray, predictors above 100 counting as 100, where the observations
    end. Overland et al. (1986), Overland (1990).
    """
    p = np.minimum(freezing_spray_predictor, 100)
    return (2.73e-2 + (2.91e-4 + 1.84e-6 * p) * p) * p / 100


def vessel_icing_category(freezing_spray_predictor: Field) -> Field:
    """0 none, 1 light, 2 moderate (predictor from 22.4), 3 heavy (53.3), 4 extreme (83). Overland (1990), NCEP."""
    return category(freezing_spray_predictor, 1e-4, 22.4, 53.3, 83.0)


def small_craft_advisory(wind_speed_10m: Field, significant_wave_height: Field) -> Field:
    """1 if wind reaches 22 kt or waves 7 ft, else 0. U.S. NWS 10-315, the limits of most coasts."""
    wind, waves = np.float32(22 * KNOT), np.float32(7 * FEET)
    return ((wind_speed_10m >= wind) | (significant_wave_height >= waves)).astype(np.float32)


def dew_point_sea_surface_difference(dew_point_temperature_2m: Field, sea_surface_temperature: Field) -> Field:
    """K: dew point less sea, positive where sea fog forms. WMO-No. 471."""
    return dew_point_temperature_2m - sea_surface_temperature


def sea_surface_850hpa_difference(sea_surface_temperature: Field, temperature_850hpa: Field) -> Field:
    """K: sea less 850 hPa, showers over warm water from some 13. Holroyd (1971)."""
    return sea_surface_temperature - temperature_850hpa


def sea_surface_500hpa_difference(sea_surface_temperature: Field, temperature_500hpa: Field) -> Field:
    """K: sea less 500 hPa, polar lows from some 43. Zahn and von Storch (2008)."""
    return sea_surface_temperature - temperature_500hpa


def sea_sensible_heat_flux(
    sea_surface_temperature: Field, temperature_2m: Field, wind_speed_10m: Field, air_density_2m: Field
) -> Field:
    """W m-2 upward from open sea: bulk, 1.13e-3 over warmer, 0.66e-3 over colder water. Large and Pond (1982)."""
    excess = sea_surface_temperature - temperature_2m
    exchange = np.where(excess > 0, np.float32(1.13e-3), np.float32(0.66e-3))
    return air_density_2m * HEAT_CAPACITY * exchange * wind_speed_10m * excess


def sea_latent_heat_flux(
    sea_surface_temperature: Field,
    specific_humidity_2m: Field,
    surface_pressure: Field,
    wind_speed_10m: Field,
    air_density_2m: Field,
) -> Field:
    """W m-2 upward from open sea: bulk formula, 1.15e-3, salt lowers saturation by 2 %. Large and Pond (1982)."""
    vapour = np.float32(0.98) * saturation_vapour_pressure(sea_surface_temperature)
    humid = EPSILON * vapour / (surface_pressure - (1 - EPSILON) * vapour)
    return air_density_2m * np.float32(LATENT * 1.15e-3) * wind_speed_10m * (humid - specific_humidity_2m)


def sea_ice_category(sea_ice_fraction: Field) -> Field:
    """0 ice-free, 1 open water, from tenths 1 very open ice, 4 open, 7 close, 9 very close, compact. WMO-No. 259."""
    return category(sea_ice_fraction, 0.01, 0.1, 0.4, 0.7, 0.9, 0.995)


def immersion_survival_time(sea_surface_temperature: Field) -> Field:
    """s a clothed person in a life jacket survives, at most 12 hours. Hayward et al. (1975)."""
    celsius = sea_surface_temperature - FREEZING
    minutes = 15 + 7.2 / np.maximum(0.0785 - 0.0034 * celsius, 0.005)
    return 60 * np.minimum(minutes, 720)


def sea_water_speed(eastward_sea_water_velocity: Field, northward_sea_water_velocity: Field) -> Field:
    """m s-1: length of the surface current's vector. Geometry."""
    return thermo.length(eastward_sea_water_velocity, northward_sea_water_velocity)


FORMULAS = (
    sea_water_speed,
    mean_wave_steepness,
    wave_group_speed,
    maximum_crest_height,
    orbital_speed,
    stokes_drift_speed,
    swell_length,
    swell_steepness,
    swell_power,
    swell_state,
    wind_wave_angle,
    whitecap_fraction,
    vessel_icing,
    vessel_icing_category,
    small_craft_advisory,
    dew_point_sea_surface_difference,
    sea_surface_850hpa_difference,
    sea_surface_500hpa_difference,
    sea_sensible_heat_flux,
    sea_latent_heat_flux,
    sea_ice_category,
    immersion_survival_time,
)
