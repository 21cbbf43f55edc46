"""Ramp: what the newest observations add to the blend at lead 0, one parameter at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from pipeline.science.ramp import STRUCTURES, Stations, analysis_increment, background_error, departures, fit
from pipeline.steps import Deployment
from pipeline.steps.blending import available, background
from pipeline.steps.learn import read_weights
from pipeline.steps.observe import read_parquet, to_parquet

Floats = NDArray[np.floating]

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
    shape = deployment.grid.shape
    table = read_parquet(deployment.store, paths.observations(hour))
    table = table[table["parameter"] == shard].reset_index(drop=True)
    blend = Background(
        background(deployment, hour, shard).reshape(shape),
        relative_error(read_weights(deployment, hour, shard).error_variance[0].reshape(shape)),
        _altitude(deployment),
    )
    table, increment = assimilate(shard, table, blend, deployment.grid)
    deployment.store.write(paths.work(hour, f"observations/{shard}.parquet"), to_parquet(table))
    _write(deployment, paths.work(hour, f"increments/{shard}.zarr"), shard, increment)


@dataclass(frozen=True)
class Background:
    """The blend at lead 0, its error relative to the usual, and the ground in m, all (latitude, longitude)."""

    field: Floats
    relative_error: Floats
    altitude: Floats


def relative_error(variance: Floats) -> Floats:
    """Where the blend errs more or less than usual, from its error variance as learnt: 1 in the median, 1/4 to 4."""
    known = np.where(np.isfinite(variance) & (variance > 0), variance, np.nan)
    if not np.isfinite(known).any():
        return np.ones(variance.shape)
    return np.nan_to_num(np.clip(np.sqrt(known / np.nanmedian(known)), 0.25, 4), nan=1.0)


def assimilate(
    name: str, table: pd.DataFrame, blend: Background, grid: Grid
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """The table, of observations of one parameter, with `flag` and `departure` filled, and the increment.

    The increment (latitude, longitude) comes of the good rows that are not withheld; 0 where the blend has no value.
    """
    structure = STRUCTURES[name]
    stations = Stations(*(table[column].to_numpy(float) for column in
                          ("latitude", "longitude", "elevation", "value", "error")))  # fmt: skip
    departure = departures(blend.field, grid, stations, altitude=blend.altitude, lapse_rate=structure.lapse_rate)
    relative = bilinear(blend.relative_error, grid, stations.latitude, stations.longitude)
    flag = _flags(name, stations, departure, relative, blend, grid)
    used = (flag == "") & np.isfinite(departure) & ~table["withheld"].to_numpy(bool)
    good = Stations(*(values[used] for values in vars(stations).values()))
    # As if the blend erred alike everywhere: its error's size and reach are one question, where it is larger another.
    fitted = fit(departure[used] / relative[used], replace(good, error=good.error / relative[used]), structure)
    increment = analysis_increment(
        departure[used], grid, good, altitude=blend.altitude, structure=fitted,
        background_error=fitted.background_error * blend.relative_error,
    )  # fmt: skip
    return table.assign(flag=flag, departure=departure), np.where(np.isfinite(blend.field), increment, np.float32(0))


def _flags(
    name: str, stations: Stations, departure: Floats, relative: Floats, blend: Background, grid: Grid
) -> NDArray[np.str_]:
    """Why not to believe an observation, empty where there is no reason; see `quality`."""
    structure = STRUCTURES[name]
    flag = quality.check_range(parameter(name), stations.value)
    if name not in _AT_SEA_LEVEL:
        ground = bilinear(blend.altitude, grid, stations.latitude, stations.longitude)
        flag = np.where(flag == "", quality.check_elevation(stations.elevation, ground, _HEIGHT_LIMIT), flag)
    usable = (flag == "") & np.isfinite(departure)
    error = relative * background_error(
        departure[usable] / relative[usable], stations.error[usable] / relative[usable], structure.background_error
    )
    doubt = quality.check_departures(
        stations.latitude, stations.longitude, np.where(usable, departure, np.nan), observation_error=stations.error,
        background_error=error, horizontal=structure.horizontal,
    )  # fmt: skip
    return np.where(flag == "", doubt, flag)


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
