"""Reads the input store: the fields of the runs that serve an hour, on any hours, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.kept import Kept
from pipeline.parameters import INTERVAL_KINDS, Parameter, parameter
from pipeline.science import solar
from pipeline.science.align import to_hours
from pipeline.science.blend import handed_over, range_taper
from pipeline.science.solar import Sun
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.input_reader import InputRun
from pipeline.steps.persisted import PersistedRun
from pipeline.steps.runs import Contribution, apart, contribution, find_record, holds, opened, valid_hours

Array = NDArray[np.float32]

GLOBAL_ROLES = ("deterministic", "wave")
BLENDED_ROLES = (*GLOBAL_ROLES, "regional", "persistence")
EXTREME_OF = {
    "temperature_2m_maximum": "temperature_2m",
    "temperature_2m_minimum": "temperature_2m",
    "wind_gust": "wind_speed_10m",
}
"""Whose instants tell when within an interval its extreme came."""
TRUTH_HOURS = 6
"""An analysis gives interval kinds over the first six hours of its short forecast."""


_kept: Kept[Array] = Kept(2**27)
"""Decoded fields, for the next lead of the same run; on a fine grid that is one field."""


def sources_of(deployment: Deployment, row: Parameter) -> tuple[str, ...]:
    """Configured sources that the parameter is blended from, in the configured order."""
    return tuple(
        name
        for name in deployment.config.sources
        if SOURCES[name].role in BLENDED_ROLES and row.name in deployment.source(name).delivers
    )


@dataclass(frozen=True)
class Native:
    """One parameter of one cycle at its own leads: values (lead, place), valid hours and interval lengths (lead,)."""

    values: Array
    valid_hours: NDArray[np.float64]
    interval_hours: NDArray[np.float64]


def native(
    deployment: Deployment,
    name: str,
    cycle: Cycle,
    row: Parameter,
    hour: Cycle,
    array: str = "forecast",
    rows: slice = slice(None),
) -> Native | None:
    """What the cycle says of the parameter on the latitude `rows`, its hours counted from `hour`; None if nothing.

    Leads without a value anywhere are left out, whatever the rows.
    """
    run = opened(deployment.store, name, cycle)
    if row.name not in run.rows or array not in run.arrays:
        return None
    held = run.held(array, row.name)
    values = _values(run, array, row.name, *rows.indices(deployment.grid.shape[0])[:2])
    leads, intervals = run.leads[held], run.interval_hours[run.rows[row.name]][held]
    age = round(cycle.lead_hours(hour.init_time))
    return Native(
        values if held.all() else values[held], (leads - age).astype(np.float64), intervals.astype(np.float64)
    )


def _values(run: InputRun | PersistedRun, array: str, parameter: str, first: int, stop: int) -> Array:
    """Values (lead, place) on some rows; those last asked for are kept."""
    key = (run, array, parameter, first, stop)
    values = _kept.get(key)
    if values is None:
        values = run.read(array, parameter, slice(first, stop))
        _kept.put(key, values)
    return values


def at_hours(
    deployment: Deployment, part: Contribution, row: Parameter, hour: Cycle, hours: Sequence[int], cells: slice
) -> Array:
    """(hour, place) the source at `hours` after `hour` on the flattened `cells`; NaN where it does not reach.

    Over the last hours of the newest run the longer one before it takes over: no step where one ends.
    """
    newest, longer = apart(part)
    if longer is None:
        return _run_at_hours(deployment, part, row, hour, hours, cells)
    values = _run_at_hours(deployment, newest, row, hour, hours, cells)
    share = range_taper(valid_hours(deployment, newest, row).max(initial=-1), np.asarray(hours))
    late = np.flatnonzero(share < 1)
    if len(late):
        after = _run_at_hours(deployment, longer, row, hour, [hours[index] for index in late.tolist()], cells)
        values[late] = handed_over(values[late], after, share[late, None], circular=row.blend == "circular")
    return values


def _run_at_hours(
    deployment: Deployment, part: Contribution, row: Parameter, hour: Cycle, hours: Sequence[int], cells: slice
) -> Array:
    columns = deployment.grid.shape[1]
    start, stop, _ = cells.indices(deployment.grid.shape[0] * columns)
    rows = slice(start // columns, -(-stop // columns))
    found = native(deployment, part.source, part.cycle, row, hour, rows=rows)
    if found is None or not len(found.valid_hours):
        return np.full((len(hours), stop - start), np.nan, np.float32)
    values = found.values[:, start - rows.start * columns : stop - rows.start * columns]
    sun = None
    if row.time == "solar":
        first = int(found.valid_hours[0] - max(found.interval_hours[0], 1))
        sun = _sun(deployment, hour, min(first, min(hours)), int(max(found.valid_hours[-1], max(hours))), cells)
    return to_hours(
        np.ascontiguousarray(values), found.valid_hours, np.asarray(hours, np.float64), row.time,
        interval_hours=found.interval_hours, cos_zenith=sun,
        reference=_reference(deployment, part, row, hour, hours, cells),
    )  # fmt: skip


def _reference(
    deployment: Deployment, part: Contribution, row: Parameter, hour: Cycle, hours: Sequence[int], cells: slice
) -> Array | None:
    """(hour, place) the instants whose largest (smallest) hour of an interval is that of its extreme, if known."""
    name = EXTREME_OF.get(row.name)
    if name is None or len(hours) < 2 or not holds(deployment, part, parameter(name)):
        return None
    instants = at_hours(deployment, part, parameter(name), hour, hours, cells)
    return instants if np.isfinite(instants).all() else None


def _sun(deployment: Deployment, hour: Cycle, first: int, last: int, cells: slice) -> Sun:
    start, stop, _ = cells.indices(deployment.grid.shape[0] * deployment.grid.shape[1])
    return _sun_of(deployment.grid, hour, first, last, start, stop)


@lru_cache(maxsize=4)
def _sun_of(grid: Grid, hour: Cycle, first: int, last: int, start: int, stop: int) -> Sun:
    """Every source of every solar parameter asks for the same."""
    latitude, longitude = grid.places
    return solar.sun(latitude[start:stop], longitude[start:stop], hour.init_time, first, last)


def truth(deployment: Deployment, row: Parameter, valid: Cycle) -> tuple[Array, int] | None:
    """The verifying analysis (place,) at a time and the hours it covers, 0 for an instant; None if there is none."""
    interval = row.kind in INTERVAL_KINDS
    cycle = valid - TRUTH_HOURS if interval else valid
    for name in (name for name in deployment.config.sources if SOURCES[name].role == "analysis"):
        if row.name not in SOURCES[name].delivers or find_record(deployment.store, name, cycle) is None:
            continue
        found = native(deployment, name, cycle, row, valid)
        if found is not None and 0.0 in found.valid_hours:
            index = int(np.flatnonzero(found.valid_hours == 0)[0])
            return found.values[index], round(float(found.interval_hours[index]))
    return None


def has_truth(deployment: Deployment, row: Parameter, valid: Cycle) -> bool:
    """Whether an analysis is made for a time, be it here or not."""
    cycle = valid - TRUTH_HOURS if row.kind in INTERVAL_KINDS else valid
    analyses = [SOURCES[name] for name in deployment.config.sources if SOURCES[name].role == "analysis"]
    return any(row.name in source.delivers and cycle.init_time.hour in source.cycles for source in analyses)


def truth_delay_hours(deployment: Deployment) -> int:
    """Hours after its valid time until an analysis can be counted on."""
    delays = [SOURCES[name].delay_hours for name in deployment.config.sources if SOURCES[name].role == "analysis"]
    return int(np.ceil(max(delays, default=0)))


def verified(
    deployment: Deployment, name: str, row: Parameter, hour: Cycle, lead: int, interval: int, array: str = "forecast"
) -> Array | None:
    """(place,) what a source, newest at `hour`, said for `lead` hours on over the truth's interval; None if nothing."""
    part = contribution(deployment, name, hour)
    for run in filter(None, (part.cycle, part.longer) if part else ()):
        values = _verified(native(deployment, name, run, row, hour, array), row, lead, interval)
        if values is not None:
            return values
    return None


def _verified(found: Native | None, row: Parameter, lead: int, interval: int) -> Array | None:
    if found is None or not len(found.valid_hours):
        return None
    if not interval:
        exact = np.flatnonzero(found.valid_hours == lead)
        if len(exact):
            return found.values[exact[0]]
        hours: Sequence[int] = [lead]
    else:
        hours = range(lead - interval + 1, lead + 1)
    plain = "accumulation" if row.time == "solar" else row.time
    values = to_hours(
        found.values, found.valid_hours, np.asarray(hours, np.float64), plain, interval_hours=found.interval_hours
    )
    covered = np.isfinite(values).any(axis=1)
    if not covered.all():
        return None
    combine = {"interval_maximum": np.max, "interval_minimum": np.min}.get(row.kind, np.mean)
    return np.asarray(combine(values, axis=0), np.float32)


def components(row: Parameter) -> list[Parameter]:
    """The parameters blended as one with this one: both components of a vector, or itself alone."""
    if row.kind != "vector_component":
        return [row]
    return [row, parameter(row.name.replace("eastward", "northward"))]
