"""Land: energy at the surface, water, crops, frost, fire, heating and solar power."""

from __future__ import annotations

import numpy as np

from pipeline.science.derive.thermo import FREEZING, STEFAN_BOLTZMANN, Field, saturation_vapour_pressure

EMISSIVITY = 0.97
LATENT_HEAT = 2.45e6  # J kg-1, of evaporation
LAND_ALBEDO, SEA_ALBEDO, SNOW_ALBEDO, ICE_ALBEDO = 0.20, 0.07, 0.70, 0.60


def surface_upwelling_longwave_flux(skin_temperature: Field, surface_downwelling_longwave_flux: Field) -> Field:
    """W m-2: a grey surface of emissivity 0.97 and what it reflects. Wilber et al. (1999)."""
    emitted = EMISSIVITY * STEFAN_BOLTZMANN * skin_temperature**4
    return emitted + (1 - EMISSIVITY) * surface_downwelling_longwave_flux


def surface_net_longwave_flux(
    surface_downwelling_longwave_flux: Field, surface_upwelling_longwave_flux: Field
) -> Field:
    """W m-2, downward positive."""
    return surface_downwelling_longwave_flux - surface_upwelling_longwave_flux


def surface_albedo(
    temperature_2m: Field,
    land_area_fraction: Field | None = None,
    snow_depth: Field | None = None,
    sea_ice_fraction: Field | None = None,
) -> Field:
    """1: land 0.20 to snow 0.70 from 10 cm, sea 0.07 to ice 0.60; what is not known of a place counts as bare land.

    Typical values of Oke (1987), table 1.1.
    """
    land, sea = np.full_like(temperature_2m, LAND_ALBEDO), np.full_like(temperature_2m, SEA_ALBEDO)
    if snow_depth is not None:
        land = land + np.clip(np.nan_to_num(snow_depth) / 0.1, 0, 1) * (SNOW_ALBEDO - land)
    if sea_ice_fraction is not None:
        sea = sea + np.nan_to_num(sea_ice_fraction) * (ICE_ALBEDO - sea)
    share = np.float32(1) if land_area_fraction is None else np.nan_to_num(land_area_fraction, nan=1.0)
    return share * land + (1 - share) * sea + 0 * temperature_2m


def surface_net_shortwave_flux(surface_downwelling_shortwave_flux: Field, surface_albedo: Field) -> Field:
    """W m-2, downward positive."""
    return surface_downwelling_shortwave_flux * (1 - surface_albedo)


def surface_net_radiation(surface_net_shortwave_flux: Field, surface_net_longwave_flux: Field) -> Field:
    """W m-2, downward positive."""
    return surface_net_shortwave_flux + surface_net_longwave_flux


def penman_terms(
    temperature: Field, pressure: Field, shortwave: Field, longwave: Field, albedo: float
) -> tuple[Field, Field, Field]:
    """Slope of saturation and psychrometric constant (kPa K-1), and net radiation of an hour (MJ m-2).

    From K, Pa and W m-2 downward; a surface at air temperature. FAO-56 (Allen et al. 1998), eqs. 8, 13 and 40.
    """
    slope = 4.098 * saturation_vapour_pressure(temperature) / (temperature - FREEZING + 237.3) ** 2
    watts = np.float32(1 - albedo) * shortwave + longwave - STEFAN_BOLTZMANN * temperature**4
    return slope, 0.665e-6 * pressure, watts * 0.0036


def penman_monteith(
    terms: tuple[Field, Field, Field], ground: Field, numerator: float, resistance: Field | float, *weather: Field
) -> Field:
    """kg m-2 an hour, never negative, from `penman_terms`, the share of net radiation that goes into the ground, and
    the crop's two constants.

    weather: temperature (K), vapour pressure deficit (Pa), wind at 10 m (m s-1), brought to 2 m by FAO-56's eq. 47.
    ASCE-EWRI (2005), eq. 1.
    """
    slope, psychrometric, net = terms
    temperature, deficit, wind_10m = weather
    wind = 0.748 * wind_10m
    aerodynamic = psychrometric * numerator / temperature * wind * deficit / 1000
    energy = 0.408 * slope * net * (1 - ground)
    return np.maximum((energy + aerodynamic) / (slope + psychrometric * (1 + resistance * wind)), 0)


def reference_evapotranspiration(
    temperature_2m: Field,
    vapour_pressure_deficit_2m: Field,
    wind_speed_10m: Field,
    surface_pressure: Field,
    surface_downwelling_shortwave_flux: Field,
    surface_downwelling_longwave_flux: Field,
) -> Field:
    """kg m-2 in the past hour from short grass, never negative: FAO-56 Penman-Monteith (Allen et al. 1998), eq. 53.

    Albedo 0.23; long-wave balance from the forecast flux and a surface at air temperature; wind from 10 to 2 m by
    eq. 47; ground heat flux 0.1 of net radiation by day, 0.5 by night.
    """
    fluxes = (surface_downwelling_shortwave_flux, surface_downwelling_longwave_flux)
    terms = penman_terms(temperature_2m, surface_pressure, *fluxes, albedo=0.23)
    ground = 0.5 - np.float32(0.4) * (surface_downwelling_shortwave_flux > 1)
    return penman_monteith(terms, ground, 37, 0.34, temperature_2m, vapour_pressure_deficit_2m, wind_speed_10m)


