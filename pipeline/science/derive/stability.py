"""Indices of stability and of downbursts from the temperature and moisture of the levels."""

from __future__ import annotations

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.thermo import FREEZING, Field

KNOT = 0.514444  # m s-1


def vertical_totals_index(temperature_850hpa: Field, temperature_500hpa: Field) -> Field:
    """K. Miller (1972), AWS TR 200."""
    return temperature_850hpa - temperature_500hpa


def cross_totals_index(dew_point_temperature_850hpa: Field, temperature_500hpa: Field) -> Field:
    """K. Miller (1972), AWS TR 200."""
    return dew_point_temperature_850hpa - temperature_500hpa


def boyden_index(thickness_1000_700hpa: Field, temperature_700hpa: Field) -> Field:
    """1, thunder from some 94. Boyden (1963)."""
    return np.float32(0.1) * thickness_1000_700hpa - (temperature_700hpa - FREEZING) - 200


def jefferson_index(
    wet_bulb_potential_temperature_850hpa: Field, temperature_500hpa: Field, dew_point_depression_700hpa: Field
) -> Field:
    """K in Celsius degrees as usual, thunder from some 27. Jefferson (1966), modified for the moisture of 700 hPa."""
    low = np.float32(1.6) * (wet_bulb_potential_temperature_850hpa - FREEZING)
    return low - (temperature_500hpa - FREEZING) - np.float32(0.5) * dew_point_depression_700hpa - 8


def s_index(total_totals_index: Field, dew_point_depression_700hpa: Field, vertical_totals_index: Field) -> Field:
    """K, thunder likely from 46. Reymann et al. (1998), German Military Geophysical Office."""
    stable = np.float32(2) * (vertical_totals_index <= 25) + np.float32(4) * (vertical_totals_index < 22)
    return total_totals_index - dew_point_depression_700hpa - stable


def thompson_index(k_index: Field, lifted_index: Field) -> Field:
    """K, thunder from some 25. Haklander and Van Delden (2003)."""
    return k_index - lifted_index


def bradbury_index(
    equivalent_potential_temperature_500hpa: Field, wet_bulb_potential_temperature_850hpa: Field
) -> Field:
    """K: wet-bulb potential temperature at 500 less that at 850 hPa, thunder below some 3. Bradbury (1977)."""
    return thermo.wet_bulb_potential(equivalent_potential_temperature_500hpa) - wet_bulb_potential_temperature_850hpa


def potential_instability_index(
    equivalent_potential_temperature_925hpa: Field,
    equivalent_potential_temperature_500hpa: Field,
    geopotential_height_925hpa: Field,
    geopotential_height_500hpa: Field,
) -> Field:
    """K km-1 by which equivalent potential temperature falls from 925 to 500 hPa. Van Delden (2001)."""
    fall = equivalent_potential_temperature_925hpa - equivalent_potential_temperature_500hpa
    return 1000 * fall / np.maximum(geopotential_height_500hpa - geopotential_height_925hpa, 100)


def humidity_index(
    dew_point_depression_850hpa: Field, dew_point_depression_700hpa: Field, dew_point_depression_500hpa: Field
) -> Field:
    """K: sum of the dew point depressions, thunder below some 30. Litynska et al. (1976)."""
    return dew_point_depression_850hpa + dew_point_depression_700hpa + dew_point_depression_500hpa


def lifted_index_925hpa(
    temperature_925hpa: Field, dew_point_temperature_925hpa: Field, temperature_500hpa: Field
) -> Field:
    """K: 500 hPa less a parcel lifted from 925 hPa, meaningful where that is above ground. Galway (1956)."""
    return temperature_500hpa - thermo.lifted(temperature_925hpa, dew_point_temperature_925hpa, 92500.0, 50000.0)


def best_lifted_index(lifted_index: Field, lifted_index_925hpa: Field, showalter_index: Field) -> Field:
    """K: least of the parcels from the surface, 925 and 850 hPa, as NCEP's of four layers. Fujita et al. (1970)."""
    return np.minimum(np.minimum(lifted_index, lifted_index_925hpa), showalter_index)


def deep_convective_index(temperature_850hpa: Field, dew_point_temperature_850hpa: Field, lifted_index: Field) -> Field:
    """K in Celsius degrees as usual, strong storms from some 30. Barlow (1993)."""
    return temperature_850hpa + dew_point_temperature_850hpa - np.float32(2 * FREEZING) - lifted_index


def equivalent_potential_temperature_drop(
    equivalent_potential_temperature_2m: Field,
    equivalent_potential_temperature_700hpa: Field,
    equivalent_potential_temperature_500hpa: Field,
) -> Field:
    """K from 2 m to the lesser of 700 and 500 hPa, wet microbursts above some 20. Atkins and Wakimoto (1991)."""
    aloft = np.minimum(equivalent_potential_temperature_700hpa, equivalent_potential_temperature_500hpa)
    return equivalent_potential_temperature_2m - aloft


