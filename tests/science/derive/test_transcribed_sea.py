"""Waves, ice and what the sea does to ships and air, written again from their sources."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.science.derive.transcribed import ZERO, Transcription, judge

Wide = NDArray[np.float64]
G, PI, DENSITY = 9.80665, np.pi, 1025.0


def number(period: Wide) -> Wide:
    """rad m-1 of waves in deep water, by their dispersion."""
    return (2 * PI / period) ** 2 / G


def wave_steepness(significant_wave_height: Wide, primary_wave_period: Wide) -> Wide:
    return significant_wave_height * number(primary_wave_period) / (2 * PI)


def mean_wave_steepness(significant_wave_height: Wide, mean_wave_period: Wide) -> Wide:
    return significant_wave_height * number(mean_wave_period) / (2 * PI)


def swell_steepness(swell_wave_height: Wide, swell_wave_period: Wide) -> Wide:
    return swell_wave_height * number(swell_wave_period) / (2 * PI)


def wave_length(primary_wave_period: Wide) -> Wide:
    return 2 * PI / number(primary_wave_period)


def swell_length(swell_wave_period: Wide) -> Wide:
    return 2 * PI / number(swell_wave_period)


def wave_group_speed(primary_wave_period: Wide) -> Wide:
    return PI / primary_wave_period / number(primary_wave_period)


def wave_power(significant_wave_height: Wide, primary_wave_period: Wide) -> Wide:
    energy = DENSITY * G * significant_wave_height**2 / 16
    return energy * wave_group_speed(0.9 * primary_wave_period)


def swell_power(swell_wave_height: Wide, swell_wave_period: Wide) -> Wide:
    return DENSITY * G * swell_wave_height**2 / 16 * wave_group_speed(swell_wave_period)


def maximum_wave_height(significant_wave_height: Wide, mean_wave_period: Wide) -> Wide:
    return significant_wave_height * np.sqrt(0.5 * np.log(3600 / mean_wave_period))


def swell_energy_fraction(significant_wave_height: Wide, swell_wave_height: Wide) -> Wide:
    flat = significant_wave_height < 0.01
    return np.where(flat, 0, np.fmin(swell_wave_height**2 / np.where(flat, 1, significant_wave_height**2), 1))


def wave_age(primary_wave_period: Wide, wind_speed_10m: Wide) -> Wide:
    return 2 * wave_group_speed(primary_wave_period) / np.fmax(wind_speed_10m, 1)


def sea_surface_roughness_length(
    significant_wave_height: Wide, primary_wave_period: Wide, wind_speed_10m: Wide
) -> Wide:
    steep = significant_wave_height / wave_length(primary_wave_period)
    friction = np.fmax(wind_speed_10m / 28, 0.003)
    return np.fmin(1200 * significant_wave_height * steep**4.5 + 0.11 * 1.5e-5 / friction, 3.35e-3)


def drag_coefficient_with_waves(sea_surface_roughness_length: Wide) -> Wide:
    return 0.4**2 / np.log(10 / sea_surface_roughness_length) ** 2


def friction_velocity_with_waves(wind_speed_100m: Wide, sea_surface_roughness_length: Wide) -> Wide:
    return 0.4 * wind_speed_100m / np.log(100 / sea_surface_roughness_length)


def wind_speed_10m_over_waves(friction_velocity_with_waves: Wide, sea_surface_roughness_length: Wide) -> Wide:
    return friction_velocity_with_waves / 0.4 * np.log(10 / sea_surface_roughness_length)


def sea_state(significant_wave_height: Wide) -> NDArray[np.intp]:
    return np.digitize(significant_wave_height, [0, 0.1, 0.5, 1.25, 2.5, 4, 6, 9, 14], right=True)


def sea_air_temperature_difference(sea_surface_temperature: Wide, temperature_2m: Wide) -> Wide:
    return sea_surface_temperature - temperature_2m


def freezing_spray_predictor(temperature_2m: Wide, wind_speed_10m: Wide, sea_surface_temperature: Wide) -> Wide:
    freezing, air, sea = -1.7, temperature_2m - ZERO, sea_surface_temperature - ZERO
    return np.fmax(wind_speed_10m * (freezing - air) / (1 + 0.3 * np.fmax(sea - freezing, 0)), 0)


def maximum_crest_height(significant_wave_height: Wide, mean_wave_period: Wide) -> Wide:
    steep = significant_wave_height * number(mean_wave_period) / (2 * PI)
    alpha, beta = 0.3536 + 0.2568 * steep, 2 - 1.7912 * steep
    return alpha * significant_wave_height * np.log(3600 / mean_wave_period) ** (1 / beta)


def orbital_speed(significant_wave_height: Wide, primary_wave_period: Wide) -> Wide:
    return significant_wave_height / 2 * 2 * PI / primary_wave_period


def stokes_drift_speed(significant_wave_height: Wide, mean_wave_period: Wide) -> Wide:
    amplitude_squared = significant_wave_height**2 / 8  # of regular waves with the energy of Hs
    return 2 * PI / mean_wave_period * number(mean_wave_period) * amplitude_squared


def swell_state(swell_wave_height: Wide, swell_length: Wide) -> Wide:
    h, length = swell_wave_height, swell_length
    low, moderate = h < 2, h < 4
    long = (length >= 100).astype(float) + (length >= 200)
    return np.select([h < 0.1, low & (long < 2), low, moderate], [0, 1, 2, 3 + long], 6 + long)


def wind_wave_angle(wave_direction: Wide, wind_from_direction_10m: Wide) -> Wide:
    return np.rad2deg(np.arccos(np.cos(np.deg2rad(wave_direction - wind_from_direction_10m)).clip(-1, 1)))


def whitecap_fraction(wind_speed_10m: Wide) -> Wide:
    return np.fmin(3.84e-6 * wind_speed_10m**3.41, 1)


def vessel_icing(freezing_spray_predictor: Wide) -> Wide:
    return np.polyval([1.84e-6, 2.91e-4, 2.73e-2, 0], np.fmin(freezing_spray_predictor, 100)) / 100


def vessel_icing_category(freezing_spray_predictor: Wide) -> NDArray[np.intp]:
    return np.where(freezing_spray_predictor > 0, 1 + np.digitize(freezing_spray_predictor, [22.4, 53.3, 83]), 0)


def small_craft_advisory(wind_speed_10m: Wide, significant_wave_height: Wide) -> NDArray[np.bool_]:
    return (wind_speed_10m * 3600 / 1852 >= 22) | (significant_wave_height / 0.3048 >= 7)


def dew_point_sea_surface_difference(dew_point_temperature_2m: Wide, sea_surface_temperature: Wide) -> Wide:
    return dew_point_temperature_2m - sea_surface_temperature


def sea_surface_850hpa_difference(sea_surface_temperature: Wide, temperature_850hpa: Wide) -> Wide:
    return sea_surface_temperature - temperature_850hpa


def sea_surface_500hpa_difference(sea_surface_temperature: Wide, temperature_500hpa: Wide) -> Wide:
    return sea_surface_temperature - temperature_500hpa


def sea_sensible_heat_flux(
    sea_surface_temperature: Wide, temperature_2m: Wide, wind_speed_10m: Wide, air_density_2m: Wide
) -> Wide:
    excess = sea_surface_temperature - temperature_2m
    stanton = np.select([excess > 0], [1.13e-3], 0.66e-3)
    return stanton * air_density_2m * 1004 * wind_speed_10m * excess


def sea_latent_heat_flux(
    sea_surface_temperature: Wide, specific_humidity_2m: Wide, surface_pressure: Wide, wind_speed_10m: Wide,
    air_density_2m: Wide,
) -> Wide:  # fmt: skip
    t = sea_surface_temperature - ZERO
    vapour = 0.98 * 611.21 * np.exp((18.678 - t / 234.5) * t / (257.14 + t))  # Buck (1996)
    surface = 0.622 * vapour / (surface_pressure - 0.378 * vapour)
    return air_density_2m * 2.5e6 * 1.15e-3 * wind_speed_10m * (surface - specific_humidity_2m)


def sea_ice_category(sea_ice_fraction: Wide) -> Wide:
    tenths = 10 * sea_ice_fraction  # ice-free, open water, very open, open, close, very close, compact
    return np.select([tenths < top for top in (0.1, 1, 4, 7, 9, 9.95)], range(6), 6)


def immersion_survival_time(sea_surface_temperature: Wide) -> Wide:
    rate = 0.0785 - 0.0034 * (sea_surface_temperature - ZERO)
    minutes = np.where(rate > 0, 15 + 7.2 / np.where(rate > 0, rate, 1), np.inf)
    return np.fmin(60 * minutes, 12 * 3600)


def sea_water_speed(eastward_sea_water_velocity: Wide, northward_sea_water_velocity: Wide) -> Wide:
    return np.hypot(eastward_sea_water_velocity, northward_sea_water_velocity)


def sea_surface_temperature(
    skin_temperature: Wide, sea_ice_fraction: Wide, temperature_2m_mean_24h: Wide, land_area_fraction: Wide
) -> Wide:
    open_water = land_area_fraction * temperature_2m_mean_24h + (1 - land_area_fraction) * skin_temperature
    return sea_ice_fraction * 271.35 + (1 - sea_ice_fraction) * np.fmax(open_water, 271.35)


PLAIN = (
    wave_steepness, mean_wave_steepness, swell_steepness, wave_group_speed, maximum_wave_height, swell_energy_fraction,
    wave_age, sea_surface_roughness_length, drag_coefficient_with_waves, friction_velocity_with_waves,
    wind_speed_10m_over_waves, sea_state, sea_air_temperature_difference, maximum_crest_height, orbital_speed,
    stokes_drift_speed, swell_state, wind_wave_angle, whitecap_fraction, vessel_icing, vessel_icing_category,
    small_craft_advisory, dew_point_sea_surface_difference, sea_surface_850hpa_difference,
    sea_surface_500hpa_difference, sea_ice_category, sea_water_speed, sea_surface_temperature,
)  # fmt: skip
LARGE = (
    wave_length, swell_length, wave_power, swell_power, freezing_spray_predictor, sea_sensible_heat_flux,
    immersion_survival_time,
)  # fmt: skip


@pytest.mark.parametrize("transcription", PLAIN, ids=lambda one: one.__name__)
def test_the_sea(transcription: Transcription) -> None:
    judge(transcription)


@pytest.mark.parametrize("transcription", LARGE, ids=lambda one: one.__name__)
def test_what_takes_large_values(transcription: Transcription) -> None:
    judge(transcription, rtol=2e-6)


def test_saturation_over_water_of_buck() -> None:
    judge(sea_latent_heat_flux, rtol=5e-3, atol=6.0)  # W m-2: 0.3 % of the vapour in a hurricane's wind
