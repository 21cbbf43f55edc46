"""Aviation: ceilings, icing, turbulence near the ground, contrails, soaring."""

from __future__ import annotations

import math

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.formula import Formula
from pipeline.science.derive.thermo import FREEZING, Field, ramp

FEET, MILE, KNOT = 0.3048, 1609.344, 0.514444  # m, m, m s-1
EMISSION, HEAT, EFFICIENCY = 1.25, 43.2e6, 0.30  # kg water a kg of kerosene, J kg-1, of a modern engine
MOLAR_RATIO, HEAT_CAPACITY = 0.622, 1004.0  # J kg-1 K-1
CLAPEYRON = 6139.0  # K: latent heat over the vapour's gas constant at some -50 degC
ABOVE = 1.0001  # a ceiling of just 3000 ft and a visibility of just 5 miles are marginal


def icing_potential_at(temperature: Field, relative_humidity: Field) -> Field:
    """0 to 1 at a pressure level: temperature's interest of the Current Icing Potential times cloud.

    1 from -4 to -12 degC, 0 above 0 and below -25; cloud from 70 to 95 % humidity. Bernstein et al. (2005), figure 3.
    """
    celsius = temperature - np.float32(FREEZING)
    cold = np.minimum(ramp(celsius, 0, -4), ramp(celsius, -25, -12))
    return cold * ramp(relative_humidity, 0.70, 0.95)


def icing_potential(
    icing_potential_925hpa: Field, icing_potential_850hpa: Field, icing_potential_700hpa: Field,
    icing_potential_500hpa: Field,
) -> Field:  # fmt: skip
    """0 to 1: greatest of the levels. Bernstein et al. (2005)."""
    low = np.maximum(icing_potential_925hpa, icing_potential_850hpa)
    return np.maximum(low, np.maximum(icing_potential_700hpa, icing_potential_500hpa))


def contrail_threshold_temperature_250hpa(relative_humidity_250hpa: Field) -> Field:
    """K below which exhaust makes a contrail at 250 hPa. Schmidt (1941), Appleman (1953), Schumann (1996).

    Mixing line of kerosene at an efficiency of 0.3; threshold at saturation by Schumann's eq. 10, at other humidities
    where the line from the ambient vapour touches saturation, by Newton's method from saturation's parabola.
    """
    slope = EMISSION * HEAT_CAPACITY * 25000 / (MOLAR_RATIO * HEAT * (1 - EFFICIENCY))
    offset = math.log(slope - 0.053)
    limit = FREEZING - 46.46 + 9.43 * offset + 0.720 * offset * offset  # at 100 %
    full = float(thermo.saturation_vapour_pressure(np.array(limit)))
    humidity = np.clip(relative_humidity_250hpa, 0, np.float32(0.999999))
    rise = CLAPEYRON / (limit * limit)
    bend, lack = humidity * np.float32(full * rise * (rise - 2 / limit) / slope), 1 - humidity
    short = lack * np.float32(full / slope)
    found = limit - 2 * short / (lack + np.sqrt(lack * lack + 2 * bend * short))
    for _ in range(2):
        vapour = thermo.saturation_vapour_pressure(found)
        steepness = 1 - humidity * vapour * CLAPEYRON / (found * found * slope)
        found = found + (limit - found - (full - humidity * vapour) / slope) / np.maximum(steepness, 0.1)
    return np.minimum(found, np.float32(limit))


def contrail_formation_250hpa(temperature_250hpa: Field, contrail_threshold_temperature_250hpa: Field) -> Field:
    """1 if aircraft at 250 hPa leave contrails, else 0. Schmidt (1941), Appleman (1953), Schumann (1996)."""
    return (temperature_250hpa <= contrail_threshold_temperature_250hpa).astype(np.float32)


def contrail_persistence_250hpa(contrail_formation_250hpa: Field, relative_humidity_over_ice_250hpa: Field) -> Field:
    """1 if contrails at 250 hPa form and stay, in air saturated over ice. Schumann (1996)."""
    return contrail_formation_250hpa * (relative_humidity_over_ice_250hpa >= 1)


def carburettor_icing(temperature_2m: Field, dew_point_depression_2m: Field) -> Field:
    """0 none, 1 light or cruise and descent power, 2 moderate at cruise, serious at descent, 3 serious at any power.

    Straight edges through the chart of UK CAA Safety Sense Leaflet 14 and FAA SAIB CE-09-35.
    """
    celsius, dry = temperature_2m - np.float32(FREEZING), dew_point_depression_2m
    light = (celsius > -10) & (celsius < 38) & (dry < 21)
    moderate = (celsius > -8) & (celsius < 30) & (dry < 11)
    serious = (celsius > -2) & (celsius < 18) & (dry < 5)
    return (np.float32(0) + light + moderate + serious).astype(np.float32)


def low_level_wind_shear_category(wind_shear_10m_100m: Field) -> Field:
    """0 light, 1 moderate (5 kt in 100 ft), 2 strong (9), 3 severe (13). ICAO Doc 9817, 2.2.5."""
    unit = KNOT / (100 * FEET) * 90  # m s-1 between 10 and 100 m
    return thermo.category(wind_shear_10m_100m, 5 * unit, 9 * unit, 13 * unit)


def thermal_index_850hpa(temperature_850hpa: Field, potential_temperature_2m: Field) -> Field:
    """K: 850 hPa less air lifted dry from 2 m, negative where thermals reach it. FAA AC 00-6B, chapter 10."""
    return temperature_850hpa - potential_temperature_2m * np.float32(0.85**thermo.KAPPA)


def colour_state(cloud_ceiling: Field, visibility: Field) -> Field:
    """NATO airfield state: 0 blue, 1 white, 2 green, 3 yellow 1, 4 yellow 2, 5 amber, 6 red.

    Lowest broken cloud 2500, 1500, 700, 500, 300, 200 ft, visibility 8, 5, 3.7, 2.5, 1.6, 0.8 km. STANAG 3992.
    """
    sky = 6 - thermo.category(cloud_ceiling, *(FEET * height for height in (200, 300, 500, 700, 1500, 2500)))
    air = 6 - thermo.category(visibility, 800, 1600, 2500, 3700, 5000, 8000)
    return np.maximum(sky, air)


def flight_category(cloud_ceiling: Field, visibility: Field) -> Field:
    """0 VFR, 1 MVFR, 2 IFR, 3 LIFR by ceiling and visibility. FAA and U.S. NWS instruction 10-813."""
    sky = 3 - thermo.category(cloud_ceiling, 500 * FEET, 1000 * FEET, 3000 * FEET * ABOVE)
    air = 3 - thermo.category(visibility, MILE, 3 * MILE, 5 * MILE * ABOVE)
    return np.maximum(sky, air)


def icing_levels() -> dict[str, Formula]:
    """Formulas of single levels, by name."""
    return {
        f"icing_potential_{level}hpa": Formula(
            icing_potential_at, (f"temperature_{level}hpa", f"relative_humidity_{level}hpa")
        )
        for level in (925, 850, 700, 500)
    }


FORMULAS = (
    icing_potential,
    contrail_threshold_temperature_250hpa,
    contrail_formation_250hpa,
    contrail_persistence_250hpa,
    carburettor_icing,
    low_level_wind_shear_category,
    thermal_index_850hpa,
    colour_state,
    flight_category,
)
