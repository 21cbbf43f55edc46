"""From the core's sigma levels to pressure levels and the sea: plain thermodynamics on (level, latitude, longitude)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import pressure_levels

Array = NDArray[np.floating]

GRAVITY = 9.80665  # m s-2
GAS_CONSTANT = 287.05  # J kg-1 K-1, dry air
LAPSE_RATE = 0.0065  # K m-1, ICAO standard atmosphere
EARTH_RADIUS = 6.371e6  # m
PRESSURE_LEVELS = pressure_levels()  # hPa


def saturation_vapour_pressure(temperature: Array) -> Array:
    """Pa over water; Bolton 1980, equation 10."""
    celsius = temperature - 273.15
    return 611.2 * np.exp(17.67 * celsius / (celsius + 243.5))


def dew_point(vapour_pressure: Array) -> Array:
    """K from Pa; the inverse of Bolton 1980, equation 10."""
    logarithm = np.log(np.maximum(vapour_pressure, 1e-2) / 611.2)
    return 273.15 + 243.5 * logarithm / (17.67 - logarithm)


def relative_humidity(temperature: Array, humidity: Array, pressure: Array | float) -> Array:
    """0..1 from K, kg kg-1 and Pa."""
    vapour_pressure = humidity * pressure / (0.622 + 0.378 * humidity)
    return np.clip(vapour_pressure / saturation_vapour_pressure(temperature), 0.01, 1.0)


def sea_level_pressure(surface_pressure: Array, altitude: Array, temperature: Array) -> Array:
    """Pa; hydrostatic reduction with the standard lapse rate below ground, very cold air warmed towards 255 K."""
    base = np.where(temperature < 255, 0.5 * (temperature + 255), temperature)
    return surface_pressure * (1 + LAPSE_RATE * altitude / base) ** (GRAVITY / (GAS_CONSTANT * LAPSE_RATE))


def surface_pressure(sea_level: Array, altitude: Array, temperature: Array) -> Array:
    """Pa at `altitude`; the inverse of `sea_level_pressure`."""
    base = np.where(temperature < 255, 0.5 * (temperature + 255), temperature)
    return sea_level * (1 + LAPSE_RATE * altitude / base) ** (-GRAVITY / (GAS_CONSTANT * LAPSE_RATE))


@dataclass(frozen=True)
class Between:
    """Where a pressure lies: number of the level above it and the share of the way to the next, both (1, ...)."""

    above: NDArray[np.intp]
    share: Array

    def of(self, values: Array) -> Array:
        """(level, ...) -> (...) there."""
        upper = np.take_along_axis(values, self.above, 0)[0]
        return np.asarray(upper + self.share[0] * (np.take_along_axis(values, self.above + 1, 0)[0] - upper))


def between(log_pressure: Array, target: float) -> Between:
    """Where `target` Pa lies among the levels, linear in the logarithm; at an end beyond it.

    `log_pressure` (level, ...), of Pa, increases downwards.
    """
    wanted = np.float32(np.log(target))
    above = np.clip((log_pressure < wanted).sum(0, keepdims=True) - 1, 0, len(log_pressure) - 2)
    upper, lower = (np.take_along_axis(log_pressure, above + step, 0) for step in (0, 1))
    return Between(above, np.clip((wanted - upper) / (lower - upper), 0, 1))


def below_ground(
    temperature: Array, height: Array, pressure: Array, target: float, where: Between
) -> tuple[Array, Array]:
    """Temperature and height at `target` Pa, which lies `where`; the standard lapse rate below the lowest level."""
    lowest_t, lowest_z, lowest_p = temperature[-1], height[-1], pressure[-1]
    extrapolated = lowest_t * (target / lowest_p) ** (GAS_CONSTANT * LAPSE_RATE / GRAVITY)
    mean = 0.5 * (extrapolated + lowest_t)
    below = target > lowest_p
    t = np.where(below, extrapolated, where.of(temperature))
    z = np.where(
        below,
        lowest_z - GAS_CONSTANT / GRAVITY * mean * np.log(target / lowest_p),
        where.of(height),
    )
    return t, z


def pressure_velocity(
    east: Array, north: Array, pressure: Array, latitude: NDArray[np.float64], target: float
) -> Array:
    """Pa s-1 at `target` Pa: the divergence of the layers above, integrated downwards from the top.

    `east`, `north`, `pressure` (level, latitude, longitude); latitude north to south, degrees.
    """
    phi = np.deg2rad(latitude)
    cosine = np.cos(phi)[:, None]
    step = 2 * np.pi / east.shape[-1]
    d_east = (np.roll(east, -1, -1) - np.roll(east, 1, -1)) / (2 * step)
    d_north = np.gradient(north * cosine, phi, axis=-2)
    divergence = (d_east + d_north) / (EARTH_RADIUS * cosine)
    edges = np.concatenate([np.zeros_like(pressure[:1]), 0.5 * (pressure[1:] + pressure[:-1]), pressure[-1:]])
    thickness = np.clip(np.minimum(edges[1:], target) - edges[:-1], 0, None)
    return -(divergence * thickness).sum(0)
