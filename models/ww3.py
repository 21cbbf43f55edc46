"""WAVEWATCH III's field output (ww3_ounf) as the catalogue's parameters, on its grid or its mesh.

Directions are where waves come from, partition 0 is the wind sea and 1 the first swell; land is NaN.
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
    "wind_wave_height": "phs0",
    "swell_wave_height": "phs1",
    "primary_wave_period": "tp",
    "mean_wave_period": "t0m1",
    "swell_wave_period": "ptp1",
    "wave_direction": "dir",
    "sea_ice_fraction": "ice",
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
    if "wave_direction" in fields:
        fields["wave_direction"] = np.mod(fields["wave_direction"], np.float32(360))
    return fields
