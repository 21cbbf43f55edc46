"""The truth as a reanalysis to learn from: Zarr in WeatherBench's layout of ERA5, of a nature run of any length.

The world's own cyclone is one of a kind, so a model could not learn what cyclones do: here one like it begins every few
days, anywhere along the tropics of either hemisphere, on a track of the same shape.
`hourcast train` without data learns from it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from models.variables import PRESSURE_LEVELS, VARIABLES, Variable
from pipeline.grid import Grid
from pipeline.world import cyclone, nature
from pipeline.world.interpolate import sample
from pipeline.world.levels import Array
from pipeline.world.nature import EVERY_HOURS, Nature
from pipeline.world.truth import Truth, truth
from pipeline.world.waves import Waves
from pipeline.world.waves import run as run_waves

DAYS, RESOLUTION, SEED = 400, 3, 20250905
"""What the shipped model has learnt from and was verified on."""
STORM_EVERY_DAYS = 5
_EPOCH = datetime(1970, 1, 1)
_TIME = {"units": "hours since 1970-01-01", "calendar": "proleptic_gregorian"}
_PARAMETERS = tuple(dict.fromkeys(variable.parameter for variable in VARIABLES.values()))


@dataclass(frozen=True)
class Storm:
    """A cyclone on the shape of the world's track, as if the live hour were `begin`, moved by degrees."""

    begin: datetime
    north: float
    east: float
    strength: float
    hemisphere: int

    def at(self, when: datetime) -> cyclone.Vortex | None:
        """Where it is, if it is."""
        found = cyclone.true_vortex(self.begin, when)
        if found is None:
            return None
        return replace(
            found,
            latitude=self.hemisphere * (found.latitude + self.north),
            longitude=(found.longitude + self.east) % 360,
            maximum_wind=self.strength * found.maximum_wind,
        )


def storms(start: datetime, days: int, seed: int) -> list[Storm]:
    """Cyclones of a run of days, the same for one seed."""
    random = np.random.default_rng(seed)
    return [
        Storm(
            start + timedelta(days=day),
            float(random.uniform(-4, 6)),
            float(random.uniform(0, 360)),
            float(random.uniform(0.5, 1.15)),
            int(random.choice([-1, 1])),
        )
        for day in range(0, days + 8, STORM_EVERY_DAYS)
    ]


def make(path: Path, days: int = DAYS, resolution: float = RESOLUTION) -> None:
    """Run the nature for some days and write it to the Zarr group `path`, which is there when it is whole."""
    part = path.with_suffix(".part")
    with tempfile.TemporaryDirectory() as scratch:
        nature.run(Path(scratch), days)
        write(Path(scratch), part, resolution=resolution, seed=SEED)
    os.replace(part, path)


def write(nature_folder: Path, path: Path, *, resolution: float, seed: int) -> None:
    """Write every state of the nature run in `nature_folder` to the Zarr group `path`, on a grid with both poles."""
    run = Nature.open(nature_folder)
    whole = truth(run, Waves(run.start, np.stack(list(run_waves(run)))))
    grid = Grid(resolution)
    times = [run.start + timedelta(hours=EVERY_HOURS * step) for step in range(1, len(run.fields) - 1)]
    group = _create(path, grid, times)
    passing = storms(run.start, (times[-1] - times[0]).days, seed)
    arrays = {name: array for name, array in group.arrays() if array.ndim > 1}
    for first in range(0, len(times), _BLOCK):
        block = [_state(whole, grid, when, passing) for when in times[first : first + _BLOCK]]
        for name, array in arrays.items():
            array[first : first + len(block)] = np.stack([state[name] for state in block])


_BLOCK = 64
"""States a chunk."""


def _create(path: Path, grid: Grid, times: list[datetime]) -> zarr.Group:
    group = zarr.create_group(path, overwrite=True, attributes={"synthetic": True, "Conventions": "CF-1.11"})
    hours = np.array([(when - _EPOCH).total_seconds() // 3600 for when in times], np.int64)
    axes = {"time": hours, "level": np.array(PRESSURE_LEVELS), "latitude": grid.latitude, "longitude": grid.longitude}
    for name, values in axes.items():
        about: dict[str, Any] = _TIME if name == "time" else {}
        group.create_array(name, data=values, dimension_names=(name,), attributes=about)
    for variable in VARIABLES.values():
        if variable.reanalysis in group:
            continue
        dims = ("time", *(("level",) if variable.level else ()), "latitude", "longitude")
        shape = (len(times), *((len(PRESSURE_LEVELS),) if variable.level else ()), *grid.shape)
        group.create_array(
            variable.reanalysis, shape=shape, chunks=(_BLOCK, *shape[1:]), dtype="float32", dimension_names=dims
        )
    return group


def _state(whole: Truth, grid: Grid, when: datetime, passing: list[Storm]) -> dict[str, Array]:
    """By name of the reanalysis, ([level,] latitude, longitude)."""
    fields = whole.fields(when)
    lat, lon = (part.ravel().astype(np.float32) for part in np.meshgrid(grid.latitude, grid.longitude, indexing="ij"))
    stacked = np.stack([fields[name] for name in _PARAMETERS])
    points = dict(zip(_PARAMETERS, sample(stacked, lat, lon, np.arange(len(_PARAMETERS))), strict=True))
    for vortex in filter(None, (storm.at(when) for storm in passing)):
        cyclone.add(points, cyclone.imprint(vortex, lat, lon))
    return {
        name: np.stack([_value(points, variable).reshape(grid.shape) for variable in variables]).squeeze()
        for name, variables in _by_name()
    }


def _by_name() -> Iterator[tuple[str, list[Variable]]]:
    for name in dict.fromkeys(variable.reanalysis for variable in VARIABLES.values()):
        yield name, [variable for variable in VARIABLES.values() if variable.reanalysis == name]


def _value(points: dict[str, Array], variable: Variable) -> Array:
    return points[variable.parameter] * np.float32(variable.factor / variable.reanalysis_factor)
