"""A reanalysis in WeatherBench's layout whose weather is a wave that travels east: a step can be learnt."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import xarray as xr

START = datetime(2020, 1, 1)


def small_reanalysis(path: Path, days: int = 30, south_first: bool = False) -> Path:
    """2 m temperature and geopotential at two levels every six hours on a grid of 15 degrees."""
    latitude, longitude = np.linspace(90, -90, 13), np.arange(0, 360, 15.0)
    times = [START + timedelta(hours=6 * step) for step in range(4 * days)]
    phase = np.deg2rad(longitude)[None, None] - 0.3 * np.arange(len(times))[:, None, None]
    shape = np.cos(np.deg2rad(latitude))[None, :, None]
    wave = shape * (np.sin(phase) + 0.5 * np.sin(2 * phase))
    levels = np.stack([50000 + 500 * wave, 15000 + 200 * wave], 1)
    data = xr.Dataset(
        {
            "2m_temperature": (("time", "latitude", "longitude"), (280 + 10 * wave).astype(np.float32)),
            "geopotential": (("time", "level", "latitude", "longitude"), levels.astype(np.float32)),
        },
        {"time": times, "level": [500, 850], "latitude": latitude, "longitude": longitude},
    )
    data = data.transpose("time", "level", "longitude", "latitude") if south_first else data
    (data.isel(latitude=slice(None, None, -1)) if south_first else data).to_zarr(
        path, zarr_format=3, consolidated=False
    )
    return path
