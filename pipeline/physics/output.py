"""A physics model's output read back and stored as a run of its source, on the target grid as any other's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import mpas, wrf, ww3
from models.base import Fields
from models.chain import Job
from models.progress import Model
from pipeline.cycle import Cycle
from pipeline.parameters import INTERVAL_KINDS, blended
from pipeline.physics import core as physics_core
from pipeline.sources import SOURCES
from pipeline.sources.decode import Field
from pipeline.sources.fetch import Delivery
from pipeline.sources.geometry import Geometry
from pipeline.steps import Deployment
from pipeline.steps.ingest_common import usable, write_run

Outputs = Iterator[tuple[datetime, Fields]]
Axes = tuple[NDArray[np.float64], NDArray[np.float64]]
_FILES: Mapping[Model, str] = {"wrf": "wrfout_d01_*", "mpas": "diag.*.nc", "ww3": "ww3.*.nc", "core": "state.*.npz"}
_READ: Mapping[Model, Callable[[Sequence[Path]], Outputs]] = {
    "wrf": wrf.read, "mpas": mpas.read, "ww3": ww3.read, "core": physics_core.read,
}  # fmt: skip


class OutputError(ValueError):
    """A run has not left what it should have; the message says what was expected and what was found."""


def store(deployment: Deployment, folder: Path) -> str:
    """Store what the run in `folder` has written; the key of its input store. OutputError if it is not whole."""
    job = Job.read(folder)
    source, cycle = deployment.source(job.source), Cycle(job.run.start)
    paths = sorted(folder.glob(_FILES[job.model]))
    fields = list(_fields(job, folder, paths))
    last = max((field.end_hours for field in fields), default=-1.0)
    if last < job.run.hours:
        raise OutputError(f"{folder}: expected {_FILES[job.model]} up to {job.run.hours} h; found them to {last:g} h")
    checksums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return write_run(deployment, source, cycle, Delivery(usable(Delivery(fields)).fields, [], checksums))


def _fields(job: Job, folder: Path, paths: Sequence[Path]) -> Iterator[Field]:
    """What the source carries of each output; a time that two attempts have written counts once."""
    geometry = _geometry(_grid(job, folder, paths))
    carried, start = SOURCES[job.source].carries, job.run.start
    before = -1.0
    for when, fields in _READ[job.model](paths):
        end = (when - start).total_seconds() / 3600
        if end <= before:
            continue
        for name in sorted(carried & fields.keys()):
            interval = blended()[name].kind in INTERVAL_KINDS
            total = blended()[name].kind == "accumulation"
            yield Field(
                name, start, before if interval else end, end, ("sum" if total else "mean") if interval else "", None,
                "forecast", geometry, np.ascontiguousarray(fields[name], np.float32).ravel(),
            )  # fmt: skip
        before = end


def _grid(job: Job, folder: Path, paths: Sequence[Path]) -> Axes:
    """Latitude and longitude of every point of the output; OutputError if there is none."""
    if not paths:
        raise OutputError(f"{folder}: expected {_FILES[job.model]}; found none")
    if job.model == "mpas":
        return mpas.grid(folder / f"{job.run.names['mesh']}.init.nc")
    grids: Mapping[Model, Callable[[Path], Axes]] = {"wrf": wrf.grid, "ww3": ww3.grid, "core": physics_core.grid}
    return grids[job.model](paths[0])


def _geometry(axes: Axes) -> Geometry:
    latitude, longitude = axes
    key = hashlib.sha1(latitude.tobytes() + longitude.tobytes()).hexdigest()
    shape = latitude.shape if latitude.ndim == 2 else None
    return Geometry(key, latitude.ravel(), longitude.ravel() % 360, shape)
