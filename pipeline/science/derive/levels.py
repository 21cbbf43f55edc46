"""Pressure levels and the layers between them: one formula for all levels, named after each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper

import numpy as np

from pipeline.parameters import pressure_levels
from pipeline.science.derive import kernels, thermo
from pipeline.science.derive.formula import Formula
from pipeline.science.derive.gradients import DEFORMED
from pipeline.science.derive.math import elementwise
from pipeline.science.derive.thermo import GRAVITY, Field

LEVELS = pressure_levels()  # hPa
MOIST = LEVELS[:7]  # those with vapour enough to matter
ICY = (500, 400, 300, 250, 200)  # where clouds are of ice
LAYERS = ((925, 850), (850, 700), (700, 500), (500, 250))
SHEARS = (("10m", "925hpa"), ("10m", "850hpa"), ("10m", "700hpa"), ("925hpa", "850hpa"), ("850hpa", "700hpa"),
          ("700hpa", "500hpa"), ("500hpa", "250hpa"), ("850hpa", "250hpa"))  # fmt: skip
STANDARD = {level: 44330.77 * (1 - (level / 1013.25) ** 0.190263) for level in (850, 700, 500, 250)}
"""m: altitude of a pressure in the ICAO standard atmosphere (1993), below the tropopause."""
CRITICAL_RICHARDSON = 0.5  # of Colson and Panofsky
ROTATION = 7.292115e-5  # s-1, of the earth


def dew_point_at(temperature: Field, relative_humidity: Field) -> Field:
    """K at a pressure level: Bolton (1980) and one Newton step on Ambaum (2020)."""
    return np.minimum(thermo.dew_point(temperature, relative_humidity), temperature)


def vapour_pressure_at(dew_point: Field) -> Field:
    """Pa at a pressure level: saturation at the dew point, over water. Ambaum (2020)."""
    return thermo.saturation_vapour_pressure(dew_point)


def specific_humidity_at(dew_point: Field, *, pressure: float) -> Field:
    """kg kg-1 at a pressure level (Pa). WMO-No. 8, annex 4.A."""
    return elementwise(lambda *flat: kernels.specific_humidity(flat[0], np.float32(pressure), flat[1]), dew_point)


def potential_temperature_at(temperature: Field, *, pressure: float) -> Field:
    """K: brought dry-adiabatically from a pressure level (Pa) to 1000 hPa. Poisson."""
    return temperature * np.float32((100000 / pressure) ** thermo.KAPPA)


def equivalent_potential_temperature_at(temperature: Field, dew_point: Field, *, pressure: float) -> Field:
    """K at a pressure level (Pa): Bolton (1980), eq. 39."""
    return thermo.equivalent_potential(temperature, dew_point, pressure)


def wet_bulb_temperature_at(temperature: Field, vapour_pressure: Field, *, pressure: float) -> Field:
    """K at a pressure level (Pa): psychrometric equation of WMO-No. 8, annex 4.B."""
    return thermo.wet_bulb(temperature, vapour_pressure, pressure)


def dew_point_depression_at(temperature: Field, dew_point: Field) -> Field:
    """K at a pressure level: temperature less dew point."""
    return temperature - dew_point


def humidity_over_ice_at(temperature: Field, relative_humidity: Field) -> Field:
    """1: relative humidity over ice at a pressure level, may exceed 1. Murphy and Koop (2005) for ice."""
    return elementwise(kernels.over_ice, temperature, relative_humidity)


def standard_deviation_at(temperature: Field, *, altitude: float) -> Field:
    """K: temperature less that of the ICAO standard atmosphere (1993) at the level's standard altitude (m)."""
    return temperature - np.float32(max(288.15 - thermo.LAPSE_RATE * altitude, 216.65))


def difference(lower: Field, upper: Field) -> Field:
    """m: difference of geopotential heights."""
    return upper - lower


def lapse_rate_between(lower: Field, upper: Field, low: Field, high: Field) -> Field:
    """K km-1 from temperatures (K) and heights (m), positive where it cools upwards; a layer is at least 500 m deep."""
    return (lower - upper) / np.maximum(high - low, 500) * 1000


