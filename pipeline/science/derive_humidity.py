"""Humidity and density of the air near the surface."""

from __future__ import annotations

import numpy as np

from pipeline.science import derive_thermo as thermo
from pipeline.science.derive_thermo import Field


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
)
