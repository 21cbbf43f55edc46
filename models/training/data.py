"""A reanalysis in WeatherBench's Zarr layout as normalised states to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from models import sun
from models.variables import VARIABLES

Array = NDArray[np.float32]
_BLOCK = 64  # states read at a time


@dataclass(frozen=True)
class Reanalysis:
    """States (time, variable, latitude, longitude), normalised, north to south without the south pole.

    `mean`, `scale`: (variable,) that normalise them; `change`: (variable,) the standard deviation of a step's
    change, normalised; `every`: hours between states.
    """

    states: Array
    times: NDArray[np.datetime64]
    variables: tuple[str, ...]
    mean: Array
    scale: Array
    change: Array
    every: int

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Degrees north."""
        return np.linspace(90, -90, self.states.shape[2], endpoint=False)

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east."""
        return np.linspace(0, 360, self.states.shape[3], endpoint=False)

    def when(self, place: int) -> datetime:
        """The time of a state, UTC."""
        found: datetime = self.times[place].astype("datetime64[s]").item()
        return found

    def sun(self, places: NDArray[np.int64], step_hours: int) -> Array:
        """(place, CHANNELS, latitude, longitude) where the sun stands in the steps from these states on."""
        return sun.channels(self.times[places], step_hours, self.latitude, self.longitude)

    def starts(self, steps: int, step_hours: int) -> NDArray[np.int64]:
        """Places of the states that as many steps follow."""
        return np.arange(len(self.states) - steps * (step_hours // self.every))


def times_beside(cache: Path) -> Path:
    """Where the times of prepared states are."""
    return cache.with_name(f"{cache.stem}_times.npy")


def prepare(
    path: Any,
    variables: Sequence[str],
    cache: Path,
    *,
    period: tuple[datetime, datetime],
    step_hours: int,
    like: Reanalysis | None = None,
) -> Reanalysis:
    """Read the states of a period (end exclusive) of a Zarr, by its path or its store, into `cache`, a file mapped into
    memory, normalised; their times lie beside it (`times_beside`).

    like: whose normalisation is taken, that of what was learnt from. ValueError names a variable that is not there, a
    period without enough states, another grid than from pole to pole and from longitude 0 on, or the first state that
    is not finite.
    """
    data = xr.open_zarr(path, consolidated=False, chunks=None).sortby("latitude", ascending=False)
    seconds = data["time"].values.astype("datetime64[s]")
    data = data.isel(time=(seconds >= np.datetime64(period[0], "s")) & (seconds < np.datetime64(period[1], "s")))
    _check(data, variables, period, step_hours)
    every = int(np.diff(data["time"].values[:2])[0] / np.timedelta64(1, "h"))
    shape = (data.sizes["time"], len(variables), data.sizes["latitude"] - 1, data.sizes["longitude"])
    states = np.lib.format.open_memmap(cache, mode="w+", dtype=np.float32, shape=shape)
    for first in range(0, shape[0], _BLOCK):
        part = data.isel(time=slice(first, first + _BLOCK), latitude=slice(0, -1))
        for place, name in enumerate(variables):
            states[first : first + _BLOCK, place] = _field(part, name)
    bad = ~np.isfinite(states).all((1, 2, 3))
    if bad.any():
        raise ValueError(f"{path} has values that are not finite at {data['time'].values[bad][0]}; leave that time out")
    mean, scale = (like.mean, like.scale) if like else _normalisation(states)
    for first in range(0, shape[0], _BLOCK):
        block = states[first : first + _BLOCK]
        block -= mean[:, None, None]
        block /= scale[:, None, None]
    apart = step_hours // every
    change = like.change if like else np.asarray((states[apart:] - states[:-apart]).std((0, 2, 3)), np.float32)
    np.save(times_beside(cache), data["time"].values)
    return Reanalysis(states, data["time"].values, tuple(variables), mean, scale, change, every)


def _check(data: xr.Dataset, variables: Sequence[str], period: tuple[datetime, datetime], step_hours: int) -> None:
    missing = [name for name in variables if name not in VARIABLES or VARIABLES[name].reanalysis not in data]
    missing += [
        name for name in variables
        if name not in missing and (level := VARIABLES[name].level) and level not in data["level"].values
    ]  # fmt: skip
    if missing:
        raise ValueError(f"the reanalysis has no {', '.join(missing)}; it holds {', '.join(map(str, data.data_vars))}")
    if data.sizes["time"] < 2 + step_hours:
        raise ValueError(
            f"the reanalysis has {data.sizes['time']} states from {period[0]} to {period[1]}; more are needed"
        )
    if abs(data["latitude"].values[0]) != 90 or data["latitude"].values[-1] != -90 or data["longitude"].values[0] != 0:
        raise ValueError(
            f"expected a grid with both poles, from longitude 0 on; found latitudes {data['latitude'].values[[0, -1]]} "
            f"and longitudes from {data['longitude'].values[0]}"
        )


def _field(part: xr.Dataset, name: str) -> Array:
    variable = VARIABLES[name]
    field = part[variable.reanalysis]
    if variable.level:
        field = field.sel(level=variable.level)
    return np.asarray(field.transpose("time", "latitude", "longitude"), np.float32) * np.float32(
        variable.reanalysis_factor
    )


def _normalisation(states: Array) -> tuple[Array, Array]:
    """Mean and standard deviation by variable; sums in double precision, a block at a time."""
    total = square = np.zeros(states.shape[1])
    for first in range(0, len(states), _BLOCK):
        block = states[first : first + _BLOCK].astype(np.float64)
        total, square = total + block.mean((2, 3)).sum(0), square + (block**2).mean((2, 3)).sum(0)
    mean = total / len(states)
    return mean.astype(np.float32), np.sqrt(square / len(states) - mean**2).astype(np.float32)