def lapse_rate_from_ground(ground: Field, altitude: Field, *above: Field) -> Field:
    """K km-1 between 2 m and the first level that is 500 m over the ground, the last if none is.

    above: temperatures (K) of levels, upwards, then as many heights (m).
    """
    count = len(above) // 2
    upper, high = above[count - 1], above[-1]
    for temperature, height in zip(above[count - 2 :: -1], above[-2 : count - 1 : -1], strict=True):
        reached = height - altitude >= np.float32(500)
        upper, high = np.where(reached, temperature, upper), np.where(reached, height, high)
    return lapse_rate_between(ground, upper, altitude, high)


def shear_between(east_low: Field, north_low: Field, east_high: Field, north_high: Field) -> Field:
    """m s-1: length of the vector difference of the winds at two levels."""
    return thermo.length(east_high - east_low, north_high - north_low)


def turning_between(low: Field, high: Field) -> Field:
    """Degrees the wind turns with height, -180 to 180, positive clockwise: veering, which goes with warm advection."""
    turn = high - low
    return turn - 360 * np.rint(turn / 360)


def buoyancy_frequency_squared(theta_low: Field, theta_high: Field, low: Field, high: Field) -> Field:
    """s-2 from potential temperatures (K) and heights (m). AMS Glossary, Brunt-Vaisala frequency."""
    return GRAVITY * 2 / (theta_low + theta_high) * (theta_high - theta_low) / np.maximum(high - low, 50)


def richardson_number(frequency_squared: Field, shear: Field, low: Field, high: Field) -> Field:
    """1: of a layer, from s-2, m s-1 and heights (m); the shear counts as at least 1 m s-1. AMS Glossary."""
    depth = np.maximum(high - low, 50)
    return frequency_squared * (depth / np.maximum(shear, 1)) ** 2


def colson_panofsky(shear: Field, richardson: Field) -> Field:
    """kt2: clear-air turbulence of a layer from m s-1 and Richardson number, negative where stable enough.

    Colson and Panofsky (1965): squared shear times one less the Richardson number over its critical value 0.5.
    """
    return (shear * np.float32(1.943844)) ** 2 * (1 - np.clip(richardson, -10, 10) / CRITICAL_RICHARDSON)


def absolute_vorticity_at(relative_vorticity: Field, latitude: Field) -> Field:
    """s-1: relative vorticity and that of the turning earth. Holton and Hakim (2013), 4.2."""
    return relative_vorticity + np.float32(2 * ROTATION) * np.sin(np.deg2rad(latitude))


def ellrod_index(shear: Field, low_deformation: Field, high_deformation: Field, low: Field, high: Field) -> Field:
    """s-2: clear-air turbulence of a layer, from m s-1, both deformations (s-1) and heights (m); moderate from some
    8e-7. Ellrod and Knapp (1992), TI1."""
    return shear / np.maximum(high - low, 50) * (low_deformation + high_deformation) / 2


def mean_humidity(*humidity: Field) -> Field:
    """1: mean relative humidity of a layer from its levels."""
    total = humidity[0]
    for field in humidity[1:]:
        total = total + field
    return total / np.float32(len(humidity))


def upward_air_velocity_700hpa(pressure_velocity_700hpa: Field, temperature_700hpa: Field) -> Field:
    """m s-1: hydrostatic, from the velocity in pressure. AMS Glossary, omega."""
    return -pressure_velocity_700hpa * temperature_700hpa * np.float32(thermo.DRY_GAS / 70000 / GRAVITY)


def _at(function: Callable[..., Field], **constants: float) -> Callable[..., Field]:
    """`function` with a level's constants and its docstring."""
    fixed: Callable[..., Field] = partial(function, **constants)
    update_wrapper(fixed, function)
    return fixed


