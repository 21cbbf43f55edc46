"""The embedded model's run, as its job on a cluster wrote it, read as the catalogue's parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.core_job import time_of
from models.dycore import SIGMA
from pipeline.parameters import blended
from pipeline.world.nature import EVERY_HOURS, FIELDS, reduce_state

Array = NDArray[np.float32]

_NEAR_SURFACE = {
    "near_surface_temperature": "temperature_2m",
    "near_surface_eastward_wind": "eastward_wind_10m",
    "near_surface_northward_wind": "northward_wind_10m",
}
"""The core's lowest air stands for that at 2 and at 10 m."""
_RATES = {
    "precipitation": ("convective_precipitation_rate", "stratiform_precipitation_rate"),
    "convective_precipitation": ("convective_precipitation_rate",),
}


def grid(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude (latitude, longitude) of the core's Gaussian grid, from the folder of a state."""
    with np.load(path.parent / "grid.npz") as axes:
        latitude, longitude = np.meshgrid(axes["latitude"], axes["longitude"], indexing="ij")
    return latitude, longitude


def read(paths: Sequence[Path]) -> Iterator[tuple[datetime, dict[str, NDArray[np.float32]]]]:
    """Every state in order: catalogue name to (latitude, longitude), north to south.

    States hold rates of precipitation; amounts are their mean at both ends of the hours between states, where these
    are as few as between the embedded world's own.
    """
    latitude, before = grid(paths[0])[0][:, 0], None
    for path in paths:
        with np.load(path) as arrays:
            state = {name: arrays[name] for name in arrays.files}
        reduced = zip(FIELDS, reduce_state(state, latitude, SIGMA), strict=True)
        named = {_NEAR_SURFACE.get(name, name): values.astype(np.float32) for name, values in reduced}
        rates: dict[str, Array] = {name: np.sum([named[part] for part in parts], 0) for name, parts in _RATES.items()}
        when = time_of(path)
        amounts: dict[str, Array] = {}
        if before is not None and when - before[0] <= timedelta(hours=EVERY_HOURS):
            half = np.float32((when - before[0]).total_seconds() / 2)
            amounts = {name: half * (rate + before[1][name]) for name, rate in rates.items()}
        yield when, {name: values for name, values in named.items() if name in blended()} | amounts
        before = when, rates
