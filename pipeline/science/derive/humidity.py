"""Humidity and density of the air near the surface."""

from __future__ import annotations

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.thermo import Field


def vapour_pressure_2m(dew_point_temperature_2m: Field) -> Field:
    """Pa: saturation at the dew point, over water. Ambaum (2020)."""
    return thermo.saturation_vapour_pressure(dew_point_temperature_2m)


def relative_humidity_2m(temperature_2m: Field, vapour_pressure_2m: Field) -> Field:
    """1, over water at all temperatures, as WMO reports it (WMO-No. 8)."""
    return vapour_pressure_2m / thermo.saturation_vapour_pressure(temperature_2m)


def humidity_mixing_ratio_2m(vapour_pressure_2m: Field, surface_pressure: Field) -> Field:
    """kg kg-1 of dry air. WMO-No. 8, annex 4.A."""
    return thermo.mixing_ratio(vapour_pressure_2m, surface_pressure)


def specific_humidity_2m(humidity_mixing_ratio_2m: Field) -> Field:
    """kg kg-1 of moist air. WMO-No. 8, annex 4.A."""
    return humidity_mixing_ratio_2m / (1 + humidity_mixing_ratio_2m)


def absolute_humidity_2m(temperature_2m: Field, vapour_pressure_2m: Field) -> Field:
    """kg m-3: ideal gas law of the vapour."""
    return vapour_pressure_2m / (thermo.VAPOUR_GAS * temperature_2m)


def vapour_pressure_deficit_2m(temperature_2m: Field, vapour_pressure_2m: Field) -> Field:
    """Pa: saturation less actual vapour pressure. FAO-56 (Allen et al. 1998)."""
    return np.maximum(thermo.saturation_vapour_pressure(temperature_2m) - vapour_pressure_2m, 0)


def dew_point_depression_2m(temperature_2m: Field, dew_point_temperature_2m: Field) -> Field:
    """K: temperature less dew point."""
    return temperature_2m - dew_point_temperature_2m


def wet_bulb_temperature_2m(temperature_2m: Field, vapour_pressure_2m: Field, surface_pressure: Field) -> Field:
    """K: psychrometric equation of WMO-No. 8 (2018), annex 4.B, solved exactly."""
    return thermo.wet_bulb(temperature_2m, vapour_pressure_2m, surface_pressure)


def virtual_temperature_2m(temperature_2m: Field, humidity_mixing_ratio_2m: Field) -> Field:
    """K: temperature of dry air of the same density and pressure."""
    return thermo.virtual_temperature(temperature_2m, humidity_mixing_ratio_2m)


def potential_temperature_2m(temperature_2m: Field, surface_pressure: Field) -> Field:
    """K: brought dry-adiabatically to 1000 hPa."""
    return temperature_2m * (100000 / surface_pressure) ** np.float32(thermo.KAPPA)


def equivalent_potential_temperature_2m(
    temperature_2m: Field, dew_point_temperature_2m: Field, surface_pressure: Field
) -> Field:
    """K: Bolton (1980), eq. 39."""
    return thermo.equivalent_potential(temperature_2m, dew_point_temperature_2m, surface_pressure)


def air_density_2m(virtual_temperature_2m: Field, surface_pressure: Field) -> Field:
    """kg m-3: ideal gas law with virtual temperature."""
    return surface_pressure / (thermo.DRY_GAS * virtual_temperature_2m)


def density_altitude(air_density_2m: Field) -> Field:
    """m: altitude of this density in the ICAO standard atmosphere (1993)."""
    return 44330.77 * (1 - (air_density_2m / 1.225) ** np.float32(0.234969))


def lifting_condensation_level(temperature_2m: Field, dew_point_temperature_2m: Field) -> Field:
    """m above the surface: dry ascent to Bolton's (1980, eq. 15) condensation temperature."""
    condensation = thermo.condensation_temperature(temperature_2m, dew_point_temperature_2m)
    heat_capacity = thermo.DRY_GAS / thermo.KAPPA
    return np.maximum((temperature_2m - condensation) * (heat_capacity / thermo.GRAVITY), 0)


def surface_altitude(temperature_2m: Field, surface_pressure: Field, pressure_at_sea_level: Field) -> Field:
    """m: the height whose reduction (standard lapse rate) links the two pressures; for places without orography.

    ICAO standard atmosphere (1993); within some 30 m of a model's orography up to 1500 m.
    """
    exponent = thermo.DRY_GAS * thermo.LAPSE_RATE / thermo.GRAVITY
    ratio = (pressure_at_sea_level / surface_pressure) ** np.float32(exponent)
    return np.clip(temperature_2m / thermo.LAPSE_RATE * (ratio - 1), -450, 8900)


