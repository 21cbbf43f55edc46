"""Wind: directions, shear, force, power."""

from __future__ import annotations

import math

import numpy as np

from pipeline.science.derive.thermo import Field, category, length, wind_from

BEAUFORT = (0.3, 1.6, 3.4, 5.5, 8.0, 10.8, 13.9, 17.2, 20.8, 24.5, 28.5, 32.7)
"""Lower limits of forces 1 to 12 in m s-1, WMO-No. 8 (2018), table 5.1."""
WARNINGS = (10.8, 17.2, 24.5, 32.7)
"""Strong wind, gale, storm, hurricane force: lower limits of Beaufort 6, 8, 10 and 12 in m s-1."""


def wind_from_direction_10m(eastward_wind_10m: Field, northward_wind_10m: Field) -> Field:
    """Degrees clockwise from north, 0 in calm."""
    return wind_from(eastward_wind_10m, northward_wind_10m)


def wind_from_direction_100m(eastward_wind_100m: Field, northward_wind_100m: Field) -> Field:
    """Degrees clockwise from north, 0 in calm."""
    return wind_from(eastward_wind_100m, northward_wind_100m)


def gust_factor(wind_gust: Field, wind_speed_10m: Field) -> Field:
    """1: gust over mean wind, which counts as at least 1 m s-1. WMO-No. 8, chapter 5."""
    return np.maximum(wind_gust / np.maximum(wind_speed_10m, 1), 1)


def beaufort_wind_force(wind_speed_10m: Field) -> Field:
    """0 to 12. WMO-No. 8 (2018), table 5.1."""
    return category(wind_speed_10m, *BEAUFORT)


def wind_warning_category(wind_speed_10m: Field) -> Field:
    """0 none, 1 strong wind, 2 gale, 3 storm, 4 hurricane force. WMO-No. 471, guide to marine services."""
    return category(wind_speed_10m, *WARNINGS)


def wind_shear_10m_100m(
    eastward_wind_10m: Field, northward_wind_10m: Field, eastward_wind_100m: Field, northward_wind_100m: Field
) -> Field:
    """m s-1: length of the vector difference between 100 m and 10 m."""
    return length(eastward_wind_100m - eastward_wind_10m, northward_wind_100m - northward_wind_10m)


def bulk_wind_shear_10m_500hpa(
    eastward_wind_10m: Field, northward_wind_10m: Field, eastward_wind_500hpa: Field, northward_wind_500hpa: Field
) -> Field:
    """m s-1: length of the vector difference between 500 hPa and 10 m, a stand-in for 0 to 6 km."""
    return length(eastward_wind_500hpa - eastward_wind_10m, northward_wind_500hpa - northward_wind_10m)


def wind_profile_exponent(wind_speed_10m: Field, wind_speed_100m: Field) -> Field:
    """1: exponent of the power law between 10 and 100 m (IEC 61400-1); 1/7 below 1 m s-1."""
    known = (wind_speed_10m >= 1) & (wind_speed_100m >= 1)
    ratio = np.maximum(wind_speed_100m, 1) / np.maximum(wind_speed_10m, 1)
    return np.where(known, np.log(ratio) / np.float32(math.log(10)), np.float32(1 / 7))


def wind_power_density_100m(wind_speed_100m: Field, air_density_2m: Field) -> Field:
    """W m-2: half of density times speed cubed; density falls by 1.1 % from 2 to 100 m. IEC 61400-12-1."""
    return 0.5 * 0.989 * air_density_2m * wind_speed_100m**3


def wind_turbine_capacity_factor(wind_speed_100m: Field, air_density_2m: Field) -> Field:
    """1: a generic turbine (cut-in 3, rated 12.5, cut-out 25 m s-1, cubic between), density by IEC 61400-12-1."""
    speed = wind_speed_100m * (air_density_2m * (0.989 / 1.225)) ** np.float32(1 / 3)
    return np.clip((speed**3 - 27) / (12.5**3 - 27), 0, 1) * (wind_speed_100m <= 25)


def wind_stress(wind_speed_10m: Field, air_density_2m: Field) -> Field:
    """Pa: magnitude of the stress on the sea, drag coefficient of Large and Pond (1981)."""
    drag = np.maximum(0.49 + 0.065 * wind_speed_10m, 1.2) * 1e-3
    return air_density_2m * np.minimum(drag, 2.5e-3) * wind_speed_10m**2


def ventilation_index(boundary_layer_height: Field, wind_speed_10m: Field, wind_speed_100m: Field) -> Field:
    """m2 s-1: mixing height times transport wind (mean of 10 and 100 m). Ferguson (2001)."""
    return boundary_layer_height * 0.5 * (wind_speed_10m + wind_speed_100m)


FORMULAS = (
    wind_from_direction_10m,
    wind_from_direction_100m,
    gust_factor,
    beaufort_wind_force,
    wind_warning_category,
    wind_shear_10m_100m,
    bulk_wind_shear_10m_500hpa,
    wind_profile_exponent,
    wind_power_density_100m,
    wind_turbine_capacity_factor,
    wind_stress,
    ventilation_index,
)
