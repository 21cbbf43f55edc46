"""Rules that hold between the parameters of one place and hour, and the least change that makes them hold.

Blending each parameter by itself breaks relations that every source kept. First a wind's speed and vector meet, then
all that linear inequalities tie gives way together, each by its errors (`consistency_ties`). After them a rule corrects
its targets to the nearest values that fit, and trusts its other inputs; in the order of the table none touches what an
earlier one trusted, so one pass is enough. A total is trusted before its parts, which fewer sources deliver and every
model splits in its own way, and of which a trace would wet a dry hour; ice, altitude and the sun before all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.science import consistency_ties
from pipeline.science.derive import thermo
from pipeline.science.derive.thermo import Field

MELTING = 3.0  # degC of wet bulb above which no snow reaches the ground (Sims and Liu 2015: 1 % at 2.5)
FULL_ICE = 0.95
ICE_FREE = 10.0  # degC of the surface, above which no ice is left in a cell, be it half of land
STEEPEST, STEEPEST_MEAN = 0.09, 0.12  # significant steepness of the peak and of the mean period, WMO-No. 702
CLEAREST = 0.95  # of the flux at the top of the atmosphere, an hour's mean under broken cloud
OLDEST_SEA = 1.7 / 0.755
"""Phase speed of a wind sea's peak over the wind at 10 m: WAVEWATCH III calls a system wind sea while a third of its
energy runs at less than 1.7 times the wind; of a full spectrum (Pierson and Moskowitz 1964) the peak is then there."""
TALLEST_SEA = 0.24 / thermo.GRAVITY * (OLDEST_SEA / 1.2) ** 2
"""m per (m s-1)²: height of the full sea, of 0.24 U²/g, whose peak runs at 1.2 times its wind, with a peak so old."""
COMPONENT_ERROR, SPEED_ERROR = 1.8, 1.6  # m s-1, usual root mean square errors; only their ratio matters
TALLEST_ERROR = 0.01  # of surface pressure, and as much again for each kilometre of altitude
BLOCK = 32768
"""Values of a field worked on at a time, so that a rule's intermediates stay in cache."""


@dataclass(frozen=True)
class Rule:
    """`correct` takes `inputs` and gives new values of `targets`, the first of the inputs."""

    name: str
    targets: tuple[str, ...]
    inputs: tuple[str, ...]
    correct: Callable[..., tuple[Field, ...]]


def _rule(name: str, correct: Callable[..., Field], *inputs: str) -> Rule:
    def one(*values: Field) -> tuple[Field, ...]:
        return (correct(*values),)

    return Rule(name, inputs[:1], inputs, one)


def _surface_pressure(surface: Field, sea_level: Field, temperature: Field, altitude: Field) -> Field:
    """Within `TALLEST_ERROR` of the standard reduction (ICAO 1993) by altitude and temperature."""
    exponent = thermo.GRAVITY / (thermo.DRY_GAS * thermo.LAPSE_RATE)
    warming = thermo.LAPSE_RATE * altitude
    expected = sea_level * (1 - warming / (temperature + warming)) ** np.float32(exponent)
    tolerance = TALLEST_ERROR * (1 + np.abs(altitude) / 1000)
    return np.clip(surface, expected * (1 - tolerance), expected * (1 + tolerance))


def _meet(eastward: Field, northward: Field, speed: Field) -> tuple[Field, ...]:
    """Speed and length of the vector where both, by their errors, change least.

    The mean of vectors is too short, the mean speed too long for it: a wind that is right on average in both is in no
    single vector, and half of the difference does each a quarter of the harm.
    """
    length = np.hypot(eastward, northward)
    share = np.float32(SPEED_ERROR**2 / (SPEED_ERROR**2 + COMPONENT_ERROR**2))
    met = np.where(_differ(length, speed), speed + share * (length - speed), speed)
    return *_stretched(eastward, northward, met), met


def _stretched(eastward: Field, northward: Field, speed: Field) -> tuple[Field, ...]:
    """The vector with the length of the speed; calm by cancellation becomes a west wind."""
    length = np.hypot(eastward, northward)
    wrong = _differ(length, speed)
    speed = np.minimum(speed, parameters.blended()["eastward_wind_10m"].maximum)
    calm = wrong & (length < 1e-3)
    factor = np.where(wrong, speed / np.maximum(length, 1e-3), 1)
    return np.where(calm, speed, eastward * factor), np.where(calm, 0, northward * factor)


