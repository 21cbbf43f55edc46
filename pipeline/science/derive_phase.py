"""In which phase precipitation reaches the ground, should there be any: rain, snow, freezing rain or ice pellets, with
probabilities that add up to one.

Where it does fall, the share of snow is that of the blend; elsewhere, and of what is no snow, the profile of the wet
bulb tells: what falls melts and freezes by the energies of the warm and cold layers that it passes (Bourgouin 2000).
Between the energies at which Bourgouin saw the one and the other phase alone a probability goes from 0 to 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pipeline.science.derive_formula import Formula, by_name
from pipeline.science.derive_math import f4, flat, kernel, log
from pipeline.science.derive_thermo import FREEZING, Field, ramp
from pipeline.science.derive_weather import WET

LEVELS = (500, 600, 700, 850, 925, 1000)  # hPa, from the top down
_LOGS = np.array([math.log(100.0 * level) for level in LEVELS] + [np.inf], np.float32)
MELTING_ALOFT = (0.0, 4.0)  # J kg-1: none below 2 of what falls through melts so far that it freezes as pellets or rain
MELTING = (5.6, 13.2)  # J kg-1 of all warm layers, or of that on the ground: snow only and rain only
REFREEZING = (46.0, 66.0)  # J kg-1 beyond 0.66 of the melting energy aloft, freezing rain only and ice pellets only
UNSURE = 1.0  # K, the air at 2 m is that much off


@kernel
def layer_energies(pressure: Any, logs: Any, levels: Any, out: Any) -> None:
    """J kg-1 by which warm layers aloft melt, cold ones below them freeze and the warm one on the ground melts what
    falls: (3, place).

    levels: wet bulb (K) from the top down, the last on the ground; logs: logarithms of their pressures, which is
    `pressure` (Pa) for the last. Levels below the ground are passed over; linear between in the logarithm of pressure.
    """
    t, x, base = levels[0] - f4(273.15), np.full(len(pressure), logs[0]), np.empty_like(pressure)
    melting, freezing, lowest = out[0], out[1], out[2]
    out[:] = f4(0.0)
    for i in range(len(pressure)):
        base[i] = log(pressure[i])
    for k in range(1, len(levels)):
        level, where, last = levels[k], logs[k], k == len(levels) - 1
        for i in range(len(pressure)):
            usable = last | (where < base[i])
            below = level[i] - f4(273.15) if usable else t[i]
            depth = max(min(where, base[i]) - x[i], f4(0.0)) if usable else f4(0.0)
            warm = max(t[i], f4(0.0)) + max(below, f4(0.0))
            cold = max(-t[i], f4(0.0)) + max(-below, f4(0.0))
            scale = f4(0.5 * 287.05) * depth / max(warm + cold, f4(1e-6))
            lowest[i] += scale * warm * warm
            melting[i] += lowest[i] if below <= f4(0.0) else f4(0.0)
            lowest[i] = f4(0.0) if below <= f4(0.0) else lowest[i]
            freezing[i] += scale * cold * cold if melting[i] > f4(0.0) else f4(0.0)
            t[i] = below
            x[i] += depth


def phase_energies(surface_pressure: Field, *wet_bulb: Field) -> Field:
    """J kg-1 (3, ...) that melt aloft, freeze below and melt on the ground, from the wet bulb (K) at LEVELS and at 2 m.
    Bourgouin (2000), with wet bulbs as Birk et al. (2021)."""
    shape = np.broadcast_shapes(surface_pressure.shape, *(field.shape for field in wet_bulb))
    result = np.empty((3, *shape), np.float32)
    pressure, *levels = (flat(field, shape) for field in (surface_pressure, *wet_bulb))
    layer_energies(pressure, _LOGS, tuple(levels), result.reshape(3, -1))
    return result


def snow_probability(
    temperature_2m: Field, relative_humidity_2m: Field, precipitation: Field, snowfall: Field, phase_energies: Field
) -> Field:
    """1: that precipitation, if any, is snow: its share where there is some; elsewhere Jennings et al.'s (2018)
    bivariate logistic of temperature and humidity, less what melts in the warm layers of Bourgouin (2000)."""
    exponent = -10.04 + 1.41 * (temperature_2m - FREEZING) + 9 * relative_humidity_2m
    melted = ramp(phase_energies[0] + phase_energies[2], *MELTING)
    likely = (1 - melted) / (1 + np.exp(np.clip(exponent, -60, 60)))
    return np.where(precipitation >= WET, np.minimum(snowfall / np.maximum(precipitation, WET), 1), likely)


def ice_pellets_probability(snow_probability: Field, phase_energies: Field) -> Field:
    """1: that precipitation, if any, is of ice pellets: what has melted aloft freezes below and does not melt again.
    Bourgouin (2000)."""
    aloft, frozen, below = phase_energies
    share = ramp(aloft, *MELTING_ALOFT) * ramp(frozen - np.float32(0.66) * aloft, *REFREEZING)
    return (1 - snow_probability) * share * (1 - ramp(below, *MELTING))


def freezing_rain_probability(snow_probability: Field, ice_pellets_probability: Field, temperature_2m: Field) -> Field:
    """1: that precipitation, if any, is rain that freezes on the ground: liquid in air at 2 m below 0 degC, of which
    its error of 1 K leaves in doubt. Bourgouin (2000)."""
    frost = ramp(temperature_2m, FREEZING + UNSURE, FREEZING - UNSURE)
    return (1 - snow_probability - ice_pellets_probability) * frost


def rain_probability(
    snow_probability: Field, ice_pellets_probability: Field, freezing_rain_probability: Field
) -> Field:
    """1: that precipitation, if any, is rain: what is neither snow, freezing rain nor ice pellets."""
    return 1 - snow_probability - ice_pellets_probability - freezing_rain_probability


def precipitation_type(
    precipitation: Field,
    snow_probability: Field,
    ice_pellets_probability: Field,
    freezing_rain_probability: Field,
    rain_probability: Field,
) -> Field:
    """GRIB2 code table 4.201: 0 none, 1 rain, 3 freezing rain, 5 snow, 7 rain and snow, 8 ice pellets.

    The most probable phase, of equals the first of rain, snow, freezing rain and ice pellets; rain and snow where
    either is and the other has more than a quarter.
    """
    liquid = np.maximum(rain_probability, freezing_rain_probability)
    kind = np.where(freezing_rain_probability > rain_probability, np.float32(3), np.float32(1))
    kind = np.where(ice_pellets_probability > liquid, np.float32(8), kind)
    most = np.maximum(liquid, ice_pellets_probability)
    kind = np.where((snow_probability > most) | ((snow_probability == most) & (kind > 1)), np.float32(5), kind)
    mixed = ((kind == 1) & (snow_probability > 0.25)) | ((kind == 5) & (rain_probability > 0.25))
    return np.where(mixed, np.float32(7), kind) * (precipitation >= WET)


def formulas() -> dict[str, Formula]:
    """Formulas of the phases, by name."""
    wet_bulbs = (*(f"wet_bulb_temperature_{level}hpa" for level in LEVELS), "wet_bulb_temperature_2m")
    return {"phase_energies": Formula(phase_energies, ("surface_pressure", *wet_bulbs))} | by_name(
        snow_probability, ice_pellets_probability, freezing_rain_probability, rain_probability, precipitation_type
    )
