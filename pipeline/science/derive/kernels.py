"""Compiled loops over places for what numpy takes too many passes over memory to do."""

from __future__ import annotations

import math
from typing import Any

from pipeline.science.derive.math import arctan2, exp, f4, inline, kernel, log, power
from pipeline.science.registers import full_width

FREEZING = f4(273.15)
EPSILON, KAPPA = f4(287.05 / 461.5), f4(0.2857)
_VAPOUR_GAS = f4(461.5)
_TRIPLE = f4(273.16)
_LOG_TRIPLE_POINT = f4(math.log(273.16))
_LATENT, _SLOPE = f4(2.50084e6), f4(4219.4 - 1860.078)
_LOG_TRIPLE = f4(math.log(611.655) + 2.50084e6 / 273.16 / 461.5)
_POWER = f4((4219.4 - 1860.078) / 461.5)


@inline
def triple_ratio(temperature: Any) -> Any:
    """Logarithm of the triple point's temperature over `temperature` (150 to 360 K), by the series of arctanh."""
    z = (_TRIPLE - temperature) / (_TRIPLE + temperature)
    s = z * z
    return (
        f4(2.0) * z * (f4(1.0) + s * (f4(1 / 3) + s * (f4(1 / 5) + s * (f4(1 / 7) + s * (f4(1 / 9) + s / f4(11.0))))))
    )


@inline
def log_saturation(temperature: Any) -> Any:
    """Natural logarithm of the saturation vapour pressure (Pa) over water at K: Ambaum (2020), eq. 13."""
    latent = _LATENT - _SLOPE * (temperature - _TRIPLE)
    return _LOG_TRIPLE + _POWER * triple_ratio(temperature) - latent / (temperature * _VAPOUR_GAS)


@inline
def condensation(temperature: Any, dew_point: Any) -> Any:
    """K at the lifting condensation level: Bolton (1980), eq. 15."""
    return f4(56.0) + f4(1.0) / (f4(1.0) / (dew_point - f4(56.0)) + log(temperature / dew_point) / f4(800.0))


@inline
def equivalent(temperature: Any, dew_point: Any, pressure: Any) -> Any:
    """Logarithm of the equivalent potential temperature (K): Bolton (1980), eq. 39."""
    vapour = min(exp(log_saturation(dew_point)), pressure / f4(3.0))
    ratio = EPSILON * vapour / (pressure - vapour)
    level = condensation(temperature, dew_point)
    dry = log(temperature) + KAPPA * log(f4(100000.0) / (pressure - vapour))
    dry += f4(0.28) * ratio * log(temperature / level)
    return dry + (f4(3036.0) / level - f4(1.78)) * ratio * (f4(1.0) + f4(0.448) * ratio)


@inline
def _nearer_parcel(found: Any, target: Any, pressure: Any) -> Any:
    """Halley's step towards saturated air whose equivalent potential temperature, brought down from the pressure (Pa)
    without its vapour, has the logarithm `target`."""
    vapour = min(exp(log_saturation(found)), pressure / f4(3.0))
    dry = f4(1.0) / (pressure - vapour)
    x = vapour / pressure
    less = x * (f4(1.0) + x * (f4(1 / 2) + x * (f4(1 / 3) + x * (f4(1 / 4) + x * (f4(1 / 5) + x * f4(1 / 6))))))
    ratio, inverse = EPSILON * vapour * dry, f4(1.0) / found
    steep, warm = f4(3036.0) * inverse - f4(1.78), f4(1.0) + f4(0.448) * ratio
    heat = steep * ratio * warm
    value = _LOG_TRIPLE_POINT - triple_ratio(found) + KAPPA * less + heat
    growth = (_LATENT - _SLOPE * (found - _TRIPLE)) / _VAPOUR_GAS * inverse * inverse
    slope = inverse - f4(3036.0) * inverse * inverse * ratio * warm
    slope += growth * (steep * (f4(1.0) + f4(0.896) * ratio) * ratio * pressure + KAPPA * vapour) * dry
    step = (value - target) / slope
    bend = min(max(f4(0.5) * step * heat * growth * growth / slope, f4(-1.0)), f4(0.5))
    return found - min(max(step / (f4(1.0) - bend), f4(-40.0)), f4(40.0))


@inline
def saturated(target: Any, pressure: Any) -> Any:
    """K of saturated air at `pressure` (Pa) whose equivalent potential temperature has the logarithm `target`.

    Two steps leave less than 0.002 K from 170 to 305 K (a loop in a loop is not made wide, so they are written out).
    """
    target += KAPPA * log(pressure / f4(100000.0))
    found = min(max(exp(target) - f4(15.0), f4(180.0)), f4(295.0))
    return _nearer_parcel(_nearer_parcel(found, target, pressure), target, pressure)


@inline
def _nearer_wet_bulb(found: Any, dry: Any, vapour: Any, pressure: Any) -> Any:
    """Halley's step of the psychrometric equation."""
    full, square = exp(log_saturation(found)), f4(1.0) / (found * found)
    growth = full * (_LATENT - _SLOPE * (found - _TRIPLE)) / _VAPOUR_GAS * square
    constant = f4(6.53e-4) * (f4(1.0) + f4(9.44e-4) * (found - FREEZING)) * pressure
    slope = growth + constant - f4(6.53e-4 * 9.44e-4) * pressure * (dry - found)
    bend = growth * (_LATENT / _VAPOUR_GAS * square - f4(2.0) / found)
    step = (full - constant * (dry - found) - vapour) / slope
    return found - step / (f4(1.0) - f4(0.5) * step * bend / slope)


@kernel
def saturation(temperature: Any, out: Any) -> None:
    """Pa over water at K."""
    full_width()
    for i in range(len(out)):
        out[i] = exp(log_saturation(temperature[i]))


