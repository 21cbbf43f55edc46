"""Moist thermodynamics that the derived parameters share: arrays in, arrays out, SI units throughout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.science.derive import columns, kernels
from pipeline.science.derive.math import elementwise, flat

Field = NDArray[np.floating]

FREEZING = 273.15  # K
GRAVITY = 9.80665  # m s-2
DRY_GAS = 287.05  # J kg-1 K-1
VAPOUR_GAS = 461.5  # J kg-1 K-1
EPSILON = DRY_GAS / VAPOUR_GAS
KAPPA = 0.2857
STEFAN_BOLTZMANN = 5.670374e-8  # W m-2 K-4
LAPSE_RATE = 0.0065  # K m-1, ICAO standard atmosphere


def saturation_vapour_pressure(temperature: Field) -> Field:
    """Pa, over water, from K: Ambaum (2020), eq. 13."""
    return elementwise(kernels.saturation, temperature)


def ice_saturation(temperature: Field) -> Field:
    """Pa, over ice, from K: Murphy and Koop (2005), eq. 7."""
    t = np.asarray(temperature, np.float32)
    return np.exp(np.float32(9.550426) - 5723.265 / t + np.float32(3.53068) * np.log(t) - np.float32(0.00728332) * t)


def dew_point(temperature: Field, relative_humidity: Field) -> Field:
    """K, from K and relative humidity (1), which counts as at least 0.001: Bolton (1980) and one Newton step."""
    return elementwise(kernels.dew_point, temperature, relative_humidity)


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
    return elementwise(kernels.wet_bulb, temperature, vapour_pressure, pressure)


def condensation_temperature(temperature: Field, dewpoint: Field) -> Field:
    """Temperature (K) at the lifting condensation level: Bolton (1980), eq. 15."""
    return 56 + 1 / (1 / (dewpoint - 56) + np.log(temperature / dewpoint) / 800)


def equivalent_potential(temperature: Field, dewpoint: Field, pressure: Field | float) -> Field:
    """Equivalent potential temperature (K): Bolton (1980), eq. 39."""
    return elementwise(kernels.equivalent_potential, temperature, dewpoint, pressure)


def wet_bulb_potential(equivalent: Field) -> Field:
    """Wet-bulb from equivalent potential temperature (K): Davies-Jones (2008), eq. 3.8; the same below -100 degC."""
    x = equivalent / np.float32(FREEZING)
    numerator = 7.101574 + x * (-20.68208 + x * (16.11182 + x * (2.574631 - 5.205688 * x)))
    denominator = 1 + x * (-3.552497 + x * (3.781782 + x * (-0.6899655 - 0.5929340 * x)))
    warm = equivalent >= np.float32(173.15)
    return equivalent - warm * np.exp(numerator / (denominator * warm + ~warm))


def saturated_parcel(equivalent: Field, pressure: Field | float) -> Field:
    """Temperature (K) of saturated air of that equivalent potential temperature (K) at `pressure` (Pa), by Newton."""
    return elementwise(kernels.saturated_parcel, equivalent, pressure)


def lifted(temperature: Field, dewpoint: Field, pressure: Field | float, top: float) -> Field:
    """Temperature (K) of a parcel lifted from `pressure` to `top` (Pa), dry below its condensation level."""
    return elementwise(kernels.lifted, temperature, dewpoint, pressure, top)


def wind_from(eastward: Field, northward: Field) -> Field:
    """Direction (degrees, 0 to 360) the wind comes from; 0 in calm."""
    return elementwise(kernels.wind_from, eastward, northward)


def length(eastward: Field, northward: Field) -> Field:
    """Length of the vector."""
    return np.sqrt(eastward * eastward + northward * northward)


def category(value: Field, *limits: float) -> Field:
    """How many of the ascending limits the value reaches: 0 below the first."""
    result = np.empty(np.shape(value), np.float32)
    flat = np.ascontiguousarray(value, np.float32)
    flat = flat if flat.flags.writeable else flat.copy()
    kernels.count_reached(flat.reshape(-1), np.array(limits, np.float32), result.reshape(-1))
    return result


def crossing(heights: Sequence[Field], temperatures: Sequence[Field], target: float) -> Field:
    """Height (m) above which it is colder than `target` (K), linear between levels, of which the first is the ground.

    The ground where all is colder; levels below the ground do not count.
    """
    shape, z, t = _levels(heights, temperatures)
    result = np.empty(shape, np.float32)
    columns.highest_crossing(z, t, np.float32(target), result.reshape(-1))
    return result


def at_height(heights: Sequence[Field], values: Sequence[Field], above: Field | float) -> Field:
    """The values `above` metres over the ground, the first of the levels, linear between those that lie over it."""
    shape, z, v = _levels(heights, values)
    result = np.empty(shape, np.float32)
    columns.at_height(z, v, flat(above, shape), result.reshape(-1))
    return result


def mean_below(heights: Sequence[Field], values: Sequence[Field], depth: float) -> Field:
    """Mean by height of the values from the ground, the first of the levels, up to `depth` metres over it."""
    shape, z, v = _levels(heights, values)
    result = np.empty(shape, np.float32)
    columns.mean_below(z, v, np.float32(depth), result.reshape(-1))
    return result


def helicity(
    heights: Sequence[Field],
    eastward: Sequence[Field],
    northward: Sequence[Field],
    storm: tuple[Field, Field],
    depth: float,
) -> Field:
    """m2 s-2: relative to a storm's motion, from the ground, the first of the levels, up to `depth` metres over it."""
    shape, z, u, v, motion = _levels(heights, eastward, northward, storm)
    result = np.empty(shape, np.float32)
    columns.helicity(z, u, v, motion, np.float32(depth), result.reshape(-1))
    return result


def _levels(*profiles: Sequence[Field]) -> tuple[Any, ...]:
    """The shape of a field, and each profile as a tuple of levels (place,)."""
    shape = np.broadcast_shapes(*(field.shape for profile in profiles for field in profile))
    return shape, *(tuple(flat(field, shape) for field in profile) for profile in profiles)


def ramp(value: Field, low: float, high: float) -> Field:
    """0 at `low`, 1 at `high`, linear between."""
    return np.clip((value - low) / (high - low), 0, 1)
