"""The wind between the heights the sources give, and what carries it: hub heights, turbulence, mixing."""

from __future__ import annotations

import math

import numpy as np

from pipeline.science.derive.thermo import GRAVITY, Field, category

KARMAN = 0.4
REFERENCE_DENSITY = 1.225  # kg m-3, IEC 61400-1
PEAK_FACTOR = 3.0  # of an hour's gusts of 3 s over the standard deviation, WMO-No. 8 chapter 5
MOST_TURNING = 20.0  # degrees that the wind may turn between 100 m and the height sought


def _extrapolated(speed: Field, exponent: Field, height: float) -> Field:
    return speed * np.exp(np.float32(math.log(height / 100)) * exponent)


def wind_speed_80m(wind_speed_100m: Field, wind_profile_exponent: Field) -> Field:
    """m s-1: power law through 10 and 100 m. IEC 61400-1."""
    return _extrapolated(wind_speed_100m, wind_profile_exponent, 80)


def wind_speed_120m(wind_speed_100m: Field, wind_profile_exponent: Field) -> Field:
    """m s-1: power law through 10 and 100 m. IEC 61400-1."""
    return _extrapolated(wind_speed_100m, wind_profile_exponent, 120)


def wind_speed_160m(wind_speed_100m: Field, wind_profile_exponent: Field) -> Field:
    """m s-1: power law through 10 and 100 m. IEC 61400-1."""
    return _extrapolated(wind_speed_100m, wind_profile_exponent, 160)


def wind_speed_200m(wind_speed_100m: Field, wind_profile_exponent: Field) -> Field:
    """m s-1: power law through 10 and 100 m. IEC 61400-1."""
    return _extrapolated(wind_speed_100m, wind_profile_exponent, 200)


def wind_turning_10m_100m(wind_from_direction_10m: Field, wind_from_direction_100m: Field) -> Field:
    """Degrees from 10 to 100 m, -180 to 180, positive clockwise. Geometry."""
    turn = wind_from_direction_100m - wind_from_direction_10m
    return turn - 360 * np.rint(turn / 360)


def _turned(direction: Field, turning: Field, height: float) -> Field:
    """The turning between 10 and 100 m goes on with the logarithm of height, by `MOST_TURNING` at most."""
    more = np.clip(turning * np.float32(math.log10(height / 100)), -MOST_TURNING, MOST_TURNING)
    turned = direction + more
    turned = turned - 360 * np.floor(turned / 360)
    return turned * (turned < 360)


def wind_from_direction_80m(wind_from_direction_100m: Field, wind_turning_10m_100m: Field) -> Field:
    """Degrees: turns with the logarithm of height as between 10 and 100 m. After Ekman (1905)."""
    return _turned(wind_from_direction_100m, wind_turning_10m_100m, 80)


def wind_from_direction_120m(wind_from_direction_100m: Field, wind_turning_10m_100m: Field) -> Field:
    """Degrees: turns with the logarithm of height as between 10 and 100 m. After Ekman (1905)."""
    return _turned(wind_from_direction_100m, wind_turning_10m_100m, 120)


def wind_from_direction_160m(wind_from_direction_100m: Field, wind_turning_10m_100m: Field) -> Field:
    """Degrees: turns with the logarithm of height as between 10 and 100 m. After Ekman (1905)."""
    return _turned(wind_from_direction_100m, wind_turning_10m_100m, 160)


def wind_from_direction_200m(wind_from_direction_100m: Field, wind_turning_10m_100m: Field) -> Field:
    """Degrees: turns with the logarithm of height as between 10 and 100 m. After Ekman (1905)."""
    return _turned(wind_from_direction_100m, wind_turning_10m_100m, 200)


def air_density_100m(air_density_2m: Field, virtual_temperature_2m: Field) -> Field:
    """kg m-3: hydrostatic from 2 m under the standard lapse rate. ICAO (1993), IEC 61400-12-1."""
    exponent = np.float32(GRAVITY / (287.05 * 0.0065) - 1)
    return air_density_2m * (1 - np.float32(0.0065 * 98) / virtual_temperature_2m) ** exponent


def density_speed_factor(air_density_100m: Field) -> Field:
    """1: cube root of density at 100 m over 1.225 kg m-3. IEC 61400-12-1, for turbines that pitch."""
    return np.cbrt(air_density_100m / np.float32(REFERENCE_DENSITY))