@kernel
def specific_humidity(dew_point: Any, pressure: Any, out: Any) -> None:
    """kg kg-1 from K and one pressure (Pa); the vapour takes at most a third of it."""
    full_width()
    for i in range(len(out)):
        vapour = min(exp(log_saturation(dew_point[i])), pressure / f4(3.0))
        out[i] = EPSILON * vapour / (pressure - (f4(1.0) - EPSILON) * vapour)


@kernel
def over_ice(temperature: Any, humidity: Any, out: Any) -> None:
    """Relative humidity (1) over ice from that over water at K: Murphy and Koop (2005), eq. 7, for ice."""
    full_width()
    for i in range(len(out)):
        t = temperature[i]
        ice = f4(9.550426) - f4(5723.265) / t + f4(3.53068) * log(t) - f4(0.00728332) * t
        out[i] = humidity[i] * exp(log_saturation(t) - ice)


@kernel
def dew_point(temperature: Any, humidity: Any, out: Any) -> None:
    """K from K and relative humidity, at least 0.001: Bolton's (1980) inverse and one Newton step."""
    full_width()
    for i in range(len(out)):
        target = log_saturation(temperature[i]) + log(max(humidity[i], f4(0.001)))
        scaled = target - f4(6.4154242)
        guess = FREEZING + f4(243.5) * scaled / (f4(17.67) - scaled)
        latent = _LATENT - _SLOPE * (guess - _TRIPLE)
        out[i] = guess - (log_saturation(guess) - target) * _VAPOUR_GAS * guess * guess / latent


@kernel
def wet_bulb(temperature: Any, vapour: Any, pressure: Any, out: Any) -> None:
    """K: the psychrometric equation of WMO-No. 8, annex 4.B, by two steps of Halley's method."""
    full_width()
    for i in range(len(out)):
        dry, e, p = temperature[i], vapour[i], pressure[i]
        full = exp(log_saturation(dry))
        slope = full * (_LATENT - _SLOPE * (dry - _TRIPLE)) / (_VAPOUR_GAS * dry * dry)
        found = dry - max(full - e, f4(0.0)) / (slope * f4(0.5) + f4(6.53e-4) * p)
        out[i] = min(_nearer_wet_bulb(_nearer_wet_bulb(found, dry, e, p), dry, e, p), dry)


@kernel
def equivalent_potential(temperature: Any, dew_point: Any, pressure: Any, out: Any) -> None:
    """K, from K and Pa."""
    full_width()
    for i in range(len(out)):
        out[i] = exp(equivalent(temperature[i], dew_point[i], pressure[i]))


@kernel
def saturated_parcel(equivalent_potential: Any, pressure: Any, out: Any) -> None:
    """K of saturated air of that equivalent potential temperature (K) at `pressure` (Pa)."""
    full_width()
    for i in range(len(out)):
        out[i] = saturated(log(equivalent_potential[i]), pressure[i])


@kernel
def lifted(temperature: Any, dew_point: Any, pressure: Any, top: Any, out: Any) -> None:
    """K of a parcel lifted from `pressure` to `top` (Pa), dry below its condensation level."""
    full_width()
    for i in range(len(out)):
        t, p = temperature[i], pressure[i]
        level = p * power(condensation(t, dew_point[i]) / t, f4(1.0) / KAPPA)
        moist = saturated(equivalent(t, dew_point[i], p), top[i])
        out[i] = moist if level > top[i] else t * power(top[i] / p, KAPPA)


@inline
def _descent(upper: Any, excess: Any, lower: Any, after: Any) -> Any:
    """J kg-1 between two pressures (Pa) from how much warmer (K) the surroundings are at both."""
    return f4(287.05 / 2) * (excess + after) * log(lower / upper)


@kernel
def downdraft(
    equivalent_potential: Any, upper: Any, middle: Any, lower: Any, ground: Any, pressure: Any, out: Any
) -> None:
    """J kg-1 of air of that equivalent potential temperature (K), kept saturated from 700 hPa to the ground.

    Surroundings (K) at 700, 850, 925 hPa and on the ground, whose pressure is in Pa; linear between.
    """
    full_width()
    for i in range(len(out)):
        target, base = log(equivalent_potential[i]), max(pressure[i], f4(70000.0))
        p850, p925 = min(base, f4(85000.0)), min(base, f4(92500.0))
        at_850 = middle[i] if base > f4(85000.0) else ground[i]
        at_925 = lower[i] if base > f4(92500.0) else ground[i]
        first = upper[i] - saturated(target, f4(70000.0))
        second, third = at_850 - saturated(target, p850), at_925 - saturated(target, p925)
        energy = _descent(f4(70000.0), first, p850, second) + _descent(p850, second, p925, third)
        energy += _descent(p925, third, base, ground[i] - saturated(target, base))
        out[i] = max(energy, f4(0.0))


@kernel
def wind_from(eastward: Any, northward: Any, out: Any) -> None:
    """Degrees (0 to 360) the wind comes from; 0 in calm."""
    full_width()
    for i in range(len(out)):
        angle = arctan2(-eastward[i], -northward[i]) * f4(57.2957795)
        angle = angle + f4(360.0) if angle < f4(0.0) else angle
        calm = (eastward[i] == f4(0.0)) & (northward[i] == f4(0.0))
        out[i] = f4(0.0) if calm | (angle >= f4(360.0)) else angle


@kernel
def count_reached(value: Any, limits: Any, out: Any) -> None:
    """How many of the ascending `limits` the value reaches."""
    full_width()
    out[:] = f4(0.0)
    for k in range(len(limits)):
        limit = limits[k]
        for i in range(len(out)):
            out[i] += f4(1.0) if value[i] >= limit else f4(0.0)
