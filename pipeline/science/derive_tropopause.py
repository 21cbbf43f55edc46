"""The tropopause and the jet stream from thirteen pressure levels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pipeline.science import derive_thermo as thermo
from pipeline.science.derive_formula import Formula
from pipeline.science.derive_levels import LEVELS
from pipeline.science.derive_thermo import Field

LAPSE_RATE = 0.002  # K m-1, below which the stratosphere begins. WMO (1957)
ALOFT = tuple(level for level in LEVELS if level <= 600)  # hPa, where a tropopause may be
JET_LEVELS = tuple(level for level in LEVELS if 100 <= level <= 500)  # hPa


def tropopause_air_pressure(*fields: Field) -> Field:
    """Pa where the lapse rate falls to 2 K km-1 for good; lapse rates linear in p**kappa between the middles of layers.

    fields: temperature (K) and then geopotential height (m) at ALOFT, from below. The lowest such place whose next
    layer is stable as well; the top or bottom of ALOFT where there is none. Reichler, Dameris and Sausen (2003).
    """
    count = len(ALOFT)
    exner = [float(level * 100) ** thermo.KAPPA for level in ALOFT]
    middle = [0.5 * (low + high) for low, high in pairwise(exner)]
    cooling = [low - high for low, high in pairwise(fields[:count])]
    depth = [np.maximum(high - low, 100) for low, high in pairwise(fields[count:])]
    lapse = [part / thick for part, thick in zip(cooling, depth, strict=True)]
    found = np.where(lapse[0] <= LAPSE_RATE, np.float32(middle[0]), np.float32(middle[-1]))
    known = lapse[0] <= LAPSE_RATE
    for k in range(1, count - 1):
        above = lapse[min(k + 1, count - 2)]
        here = ~known & (lapse[k] <= LAPSE_RATE) & (above <= LAPSE_RATE)
        share = np.clip((lapse[k - 1] - LAPSE_RATE) / np.maximum(lapse[k - 1] - lapse[k], 1e-6), 0, 1)
        found = np.where(here, middle[k - 1] + share * np.float32(middle[k] - middle[k - 1]), found)
        known = known | here
    missing = np.isnan(sum(fields))
    return np.where(missing, np.float32(np.nan), found ** np.float32(1 / thermo.KAPPA))


def at_tropopause(pressure: Field, *levels: Field) -> Field:
    """A field (K, m) at the tropopause (Pa), linear in the logarithm of pressure between the levels of ALOFT."""
    wanted = np.log(pressure)
    logs = [np.log(100.0 * level) for level in ALOFT]
    result = levels[0] + np.zeros_like(wanted)
    for k in range(len(ALOFT) - 1):
        share = np.clip((logs[k] - wanted) / np.float32(logs[k] - logs[k + 1]), 0, 1)
        result = result + share * (levels[k + 1] - levels[k])
    return result


def jet_wind_speed(*speeds: Field) -> Field:
    """m s-1: the strongest wind of JET_LEVELS. AMS Glossary, jet stream."""
    strongest = speeds[0]
    for speed in speeds[1:]:
        strongest = np.maximum(strongest, speed)
    return strongest


def jet_air_pressure(strongest: Field, *speeds: Field) -> Field:
    """Pa of the level of the strongest wind, the lowest of equals. AMS Glossary, jet stream."""
    result = np.where(np.isnan(strongest), np.float32(np.nan), np.float32(100 * JET_LEVELS[-1]))
    for level, speed in list(zip(JET_LEVELS, speeds, strict=True))[::-1]:
        result = np.where(speed >= strongest, np.float32(100 * level), result)
    return result


def formulas() -> dict[str, Formula]:
    """Formulas of tropopause and jet, by name."""
    temperatures = tuple(f"temperature_{level}hpa" for level in ALOFT)
    heights = tuple(f"geopotential_height_{level}hpa" for level in ALOFT)
    speeds = tuple(f"wind_speed_{level}hpa" for level in JET_LEVELS)
    pressure = "tropopause_air_pressure"
    return {
        pressure: Formula(tropopause_air_pressure, (*temperatures, *heights)),
        "tropopause_air_temperature": Formula(at_tropopause, (pressure, *temperatures)),
        "tropopause_altitude": Formula(at_tropopause, (pressure, *heights)),
        "jet_wind_speed": Formula(jet_wind_speed, speeds),
        "jet_air_pressure": Formula(jet_air_pressure, ("jet_wind_speed", *speeds)),
    }
