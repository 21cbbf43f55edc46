"""Decoded fields of one parameter become hourly means on the target grid: pure, given the grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Grid
from pipeline.parameters import INTERVAL_KINDS, Parameter, blended
from pipeline.science import regrid
from pipeline.science.accumulate import How, consecutive
from pipeline.sources.decode import Field
from pipeline.sources.geometry import Geometry
from pipeline.sources.newest import BUCKET_HOURS

_HOW: dict[str, How] = {"sum": "sum", "mean": "mean", "maximum": "maximum", "minimum": "minimum"}

_WEIGHTS: dict[tuple[str, float, str], regrid.Weights] = {}
_WEIGHTS_LIMIT = 32


@dataclass(frozen=True)
class Assembled:
    """A parameter on the target grid: values (lead, place), NaN where there are none, and interval lengths (lead,)."""

    values: NDArray[np.float32]
    interval_hours: NDArray[np.float64]
    geometry: Geometry


def assemble(parameter: Parameter, fields: Sequence[Field], leads: Sequence[int], grid: Grid) -> Assembled:
    """The fields of one parameter at `leads`, totals as mean hourly values over intervals that do not overlap.

    Fields at other leads only serve to subtract totals; a spread is taken as it came, since the spread of a difference
    is not the difference of spreads. Raises ValueError if the fields are not on one grid.
    """
    grids = Counter(field.geometry.key for field in fields)
    if len(grids) != 1:
        raise ValueError(f"{parameter.name}: expected fields on one grid; found {len(grids)} grids")
    geometry = fields[0].geometry
    spread = fields[0].product == "spread"
    if parameter.kind in INTERVAL_KINDS and any(field.statistic for field in fields) and not spread:
        ends, lengths, native = _joined(*_intervals(fields), leads, parameter.time)
    else:
        ends, lengths, native = _as_they_came(fields)
    row = {lead: place for place, lead in enumerate(leads)}
    used = [k for k, end in enumerate(ends) if end in row]
    places = [row[ends[k]] for k in used]
    values = np.full((len(leads), grid.shape[0] * grid.shape[1]), np.nan, np.float32)
    interval_hours = np.zeros(len(leads))
    if used:
        values[places] = to_grid(parameter, geometry, native[used], grid)
        interval_hours[places] = lengths[used]
    return Assembled(values, interval_hours, geometry)


def _intervals(fields: Sequence[Field]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    statistic = Counter(field.statistic for field in fields if field.statistic).most_common(1)[0][0]
    chosen = [field for field in fields if field.statistic == statistic and field.end_hours > field.start_hours]
    if not chosen:
        return np.empty(0), np.empty(0), np.empty((0, len(fields[0].values)), np.float32)
    intervals = [(field.start_hours, field.end_hours) for field in chosen]
    return consecutive(intervals, np.stack([field.values for field in chosen]), _HOW[statistic])


def _joined(
    ends: NDArray[np.float64],
    lengths: NDArray[np.float64],
    values: NDArray[np.float32],
    leads: Sequence[int],
    method: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Intervals that end between two of `leads` joined to the later's, which then reaches back up to a bucket."""
    chosen, joined_lengths, joined = [], [], []
    for before, lead in zip([-np.inf, *leads], leads, strict=False):
        at = np.flatnonzero(ends == lead)
        if not len(at):
            continue
        start = max(before, min(lead - BUCKET_HOURS, lead - lengths[at[0]]))
        within = np.flatnonzero((ends - lengths >= start) & (ends <= lead))
        within = within if len(within) else at
        part, weight = values[within], lengths[within].astype(np.float32)
        if len(within) == 1:
            total = part[0]
        elif method in ("maximum", "minimum"):
            total = part.max(axis=0) if method == "maximum" else part.min(axis=0)
        else:
            total = np.einsum("k,kn->n", weight / weight.sum(), part)
        chosen.append(lead)
        joined_lengths.append(float(weight.sum()))
        joined.append(total)
    shape = (0, values.shape[-1])
    return (
        np.array(chosen, np.float64),
        np.array(joined_lengths),
        np.stack(joined) if joined else np.empty(shape, np.float32),
    )


def _as_they_came(fields: Sequence[Field]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    ordered = sorted({field.end_hours: field for field in fields}.values(), key=lambda field: field.end_hours)
    ends = np.array([field.end_hours for field in ordered])
    lengths = np.array([field.end_hours - field.start_hours for field in ordered])
    totals = np.array([field.statistic == "sum" for field in ordered])
    hours = np.where(totals & (lengths > 0), lengths, 1.0).astype(np.float32)
    return ends, lengths, np.stack([field.values for field in ordered]) / hours[:, None]


def to_grid(parameter: Parameter, geometry: Geometry, values: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """Values (..., n) of a parameter on the target grid, (..., place), by the parameter's rule."""
    weights = weights_of(geometry, grid, parameter.regrid)
    return regrid.apply(weights, values, vector=parameter.kind == "vector_component")


def weights_of(geometry: Geometry, grid: Grid, method: str) -> regrid.Weights:
    """Regridding weights, kept for the next field on the same grid."""
    key = (geometry.key, grid.resolution, method)
    if key not in _WEIGHTS:
        if len(_WEIGHTS) >= _WEIGHTS_LIMIT:
            _WEIGHTS.clear()
        _WEIGHTS[key] = regrid.weights(geometry.latitude, geometry.longitude, geometry.shape, grid, method)  # type: ignore[arg-type]
    return _WEIGHTS[key]


def with_speeds(fields: Sequence[Field]) -> list[Field]:
    """The fields and, where a feed has the components of a wind but not its speed, the speed computed on its grid."""
    result = list(fields)
    present = {(field.parameter, *_occasion(field)) for field in fields}
    northward = {(field.parameter, *_occasion(field)): field for field in fields if field.parameter.startswith("north")}
    for field in fields:
        speed = blended()[field.parameter].speed
        other = northward.get((field.parameter.replace("eastward", "northward"), *_occasion(field)))
        if not speed or not field.parameter.startswith("eastward") or other is None or field.product == "spread":
            continue
        if (speed, *_occasion(field)) not in present:
            result.append(replace(field, parameter=speed, values=np.hypot(field.values, other.values)))
    return result


def _occasion(field: Field) -> tuple[object, ...]:
    return field.init_time, field.end_hours, field.member, field.product, field.geometry.key
