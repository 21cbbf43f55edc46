"""What every worker of the world shares: the truth as stacked columns, its climatology, and both at native points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import blended
from pipeline.world import clouds
from pipeline.world.geography import places
from pipeline.world.grids import NativeGrid
from pipeline.world.interpolate import SHAPE, sample
from pipeline.world.levels import Array
from pipeline.world.nature import EVERY_HOURS, Nature
from pipeline.world.truth import Truth, truth
from pipeline.world.waves import Waves
from pipeline.world.waves import run as run_waves

SHORTWAVE = "surface_downwelling_shortwave_flux"
# Reduced over an interval instead of given at an instant.
HOURLY = (
    "precipitation", "convective_precipitation", "snowfall", SHORTWAVE, "surface_downwelling_longwave_flux",
    "temperature_2m", "wind_gust",
)  # fmt: skip
_FOLLOWING = (
    "temperature_2m_maximum", "temperature_2m_minimum", "wind_speed_10m", "wind_speed_100m", "wave_direction",
    *HOURLY[:5],
)  # fmt: skip
WAVE_VECTOR = ("wave_from_east", "wave_from_north")
INSTANT = (*(name for name in blended() if name not in _FOLLOWING), *WAVE_VECTOR)
# Displaced as they are; all others as departures from their climatology, so that coasts and mountains stay in place.
_WHOLE = (
    "precipitation", "convective_precipitation", "snowfall", SHORTWAVE, "wind_gust", "visibility",
    "convective_available_potential_energy", "convective_inhibition", *WAVE_VECTOR,
)  # fmt: skip
CLIMATE = tuple(dict.fromkeys((*INSTANT, *HOURLY)))
CLIMATE_HOURS = 24 // EVERY_HOURS


@dataclass(frozen=True, eq=False)
class World:
    """The world at work: `climate` (hour of day, latitude, longitude, column of CLIMATE)."""

    seed: int
    live: datetime
    truth: Truth
    climate: Array

    def fields(self, when: datetime) -> dict[str, Array]:
        """The truth without its cyclone, kept for a few hours."""
        return _fields(self, when)


@lru_cache(maxsize=12)
def _fields(world: World, when: datetime) -> dict[str, Array]:
    values = world.truth.fields(when)
    clear = clouds.clear_sky(when, *places())
    values[SHORTWAVE] = np.where(clear > 1, values[SHORTWAVE] / np.maximum(clear, 1), 0.7).astype(np.float32)
    angle = np.deg2rad(values["wave_direction"])
    values[WAVE_VECTOR[0]], values[WAVE_VECTOR[1]] = np.sin(angle), np.cos(angle)
    return values


def open_world(folder: Path, seed: int, live: datetime) -> World:
    """The world of a finished nature run in `folder`; its waves and climatology are computed once and kept there."""
    nature = Nature.open(folder)
    waves, climate = folder / "waves.npy", folder / "climate.npy"
    if not waves.exists():
        np.save(waves, run_waves(nature).states)
    whole = truth(nature, Waves(nature.start, np.load(waves, mmap_mode="r")))
    if not climate.exists():
        np.save(climate, _climate(World(seed, live, whole, np.empty(0, np.float32))))
    return World(seed, live, whole, np.load(climate))


def _climate(world: World) -> Array:
    """Mean of the truth over the days of the run by hour of day; zero for what is displaced whole."""
    start = world.truth.nature.start
    states = len(world.truth.nature.fields)
    total = np.zeros((CLIMATE_HOURS, *SHAPE, len(CLIMATE)), np.float32)
    count = np.zeros(CLIMATE_HOURS, int)
    for step in range(1, states - 1):
        when = start + timedelta(hours=EVERY_HOURS * step)
        if when.day % 2:
            continue
        values = world.truth.fields(when)
        slot = when.hour // EVERY_HOURS
        count[slot] += 1
        for column, name in enumerate(CLIMATE):
            if name not in _WHOLE:
                total[slot, ..., column] += values[name]
    return np.asarray(total / np.maximum(count, 1)[:, None, None, None], np.float32)


def _climate_at(climate: Array, when: datetime) -> Array:
    """(..., column) linear between the hours of the climatology."""
    position = (when.hour + when.minute / 60) / EVERY_HOURS
    index, fraction = int(position), np.float32(position % 1)
    first = climate[index % CLIMATE_HOURS]
    return first if fraction == 0 else first * (1 - fraction) + climate[(index + 1) % CLIMATE_HOURS] * fraction


@lru_cache(maxsize=12)
def departures(world: World, when: datetime) -> Array:
    """(latitude, longitude, column of CLIMATE) of the truth as it is displaced."""
    values = world.fields(when)
    return np.stack([values[name] for name in CLIMATE], axis=-1) - _climate_at(world.climate, when)


@lru_cache(maxsize=128)
def column_numbers(columns: tuple[str, ...]) -> NDArray[np.int64]:
    """Places of the columns in CLIMATE."""
    return np.array([CLIMATE.index(name) for name in columns], np.int64)


@lru_cache(maxsize=8)
def _native_climate(world: World, grid: NativeGrid) -> Array:
    """(hour of day, column, point)"""
    lat, lon = grid.latitude.astype(np.float32), grid.longitude.astype(np.float32)
    every = column_numbers(CLIMATE)
    return np.stack([sample(np.ascontiguousarray(slot), lat, lon, every) for slot in world.climate])


@lru_cache(maxsize=10)
def climate_on(world: World, grid: NativeGrid, when: datetime) -> Array:
    """(column of CLIMATE, point) of the climatology."""
    return _climate_at(_native_climate(world, grid), when)


@lru_cache(maxsize=64)
def clear_sky_on(grid: NativeGrid, when: datetime) -> Array:
    """(point,) short-wave radiation of a clear sky in the hour before."""
    return clouds.clear_sky(when, grid.latitude.astype(np.float32), grid.longitude.astype(np.float32))


def at_points(
    world: World, grid: NativeGrid, when: datetime, columns: tuple[str, ...], north: Array | float = 0.0,
    east: Array | float = 0.0,
) -> dict[str, Array]:  # fmt: skip
    """The truth at the grid's points, taken from places displaced by degrees of latitude and of great circle.

    Short-wave radiation comes as the share of the clear sky's.
    """
    stretch = 1 / np.maximum(np.cos(np.deg2rad(grid.latitude)), 0.15)
    lat = np.clip(grid.latitude + north, -90, 90).astype(np.float32)
    lon = (grid.longitude + east * stretch).astype(np.float32)
    moved = sample(departures(world, when), lat, lon, column_numbers(columns))
    climate = climate_on(world, grid, when)
    return {name: values + climate[CLIMATE.index(name)] for name, values in zip(columns, moved, strict=True)}
