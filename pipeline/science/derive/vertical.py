"""Vertical velocity in pressure at the levels that no source is asked for: what the divergence between those that are
blended, the top of the atmosphere and the ground makes of it.

Continuity, layer by layer, does not end at the next known value; O'Brien (1970) spreads what is left over the layers by
the variance of their divergence's error, which grows with a layer's number from the ground. That is the least change,
so weighted, of the divergence with which the column closes.
"""

from __future__ import annotations

from functools import partial, update_wrapper
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.science.derive import thermo
from pipeline.science.derive.formula import Formula, by_name
from pipeline.science.derive.math import elementwise, f4, inline, kernel
from pipeline.science.derive.thermo import Field
from pipeline.science.registers import full_width

LEVELS = parameters.pressure_levels()  # hPa
KNOWN = tuple(level for level in LEVELS if f"pressure_velocity_{level}hpa" in parameters.blended())  # hPa
LAYERS = {upper: number for number, (_, upper) in enumerate(pairwise((1050, *LEVELS, 0)), start=1)}
"""Number from the ground of the layer below each level."""


@kernel
def weighted_sum(weights: Any, fields: Any, out: Any) -> None:
    """Sum of some fields, a tuple, each with its weight."""
    full_width()
    out[:] = f4(0.0)
    for k in range(len(fields)):
        field, weight = fields[k], weights[k]
        for i in range(len(out)):
            out[i] += weight * field[i]


@inline
def _spread_below(pressure: Any, at_850: Any, at_925: Any, at_1000: Any) -> Any:
    """Integral of the divergence from 850 hPa to a pressure (Pa), linear between the levels and constant beyond; and
    that of O'Brien's variances, 3, 2 and 1 from above."""
    upper = min(pressure, f4(92500.0)) - f4(85000.0)
    middle = min(max(pressure - f4(92500.0), f4(0.0)), f4(7500.0))
    lower = max(pressure - f4(100000.0), f4(0.0))
    spread = upper * (at_850 + (at_925 - at_850) * upper * f4(0.5 / 7500))
    spread += middle * (at_925 + (at_1000 - at_925) * middle * f4(0.5 / 7500)) + lower * at_1000
    return spread, f4(3.0) * upper + f4(2.0) * middle + lower


@kernel
def close_column(
    level: Any, above: Any, ground: Any, pressure: Any, at_850: Any, at_925: Any, at_1000: Any, out: Any
) -> None:
    """Pa s-1 at a level (Pa) between 850 hPa, where it is `above`, and the ground, from the divergence (s-1) of three
    levels; what does not close is spread by O'Brien's (1970) variances. That of the ground below it."""
    full_width()
    for i in range(len(out)):
        base = max(pressure[i], level)
        all_spread, all_errors = _spread_below(base, at_850[i], at_925[i], at_1000[i])
        spread, errors = _spread_below(level, at_850[i], at_925[i], at_1000[i])
        found = above[i] - spread + (ground[i] - above[i] + all_spread) * (errors / all_errors)
        out[i] = found if pressure[i] > level else ground[i]


def pressure_velocity_at_ground(
    eastward_wind_10m: Field,
    northward_wind_10m: Field,
    air_density_2m: Field,
    eastward_surface_slope: Field | float = 0.0,
    northward_surface_slope: Field | float = 0.0,
) -> Field:
    """Pa s-1 of air that follows the ground, whose slopes are in m per m; 0 over flat ground. Holton and Hakim
    (2013), 3.5: w is the wind times the slope, and omega minus that by density and gravity."""
    rise = eastward_wind_10m * eastward_surface_slope + northward_wind_10m * northward_surface_slope
    return np.float32(-thermo.GRAVITY) * air_density_2m * rise


def closed(level: int, knots: tuple[int, ...]) -> NDArray[np.float32]:
    """What a level's vertical velocity takes of that at both ends of a column and, times s, of the divergence there and
    between.

    knots: hPa from the upper end to the lower, among them `level`; divergence is linear between them.
    Returns (2 + knot,). O'Brien (1970), eq. 21, with layers of any depth.
    """
    depth = 100.0 * np.diff(knots)
    halves = np.zeros((len(knots), len(knots)))
    for k, thick in enumerate(depth):
        halves[k + 1] = halves[k]
        halves[k + 1, k : k + 2] += thick / 2
    errors = np.concatenate([[0], np.cumsum(depth * [LAYERS[upper] for upper in knots[:-1]])])
    here = knots.index(level)
    share = errors[here] / errors[-1]
    return np.array([1 - share, share, *(share * halves[-1] - halves[here])], np.float32)


def pressure_velocity_between(*fields: Field, shares: NDArray[np.float32]) -> Field:
    """Pa s-1 from the divergence (s-1) of the levels around, so that it goes through the blended values (Pa s-1) above
    and below, and to 0 at the top of the atmosphere. O'Brien (1970)."""
    return elementwise(lambda *arrays: weighted_sum(shares, arrays[:-1], arrays[-1]), *fields)


def pressure_velocity_below(above: Field, ground: Field, pressure: Field, *divergence: Field, level: float) -> Field:
    """Pa s-1 between 850 hPa, where it is `above`, and the ground, where it is `ground` (both Pa s-1) at the surface
    pressure (Pa), from the divergence (s-1) at 850, 925 and 1000 hPa. O'Brien (1970); below the ground that there."""
    return elementwise(partial(close_column, np.float32(level)), above, ground, pressure, *divergence)


def formulas() -> dict[str, Formula]:
    """Formulas of the levels, by name."""
    found = by_name(pressure_velocity_at_ground)
    for level in (level for level in LEVELS if level not in KNOWN):
        inputs = _names("divergence", *LEVELS[2::-1])
        compute = partial(pressure_velocity_below, level=100.0 * level)
        known = (*_names("pressure_velocity", KNOWN[0]), "pressure_velocity_at_ground", "surface_pressure")
        if level < KNOWN[0]:
            lower = min(other for other in KNOWN if other > level)
            upper = max((other for other in KNOWN if other < level), default=0)
            knots = tuple(other for other in (0, *LEVELS[::-1]) if upper <= other <= lower)
            compute = partial(pressure_velocity_between, shares=_over_levels(closed(level, knots), upper))
            known = _names("pressure_velocity", *(other for other in (upper, lower) if other))
            inputs = _names("divergence", *(other for other in knots if other))
        update_wrapper(compute, compute.func)
        found[f"pressure_velocity_{level}hpa"] = Formula(compute, (*known, *inputs))
    return found


def _over_levels(shares: NDArray[np.float32], upper: int) -> NDArray[np.float32]:
    """The shares without those of the top of the atmosphere: no motion there, and the divergence of the next level."""
    if upper:
        return shares
    return np.concatenate([shares[1:2], shares[2:3] + shares[3:4], shares[4:]])


def _names(what: str, *levels: int) -> tuple[str, ...]:
    return tuple(f"{what}_{level}hpa" for level in levels)