def dry_microburst_index(
    lapse_rate_700_500hpa: Field, dew_point_depression_700hpa: Field, dew_point_depression_500hpa: Field
) -> Field:
    """1, dry microbursts from some 12 on. Wakimoto (1985), Ellrod et al. (2000)."""
    return lapse_rate_700_500hpa + dew_point_depression_700hpa - dew_point_depression_500hpa


def mean_mixing_ratio_0_1km(
    surface_altitude: Field,
    geopotential_height_925hpa: Field,
    geopotential_height_850hpa: Field,
    geopotential_height_700hpa: Field,
    specific_humidity_2m: Field,
    specific_humidity_925hpa: Field,
    specific_humidity_850hpa: Field,
    specific_humidity_700hpa: Field,
) -> Field:
    """kg kg-1: mean specific humidity by height of the lowest 1000 m over the mean of dry air. WMO-No. 8, annex 4.A."""
    heights = (
        surface_altitude, geopotential_height_925hpa, geopotential_height_850hpa, geopotential_height_700hpa
    )  # fmt: skip
    humidity = (specific_humidity_2m, specific_humidity_925hpa, specific_humidity_850hpa, specific_humidity_700hpa)
    mean = thermo.mean_below(heights, humidity, 1000)
    return mean / (1 - mean)


def wind_index(
    surface_altitude: Field,
    freezing_level_altitude: Field,
    temperature_2m: Field,
    mean_mixing_ratio_0_1km: Field,
    specific_humidity_700hpa: Field,
    specific_humidity_500hpa: Field,
    geopotential_height_700hpa: Field,
    geopotential_height_500hpa: Field,
) -> Field:
    """m s-1: gust of a microburst (WINDEX). McCann (1994); the melting level's moisture from 700 and 500 hPa."""
    melting = np.maximum(freezing_level_altitude - surface_altitude, 0) / 1000
    lapse = np.where(melting > 0.2, (temperature_2m - np.float32(FREEZING)) / np.maximum(melting, 0.2), np.float32(0))
    depth = np.maximum(geopotential_height_500hpa - geopotential_height_700hpa, 100)
    part = np.clip((freezing_level_altitude - geopotential_height_700hpa) / depth, 0, 1)
    there = specific_humidity_700hpa + part * (specific_humidity_500hpa - specific_humidity_700hpa)
    low = 1000 * mean_mixing_ratio_0_1km
    strength = melting * np.minimum(low / 12, 1) * (lapse * lapse - 30 + low - 2000 * there)
    return np.float32(5 * KNOT) * np.sqrt(np.maximum(strength, 0))


def convective_gust(wind_index: Field, wind_speed_500hpa: Field) -> Field:
    """m s-1 (GUSTEX): 0.6 of WINDEX and half of the wind at 500 hPa. Geerts (2001)."""
    return np.float32(0.6) * wind_index + np.float32(0.5) * wind_speed_500hpa * (wind_index > 0)


def downdraft_convective_available_potential_energy(
    temperature_2m: Field,
    surface_pressure: Field,
    temperature_925hpa: Field,
    temperature_850hpa: Field,
    temperature_700hpa: Field,
    equivalent_potential_temperature_700hpa: Field,
) -> Field:
    """J kg-1 of air from 700 hPa, kept saturated by rain, down to the surface; without virtual temperatures.

    Emanuel (1994), eq. 6.3.3; parcels by Bolton (1980), trapezoids between the levels; 0 where none falls.
    """
    return thermo.elementwise(
        thermo.kernels.downdraft,
        equivalent_potential_temperature_700hpa,
        temperature_700hpa,
        temperature_850hpa,
        temperature_925hpa,
        temperature_2m,
        surface_pressure,
    )


def warm_cloud_depth(
    freezing_level_altitude: Field, lifting_condensation_level: Field, surface_altitude: Field
) -> Field:
    """m from the condensation to the freezing level, cloudbursts from some 3000. Davis (2001)."""
    return np.maximum(freezing_level_altitude - surface_altitude - lifting_condensation_level, 0)


FORMULAS = (
    vertical_totals_index,
    cross_totals_index,
    boyden_index,
    jefferson_index,
    s_index,
    thompson_index,
    bradbury_index,
    potential_instability_index,
    humidity_index,
    lifted_index_925hpa,
    best_lifted_index,
    deep_convective_index,
    equivalent_potential_temperature_drop,
    dry_microburst_index,
    mean_mixing_ratio_0_1km,
    wind_index,
    convective_gust,
    downdraft_convective_available_potential_energy,
    warm_cloud_depth,
)