def on_levels() -> dict[str, Formula]:
    """Formulas of single levels, by name."""
    found = {}
    for level in LEVELS:
        t, rh, td = f"temperature_{level}hpa", f"relative_humidity_{level}hpa", f"dew_point_temperature_{level}hpa"
        wind, pressure = (f"eastward_wind_{level}hpa", f"northward_wind_{level}hpa"), 100.0 * level
        found[f"wind_speed_{level}hpa"] = Formula(thermo.length, wind)
        found[f"wind_from_direction_{level}hpa"] = Formula(thermo.wind_from, wind)
        found[td] = Formula(dew_point_at, (t, rh))
        found[f"specific_humidity_{level}hpa"] = Formula(_at(specific_humidity_at, pressure=pressure), (td,))
        theta = _at(potential_temperature_at, pressure=pressure)
        found[f"potential_temperature_{level}hpa"] = Formula(theta, (t,))
        turning = (f"relative_vorticity_{level}hpa", "latitude")
        found[f"absolute_vorticity_{level}hpa"] = Formula(absolute_vorticity_at, turning)
        warm = _at(equivalent_potential_temperature_at, pressure=pressure)
        found[f"equivalent_potential_temperature_{level}hpa"] = Formula(warm, (t, td))
        if level in MOIST:
            e = f"vapour_pressure_{level}hpa"
            found[e] = Formula(vapour_pressure_at, (td,))
            wet = _at(wet_bulb_temperature_at, pressure=pressure)
            found[f"wet_bulb_temperature_{level}hpa"] = Formula(wet, (t, e))
        if level in (850, 700, 500):
            found[f"dew_point_depression_{level}hpa"] = Formula(dew_point_depression_at, (t, td))
        if level in ICY:
            found[f"relative_humidity_over_ice_{level}hpa"] = Formula(humidity_over_ice_at, (t, rh))
        if level in STANDARD:
            warmer = _at(standard_deviation_at, altitude=STANDARD[level])
            found[f"standard_atmosphere_deviation_{level}hpa"] = Formula(warmer, (t,))
    return found


def between_levels() -> dict[str, Formula]:
    """Formulas of layers, by name."""
    found = {}
    for low, high in SHEARS:
        inputs = tuple(f"{way}_wind_{level}" for level in (low, high) for way in ("eastward", "northward"))
        found[f"bulk_wind_shear_{low}_{high}"] = Formula(shear_between, inputs)
    for low, high in (("1000hpa", "850hpa"), ("1000hpa", "700hpa"), ("700hpa", "500hpa"), ("500hpa", "250hpa")):
        name = f"thickness_{low.removesuffix('hpa')}_{high}"
        found[name] = Formula(difference, (f"geopotential_height_{low}", f"geopotential_height_{high}"))
    for low, high in (("925hpa", "700hpa"), ("850hpa", "700hpa"), ("500hpa", "250hpa")):
        inputs = tuple(f"{what}_{level}" for what in ("temperature", "geopotential_height") for level in (low, high))
        found[f"lapse_rate_{low.removesuffix('hpa')}_{high}"] = Formula(lapse_rate_between, inputs)
    above = tuple(f"{what}_{level}hpa" for what in ("temperature", "geopotential_height") for level in (850, 700, 500))
    found["lapse_rate_2m_850hpa"] = Formula(lapse_rate_from_ground, ("temperature_2m", "surface_altitude", *above))
    for low, high in (("10m", "850hpa"), ("850hpa", "500hpa")):
        inputs = (f"wind_from_direction_{low}", f"wind_from_direction_{high}")
        found[f"wind_turning_{low.removesuffix('hpa')}_{high}"] = Formula(turning_between, inputs)
    for lower, upper in LAYERS:
        heights = (f"geopotential_height_{lower}hpa", f"geopotential_height_{upper}hpa")
        shear, layer = f"bulk_wind_shear_{lower}hpa_{upper}hpa", f"{lower}_{upper}hpa"
        frequency, ratio = f"buoyancy_frequency_squared_{layer}", f"richardson_number_{layer}"
        thetas = (f"potential_temperature_{lower}hpa", f"potential_temperature_{upper}hpa")
        found[frequency] = Formula(buoyancy_frequency_squared, (*thetas, *heights))
        found[ratio] = Formula(richardson_number, (frequency, shear, *heights))
        deformed = tuple(f"total_deformation_{level}hpa" for level in (lower, upper))
        if {lower, upper} <= set(DEFORMED):
            found[f"ellrod_index_{layer}"] = Formula(ellrod_index, (shear, *deformed, *heights))
        if lower <= 700:
            found[f"colson_panofsky_index_{layer}"] = Formula(colson_panofsky, (shear, ratio))
    for levels in ((925, 850, 700), (850, 700, 500)):
        name = f"relative_humidity_mean_{levels[0]}_{levels[-1]}hpa"
        found[name] = Formula(mean_humidity, tuple(f"relative_humidity_{level}hpa" for level in levels))
    wind = ("pressure_velocity_700hpa", "temperature_700hpa")
    found["upward_air_velocity_700hpa"] = Formula(upward_air_velocity_700hpa, wind)
    return found
