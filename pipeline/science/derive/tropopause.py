"""The tropopause and the jet stream from thirteen pressure levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.science.derive.formula import Formula
from pipeline.science.derive.kernels import KAPPA
from pipeline.science.derive.levels import LEVELS
from pipeline.science.derive.math import elementwise, f4, kernel, log, power
from pipeline.science.derive.thermo import Field
from pipeline.science.registers import full_width

LAPSE_RATE = f4(0.002)  # K m-1, below which the stratosphere begins. WMO (1957)
ALOFT = tuple(level for level in LEVELS if level <= 600)  # hPa, where a tropopause may be
JET_LEVELS = tuple(level for level in LEVELS if 100 <= level <= 500)  # hPa
_EXNER = np.array([(100.0 * level) ** float(KAPPA) for level in ALOFT], np.float32)
_LOGS = np.log(100 * np.array(ALOFT, np.float32))
_JETS = 100 * np.array(JET_LEVELS, np.float32)


@kernel
def find_tropopause(exner: Any, temperatures: Any, heights: Any, out: Any) -> None:
    """Pa where the lapse rate of levels (K, m, from below; `exner` their p**kappa) falls to LAPSE_RATE for good."""
    full_width()
    count, size = len(exner), len(out)
    lapse = np.empty((count, size), np.float32)
    for k in range(count - 1):
        warm, cold, low, high = temperatures[k], temperatures[k + 1], heights[k], heights[k + 1]
        for i in range(size):
            lapse[k, i] = (warm[i] - cold[i]) / max(high[i] - low[i], f4(100.0))
    lapse[count - 1] = lapse[count - 2]
    out[:] = f4(0.0)
    for k in range(1, count - 1):
        low, high = f4(0.5) * (exner[k - 1] + exner[k]), f4(0.5) * (exner[k] + exner[k + 1])
        for i in range(size):
            falls = (lapse[k - 1, i] > LAPSE_RATE) & (lapse[k, i] <= LAPSE_RATE) & (lapse[k + 1, i] <= LAPSE_RATE)
            share = (lapse[k - 1, i] - LAPSE_RATE) / max(lapse[k - 1, i] - lapse[k, i], f4(1e-6))
            out[i] = low + share * (high - low) if falls & (out[i] == f4(0.0)) else out[i]
    lowest, highest = f4(0.5) * (exner[0] + exner[1]), f4(0.5) * (exner[count - 2] + exner[count - 1])
    for i in range(size):
        other = lowest if lapse[count - 1, i] <= LAPSE_RATE else highest  # stable all through, or nowhere aloft
        out[i] = power(other if out[i] == f4(0.0) else out[i], f4(1.0) / KAPPA)


@kernel
def between_logs(logs: Any, pressure: Any, levels: Any, out: Any) -> None:
    """A field of levels (from below; `logs` of their pressures) at a pressure (Pa), that of the ends beyond."""
    full_width()
    wanted = np.empty_like(out)
    for i in range(len(out)):
        wanted[i] = log(pressure[i])
        out[i] = levels[0][i]
    for k in range(len(logs) - 1):
        here, above, depth = levels[k], levels[k + 1], f4(1.0) / (logs[k] - logs[k + 1])
        for i in range(len(out)):
            share = min(max((logs[k] - wanted[i]) * depth, f4(0.0)), f4(1.0))
            out[i] += share * (above[i] - here[i])


@kernel
def strongest_level(pressures: Any, strongest: Any, speeds: Any, out: Any) -> None:
    """Pressure of the first level whose speed is the strongest."""
    full_width()
    for i in range(len(out)):
        out[i] = pressures[len(pressures) - 1]
    for k in range(len(pressures) - 2, -1, -1):
        speed, pressure = speeds[k], pressures[k]
        for i in range(len(out)):
            out[i] = pressure if speed[i] >= strongest[i] else out[i]


def tropopause_air_pressure(*fields: Field) -> Field:
    """Pa where the lapse rate falls to 2 K km-1 for good; lapse rates linear in p**kappa between the middles of layers.

    fields: temperature (K) and then geopotential height (m) at ALOFT, from below. The lowest such place whose next
    layer is stable as well, over a layer that is not, so that no inversion on high ground counts. Where there is
    none, the top of ALOFT, or the bottom if all is stable. Reichler, Dameris and Sausen (2003).
    """

    def find(*flat: Field) -> None:
        find_tropopause(_EXNER, flat[: len(ALOFT)], flat[len(ALOFT) : -1], flat[-1])

    return elementwise(find, *fields)


def at_tropopause(pressure: Field, *levels: Field) -> Field:
    """A field (K, m) at the tropopause (Pa), linear in the logarithm of pressure between the levels of ALOFT."""
    return elementwise(lambda *flat: between_logs(_LOGS, flat[0], flat[1:-1], flat[-1]), pressure, *levels)


def jet_wind_speed(*speeds: Field) -> Field:
    """m s-1: the strongest wind of JET_LEVELS. AMS Glossary, jet stream."""
    strongest = speeds[0]
    for speed in speeds[1:]:
        strongest = np.maximum(strongest, speed)
    return strongest


def jet_air_pressure(strongest: Field, *speeds: Field) -> Field:
    """Pa of the level of the strongest wind, the lowest of equals. AMS Glossary, jet stream."""
    return elementwise(lambda *flat: strongest_level(_JETS, flat[0], flat[1:-1], flat[-1]), strongest, *speeds)


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