def _differ(length: Field, speed: Field) -> NDArray[np.bool_]:
    speed = np.minimum(speed, parameters.blended()["eastward_wind_10m"].maximum)
    return np.abs(length - speed) > 0.005 + 0.001 * speed


def _melted(snowfall: Field, temperature: Field, dew_point: Field, pressure: Field) -> Field:
    warm = (snowfall > 0) & (temperature > thermo.FREEZING + MELTING) & np.isfinite(dew_point + pressure)
    result = snowfall.copy()
    if warm.any():
        vapour = thermo.saturation_vapour_pressure(dew_point[warm])
        melts = thermo.wet_bulb(temperature[warm], vapour, pressure[warm]) > thermo.FREEZING + MELTING
        result[warm] = np.where(melts, 0, snowfall[warm])
    return result


def _daylight(flux: Field, top: Field) -> Field:
    return np.clip(flux, 0, CLEAREST * top)


def _sky_emission(flux: Field, temperature: Field) -> Field:
    """Effective emissivity of the sky from 0.35 (dry, high) to 1.3 (cloud in a strong inversion)."""
    black = thermo.STEFAN_BOLTZMANN * temperature**4
    return np.clip(flux, 0.35 * black, 1.3 * black)


def _melting_ice(ice: Field, surface: Field) -> Field:
    return np.where(surface > np.float32(thermo.FREEZING + ICE_FREE), 0, ice)


def _calm_under_ice(height: Field, ice: Field) -> Field:
    return np.where(ice >= FULL_ICE, 0, height)


def _driven(height: Field, speed: Field, land: Field) -> Field:
    """What is higher than the blended wind may still drive is not its sea, and left to the swells and the total."""
    return np.where(land < 0.5, np.minimum(height, np.float32(TALLEST_SEA) * speed**2), height)


def _young(period: Field, speed: Field, land: Field) -> Field:
    oldest = np.float32(2 * np.pi / thermo.GRAVITY * OLDEST_SEA)
    return np.where(land < 0.5, np.minimum(period, oldest * speed), period)


def _wave_parts(*heights: Field) -> tuple[Field, ...]:
    """Energies of wind sea and swells add up to at most that of all waves, the last: the nearest point of a sphere."""
    *parts, total = heights
    together = np.sqrt(sum(part**2 for part in parts))
    factor = np.where(together > total * 1.001 + 0.005, total / np.maximum(together, 1e-3), 1)
    return tuple(part * factor for part in parts)


def _long_enough(period: Field, height: Field, steepest: float) -> Field:
    """Waves break that are steeper (deep water)."""
    return np.maximum(period, np.sqrt(height * np.float32(2 * np.pi / (thermo.GRAVITY * steepest))))


def _vectors() -> Iterator[tuple[str, str, str]]:
    for row in parameters.blended().values():
        if row.speed and row.name.startswith("eastward"):
            yield row.name, row.name.replace("eastward", "northward"), row.speed


MEETINGS = tuple(Rule(f"{wind[2]} is the length of its vector", wind, wind, _meet) for wind in _vectors())
"""Applied first."""

