"""The embedded model's run, as its job on a cluster wrote it, read as the catalogue's parameters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.core_job import state_files
from models.dycore import SIGMA
from pipeline.parameters import blended
from pipeline.world.nature import FIELDS, reduce_state

_NEAR_SURFACE = {
    "near_surface_temperature": "temperature_2m",
    "near_surface_eastward_wind": "eastward_wind_10m",
    "near_surface_northward_wind": "northward_wind_10m",
}
"""The core's lowest air stands for that at 2 and at 10 m."""


def read(folder: Path) -> Iterator[tuple[datetime, dict[str, NDArray[np.float32]]]]:
    """Every state in order: catalogue name to (latitude, longitude) on the core's Gaussian grid, north to south."""
    with np.load(folder / "grid.npz") as grid:
        latitude = grid["latitude"]
    for when, path in state_files(folder).items():
        with np.load(path) as arrays:
            state = {name: arrays[name] for name in arrays.files}
        reduced = zip(FIELDS, reduce_state(state, latitude, SIGMA), strict=True)
        named = {_NEAR_SURFACE.get(name, name): values.astype(np.float32) for name, values in reduced}
        yield when, {name: values for name, values in named.items() if name in blended()}
