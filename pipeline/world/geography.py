"""What does not move: terrain, land, ice, climatological sea and soil on the truth's grid (boundary files of jcm)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.world.interpolate import LATITUDE, LONGITUDE, operator

Array = NDArray[np.float32]
SUMMER_TO_AUTUMN = (7, 8)  # August and September of a monthly climatology


@dataclass(frozen=True)
class Geography:
    """(latitude, longitude) fields on the truth's grid.

    `altitude` m, `land` 0..1, `sea_surface_temperature` K, `ice` 0..1, `snow` depth m, `soil_moisture` 1,
    `soil_temperature` K, `roughness` 0..1 from flat to the roughest mountains.
    """

    altitude: Array
    land: Array
    sea_surface_temperature: Array
    ice: Array
    snow: Array
    soil_moisture: Array
    soil_temperature: Array
    roughness: Array

    @property
    def sea(self) -> NDArray[np.bool_]:
        """Where the sea fields exist."""
        return self.land < 0.5


def _read(name: str) -> xr.Dataset:
    # Found without importing jcm, which would bring JAX into every worker.
    package = find_spec("jcm")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the embedded world needs the package jcm; install the extra hourcast[world]")
    path = Path(package.origin).parent / "data" / "bc" / "t63" / name
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return dataset.load()


@cache
def geography() -> Geography:
    """The world's geography, valid around the turn of August to September."""
    terrain, surface = _read("terrain.nc"), _read("forcing.nc")
    to_truth = operator(terrain["lat"].values[::-1].astype(float), terrain["lon"].values.astype(float))

    def mapped(values: Array) -> Array:
        return to_truth(np.ascontiguousarray(values.T[::-1], dtype=np.float32))

    def seasonal(name: str) -> Array:
        return mapped(surface[name].values[..., list(SUMMER_TO_AUTUMN)].mean(-1))

    land = np.clip(mapped(terrain["lsm"].values), 0, 1)
    glacier = np.clip(mapped(surface["glac"].values), 0, 1)
    northern, southern = LATITUDE > 0, LATITUDE <= 0
    ice = np.clip(seasonal("icec"), 0, 1)
    ice[northern] = np.where(LATITUDE[northern, None] < 66, 0, ice[northern])
    ice[southern] = np.where(LATITUDE[southern, None] > -55, 0, ice[southern])
    snow = np.where(glacier > 0.5, 2.0, np.clip(seasonal("snowc"), 0, 1) * 0.4) * (land > 0.05)
    moisture = 0.08 + 0.32 * np.clip(seasonal("soilw_am") / 0.25, 0, 1)
    return Geography(
        altitude=np.clip(mapped(terrain["orog"].values), 0, None) * (land > 0.02),
        land=land,
        sea_surface_temperature=np.clip(seasonal("sst"), 271.4, 306.0),
        ice=ice,
        snow=snow.astype(np.float32),
        soil_moisture=moisture.astype(np.float32),
        soil_temperature=seasonal("stl"),
        roughness=np.clip(mapped(terrain["orostd"].values) / 500.0, 0, 1),
    )


@cache
def places() -> tuple[Array, Array]:
    """Latitude (latitude, 1) and longitude (1, longitude) of the truth's grid in degrees, to be broadcast."""
    return LATITUDE.astype(np.float32)[:, None], LONGITUDE.astype(np.float32)[None, :]
