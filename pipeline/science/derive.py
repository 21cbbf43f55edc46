"""Every derived parameter from the blended ones: a formula's arguments name its inputs, its name is its result.

To add one: a function in a `derive_*` file, its name in that file's `FORMULAS`, a row in `derived.csv`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from inspect import signature

import numpy as np
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.science import (
    derive_comfort,
    derive_humidity,
    derive_land,
    derive_marine,
    derive_upper,
    derive_weather,
    derive_wind,
)
from pipeline.science import derive_thermo as thermo

Field = NDArray[np.floating]

LEVELS = (925, 850, 700, 500, 250)
BLOCK = 32768
"""Values of a field worked on at a time, so that a formula's intermediates stay in cache."""


@dataclass(frozen=True)
class Formula:
    """How a parameter follows from others; `optional` inputs may be missing."""

    compute: Callable[..., Field]
    inputs: tuple[str, ...]
    optional: tuple[str, ...] = ()


def _by_name(*functions: Callable[..., Field]) -> dict[str, Formula]:
    formulas = {}
    for function in functions:
        arguments = signature(function).parameters.values()
        needed = tuple(argument.name for argument in arguments if argument.default is argument.empty)
        optional = tuple(argument.name for argument in arguments if argument.default is not argument.empty)
        formulas[function.__name__] = Formula(function, needed, optional)
    return formulas


def _on_levels() -> dict[str, Formula]:
    formulas = {}
    for level in LEVELS:
        wind = (f"eastward_wind_{level}hpa", f"northward_wind_{level}hpa")
        formulas[f"wind_speed_{level}hpa"] = Formula(derive_upper.wind_speed_at, wind)
        formulas[f"wind_from_direction_{level}hpa"] = Formula(thermo.wind_from, wind)
        if level > 500:
            moist = (f"temperature_{level}hpa", f"relative_humidity_{level}hpa")
            formulas[f"dew_point_temperature_{level}hpa"] = Formula(derive_upper.dew_point_at, moist)
    return formulas


FORMULAS: dict[str, Formula] = (
    _by_name(*derive_humidity.FORMULAS, *derive_upper.SURFACE, *derive_comfort.FORMULAS, *derive_wind.FORMULAS)
    | _on_levels()
    | _by_name(*derive_upper.FORMULAS, *derive_weather.FORMULAS, *derive_land.FORMULAS, *derive_marine.FORMULAS)
)
"""In an order in which every input that is itself derived stands before."""


def possible(given: Collection[str]) -> list[str]:
    """Names of the derived parameters that `derive` returns for fields of the given names, in order."""
    rows = parameters.derived()
    return [name for name in rows if name in given] + [name for name in _followers(given) if name in rows]


def _followers(given: Collection[str]) -> list[str]:
    """Names of FORMULAS that follow from the given fields and are not among them, in order."""
    known = set(given)
    found = []
    for name, formula in FORMULAS.items():
        if name not in known and known.issuperset(formula.inputs):
            known.add(name)
            found.append(name)
    return found


def derive(fields: Mapping[str, Field]) -> dict[str, Field]:
    """All parameters of `derived.csv` that follow from the fields given.

    fields: blended parameters by name, (lead, place) in the catalogue's units, leads hourly and ascending; also
    `toa_incoming_shortwave_flux` (lead, place), see `solar.Sun.flux`, for what depends on the sun, and if known
    `surface_altitude` (place,) in m, which is otherwise had from the two pressures, and `land_area_fraction` (place,).
    Returns (lead, place) float32 within the catalogue's bounds; NaN only where an input is. A derived parameter that
    is given stands as it is.
    Sources: each formula's docstring and the `source` column.
    """
    shape = np.broadcast_shapes(*(np.shape(field) for field in fields.values())) if fields else (0, 0)
    names = _followers(fields)
    rows = parameters.derived()
    result = {name: np.array(fields[name], np.float32) for name in rows if name in fields}
    result |= {name: np.empty(shape, np.float32) for name in names if name in rows}
    width = max(1, BLOCK // max(shape[0], 1))
    for start in range(0, shape[-1], width):
        block = slice(start, start + width)
        known = {name: np.ascontiguousarray(field[..., block], np.float32) for name, field in fields.items()}
        missing = {name: values for name in fields if (values := np.isnan(known[name])).any()}
        for name in names:
            formula = FORMULAS[name]
            extra = {other: known[other] for other in formula.optional if other in known}
            values = formula.compute(*(known[other] for other in formula.inputs), **extra)
            gone = [missing[other] for other in formula.inputs if other in missing]
            if gone:
                missing[name] = np.logical_or.reduce(np.broadcast_arrays(*gone))
                values = np.where(missing[name], np.nan, values)
            known[name] = np.asarray(values, np.float32)
            if name in rows:
                np.clip(known[name], rows[name].minimum, rows[name].maximum, out=result[name][:, block])
                known[name] = result[name][:, block]
    return result
