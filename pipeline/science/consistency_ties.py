"""Parameters tied by linear inequalities, and the least change that makes all of a group hold at once.

A broken tie says that at least one of its parameters is wrong, and not which: each gives way by its error variance,
over all hours together where an hour's extreme is tied to the values at both its ends. That is the point of the set of
consistent values that is most likely, given the blend, with independent normal errors: a projection.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.science.consistency_kernel import project
from pipeline.science.derive import thermo

LEVELS = parameters.pressure_levels()  # hPa
_HEIGHT_ERRORS = (8, 8, 8, 9, 10, 12, 14, 17, 18, 18, 17, 16, 18)  # m
THINNEST_AIR = 140.0  # K, colder than any layer's mean, be it of the polar night at 50 hPa in a coarse model


@dataclass(frozen=True)
class Tie:
    """Sum of `terms`, (parameter, hours back, factor), is at least `least`; the first gives way to rounding.

    `slack`: how far below is as good as kept, where rounding would break an exact tie.
    """

    terms: tuple[tuple[str, int, float], ...]
    least: float = 0.0
    slack: float = 0.0


@dataclass(frozen=True)
class Group:
    """Ties that share parameters, and `errors`: the parameters' standard deviations, of which only ratios matter; 0 for
    what is trusted and does not give way."""

    name: str
    errors: Mapping[str, float]
    ties: tuple[Tie, ...]


def _above(high: str, low: str, back: int = 0) -> Tie:
    return Tie(((high, 0, 1.0), (low, back, -1.0)))


def _below(low: str, high: str, back: int = 0) -> Tie:
    return Tie(((low, 0, -1.0), (high, back, 1.0)))


def _apart(lower: int, upper: int) -> Tie:
    thinnest = thermo.DRY_GAS / thermo.GRAVITY * THINNEST_AIR * math.log(lower / upper)
    terms = ((f"geopotential_height_{upper}hpa", 0, 1.0), (f"geopotential_height_{lower}hpa", 0, -1.0))
    return Tie(terms, thinnest, slack=0.01)


_LAYERS = ("low_cloud_cover", "medium_cloud_cover", "high_cloud_cover")
_TEMPERATURE, _LOWEST, _HIGHEST = "temperature_2m", "temperature_2m_minimum", "temperature_2m_maximum"

# Errors: usual root mean square errors of global models a day ahead. An hour's extreme is its part of an interval's as
# well; a speed has met its vector; the total of clouds is trusted before its layers, which fewer sources deliver.
GROUPS: tuple[Group, ...] = (
    Group(
        "temperatures in order",
        {_TEMPERATURE: 1.2, "dew_point_temperature_2m": 1.5, _LOWEST: 1.6, _HIGHEST: 1.6},
        (_below("dew_point_temperature_2m", _TEMPERATURE), _below(_LOWEST, _TEMPERATURE),
         _below(_LOWEST, _TEMPERATURE, 1), _above(_HIGHEST, _TEMPERATURE), _above(_HIGHEST, _TEMPERATURE, 1)),
    ),
    Group(
        "gust at least wind speed", {"wind_speed_10m": 1.2, "wind_gust": 2.5},
        (_above("wind_gust", "wind_speed_10m"), _above("wind_gust", "wind_speed_10m", 1)),
    ),
    Group(
        "pressure levels apart",
        {f"geopotential_height_{level}hpa": error for level, error in zip(LEVELS, _HEIGHT_ERRORS, strict=True)},
        tuple(_apart(lower, upper) for lower, upper in pairwise(LEVELS)),
    ),
    Group(
        "cloud layers make up the total", {"total_cloud_cover": 0.0} | dict.fromkeys(_LAYERS, 0.25),
        (*(_below(layer, "total_cloud_cover") for layer in _LAYERS),
         Tie((*((layer, 0, 1.0) for layer in _LAYERS), ("total_cloud_cover", 0, -1.0)), slack=3e-4)),
    ),
)  # fmt: skip
"""An hour's extremes hold for both its ends; levels are at least as far apart as in air of `THINNEST_AIR`; cloud is
between its largest layer and the sum of all."""

_MOST = max(len(group.errors) for group in GROUPS)  # one length for all, for each would be compiled anew


def apply(fields: Mapping[str, NDArray[np.float32]]) -> dict[str, int]:
    """Make every group hold, in place; how many values of each were changed.

    fields: by name, C-contiguous (lead, place) within the catalogue's bounds, leads hourly and ascending. A tie whose
    parameters are not all there does not apply. Hildreth (1957), a quadratic programming procedure.
    """
    counts: dict[str, int] = {}
    for index, group in enumerate(GROUPS):
        names = tuple(name for name in group.errors if name in fields)
        rows = _rows(index, names)
        if rows is None or not fields[names[0]].size:
            continue
        filled = names + names[:1] * (_MOST - len(names))
        counts[group.name] = int(project(tuple(fields[name] for name in filled), *rows).sum())
    return counts


@cache
def _rows(index: int, names: Sequence[str]) -> tuple[NDArray[np.generic], ...] | None:
    """The arrays that the kernel reads of a group's ties among `names`; None if there are none."""
    group = GROUPS[index]
    ties = [tie for tie in group.ties if all(name in names for name, _, _ in tie.terms)]
    if not ties:
        return None
    shape = (len(ties), max(len(tie.terms) for tie in ties))
    term, back, sign = np.full(shape, -1), np.zeros(shape, np.int64), np.zeros(shape)
    for row, tie in enumerate(ties):
        for column, (name, hours, factor) in enumerate(tie.terms):
            term[row, column], back[row, column], sign[row, column] = names.index(name), hours, factor
    bounds = [parameters.blended()[name] for name in names]
    return (
        term, back, sign, np.array([tie.least for tie in ties]), np.array([tie.slack for tie in ties]),
        np.array([float(group.errors[name]) ** 2 for name in names]),
        np.array([float(row.minimum) for row in bounds]), np.array([float(row.maximum) for row in bounds]),
    )  # fmt: skip
