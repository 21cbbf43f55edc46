"""Which runs of the sources are in the input store, which serve an hour, and what their small arrays say of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import Parameter
from pipeline.sources import SOURCES, Role, Source
from pipeline.sources.newest import longer_cycles
from pipeline.steps import Deployment
from pipeline.steps.input_reader import InputRun
from pipeline.steps.persisted import PersistedRun
from pipeline.store import Store

Array = NDArray[np.float32]

_ANALYSES = tuple(name for name, source in SOURCES.items() if source.role == "analysis")
POLAR_CAP = 80.0
"""Degrees of latitude from which a global model of the waves may end: under the ice, or on it."""


@lru_cache(maxsize=1)
def begin(hour: Cycle) -> None:
    """Forget the runs that this process has read for another hour: ingest may have added leads to them since."""
    for read in (_complete_record, opened, _first_gap):
        read.cache_clear()


@dataclass(frozen=True)
class Contribution:
    """One source's newest cycle that had arrived by an hour, and the earlier one, if any, that goes on at its end: IFS,
    ICON and HRRR have long runs and between them short ones."""

    source: str
    cycle: Cycle
    age_hours: int
    longer: Cycle | None = None


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
    return [found for one in _stored(name) if (found := find_record(store, one, cycle)) is not None]


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
    run = opened(store, name, cycle)
    files = [file for found in _records(store, name, cycle) for file in found["files"]]
    return {"parameters": list(run.rows), "leads": run.leads.tolist(), "missing": [], "files": files}


@lru_cache(maxsize=4096)
def _complete_record(store: Store, name: str, cycle: Cycle) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(store.read(paths.input_record(name, cycle)))
    return record


def find_record(store: Store, name: str, cycle: Cycle) -> dict[str, Any] | None:
    """The record of an ingested cycle; a missing one is asked for again, as it may come yet."""
    try:
        return _complete_record(store, name, cycle)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=512)
def opened(store: Store, name: str, cycle: Cycle) -> InputRun | PersistedRun:
    """The run, which reads each of its small arrays once."""
    if SOURCES[name].role == "persistence":
        return PersistedRun(cycle, partial(_analyses, store))
    return InputRun(store.child(paths.input_zarr(name, cycle)))


def _analyses(store: Store, cycle: Cycle) -> list[InputRun]:
    """The runs of all analyses that start at a cycle and have come."""
    there = [name for name in _ANALYSES if find_record(store, name, cycle) is not None]
    return [run for name in there if isinstance(run := opened(store, name, cycle), InputRun)]


def valid_hours(deployment: Deployment, part: Contribution, row: Parameter) -> NDArray[np.float64]:
    """(lead,) the hours at which a source has the parameter anywhere, counted from when `part` is as old as it says."""
    newest, longer = apart(part)
    if longer is not None:
        known, more = valid_hours(deployment, newest, row), valid_hours(deployment, longer, row)
        return np.concatenate([known, more[more > known.max(initial=-np.inf)]])
    run = opened(deployment.store, part.source, part.cycle)
    held = run.held("forecast", row.name) if row.name in run.rows else np.zeros(len(run.leads), np.bool_)
    return (run.leads[held] - part.age_hours).astype(np.float64)


def holds(deployment: Deployment, part: Contribution, row: Parameter) -> bool:
    """Whether a source says anything of a parameter at the hour or later, by its small arrays alone."""
    return bool((valid_hours(deployment, part, row) >= 0).any())


def coverage(deployment: Deployment, part: Contribution) -> Array:
    """(place,) how much a source counts at each cell: 1 but towards the edge of a region."""
    return opened(deployment.store, part.source, part.cycle).coverage


def role(deployment: Deployment, part: Contribution) -> Role:
    """What a run is to the hour: that of its source, or regional if its domain ends this side of the polar caps."""
    return SOURCES[part.source].role if reaches(deployment, part, POLAR_CAP) else "regional"


def reaches(deployment: Deployment, part: Contribution, latitude: float) -> bool:
    """Whether a run has every cell as far north and south as `latitude`, in degrees."""
    return _first_gap(deployment.store, part.source, part.cycle, deployment.grid) > latitude


@lru_cache(maxsize=512)
def _first_gap(store: Store, name: str, cycle: Cycle, grid: Grid) -> float:
    """Degrees north or south of the row next to the equator that a run has not all of; infinite if there is none."""
    whole = (opened(store, name, cycle).coverage.reshape(grid.shape) == 1).all(axis=1)
    return float(np.abs(grid.latitude[~whole]).min(initial=np.inf))
