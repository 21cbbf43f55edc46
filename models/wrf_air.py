"""Air from WRF's variables: the formulas of wrf-python 1.3 (https://doi.org/10.5065/D6W094P1) and of the WRF manual."""

from __future__ import annotations

import numpy as np

from models.native import Array

GRAVITY = 9.81  # m s-2, WRF's own
GAS_CONSTANT = 287.0  # J kg-1 K-1, WRF's own for dry air
KAPPA = 2 / 7  # WRF's heat capacity is 7/2 of the gas constant
BASE_THETA = 300.0  # K, what T is counted from
EPSILON = 0.622
_LAPSE = 0.0065  # K m-1
_PRESSURE_DEPTH = 1.0e4  # Pa above the ground, where the surface's own temperature is no longer felt
_WARM = 290.66  # K: warmer air at the sea's level is not believed


def temperature(theta_perturbation: Array, pressure: Array) -> Array:
    """Kelvins from T (K less 300) and full pressure (Pa)."""
    return (theta_perturbation + np.float32(BASE_THETA)) * (pressure / np.float32(1e5)) ** np.float32(KAPPA)


def relative_humidity(mixing_ratio: Array, temperature: Array, pressure: Array) -> Array:
    """Fraction over water, 0 to 1: Bolton 1980, equation 10, as WRF has it."""
    saturated = 611.2 * np.exp(17.67 * (temperature - 273.15) / (temperature - 29.65))
    return np.clip(mixing_ratio * (pressure - (1 - EPSILON) * saturated) / (EPSILON * saturated), 0, 1).astype(
        np.float32
    )


def dew_point(mixing_ratio: Array, pressure: Array) -> Array:
    """Kelvins: Bolton 1980, equation 11; air of less than 0.001 hPa of vapour counts as having that."""
    q = np.maximum(mixing_ratio, 0)
    vapour = np.log(np.maximum(q * pressure / 100 / (EPSILON + q), 0.001))
    return ((243.5 * vapour - 440.8) / (19.48 - vapour) + 273.15).astype(np.float32)


def virtual_temperature(temperature: Array, mixing_ratio: Array) -> Array:
    """Kelvins, linear in the mixing ratio as in wrf-python."""
    return (temperature * (EPSILON + mixing_ratio) / (EPSILON * (1 + mixing_ratio))).astype(np.float32)


def pressure_at_sea_level(pressure: Array, temperature: Array, mixing_ratio: Array, height: Array) -> Array:
    """Pa, from the air 100 hPa above the ground brought down at 6.5 K km-1: wrf-python's, as in MM5.

    All (layer, y, x), layers upwards; height in m. The lapse between two layers is taken in the logarithm of
    pressure.
    """
    target = pressure[0] - _PRESSURE_DEPTH
    lower = np.clip((pressure >= target).sum(axis=0) - 1, 0, len(pressure) - 2)[None]
    virtual = temperature * (1 + 0.608 * mixing_ratio)
    p0, p1 = (np.take_along_axis(pressure, index, 0)[0] for index in (lower, lower + 1))
    share = np.log(target / p0) / np.log(p1 / p0)
    t, z = (
        (1 - share) * np.take_along_axis(field, lower, 0)[0] + share * np.take_along_axis(field, lower + 1, 0)[0]
        for field in (virtual, height)
    )
    surface = t * (pressure[0] / target) ** (_LAPSE * GAS_CONSTANT / GRAVITY)
    sea = t + _LAPSE * z
    too_warm = np.where(surface <= _WARM, _WARM, _WARM - 0.005 * (surface - _WARM) ** 2)
    sea = np.where(sea >= _WARM, too_warm, sea)
    return (pressure[0] * np.exp(2 * GRAVITY * height[0] / (GAS_CONSTANT * (sea + surface)))).astype(np.float32)


def precipitable_water(mixing_ratio: Array, virtual: Array, pressure: Array, interfaces: Array) -> Array:
    """kg m-2, from density and depth of the layers; interfaces: (layer + 1, y, x) heights in m."""
    density = pressure / (np.float32(GAS_CONSTANT) * virtual)
    return np.sum(density * mixing_ratio * np.diff(interfaces, axis=0), axis=0).astype(np.float32)
