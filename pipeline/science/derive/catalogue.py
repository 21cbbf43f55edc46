"""Every derived parameter from the blended ones: a formula's arguments name its inputs, its name is its result.

To add one: a function in a file of its family, its name in that file's `FORMULAS`, a row in `derived.csv`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.science.derive import (
    aviation,
    comfort,
    crops,
    energy,
    fire,
    fire_codes,
    humidity,
    isotherms,
    land,
    levels,
    marine,
    past,
    people,
    phase,
    profile,
    radiation,
    sea,
    sky,
    stability,
    storms,
    tropopause,
    upper,
    vertical,
    weather,
    wind,
)
from pipeline.science.derive.formula import Formula, by_name

Field = NDArray[np.floating]

BLOCK = 131072
"""Values of a field worked on at a time: a formula's intermediates stay in cache, and each step is long enough that two
threads seldom wait for the interpreter (at a quarter of it ten times as often, for a third more time)."""

FORMULAS: dict[str, Formula] = (
    by_name(*past.DIRECT, *humidity.FORMULAS, *comfort.FORMULAS)
    | by_name(*wind.FORMULAS, *profile.FORMULAS)
    | levels.on_levels()
    | levels.between_levels()
    | vertical.formulas()
    | isotherms.between_levels()
    | tropopause.formulas()
    | phase.formulas()
    | by_name(*profile.UPPER, *upper.FORMULAS, *weather.FORMULAS, *stability.FORMULAS)
    | by_name(*storms.MOTION)
    | storms.helicity()
    | by_name(*storms.FORMULAS)
    | aviation.icing_levels()
    | by_name(*aviation.FORMULAS, *sky.FORMULAS, *land.FORMULAS, *past.FORMULAS)
    | by_name(*radiation.FORMULAS, *people.FORMULAS)
    | by_name(*fire_codes.FORMULAS, *fire.FORMULAS, *crops.FORMULAS, *energy.FORMULAS)
    | by_name(*marine.FORMULAS, *sea.FORMULAS)
)
"""In an order in which every input that is itself derived stands before."""

STATES = tuple(name for name, formula in FORMULAS.items() if f"{name}_start" in formula.optional)
"""What is carried from hour to hour: `<name>_start` (place,) is its value at the first lead."""


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


def derive(fields: Mapping[str, Field], out: Mapping[str, Field] | None = None) -> dict[str, Field]:
    """All parameters of `derived.csv` that follow from the fields given.

    fields: blended parameters by name, (lead, place) in the catalogue's units, leads hourly and ascending; also
    `toa_incoming_shortwave_flux` (lead, place), see `solar.Sun.flux`, for what depends on the sun, and if known
    `surface_altitude` (place,) in m, which is otherwise had from the two pressures, and `land_area_fraction` (place,);
    of STATES that go on from an earlier hour `<name>_start` (place,), the others begin with standard values.
    out: results of an earlier call, whose memory is written over where the shape is the same: fresh memory for all
    costs as much time as half of the formulas.
    Returns (lead, place) float32 within the catalogue's bounds; NaN only where an input is. A derived parameter that
    is given stands as it is.
    Sources: each formula's docstring and the `source` column.
    """
    shape = np.broadcast_shapes(*(np.shape(field) for field in fields.values())) if fields else (0, 0)
    names = _followers(fields)
    rows = parameters.derived()
    result = {name: np.array(fields[name], np.float32) for name in rows if name in fields}
    old = {name: field for name, field in (out or {}).items() if field.shape == shape and name not in result}
    new = [name for name in names if name in rows and name not in old]
    result |= dict(zip(new, np.empty((len(new), *shape), np.float32), strict=True))
    result |= {name: old[name] for name in names if name in rows and name in old}
    width = max(1, BLOCK // max(shape[0], 1))
    blocks = [slice(start, start + width) for start in range(0, shape[-1], width)]
    threads = min(numba.get_num_threads(), len(blocks))
    if threads < 2:
        for block in blocks:
            _derive_block(fields, names, block, result)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda block: _derive_block(fields, names, block, result), blocks))
    return result


def _derive_block(
    fields: Mapping[str, Field], names: Sequence[str], block: slice, result: dict[str, NDArray[np.float32]]
) -> None:
    """Derive `names` of a block of places into `result`."""
    rows = parameters.derived()
    known = {name: np.ascontiguousarray(field[..., block], np.float32) for name, field in fields.items()}
    missing = {name: np.isnan(known[name]) for name in fields if np.isnan(np.min(known[name], initial=np.inf))}
    for name in names:
        formula = FORMULAS[name]
        extra = {other: known[other] for other in formula.optional if other in known}
        values = formula.compute(*(known[other] for other in formula.inputs), **extra)
        gone = [missing[other] for other in formula.inputs if other in missing]
        if gone:
            missing[name] = np.logical_or.reduce(np.broadcast_arrays(*gone))
            values = np.where(missing[name], np.nan, values)
        if name in rows:
            known[name] = np.clip(values, rows[name].minimum, rows[name].maximum, out=result[name][:, block])
        else:
            known[name] = np.asarray(values, np.float32)