_SWELLS = ("swell", "secondary_swell", "tertiary_swell")
_WAVES = ("significant_wave_height", "wind_wave_height", *(f"{swell}_wave_height" for swell in _SWELLS))
RULES: tuple[Rule, ...] = (
    _rule("surface pressure fits sea-level pressure and altitude", _surface_pressure,
          "surface_pressure", "pressure_at_sea_level", "temperature_2m", "surface_altitude"),
    *(Rule(f"{wind[2]} is the length of its vector", wind[:2], wind, _stretched) for wind in _vectors()),
    _rule("convective precipitation at most precipitation", np.minimum, "convective_precipitation", "precipitation"),
    _rule("no snow in warmth", _melted,
          "snowfall", "temperature_2m", "dew_point_temperature_2m", "surface_pressure"),
    _rule("snow at most precipitation", np.minimum, "snowfall", "precipitation"),
    _rule("short-wave radiation by day and below a clear sky's", _daylight,
          "surface_downwelling_shortwave_flux", "toa_incoming_shortwave_flux"),
    _rule("long-wave radiation fits the air", _sky_emission, "surface_downwelling_longwave_flux", "temperature_2m"),
    _rule("no ice on a warm sea", _melting_ice, "sea_ice_fraction", "skin_temperature"),
    *(_rule(f"{name} is nil under full ice", _calm_under_ice, name, "sea_ice_fraction") for name in _WAVES),
    _rule("wind sea as high as the wind may drive", _driven,
          "wind_wave_height", "wind_speed_10m", "land_area_fraction"),
    _rule("wind sea no faster than the wind may drive", _young,
          "wind_wave_period", "wind_speed_10m", "land_area_fraction"),
    Rule("wind sea and swells within all waves", _WAVES[1:], (*_WAVES[1:], _WAVES[0]), _wave_parts),
    _rule("peak period long enough for the height", lambda period, height: _long_enough(period, height, STEEPEST),
          "primary_wave_period", "significant_wave_height"),
    _rule("mean period long enough for the height", lambda period, height: _long_enough(period, height, STEEPEST_MEAN),
          "mean_wave_period", "significant_wave_height"),
    _rule("wind sea's period fits the height", lambda period, height: _long_enough(period, height, STEEPEST_MEAN),
          "wind_wave_period", "wind_wave_height"),
    *(_rule(f"{swell} period long enough for the height",
            lambda period, height: _long_enough(period, height, STEEPEST),
            f"{swell}_wave_period", f"{swell}_wave_height") for swell in _SWELLS),
)  # fmt: skip
"""In the order of application; before them every parameter is brought within its bounds (`within bounds`), then come
`MEETINGS` and what is tied."""


def apply(fields: Mapping[str, NDArray[np.float32]]) -> tuple[dict[str, NDArray[np.float32]], dict[str, int]]:
    """The fields made consistent, and how many values each rule changed.

    fields: blended parameters by name, (lead, place) in the catalogue's units, leads hourly and ascending; besides
    `toa_incoming_shortwave_flux` (lead, place), `surface_altitude` and `land_area_fraction` (place,) for the rules that
    need them. Rules
    whose inputs are not all there do not apply. The input stays as it is; consistent values are returned unchanged,
    missing ones stay missing, and a second application changes nothing.
    Sources: each rule's docstring; bounds are the catalogue's.
    """
    rows = parameters.blended()
    corrected = {
        name: np.array(field, np.float32, order="C") if name in rows else field for name, field in fields.items()
    }
    outside = sum(_bound(corrected[name], row) for name, row in rows.items() if name in corrected)
    counts = Counter({"within bounds": outside})
    counts.update(_obey(MEETINGS, corrected))
    counts.update(consistency_ties.apply(corrected))
    counts.update(_obey(RULES, corrected))
    return corrected, dict(counts)


def _obey(rules: Sequence[Rule], fields: Mapping[str, NDArray[np.float32]]) -> dict[str, int]:
    """Correct `fields` in place; how many values each rule changed."""
    bounds = parameters.blended()
    rules = [rule for rule in rules if fields.keys() >= set(rule.inputs)]
    counts = {rule.name: 0 for rule in rules}
    shape = max((np.shape(field) for field in fields.values()), key=len, default=(0, 0))
    width = max(1, BLOCK // max(shape[0], 1))
    for start in range(0, shape[-1], width):
        block = {name: field[..., start : start + width] for name, field in fields.items()}
        for rule in rules:
            for name, values in zip(rule.targets, rule.correct(*(block[name] for name in rule.inputs)), strict=True):
                bounded = np.clip(values, bounds[name].minimum, bounds[name].maximum).astype(np.float32, copy=False)
                counts[rule.name] += _change(block[name], bounded)
    return counts


def _bound(values: NDArray[np.float32], row: parameters.Parameter) -> int:
    """Bring values within their bounds, in place; how many were outside."""
    low, high = np.float32(row.minimum), np.float32(row.maximum)
    if not values.size or (np.fmin.reduce(values, axis=None) >= low and np.fmax.reduce(values, axis=None) <= high):
        return 0
    count = int(np.count_nonzero((values < low) | (values > high)))
    np.clip(values, low, high, out=values)
    return count


def _change(values: NDArray[np.float32], wanted: NDArray[np.float32]) -> int:
    """Put what differs in place; comparisons are false for missing values, so they stay as they are."""
    differs = (wanted < values) | (wanted > values)
    count = int(np.count_nonzero(differs))
    if count:
        np.copyto(values, wanted, where=differs)
    return count