def frost_point_temperature_2m(vapour_pressure_2m: Field) -> Field:
    """K: where this vapour pressure saturates over ice; meaningful below 0 degC. Murphy and Koop (2005), eq. 8."""
    log = np.log(np.maximum(vapour_pressure_2m, 1e-4))
    return (1.814625 * log + 6190.134) / (29.120 - log)


def relative_humidity_over_ice_2m(temperature_2m: Field, vapour_pressure_2m: Field) -> Field:
    """1, may exceed 1 below 0 degC. Murphy and Koop (2005), eq. 7."""
    return vapour_pressure_2m / thermo.ice_saturation(temperature_2m)


def wet_bulb_depression_2m(temperature_2m: Field, wet_bulb_temperature_2m: Field) -> Field:
    """K: temperature less wet bulb, what evaporation can cool. WMO-No. 8, chapter 4."""
    return temperature_2m - wet_bulb_temperature_2m


def virtual_potential_temperature_2m(virtual_temperature_2m: Field, surface_pressure: Field) -> Field:
    """K: virtual temperature brought dry-adiabatically to 1000 hPa. Poisson."""
    return virtual_temperature_2m * (100000 / surface_pressure) ** np.float32(thermo.KAPPA)


def wet_bulb_potential_temperature_2m(equivalent_potential_temperature_2m: Field) -> Field:
    """K: Davies-Jones (2008), eq. 3.8; the dry potential temperature's own value below -100 degC."""
    return thermo.wet_bulb_potential(equivalent_potential_temperature_2m)


def specific_enthalpy_2m(temperature_2m: Field, humidity_mixing_ratio_2m: Field) -> Field:
    """J kg-1 of dry air above dry air at 0 degC, the load of air conditioning. ASHRAE Fundamentals (2021) 1.32."""
    celsius = temperature_2m - thermo.FREEZING
    return 1006 * celsius + humidity_mixing_ratio_2m * (2501000 + 1860 * celsius)


def condensation_temperature_2m(temperature_2m: Field, dew_point_temperature_2m: Field) -> Field:
    """K at the lifting condensation level of the air at 2 m: Bolton (1980), eq. 15."""
    return thermo.condensation_temperature(temperature_2m, dew_point_temperature_2m)


def lifting_condensation_pressure(
    condensation_temperature_2m: Field, temperature_2m: Field, surface_pressure: Field
) -> Field:
    """Pa: dry ascent to Bolton's (1980, eq. 15) condensation temperature."""
    return surface_pressure * (condensation_temperature_2m / temperature_2m) ** np.float32(1 / thermo.KAPPA)


def standard_atmosphere_deviation_2m(temperature_2m: Field, surface_altitude: Field) -> Field:
    """K: temperature less that of the ICAO standard atmosphere (1993) at this altitude."""
    return temperature_2m - (288.15 - thermo.LAPSE_RATE * surface_altitude)


def pressure_altitude(surface_pressure: Field) -> Field:
    """m: altitude of the surface pressure in the ICAO standard atmosphere (1993)."""
    return 44330.77 * (1 - (surface_pressure / 101325) ** np.float32(0.190263))


def altimeter_setting(surface_pressure: Field, surface_altitude: Field) -> Field:
    """Pa (QNH): what makes an altimeter on the ground show its altitude. ICAO standard atmosphere (1993)."""
    base = (surface_pressure / 101325) ** np.float32(0.190263)
    return 101325 * np.maximum(base + surface_altitude / 44330.77, 0.1) ** np.float32(1 / 0.190263)


FORMULAS = (
    vapour_pressure_2m,
    relative_humidity_2m,
    humidity_mixing_ratio_2m,
    specific_humidity_2m,
    absolute_humidity_2m,
    vapour_pressure_deficit_2m,
    dew_point_depression_2m,
    wet_bulb_temperature_2m,
    virtual_temperature_2m,
    potential_temperature_2m,
    equivalent_potential_temperature_2m,
    air_density_2m,
    density_altitude,
    lifting_condensation_level,
    surface_altitude,
    frost_point_temperature_2m,
    relative_humidity_over_ice_2m,
    wet_bulb_depression_2m,
    virtual_potential_temperature_2m,
    wet_bulb_potential_temperature_2m,
    specific_enthalpy_2m,
    condensation_temperature_2m,
    lifting_condensation_pressure,
    standard_atmosphere_deviation_2m,
    pressure_altitude,
    altimeter_setting,
)
