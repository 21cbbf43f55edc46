"""The nature run: the model's state every three hours, reduced to the fields that the truth is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.world.levels import (
    GRAVITY,
    PRESSURE_LEVELS,
    Array,
    below_ground,
    between,
    pressure_velocity,
    relative_humidity,
    sea_level_pressure,
)

EVERY_HOURS = 3
STATES_PER_DAY = 24 // EVERY_HOURS
CLIMATE_DAYS = 20
"""First days of the run that its climatology is the mean of, so that what comes of it need not wait for the last."""
_PROGRESS = "days_done"
_LEVEL_FIELDS = ("temperature", "geopotential_height", "relative_humidity", "eastward_wind", "northward_wind")
VELOCITY_LEVELS = (850, 700, 500)  # hPa
FIELDS = (
    *(f"{name}_{level}hpa" for level in PRESSURE_LEVELS for name in _LEVEL_FIELDS),
    *(f"pressure_velocity_{level}hpa" for level in VELOCITY_LEVELS),
    "pressure_at_sea_level", "near_surface_eastward_wind", "near_surface_northward_wind", "near_surface_temperature",
    "near_surface_humidity", "skin_temperature", "downwelling_longwave", "cloud_fraction",
    "convective_precipitation_rate", "stratiform_precipitation_rate", "precipitable_water",
)  # fmt: skip
DIRECT = (
    "near_surface_eastward_wind", "near_surface_northward_wind", "near_surface_temperature", "skin_temperature",
    "downwelling_longwave", "cloud_fraction", "convective_precipitation_rate", "stratiform_precipitation_rate",
)  # fmt: skip


@dataclass(frozen=True)
class Nature:
    """The reduced run: `fields` (time, field, latitude, longitude) with `FIELDS` in order, every EVERY_HOURS."""

    start: datetime
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    orography: Array
    fields: Array

    @classmethod
    def open(cls, folder: Path) -> Nature:
        """Read what `run` writes, mapped into memory: states that are still to come are zero, and then no more."""
        with np.load(folder / "grid.npz") as grid:
            return cls(
                datetime.fromisoformat(str(grid["start"])),
                grid["latitude"],
                grid["longitude"],
                grid["orography"],
                np.load(folder / "fields.npy", mmap_mode="r"),
            )

    def position(self, when: datetime) -> tuple[int, np.float32]:
        """Index of the saved state at or before a time and the share of the way to the next; ValueError outside."""
        position = (when - self.start).total_seconds() / 3600 / EVERY_HOURS
        index = int(position)
        if not 0 <= position <= len(self.fields) - 1:
            raise ValueError(f"the nature run starts {self.start} and has {len(self.fields)} states; asked for {when}")
        return index, np.float32(position - index)


def run(folder: Path, days: int) -> None:
    """Integrate from the shipped restart for `days` and write the reduced states into `folder`; `days_done` tells how
    many of them can be read there."""
    from models.dycore import CHUNK_HOURS, RESTART_TIME, SIGMA, SpeedyModel, shipped_restart

    model = SpeedyModel(RESTART_TIME, shipped_restart())
    folder.mkdir(parents=True, exist_ok=True)
    states = days * STATES_PER_DAY
    shape = (states, len(FIELDS), model.latitude.size, model.longitude.size)
    fields = np.lib.format.open_memmap(folder / "fields.npy", mode="w+", dtype=np.float32, shape=shape)
    np.savez(
        folder / "grid.npz",
        start=(RESTART_TIME + timedelta(hours=EVERY_HOURS)).isoformat(),
        latitude=model.latitude,
        longitude=model.longitude,
        orography=model.orography,
    )
    hours = -(-days * 24 // CHUNK_HOURS) * CHUNK_HOURS  # whole chunks: a shorter one would be compiled for itself
    computed = model.run(RESTART_TIME, hours, every_hours=EVERY_HOURS)
    for step, (_, state) in zip(range(states), computed, strict=False):
        fields[step] = reduce_state(dict(state), model.latitude, SIGMA)
        if (step + 1) % STATES_PER_DAY == 0:
            (folder / _PROGRESS).write_text(str((step + 1) // STATES_PER_DAY))
    fields.flush()


def days_done(folder: Path) -> int:
    """How many days `run` has written so far."""
    try:
        return int((folder / _PROGRESS).read_text() or 0)
    except FileNotFoundError:
        return 0


def reduce_state(state: dict[str, Array], latitude: NDArray[np.float64], sigma: NDArray[np.float64]) -> Array:
    """(field, latitude, longitude) with `FIELDS` in order, from a state of the model on its sigma levels."""
    pressure = (sigma[:, None, None] * state["surface_pressure"]).astype(np.float32)
    temperature, humidity = state["temperature"], np.maximum(state["specific_humidity"], 1e-7)
    height = state["geopotential"] / np.float32(GRAVITY)
    out: dict[str, Array] = {name: state[name] for name in DIRECT}
    log_pressure = np.log(pressure)
    for level in PRESSURE_LEVELS:
        target = level * 100.0
        where = between(log_pressure, target)
        t, z = below_ground(temperature, height, pressure, target, where)
        out[f"temperature_{level}hpa"], out[f"geopotential_height_{level}hpa"] = t, z
        out[f"relative_humidity_{level}hpa"] = relative_humidity(t, where.of(humidity), target)
        out[f"eastward_wind_{level}hpa"] = where.of(state["eastward_wind"])
        out[f"northward_wind_{level}hpa"] = where.of(state["northward_wind"])
    wind = state["eastward_wind"], state["northward_wind"]
    for level in VELOCITY_LEVELS:
        out[f"pressure_velocity_{level}hpa"] = pressure_velocity(*wind, pressure, latitude, level * 100.0)
    out["pressure_at_sea_level"] = sea_level_pressure(pressure[-1], height[-1], temperature[-1])
    out["near_surface_humidity"] = humidity[-1]
    thickness = np.diff(np.array([0, 0.05, 0.14, 0.26, 0.42, 0.6, 0.77, 0.9, 1.0]))[:, None, None]
    out["precipitable_water"] = (humidity * thickness).sum(0) * state["surface_pressure"] / GRAVITY
    return np.stack([out[name] for name in FIELDS]).astype(np.float32)
