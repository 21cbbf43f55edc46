"""People outdoors: radiation on the body, the universal index, heat at work, cold and clothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.math import elementwise, f4, kernel, power
from pipeline.science.derive.thermo import FREEZING, STEFAN_BOLTZMANN, Field
from pipeline.science.derive.utci import add_terms, terms
from pipeline.science.registers import full_width

ABSORPTION, EMISSIVITY = 0.70, 0.97  # of clothed skin, VDI 3787
WALKING = 87.0  # W m-2 that clothes have to pass: three quarters of 2 met
KMH = 3.6


def _lower_wind(wind_speed_10m: Field, height: float) -> Field:
    """m s-1 at a person's height (m), logarithmic over a roughness of 1 cm. Broede et al. (2012)."""
    return wind_speed_10m * np.float32(math.log(height / 0.01) / math.log(10 / 0.01))


def mean_radiant_temperature(
    surface_downwelling_longwave_flux: Field,
    surface_upwelling_longwave_flux: Field,
    diffuse_horizontal_irradiance: Field,
    surface_upwelling_shortwave_flux: Field,
    direct_normal_irradiance: Field,
    cosine_of_zenith: Field,
) -> Field:
    """K of surroundings that would warm a standing person as sun, sky and ground do. Di Napoli et al. (2020)."""
    elevation = np.rad2deg(np.arcsin(cosine_of_zenith))
    seen = 0.308 * np.cos(np.deg2rad(elevation * (0.998 - elevation * elevation / 50000)))
    sun = 0.5 * (diffuse_horizontal_irradiance + surface_upwelling_shortwave_flux) + seen * direct_normal_irradiance
    heat = 0.5 * (surface_downwelling_longwave_flux + surface_upwelling_longwave_flux)
    total = heat + np.float32(ABSORPTION / EMISSIVITY) * sun
    return np.sqrt(np.sqrt(total / np.float32(STEFAN_BOLTZMANN)))


def universal_thermal_climate_index(
    temperature_2m: Field, wind_speed_10m: Field, mean_radiant_temperature: Field, vapour_pressure_2m: Field
) -> Field:
    """K: air temperature of the reference that strains the body as much. Broede et al. (2012).

    Inputs beyond those it was fitted for are held at their ends: -50 to 50 degC, 0.5 to 17 m s-1, 30 K below to 70 K
    above the air, 5 kPa.
    """
    celsius = np.clip(temperature_2m - np.float32(FREEZING), -50, 50)
    wind = np.clip(wind_speed_10m, 0.5, 17)
    radiation = np.clip(mean_radiant_temperature - temperature_2m, -30, 70)
    vapour = np.clip(vapour_pressure_2m / np.float32(1000), 0, 5)
    powers, coefficients = terms()
    result = np.empty_like(celsius)
    fields = [np.ascontiguousarray(field, np.float32).reshape(-1) for field in (celsius, wind, radiation, vapour)]
    add_terms(fields[0], fields[1], fields[2], fields[3], powers, coefficients, result.reshape(-1))
    return temperature_2m + result


def thermal_stress_category(universal_thermal_climate_index: Field) -> Field:
    """0 extreme cold stress to 5 none and 9 extreme heat stress. Broede et al. (2012), table 4: ten classes."""
    limits = (-40, -27, -13, 0, 9, 26, 32, 38, 46)
    return thermo.category(universal_thermal_climate_index, *(FREEZING + limit for limit in limits))


@kernel
def heat_globe(air: Any, radiant: Any, wind: Any, out: Any) -> None:
    """K of a globe between air and surroundings (K) in wind (m s-1), by five steps of Newton's method."""
    full_width()
    for i in range(len(out)):
        exchange = f4(1.1e8 / (0.95 * 0.15**0.4)) * power(max(wind[i], f4(1e-4)), f4(0.6))
        square = radiant[i] * radiant[i]
        gained = square * square + exchange * air[i]
        found = max(air[i], radiant[i])
        for _ in range(5):
            cube = found * found * found
            found -= (cube * found + exchange * found - gained) / (f4(4.0) * cube + exchange)
        out[i] = found


def globe_temperature(temperature_2m: Field, mean_radiant_temperature: Field, wind_speed_10m: Field) -> Field:
    """K of a black globe of 15 cm: radiation in balance with forced convection. ISO 7726, Guo et al. (2018).

    By Newton's method, from the warmer of air and surroundings.
    """
    return elementwise(heat_globe, temperature_2m, mean_radiant_temperature, _lower_wind(wind_speed_10m, 1.1))


def wet_bulb_globe_temperature_iso7243(
    wet_bulb_temperature_2m: Field, globe_temperature: Field, temperature_2m: Field
) -> Field:
    """K in the sun: 0.7 wet bulb, 0.2 globe, 0.1 air. ISO 7243; the ventilated wet bulb for the natural one."""
    return 0.7 * wet_bulb_temperature_2m + 0.2 * globe_temperature + 0.1 * temperature_2m