def density_corrected_wind_speed_100m(wind_speed_100m: Field, density_speed_factor: Field) -> Field:
    """m s-1 that carries as much power at 1.225 kg m-3. IEC 61400-12-1, for turbines that pitch."""
    return wind_speed_100m * density_speed_factor


def turbulence_intensity_10m(gust_factor: Field, wind_speed_10m: Field) -> Field:
    """1: standard deviation over mean of the wind, from the gust factor and a peak factor of 3; 0 in calm.

    WMO-No. 8, chapter 5; Wieringa (1973).
    """
    return np.clip((gust_factor - 1) / PEAK_FACTOR, 0, 1) * (wind_speed_10m >= 1)


def surface_roughness_length(wind_speed_10m: Field, wind_speed_100m: Field) -> Field:
    """m: of the neutral logarithmic profile through 10 and 100 m, 1e-5 to 5, 0.03 in light wind. Stull (1988) 9.7."""
    known = (wind_speed_10m >= 1) & (wind_speed_100m > wind_speed_10m * np.float32(1.02))
    gain = np.where(known, wind_speed_100m - wind_speed_10m, np.float32(1))
    power = np.clip(np.where(known, wind_speed_10m, np.float32(2.523)) / gain, 0, 8)
    return np.clip(10 * np.exp(np.float32(-math.log(10)) * power), 1e-5, 5)


def friction_velocity(wind_speed_10m: Field, surface_roughness_length: Field) -> Field:
    """m s-1: neutral logarithmic profile. Stull (1988), eq. 9.7.1c."""
    return np.float32(KARMAN) * wind_speed_10m / np.log(10 / surface_roughness_length)


def surface_richardson_number(temperature_2m: Field, skin_temperature: Field, wind_speed_10m: Field) -> Field:
    """1: bulk, of the air between the surface and 10 m, negative where heated from below. Stull (1988), eq. 5.6.3."""
    excess = temperature_2m + np.float32(0.0098 * 2) - skin_temperature
    return GRAVITY * 10 * excess / (temperature_2m * np.maximum(wind_speed_10m, 0.5) ** 2)


def stability_class(
    wind_speed_10m: Field, surface_downwelling_shortwave_flux: Field, total_cloud_cover: Field
) -> Field:
    """1 A very unstable to 6 F stable: Pasquill (1961), insolation limits of EPA-454/R-99-005 (2000), table 6-7."""
    sun = category(surface_downwelling_shortwave_flux, 1, 175, 675, 925)
    wind = category(wind_speed_10m, 2, 3, 5, 6)
    table = np.array(
        [[6, 5, 4, 4, 4], [4, 4, 4, 4, 4], [2, 3, 3, 4, 4], [1, 2, 2, 3, 4], [1, 1, 2, 3, 3], [6, 6, 5, 4, 4]],
        np.float32,
    )  # rows: cloudy night, weak, slight, moderate, strong sun, clear night; columns: wind
    row = np.where((sun == 0) & (total_cloud_cover <= 0.4), np.float32(5), sun)
    return np.take(table.reshape(-1), (row * 5 + wind).astype(np.int32))


def transport_wind_speed(
    wind_speed_10m: Field, wind_speed_100m: Field, wind_speed_925hpa: Field, boundary_layer_height: Field
) -> Field:
    """m s-1: mean of the mixed layer: of 10 and 100 m in a shallow one, nearing that with 925 hPa up to 750 m of depth.

    Ferguson (2001); the level's own height above the ground is taken as 750 m.
    """
    low = (wind_speed_10m + wind_speed_100m) / 2
    part = np.clip((boundary_layer_height - 100) / 650, 0, 1)
    return low + part * ((wind_speed_100m + wind_speed_925hpa) / 2 - low)


def gust_pressure(wind_gust: Field, air_density_2m: Field) -> Field:
    """Pa: dynamic pressure of the gust, which loads structures. EN 1991-1-4, eq. 4.10."""
    return np.float32(0.5) * air_density_2m * wind_gust * wind_gust


FORMULAS = (
    wind_speed_80m,
    wind_speed_120m,
    wind_speed_160m,
    wind_speed_200m,
    wind_turning_10m_100m,
    wind_from_direction_80m,
    wind_from_direction_120m,
    wind_from_direction_160m,
    wind_from_direction_200m,
    air_density_100m,
    density_speed_factor,
    density_corrected_wind_speed_100m,
    turbulence_intensity_10m,
    surface_roughness_length,
    friction_velocity,
    surface_richardson_number,
    stability_class,
    gust_pressure,
)
UPPER = (transport_wind_speed,)
