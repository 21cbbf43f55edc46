"""A small world without a dynamical core: waves of pressure that travel round a plausible atmosphere."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from models.dycore import RESTART_TIME
from pipeline.world.nature import EVERY_HOURS, FIELDS, VELOCITY_LEVELS
from pipeline.world.state import World, grow, open_world

SEED = 7
LIVE = datetime(2025, 8, 8)
DAYS = 6
LATITUDE = np.linspace(87.16, -87.16, 48)
LONGITUDE = np.arange(96) * 3.75


def toy_nature(folder: Path, days: int) -> None:
    """What `nature.run` writes, from formulas."""
    folder.mkdir(parents=True, exist_ok=True)
    states = days * 24 // EVERY_HOURS
    phi, lam = np.deg2rad(LATITUDE)[:, None], np.deg2rad(LONGITUDE)[None, :]
    fields = np.empty((states, len(FIELDS), 48, 96), np.float32)
    for step in range(states):
        wave = np.sin(3 * lam - 0.05 * step) * np.sin(2 * phi) * np.cos(phi)
        for index, name in enumerate(FIELDS):
            fields[step, index] = _toy_field(name, phi, wave)
    np.save(folder / "fields.npy", fields)
    start = RESTART_TIME + timedelta(hours=EVERY_HOURS)
    np.savez(
        folder / "grid.npz",
        start=start.isoformat(),
        latitude=LATITUDE,
        longitude=LONGITUDE,
        orography=0 * phi + 0 * lam,
    )


def _toy_field(name: str, phi: np.ndarray, wave: np.ndarray) -> np.ndarray:
    stem, _, level = name.rpartition("_")
    pressure = float(level.removesuffix("hpa")) if level.endswith("hpa") else 1013.0
    height = 7400 * np.log(1013 / pressure)
    surface = 301 - 45 * np.sin(phi) ** 2 + 4 * wave
    table = {
        "temperature": np.maximum(surface - 0.0062 * height, 205),
        "geopotential_height": height - 300 * np.sin(phi) ** 2 - 80 * wave,
        "relative_humidity": 0.6 + 0.35 * wave,
        "eastward_wind": 12 * np.sin(2 * phi) ** 2 - 3 + 8 * wave,
        "northward_wind": 8 * wave + 0 * phi,
    }
    if stem in table and level.endswith("hpa"):
        return table[stem]
    return {
        **{f"pressure_velocity_{level}hpa": 0.3 * wave for level in VELOCITY_LEVELS},
        "pressure_at_sea_level": 101300 - 1500 * wave,
        "near_surface_eastward_wind": 7 * np.sin(2 * phi) ** 2 - 3 + 6 * wave,
        "near_surface_northward_wind": 6 * wave,
        "near_surface_temperature": surface,
        "near_surface_humidity": 0.016 * np.cos(phi) ** 3 + 0.0008 + 0 * wave,
        "skin_temperature": surface + 1,
        "downwelling_longwave": 320 + 40 * wave,
        "cloud_fraction": np.clip(0.5 + wave, 0, 1),
        "convective_precipitation_rate": 3e-4 * np.clip(wave - 0.2, 0, None),
        "stratiform_precipitation_rate": 2e-4 * np.clip(wave - 0.1, 0, None),
        "precipitable_water": 45 * np.cos(phi) ** 2 + 3 + 5 * wave,
    }[name]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The toy world, opened."""
    folder = tmp_path_factory.mktemp("nature")
    toy_nature(folder, DAYS)
    return grown_world(folder, DAYS, LIVE)


def grown_world(folder: Path, days: int, live: datetime) -> World:
    """The world of a whole nature run."""
    for _ in grow(folder, [days]):
        pass
    return open_world(folder, SEED, live)