def wet_bulb_globe_temperature_shade(wet_bulb_temperature_2m: Field, temperature_2m: Field) -> Field:
    """K in the shade: 0.7 wet bulb, 0.3 air. ISO 7243; the ventilated wet bulb for the natural one."""
    return 0.7 * wet_bulb_temperature_2m + 0.3 * temperature_2m


def heat_flag(wet_bulb_globe_temperature_iso7243: Field) -> Field:
    """0 none, 1 white (78 degF), 2 green (82), 3 yellow (85), 4 red (88), 5 black (90). US Army TB MED 507 (2022)."""
    limits = (FREEZING + (fahrenheit - 32) / 1.8 for fahrenheit in (78, 82, 85, 88, 90))
    return thermo.category(wet_bulb_globe_temperature_iso7243, *limits)


def work_capacity(wet_bulb_globe_temperature_iso7243: Field) -> Field:
    """1: share of a person's work in the cool that the heat leaves. Foster et al. (2021)."""
    celsius = np.maximum(wet_bulb_globe_temperature_iso7243 - FREEZING, 5)
    return 1 / (1 + np.power(celsius / 45.33, np.float32(4.30)))


def heat_index_category(heat_index: Field) -> Field:
    """0 none, 1 caution (80 degF), 2 extreme caution (90), 3 danger (103), 4 extreme danger (125). U.S. NWS."""
    return thermo.category(heat_index, *(FREEZING + (limit - 32) / 1.8 for limit in (80, 90, 103, 125)))


def normal_effective_temperature(temperature_2m: Field, relative_humidity_2m: Field, wind_speed_10m: Field) -> Field:
    """K: Missenard's effective temperature with wind at 1.2 m. Li and Chan (2000)."""
    celsius, percent = temperature_2m - FREEZING, relative_humidity_2m * 100
    wind = np.power(np.maximum(_lower_wind(wind_speed_10m, 1.2), 1e-6), np.float32(0.75))
    resistance = 0.68 - 0.0014 * percent + 1 / (1.76 + 1.4 * wind)
    return 37 - (37 - celsius) / resistance - 0.29 * celsius * (1 - relative_humidity_2m) + FREEZING


def relative_strain_index(temperature_2m: Field, vapour_pressure_2m: Field) -> Field:
    """1: strain of a walker in a suit, discomfort from 0.2, failure from 0.5; 0 below 21 degC. Kyle (1992)."""
    return np.maximum(temperature_2m - np.float32(FREEZING + 21), 0) / np.maximum(58 - vapour_pressure_2m / 100, 4)


def summer_simmer_index(temperature_2m: Field, relative_humidity_2m: Field) -> Field:
    """K, made for summer nights above 22 degC, the temperature below. Pepi (1987)."""
    fahrenheit = (temperature_2m - FREEZING) * 1.8 + 32
    simmer = 1.98 * (fahrenheit - (0.55 - 0.55 * relative_humidity_2m) * (fahrenheit - 58)) - 56.83
    return np.where(temperature_2m > FREEZING + 22, (simmer - 32) / 1.8 + FREEZING, temperature_2m)


def frostbite_time(temperature_2m: Field, wind_speed_10m: Field) -> Field:
    """s until bare cheeks freeze in one of twenty people, 2 minutes to 30, and 30 where longer or above -15 degC.

    Tikuisis and Osczevski (2003), as Environment Canada uses it.
    """
    celsius, wind = temperature_2m - FREEZING, np.clip(wind_speed_10m * KMH, 0, 80)
    fast = np.maximum(2111 - 24.5 * (0.667 * wind + 4.8), 100)
    minutes = fast * np.power(np.maximum(-4.8 - celsius, 1), np.float32(-1.668))
    return 60 * np.where(celsius < -15, np.clip(minutes, 2, 30), np.float32(30))


def clothing_insulation(temperature_2m: Field, wind_speed_10m: Field) -> Field:
    """m2 K W-1 (0.155 a clo) that keep a walker warm: all needed less the air's own. Burton and Edholm (1955)."""
    needed = (FREEZING + 33 - temperature_2m) / WALKING
    air = 0.155 / (0.61 + 1.9 * np.sqrt(wind_speed_10m))
    return np.maximum(needed - air, 0)


FORMULAS = (
    mean_radiant_temperature,
    universal_thermal_climate_index,
    thermal_stress_category,
    globe_temperature,
    wet_bulb_globe_temperature_iso7243,
    wet_bulb_globe_temperature_shade,
    heat_flag,
    work_capacity,
    heat_index_category,
    normal_effective_temperature,
    relative_strain_index,
    summer_simmer_index,
    frostbite_time,
    clothing_insulation,
)
