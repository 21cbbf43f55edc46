"""Reads the input store: which cycle of which source serves an hour, its fields on any hours, and the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.kept import Kept
from pipeline.parameters import INTERVAL_KINDS, Parameter, parameter
from pipeline.science import solar
from pipeline.science.align import to_hours
from pipeline.science.blend import handed_over, range_taper
from pipeline.science.solar import Sun
from pipeline.sources import SOURCES, Role, Source
from pipeline.sources.newest import longer_cycles
from pipeline.steps import Deployment
from pipeline.steps.input_reader import InputRun
from pipeline.steps.persisted import PersistedRun
from pipeline.store import Store

Array = NDArray[np.float32]

GLOBAL_ROLES = ("deterministic", "wave")
BLENDED_ROLES = (*GLOBAL_ROLES, "regional", "persistence")
_ANALYSES = tuple(name for name, source in SOURCES.items() if source.role == "analysis")
EXTREME_OF = {
    "temperature_2m_maximum": "temperature_2m",
    "temperature_2m_minimum": "temperature_2m",
    "wind_gust": "wind_speed_10m",
}
"""Whose instants tell when within an interval its extreme came."""
TRUTH_HOURS = 6
"""An analysis gives interval kinds over the first six hours of its short forecast."""
POLAR_CAP = 80.0
"""Degrees of latitude from which a global model of the waves may end: under the ice, or on it."""


_kept: Kept[Array] = Kept(2**27)
"""Decoded fields, for the next lead of the same run; on a fine grid that is one field."""


@lru_cache(maxsize=1)
def begin(hour: Cycle) -> None:
    """Forget the runs that this process has read for another hour: ingest may have added leads to them since."""
    for read in (_complete_record, _run, _is_global):
        read.cache_clear()


@dataclass(frozen=True)
class Contribution:
    """One source's newest cycle that had arrived by an hour, and the earlier one, if any, that goes on at its end: IFS,
    ICON and HRRR have long runs and between them short ones."""

    source: str
    cycle: Cycle
    age_hours: int
    longer: Cycle | None = None


def sources_of(deployment: Deployment, row: Parameter) -> tuple[str, ...]:
    """Configured sources that the parameter is blended from, in the configured order."""
    return tuple(
        name
        for name in deployment.config.sources
        if SOURCES[name].role in BLENDED_ROLES and row.name in deployment.source(name).delivers
    )


def contribution(deployment: Deployment, name: str, hour: Cycle) -> Contribution | None:
    """The newest cycle of a source that is in the input store and was published by the hour."""
    source = SOURCES[name]
    for age in range(int(np.ceil(source.delay_hours)), int(source.maximum_age_hours) + 1):
        if (hour.init_time.hour - age) % 24 in source.cycles and _records(deployment.store, name, hour - age):
            return Contribution(name, hour - age, age, _longer(deployment.store, source, hour - age, hour))
    return None


def _longer(store: Store, source: Source, cycle: Cycle, hour: Cycle) -> Cycle | None:
    return next((run for run in longer_cycles(source, cycle, hour) if _records(store, source.name, run)), None)


def apart(part: Contribution) -> tuple[Contribution, Contribution | None]:
    """The newest run of a contribution and the longer one before it, each by itself."""
    if part.longer is None:
        return part, None
    earlier = round(part.longer.lead_hours(part.cycle.init_time))
    return replace(part, longer=None), Contribution(part.source, part.longer, part.age_hours + earlier)


def run_before(deployment: Deployment, part: Contribution) -> Cycle | None:
    """The newest cycle of the source before that of the contribution that is in the input store, of the day before."""
    cycles = SOURCES[part.source].cycles
    for back in range(1, 25):
        cycle = part.cycle - back
        if cycle.init_time.hour in cycles and _records(deployment.store, part.source, cycle):
            return cycle
    return None


def _records(store: Store, name: str, cycle: Cycle) -> list[dict[str, Any]]:
    """The records of what a source's run is read from, as far as it has come."""
    return [found for one in _stored(name) if (found := _record(store, one, cycle)) is not None]


