"""Moist thermodynamics that the derived parameters share: arrays in, arrays out, SI units throughout."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]

FREEZING = 273.15  # K
GRAVITY = 9.80665  # m s-2
DRY_GAS = 287.05  # J kg-1 K-1
VAPOUR_GAS = 461.5  # J kg-1 K-1
EPSILON = DRY_GAS / VAPOUR_GAS
KAPPA = 0.2857
STEFAN_BOLTZMANN = 5.670374e-8  # W m-2 K-4
LAPSE_RATE = 0.0065  # K m-1, ICAO standard atmosphere

_TRIPLE, _TRIPLE_PRESSURE = 273.16, 611.655  # K, Pa
_LATENT = 2.50084e6  # J kg-1, of vaporisation at the triple point
_SLOPE = 4219.4 - 1860.078  # J kg-1 K-1, heat capacity of liquid water less that of vapour


def log_saturation(temperature: Field) -> Field:
    """Natural logarithm of the saturation vapour pressure (Pa) over water: Ambaum (2020), eq. 13."""
    latent = _LATENT - _SLOPE * (temperature - _TRIPLE)
    power = (_SLOPE / VAPOUR_GAS) * np.log(_TRIPLE / temperature)
    return np.asarray(
        math.log(_TRIPLE_PRESSURE) + power + (_LATENT / _TRIPLE - latent / temperature) / VAPOUR_GAS, np.float32
    )


def saturation_vapour_pressure(temperature: Field) -> Field:
    """Pa, over water, from K: Ambaum (2020)."""
    return np.exp(log_saturation(temperature))


def dew_point(temperature: Field, relative_humidity: Field) -> Field:
    """K, from K and relative humidity (1), which counts as at least 0.001: Bolton (1980) and one Newton step."""
    target = log_saturation(temperature) + np.log(np.maximum(relative_humidity, 0.001))
    scaled = target - math.log(611.2)
    guess = FREEZING + 243.5 * scaled / (17.67 - scaled)
    latent = _LATENT - _SLOPE * (guess - _TRIPLE)
    return np.asarray(guess - (log_saturation(guess) - target) * VAPOUR_GAS * guess**2 / latent, np.float32)


def mixing_ratio(vapour_pressure: Field, pressure: Field | float) -> Field:
    """kg kg-1, from vapour pressure and pressure in Pa; the vapour takes at most a third of the pressure."""
    vapour = np.minimum(vapour_pressure, pressure / np.float32(3))
    return EPSILON * vapour / (pressure - vapour)


def virtual_temperature(temperature: Field, ratio: Field) -> Field:
    """K, from K and mixing ratio (kg kg-1)."""
    return temperature * (1 + ratio / EPSILON) / (1 + ratio)


def wet_bulb(temperature: Field, vapour_pressure: Field, pressure: Field | float) -> Field:
    """Psychrometric wet-bulb temperature (K) of a ventilated wet thermometer.

    Solves e_s(T_w) - A p (T - T_w) = e with WMO's A = 6.53e-4 (1 + 9.44e-4 T_w / degC) (WMO-No. 8, annex 4.B) by
    Newton's method; the residual after five steps is below 0.005 K.
    """
    saturation = saturation_vapour_pressure(temperature)
    deficit = np.maximum(saturation - vapour_pressure, 0)
    slope = saturation * (_LATENT / VAPOUR_GAS) / temperature**2
    found = temperature - deficit / (slope * np.float32(0.6) + np.float32(6.53e-4) * pressure)
    for _ in range(5):
        saturation = saturation_vapour_pressure(found)
        slope = saturation * (_LATENT / VAPOUR_GAS) / found**2
        constant = np.float32(6.53e-4) * (1 + np.float32(9.44e-4) * (found - FREEZING)) * pressure
        found = found - (saturation - constant * (temperature - found) - vapour_pressure) / (slope + constant)
    return np.minimum(found, temperature)


def condensation_temperature(temperature: Field, dewpoint: Field) -> Field:
    """Temperature (K) at the lifting condensation level: Bolton (1980), eq. 15."""
    return 56 + 1 / (1 / (dewpoint - 56) + np.log(temperature / dewpoint) / 800)


def equivalent_potential(temperature: Field, dewpoint: Field, pressure: Field | float) -> Field:
    """Equivalent potential temperature (K): Bolton (1980), eq. 39."""
    vapour = np.minimum(saturation_vapour_pressure(dewpoint), pressure / np.float32(3))
    ratio = EPSILON * vapour / (pressure - vapour)
    condensation = condensation_temperature(temperature, dewpoint)
    dry = temperature * (100000 / (pressure - vapour)) ** KAPPA * (temperature / condensation) ** (0.28 * ratio)
    return np.asarray(dry * np.exp((3036 / condensation - 1.78) * ratio * (1 + 0.448 * ratio)), np.float32)


def saturated_parcel(equivalent: Field, pressure: float) -> Field:
    """Temperature (K) of saturated air of that equivalent potential temperature (K) at `pressure` (Pa), by Newton."""
    target = np.log(equivalent)
    found = np.clip(equivalent * np.float32((pressure / 100000) ** KAPPA) - 20, 180, 290).astype(np.float32)
    for _ in range(6):
        vapour = np.minimum(saturation_vapour_pressure(found), pressure / 3)
        ratio = EPSILON * vapour / (pressure - vapour)
        heat = (3036 / found - 1.78) * ratio * (1 + 0.448 * ratio)
        value = np.log(found) + KAPPA * np.log(100000 / (pressure - vapour)) + heat
        slope = 1 / found + (3036 / found) * ratio * (_LATENT / VAPOUR_GAS) / found**2
        found = found + np.clip((target - value) / slope, -25, 25)
    return found


def lifted(temperature: Field, dewpoint: Field, pressure: Field | float, top: float) -> Field:
    """Temperature (K) of a parcel lifted from `pressure` to `top` (Pa), dry below its condensation level."""
    condensation = condensation_temperature(temperature, dewpoint)
    level = pressure * (condensation / temperature) ** np.float32(1 / KAPPA)
    moist = saturated_parcel(equivalent_potential(temperature, dewpoint, pressure), top)
    dry = temperature * (top / pressure) ** np.float32(KAPPA)
    return np.where(level > top, moist, dry)


def wind_from(eastward: Field, northward: Field) -> Field:
    """Direction (degrees, 0 to 360) the wind comes from; 0 in calm."""
    angle = np.rad2deg(np.arctan2(-eastward, -northward))
    angle = np.where(angle < 0, angle + 360, angle)
    return np.where((angle >= 360) | (angle == 0) | ((eastward == 0) & (northward == 0)), 0, angle)


def ramp(value: Field, low: float, high: float) -> Field:
    """0 at `low`, 1 at `high`, linear between."""
    return np.clip((value - low) / (high - low), 0, 1)
