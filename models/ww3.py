"""WAVEWATCH III's field output (ww3_ounf) as the catalogue's parameters, on its grid or its mesh.

Directions are where waves come from, partition 0 is the wind sea and 1 to 3 the swells; land is NaN. A partition that
a sea has not got is no wave of it: its height is 0, its period and direction are NaN.
WAVEWATCH III manual 6.07, section 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from netCDF4 import Dataset, num2date
from numpy.typing import NDArray

from models.base import Fields
from models.native import Array

_DIRECT = {
    "significant_wave_height": "hs",
    "primary_wave_period": "tp",
    "mean_wave_period": "t0m1",
    "wave_direction": "dir",
    "sea_ice_fraction": "ice",
    "wind_wave_height": "phs0",
    "wind_wave_direction": "pdir0",
    **{
        f"{rank}swell_wave_{what}": f"{variable}{number}"
        for number, rank in enumerate(("", "secondary_", "tertiary_"), 1)
        for what, variable in (("height", "phs"), ("period", "ptp"), ("direction", "pdir"))
    },
}
PARAMETERS = frozenset(_DIRECT)
"""The catalogue's parameters that a run brings."""


def grid(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude, (y, x) of a grid of rows and columns or (node,) of a mesh, degrees north and east."""
    with Dataset(path) as file:
        latitude, longitude = (np.asarray(file[name][:], np.float64) for name in ("latitude", "longitude"))
        if "node" in file.dimensions or latitude.ndim == 2:
            return latitude, longitude
    rows, columns = np.meshgrid(latitude, longitude, indexing="ij")
    return rows, columns


def read(paths: Sequence[Path]) -> Iterator[tuple[datetime, Fields]]:
    """Every output of a run's files in order: catalogue name to (y, x) or (node,), whatever the files hold."""
    for path in paths:
        with Dataset(path) as file:
            times = num2date(file["time"][:], file["time"].units, only_use_cftime_datetimes=False)
            for step, when in enumerate(np.asarray(times).tolist()):
                yield _whole_second(when), _fields(file, step)


def _whole_second(when: datetime) -> datetime:
    """Days in a double are right to some tens of microseconds."""
    return (when + timedelta(milliseconds=500)).replace(microsecond=0)


def _fields(file: Dataset, step: int) -> dict[str, Array]:
    has = file.variables.keys()
    fields = {
        name: np.ma.filled(file[variable][step].astype(np.float32), np.nan)
        for name, variable in _DIRECT.items()
        if variable in has
    }
    if "primary_wave_period" not in fields and "fp" in has:
        frequency = np.ma.filled(file["fp"][step].astype(np.float32), np.nan)
        fields["primary_wave_period"] = 1 / np.where(frequency > 0, frequency, np.nan)
    for name in fields.keys() - {"significant_wave_height"}:
        if name.endswith("direction"):
            fields[name] = np.mod(fields[name], np.float32(360))
        elif name.endswith("wave_height") and "significant_wave_height" in fields:
            absent = np.isnan(fields[name]) & np.isfinite(fields["significant_wave_height"])
            fields[name] = np.where(absent, np.float32(0), fields[name])
    return fields
