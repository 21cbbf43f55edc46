"""Ramp: what the newest observations add to the blend, and for how long, one parameter at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import parameter
from pipeline.science.interpolate import bilinear
from pipeline.science.ramp import departures
from pipeline.science.ramp_length import ramp_factor
from pipeline.science.ramp_structure import STRUCTURES
from pipeline.steps import Deployment, ramp_history
from pipeline.steps.assimilation import Background, assimilate, relative_error, stations_of, usual_error
from pipeline.steps.blending import available, blend_parameter
from pipeline.steps.learn import places, read_weights
from pipeline.steps.observe import read_parquet, to_parquet
from pipeline.steps.ramp_history import History
from pipeline.steps.served import serving
from pipeline.store import arrays as store_arrays

Floats = NDArray[np.floating]

FOLLOWERS = {
    "temperature_2m": ("temperature_2m_maximum", "temperature_2m_minimum"),
    "wind_speed_10m": ("wind_gust",),
    "pressure_at_sea_level": ("surface_pressure",),
}
"""What goes with an observed parameter: an hour's extremes by the same difference, the others in the same ratio."""
_KEEP_RATIO = {"wind_gust": 3.0, "surface_pressure": 1.2}  # the largest ratio believed; calm has no gust factor


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The parameters that are blended, observed at the hour and can be interpolated."""
    try:
        observed = set(read_parquet(deployment.store, paths.observations(hour))["parameter"])
    except FileNotFoundError:
        return []
    blended = {row.name for row in available(deployment, hour)}
    return [name for name in STRUCTURES if name in observed & blended]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Check the observations of one parameter, write them with flags, write the increment (latitude, longitude) with
    its factor by lead, and what the next hours will learn from."""
    grid = deployment.grid
    leads = np.arange(min(deployment.config.ramp_hours, deployment.config.last_lead_hours) + 1)
    blend = unramped(deployment, hour, shard, leads)
    background = background_of(deployment, hour, shard, blend[0])
    table = read_parquet(deployment.store, paths.observations(hour))
    table = table[table["parameter"] == shard].reset_index(drop=True)
    known = ramp_history.before(deployment, shard, hour)
    result = assimilate(shard, table, background, grid, known.record)
    deployment.store.write(paths.work(hour, f"observations/{shard}.parquet"), to_parquet(result.table))
    said = at_stations(shard, result.table, blend, background.altitude, grid, result.increment)
    deployment.store.write(ramp_history.said(hour, shard), to_parquet(said))
    sums = ramp_history.absorb(deployment, shard, hour, result.table, known.sums)
    ramp_history.write(deployment, shard, hour, History(result.record, sums))
    factor = ramp_factor(sums, STRUCTURES[shard].hours, int(leads[-1]))
    _write(deployment, hour, shard, result.increment, factor)
    there = {row.name for row in available(deployment, hour)}
    for name in (name for name in FOLLOWERS.get(shard, ()) if name in there):
        follower = unramped(deployment, hour, name, leads[:1])[0]
        _write(deployment, hour, name, result.increment * kept(name, follower, blend[0]), factor)


def background_of(deployment: Deployment, hour: Cycle, name: str, blend: NDArray[np.float32]) -> Background:
    """What observations are compared with: the `blend` (latitude, longitude) at lead 0 and how far off it may be."""
    shape, where = deployment.grid.shape, places(deployment)
    variance = read_weights(deployment, hour, name).error_variance[0].reshape(shape)
    altitude, land = where.altitude.reshape(shape), where.land.reshape(shape)
    return Background(blend, relative_error(variance), altitude, land, usual_error(variance, STRUCTURES[name]))


def unramped(deployment: Deployment, hour: Cycle, name: str, leads: NDArray[np.int64]) -> NDArray[np.float32]:
    """(lead, latitude, longitude) the blend before the ramp, made tile by tile as the forecast is."""
    grid, row = deployment.grid, parameter(name)
    rows, columns, runs = *grid.shape, serving(deployment, hour)
    result = np.empty((len(leads), rows * columns), np.float32)
    for first in range(0, rows, deployment.config.tile_rows):
        cells = slice(first * columns, min(first + deployment.config.tile_rows, rows) * columns)
        result[:, cells] = blend_parameter(deployment, hour, row, leads, cells, runs=runs)
    return result.reshape(-1, rows, columns)


def kept(name: str, follower: Floats, leader: Floats) -> NDArray[np.float32]:
    """(latitude, longitude) by what a follower multiplies its leader's increment."""
    if name not in _KEEP_RATIO:
        return np.ones(leader.shape, np.float32)
    ratio = follower / np.maximum(leader, np.float32(1e-3))
    return np.clip(np.nan_to_num(ratio, nan=1.0), 0, _KEEP_RATIO[name]).astype(np.float32)


def at_stations(
    name: str, table: pd.DataFrame, blend: Floats, altitude: Floats, grid: Grid, increment: Floats
) -> pd.DataFrame:
    """What the unramped `blend` (lead, latitude, longitude) says at the stations' own height, a column a lead, and the
    increment there."""
    stations, lapse_rate = stations_of(table), STRUCTURES[name].lapse_rate
    columns = {
        str(lead): (stations.value - departures(field, grid, stations, altitude=altitude, lapse_rate=lapse_rate))
        for lead, field in enumerate(blend)
    }
    columns["increment"] = bilinear(increment, grid, stations.latitude, stations.longitude)
    floats = pd.DataFrame(columns, index=table.index).astype(np.float32)
    return pd.concat([table[["network", "station", "withheld", "flag", "value"]], floats], axis=1)


@dataclass(frozen=True)
class Ramp:
    """What observations add to a parameter at lead 0, (place,), and what part of it acts at each lead, (lead,) hourly
    from 0, none beyond."""

    increment: NDArray[np.float32]
    factor: NDArray[np.float32]


def read(deployment: Deployment, hour: Cycle, name: str) -> Ramp | None:
    """The ramp of a parameter at an hour; None where nothing of it was observed."""
    key = _key(hour, name)
    if not deployment.store.exists(f"{key}/zarr.json"):
        return None
    data = store_arrays.read(deployment.store, key)[name]
    return Ramp(data.values.reshape(-1), np.asarray(data.attrs["ramp_factor"], np.float32))


def _key(hour: Cycle, name: str) -> str:
    return paths.work(hour, f"increments/{name}.zarr")


def _write(
    deployment: Deployment, hour: Cycle, name: str, increment: NDArray[np.float32], factor: NDArray[np.float32]
) -> None:
    grid, row = deployment.grid, parameter(name)
    attributes = {
        "units": row.units, "long_name": f"added to {row.long_name} at lead 0 from observations",
        "ramp_factor": [round(float(part), 4) for part in factor],
    }  # fmt: skip
    data = xr.Dataset(
        {name: (("latitude", "longitude"), increment, attributes)},
        {"latitude": grid.latitude, "longitude": grid.longitude},
    )
    store_arrays.write(deployment.store, _key(hour, name), data)