def growing_degree(temperature_2m: Field) -> Field:
    """K day gained in the past hour above 10 degC, at most as at 30 degC. McMaster and Wilhelm (1997)."""
    return (np.clip(temperature_2m, FREEZING + 10, FREEZING + 30) - (FREEZING + 10)) / 24


def heating_degree(temperature_2m: Field) -> Field:
    """K day in the past hour below 18 degC. WMO-No. 1203 (2017) uses the same base."""
    return np.maximum(FREEZING + 18 - temperature_2m, 0) / 24


def cooling_degree(temperature_2m: Field) -> Field:
    """K day in the past hour above 18 degC. WMO-No. 1203 (2017) uses the same base."""
    return np.maximum(temperature_2m - (FREEZING + 18), 0) / 24


def chill_hour(temperature_2m: Field) -> Field:
    """1 if the hour is between 0 and 7.2 degC, else 0. Weinberger (1950)."""
    return ((temperature_2m >= FREEZING) & (temperature_2m <= FREEZING + 7.2)).astype(np.float32)


def frost_category(temperature_2m: Field, skin_temperature: Field) -> Field:
    """0 none, 1 ground frost (surface below 0 degC), 2 air frost, 3 severe (air below -4 degC). UK Met Office."""
    ground = (skin_temperature < FREEZING) | (temperature_2m < FREEZING)
    return (0.0 + ground + (temperature_2m < FREEZING) + (temperature_2m < FREEZING - 4)).astype(np.float32)


def leaf_wetness(relative_humidity_2m: Field, precipitation: Field) -> Field:
    """1 if leaves are wet: humidity of 90 % or more (Sentelhas et al. 2008) or rain in the past hour."""
    return ((relative_humidity_2m >= 0.9) | (precipitation >= 0.1)).astype(np.float32)


def fine_fuel_moisture(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """1: equilibrium moisture content of dead fine fuel. Simard (1968)."""
    fahrenheit, h = (temperature_2m - FREEZING) * 1.8 + 32, np.clip(relative_humidity_2m, 0, 1) * 100
    low = 0.03229 + 0.281073 * h - 0.000578 * h * fahrenheit
    middle = 2.22749 + 0.160107 * h - 0.014784 * fahrenheit
    high = 21.0606 + 0.005565 * h * h - 0.00035 * h * fahrenheit - 0.483199 * h
    return np.clip(np.where(h < 10, low, np.where(h <= 50, middle, high)), 0, 30) / 100


def fosberg_fire_weather_index(fine_fuel_moisture: Field, wind_speed_10m: Field) -> Field:
    """0 to 100. Fosberg (1978)."""
    ratio = fine_fuel_moisture * (100 / 30)
    damping = 1 - 2 * ratio + 1.5 * ratio**2 - 0.5 * ratio**3
    return np.clip(damping * np.sqrt(1 + (wind_speed_10m * 2.236936) ** 2) / 0.3002, 0, 100)


def hot_dry_windy_index(vapour_pressure_deficit_2m: Field, wind_speed_10m: Field) -> Field:
    """Pa m s-1: saturation deficit times wind, near the surface instead of the lowest 50 hPa. Srock et al. (2018)."""
    return vapour_pressure_deficit_2m * wind_speed_10m


def chandler_burning_index(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """1, extreme from 97.5, never negative. Chandler et al. (1983)."""
    percent = relative_humidity_2m * 100
    dryness = 110 - 1.373 * percent - 0.54 * (10.20 - (temperature_2m - FREEZING))
    return np.maximum(dryness * 124 * np.exp(np.float32(-0.0142 * 2.302585) * percent) / 60, 0)


def photovoltaic_power_ratio(surface_downwelling_shortwave_flux: Field, temperature_2m: Field) -> Field:
    """1: yield of a level panel over its rating: 1000 W m-2, less 0.4 % a kelvin of cell above 25 degC.

    Cell temperature by Ross (1976), 0.03 K m2 W-1 above the air.
    """
    cell = temperature_2m - FREEZING + 0.03 * surface_downwelling_shortwave_flux
    return np.maximum(surface_downwelling_shortwave_flux / 1000 * (1 - 0.004 * (cell - 25)), 0)


def evaporation(surface_upward_latent_heat_flux: Field) -> Field:
    """kg m-2 in the hour, negative where dew falls: the flux of latent heat over 2.45 MJ kg-1. FAO-56, chapter 1."""
    return surface_upward_latent_heat_flux * np.float32(3600 / LATENT_HEAT)


FORMULAS = (
    evaporation,
    surface_upwelling_longwave_flux,
    surface_net_longwave_flux,
    surface_albedo,
    surface_net_shortwave_flux,
    surface_net_radiation,
    reference_evapotranspiration,
    growing_degree,
    heating_degree,
    cooling_degree,
    chill_hour,
    frost_category,
    leaf_wetness,
    fine_fuel_moisture,
    fosberg_fire_weather_index,
    hot_dry_windy_index,
    chandler_burning_index,
    photovoltaic_power_ratio,
)