def kept(store: Store, name: str, cycle: Cycle) -> bool:
    """Whether a run is in the input store now, also where it has been read before."""
    return any(store.exists(paths.input_record(one, cycle)) for one in _stored(name))


def _stored(name: str) -> tuple[str, ...]:
    """The sources whose runs a source is read from: persistence starts with every analysis."""
    return _ANALYSES if SOURCES[name].role == "persistence" else (name,)


def record(store: Store, name: str, cycle: Cycle) -> dict[str, Any]:
    """What ingest has noted of a run, of persistence what the analysis that it starts with says."""
    if SOURCES[name].role != "persistence":
        return _complete_record(store, name, cycle)
    run = _run(store, name, cycle)
    files = [file for found in _records(store, name, cycle) for file in found["files"]]
    return {"parameters": list(run.rows), "leads": run.leads.tolist(), "missing": [], "files": files}


@lru_cache(maxsize=4096)
def _complete_record(store: Store, name: str, cycle: Cycle) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(store.read(paths.input_record(name, cycle)))
    return record


def _record(store: Store, name: str, cycle: Cycle) -> dict[str, Any] | None:
    """The record of an ingested cycle; a missing one is asked for again, as it may come yet."""
    try:
        return _complete_record(store, name, cycle)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=512)
def _run(store: Store, name: str, cycle: Cycle) -> InputRun | PersistedRun:
    """The run, which reads each of its small arrays once."""
    if SOURCES[name].role == "persistence":
        return PersistedRun(cycle, partial(_analyses, store))
    return InputRun(store.child(paths.input_zarr(name, cycle)))


def _analyses(store: Store, cycle: Cycle) -> list[InputRun]:
    """The runs of all analyses that start at a cycle and have come."""
    there = [name for name in _ANALYSES if _record(store, name, cycle) is not None]
    return [run for name in there if isinstance(run := _run(store, name, cycle), InputRun)]


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
    run = _run(deployment.store, name, cycle)
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


def valid_hours(deployment: Deployment, part: Contribution, row: Parameter) -> NDArray[np.float64]:
    """(lead,) the hours at which a source has the parameter anywhere, counted from when `part` is as old as it says."""
    newest, longer = apart(part)
    if longer is not None:
        known, more = valid_hours(deployment, newest, row), valid_hours(deployment, longer, row)
        return np.concatenate([known, more[more > known.max(initial=-np.inf)]])
    run = _run(deployment.store, part.source, part.cycle)
    held = run.held("forecast", row.name) if row.name in run.rows else np.zeros(len(run.leads), np.bool_)
    return (run.leads[held] - part.age_hours).astype(np.float64)


def holds(deployment: Deployment, part: Contribution, row: Parameter) -> bool:
    """Whether a source says anything of a parameter at the hour or later, by its small arrays alone."""
    return bool((valid_hours(deployment, part, row) >= 0).any())


def coverage(deployment: Deployment, part: Contribution) -> Array:
    """(place,) how much a source counts at each cell: 1 but towards the edge of a region."""
    return _run(deployment.store, part.source, part.cycle).coverage


def role(deployment: Deployment, part: Contribution) -> Role:
    """What a run is to the hour: that of its source, or regional if its domain ends this side of the polar caps."""
    is_global = _is_global(deployment.store, part.source, part.cycle, deployment.grid)
    return SOURCES[part.source].role if is_global else "regional"


@lru_cache(maxsize=512)
def _is_global(store: Store, name: str, cycle: Cycle, grid: Grid) -> bool:
    covered = _run(store, name, cycle).coverage.reshape(grid.shape)
    return bool((covered[np.abs(grid.latitude) <= POLAR_CAP] == 1).all())


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
        if row.name not in SOURCES[name].delivers or _record(deployment.store, name, cycle) is None:
            continue
        found = native(deployment, name, cycle, row, valid)
        if found is not None and 0.0 in found.valid_hours:
            index = int(np.flatnonzero(found.valid_hours == 0)[0])
            return found.values[index], round(float(found.interval_hours[index]))
    return None


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
