"""Ramp: what the newest observations add to the blend at lead 0, one parameter at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.observations import quality
from pipeline.parameters import parameter
from pipeline.science.interpolate import bilinear
from pipeline.science.ramp import STRUCTURES, Stations, analysis_increment, background_error, departures
from pipeline.steps import Deployment
from pipeline.steps.forecast import available, background
from pipeline.steps.observe import read_parquet, to_parquet

_HEIGHT_LIMIT = 800.0  # m between station and model ground, beyond which the lapse rate is a guess
_AT_SEA_LEVEL = ("pressure_at_sea_level", "significant_wave_height", "mean_wave_period", "sea_surface_temperature")


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The parameters that are blended, observed at the hour and can be interpolated."""
    try:
        observed = set(read_parquet(deployment.store, paths.observations(hour))["parameter"])
    except FileNotFoundError:
        return []
    blended = {row.name for row in available(deployment, hour)}
    return [name for name in STRUCTURES if name in observed & blended]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Check the observations of one parameter, write them with flags, and write the increment (latitude, longitude)."""
    grid = deployment.grid
    table = read_parquet(deployment.store, paths.observations(hour))
    table = table[table["parameter"] == shard].reset_index(drop=True)
    field = background(deployment, hour, shard).reshape(grid.shape)
    table, increment = assimilate(shard, table, field, _altitude(deployment), grid)
    deployment.store.write(paths.work(hour, f"observations/{shard}.parquet"), to_parquet(table))
    _write(deployment, paths.work(hour, f"increments/{shard}.zarr"), shard, increment)


def assimilate(
    name: str, table: pd.DataFrame, field: NDArray[np.float32], altitude: NDArray[np.floating], grid: Grid
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """The table with `flag` and `departure` filled, and what its good, not withheld rows add to `field`.

    table: observations of one parameter; field, altitude: (latitude, longitude). The increment is 0 where the field
    has no value.
    """
    row, structure = parameter(name), STRUCTURES[name]
    stations = Stations(*(table[column].to_numpy(float) for column in
                          ("latitude", "longitude", "elevation", "value", "error")))  # fmt: skip
    places = stations.latitude, stations.longitude
    departure = departures(field, grid, stations, altitude=altitude, lapse_rate=structure.lapse_rate)
    flag = quality.check_range(row, stations.value)
    if name not in _AT_SEA_LEVEL:
        ground = bilinear(altitude, grid, *places)
        flag = np.where(flag == "", quality.check_elevation(stations.elevation, ground, _HEIGHT_LIMIT), flag)
    usable = (flag == "") & np.isfinite(departure)
    error = background_error(departure[usable], stations.error[usable], structure.background_error)
    doubt = quality.check_departures(
        *places, np.where(usable, departure, np.nan), observation_error=stations.error, background_error=error,
        horizontal=structure.horizontal,
    )  # fmt: skip
    flag = np.where(flag == "", doubt, flag)
    used = (flag == "") & np.isfinite(departure) & ~table["withheld"].to_numpy(bool)
    increment = analysis_increment(
        departure[used], grid, Stations(*(values[used] for values in vars(stations).values())),
        altitude=altitude, structure=structure, background_error=error,
    )  # fmt: skip
    return table.assign(flag=flag, departure=departure), np.where(np.isfinite(field), increment, np.float32(0))


def _altitude(deployment: Deployment) -> NDArray[np.float32]:
    data = xr.open_zarr(deployment.store.zarr(paths.static_fields()), consolidated=False, chunks=None)
    return np.asarray(data["surface_altitude"].values, np.float32)


def _write(deployment: Deployment, key: str, name: str, increment: NDArray[np.float32]) -> None:
    grid = deployment.grid
    deployment.store.delete(key)
    xr.Dataset(
        {name: (("latitude", "longitude"), increment, {"units": parameter(name).units, "long_name": "increment"})},
        {"latitude": grid.latitude, "longitude": grid.longitude},
    ).to_zarr(deployment.store.zarr(key), consolidated=False, zarr_format=3, mode="w")
