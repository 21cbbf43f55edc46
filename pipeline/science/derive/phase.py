"""In which phase precipitation reaches the ground, should there be any: rain, snow, freezing rain or ice pellets, with
probabilities that add up to one.

Where it does fall, the share of snow is that of the blend; elsewhere, and of what is no snow, the profile of the wet
bulb tells: what falls melts and freezes by the energies of the warm and cold layers that it passes (Bourgouin 2000).
Between the energies at which Bourgouin saw the one and the other phase alone a probability goes from 0 to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.science.derive.formula import Formula, by_name
from pipeline.science.derive.math import elementwise, exp, f4, flat, inline, kernel, log
from pipeline.science.derive.thermo import FREEZING, Field, ramp
from pipeline.science.derive.weather import WET
from pipeline.science.registers import full_width

LEVELS = (1000, 925, 850, 700, 600, 500)  # hPa
_LOGS = np.log(100 * np.array(LEVELS, np.float32))
MELTING_ALOFT = (0.0, 4.0)  # J kg-1: none below 2 of what falls through melts so far that it freezes as pellets or rain
MELTING = (5.6, 13.2)  # J kg-1 of all warm layers, or of that on the ground: snow only and rain only
REFREEZING = (46.0, 66.0)  # J kg-1 beyond 0.66 of the melting energy aloft, freezing rain only and ice pellets only
UNSURE = 1.0  # K, the air at 2 m is that much off


@inline
def _through(state: Any, level: Any, where: Any, ground: Any) -> Any:
    """The state (temperature, logarithm of pressure, energies) after a layer down to a level; a buried one is passed
    over."""
    t, x, melting, freezing, lowest = state
    below = level - f4(273.15) if where <= ground else t
    depth = where - x if where <= ground else f4(0.0)
    warm = max(t, f4(0.0)) + max(below, f4(0.0))
    cold = max(-t, f4(0.0)) + max(-below, f4(0.0))
    scale = f4(0.5 * 287.05) * depth / max(warm + cold, f4(1e-6))
    lowest += scale * warm * warm
    melting += lowest if below <= f4(0.0) else f4(0.0)
    lowest = f4(0.0) if below <= f4(0.0) else lowest
    freezing += scale * cold * cold if melting > f4(0.0) else f4(0.0)
    return below, x + depth, melting, freezing, lowest


@kernel
def layer_energies(pressure: Any, ground: Any, levels: Any, logs: Any, out: Any) -> None:
    """J kg-1 by which warm layers aloft melt, cold ones below them freeze and the warm one on the ground melts what
    falls: (3, place), from the wet bulb (K) on the ground, whose pressure is in Pa, and at levels, linear between in
    the logarithm of pressure. `logs`: those of the levels' pressures, from 1000 hPa up."""
    full_width()
    t1000, t925, t850, t700, t600, t500 = levels
    for i in range(len(pressure)):
        base, zero = log(pressure[i]), f4(0.0)
        state = (t500[i] - f4(273.15), logs[5], zero, zero, zero)
        state = _through(state, t600[i], logs[4], base)
        state = _through(state, t700[i], logs[3], base)
        state = _through(state, t850[i], logs[2], base)
        state = _through(state, t925[i], logs[1], base)
        state = _through(state, t1000[i], logs[0], base)
        state = _through(state, ground[i], max(base, state[1]), max(base, state[1]))
        out[0, i], out[1, i], out[2, i] = state[2], state[3], state[4]


def phase_energies(surface_pressure: Field, *wet_bulb: Field) -> Field:
    """J kg-1 (3, ...) that melt aloft, freeze below and melt on the ground, from the wet bulb (K) at 2 m and at LEVELS.
    Bourgouin (2000), with wet bulbs as Birk et al. (2021)."""
    shape = np.broadcast_shapes(surface_pressure.shape, *(field.shape for field in wet_bulb))
    result = np.empty((3, *shape), np.float32)
    pressure, ground, *levels = (flat(field, shape) for field in (surface_pressure, *wet_bulb))
    layer_energies(pressure, ground, tuple(levels), _LOGS, result.reshape(3, -1))
    return result


@kernel
def share_of_snow(temperature: Any, humidity: Any, precipitation: Any, snowfall: Any, melting: Any, out: Any) -> None:
    """That of what falls; where nothing does Jennings et al.'s (2018) logistic less what J kg-1 melt."""
    full_width()
    for i in range(len(out)):
        exponent = f4(-10.04) + f4(1.41) * (temperature[i] - f4(273.15)) + f4(9.0) * humidity[i]
        melted = min(max((melting[i] - f4(MELTING[0])) / f4(MELTING[1] - MELTING[0]), f4(0.0)), f4(1.0))
        likely = (f4(1.0) - melted) / (f4(1.0) + exp(exponent))
        share = min(snowfall[i] / max(precipitation[i], f4(WET)), f4(1.0))
        out[i] = share if precipitation[i] >= f4(WET) else likely


@kernel
def most_probable(precipitation: Any, snow: Any, pellets: Any, freezing: Any, rain: Any, out: Any) -> None:
    """Code of the most probable phase."""
    full_width()
    for i in range(len(out)):
        liquid = max(rain[i], freezing[i])
        kind = f4(3.0) if freezing[i] > rain[i] else f4(1.0)
        kind = f4(8.0) if pellets[i] > liquid else kind
        most = max(liquid, pellets[i])
        kind = f4(5.0) if (snow[i] > most) | ((snow[i] == most) & (kind > f4(1.0))) else kind
        mixed = ((kind == f4(1.0)) & (snow[i] > f4(0.25))) | ((kind == f4(5.0)) & (rain[i] > f4(0.25)))
        out[i] = (f4(7.0) if mixed else kind) if precipitation[i] >= f4(WET) else f4(0.0)


def snow_probability(
    temperature_2m: Field, relative_humidity_2m: Field, precipitation: Field, snowfall: Field, phase_energies: Field
) -> Field:
    """1: that precipitation, if any, is snow: its share where there is some; elsewhere Jennings et al.'s (2018)
    bivariate logistic of temperature and humidity, less what melts in the warm layers of Bourgouin (2000)."""
    fields = (temperature_2m, relative_humidity_2m, precipitation, snowfall, phase_energies[0] + phase_energies[2])
    return elementwise(share_of_snow, *fields)


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
    parts = (snow_probability, ice_pellets_probability, freezing_rain_probability, rain_probability)
    return elementwise(most_probable, precipitation, *parts)


def formulas() -> dict[str, Formula]:
    """Formulas of the phases, by name."""
    wet_bulbs = ("wet_bulb_temperature_2m", *(f"wet_bulb_temperature_{level}hpa" for level in LEVELS))
    return {"phase_energies": Formula(phase_energies, ("surface_pressure", *wet_bulbs))} | by_name(
        snow_probability, ice_pellets_probability, freezing_rain_probability, rain_probability, precipitation_type
    )
