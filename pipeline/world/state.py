"""What every worker of the world shares: the truth as stacked columns, its climatology, and both at native points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from pipeline.parameters import blended
from pipeline.world import clouds
from pipeline.world.geography import places
from pipeline.world.grids import NativeGrid
from pipeline.world.interpolate import SHAPE, sample
from pipeline.world.levels import Array
from pipeline.world.nature import CLIMATE_DAYS, EVERY_HOURS, STATES_PER_DAY, Nature
from pipeline.world.truth import BUOYS_ALONE, Truth, truth
from pipeline.world.waves import STATES, Waves
from pipeline.world.waves import run as run_waves

SHORTWAVE = "surface_downwelling_shortwave_flux"
# Reduced over an interval instead of given at an instant.
HOURLY = (
    "precipitation", "convective_precipitation", "snowfall", "runoff", SHORTWAVE, "surface_downwelling_longwave_flux",
    "surface_upward_latent_heat_flux", "temperature_2m", "wind_gust",
)  # fmt: skip
DIRECTIONS = {name: (f"{name}_east", f"{name}_north") for name, row in blended().items() if row.kind == "direction"}
"""What is interpolated in place of a direction: the two parts of a unit vector."""
VECTORS = tuple(part for parts in DIRECTIONS.values() for part in parts)
_FOLLOWING = (
    "temperature_2m_maximum", "temperature_2m_minimum", "wind_speed_10m", "wind_speed_100m", *DIRECTIONS, *HOURLY[:7],
)  # fmt: skip
INSTANT = (*(name for name in blended() if name not in _FOLLOWING), *VECTORS)
# Displaced as they are; all others as departures from their climatology, so that coasts and mountains stay in place.
_WHOLE = (
    "precipitation", "convective_precipitation", "snowfall", "runoff", SHORTWAVE, "wind_gust", "visibility",
    "convective_available_potential_energy", "convective_inhibition", *VECTORS,
)  # fmt: skip
CLIMATE = tuple(dict.fromkeys((*INSTANT, *HOURLY, *BUOYS_ALONE)))
CLIMATE_HOURS = 24 // EVERY_HOURS
BLOCK_HOURS = 6


@dataclass(frozen=True, eq=False)
class World:
    """The world at work: `climate` (hour of day, column of CLIMATE, latitude, longitude)."""

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
    for name, (east, north) in DIRECTIONS.items():
        angle = np.deg2rad(values[name])
        values[east], values[north] = np.sin(angle), np.cos(angle)
    return values


def grow(folder: Path, days_done: Iterable[int]) -> Iterator[datetime]:
    """Keep waves and, once CLIMATE_DAYS or all days are there, the climatology beside a nature run that goes on.

    `days_done`: how many days of it can be read, rising. Gives the times until which `open_world` then knows the truth.
    """
    known, climate = 0, folder / "climate.npy"
    for days in days_done:
        if not days:
            continue
        if not known:
            nature = Nature.open(folder)
            steps, count = run_waves(nature), len(nature.fields)
            states = open_memmap(folder / "waves.npy", "w+", np.float32, (count, len(STATES), *SHAPE))
        for step in range(known, days * STATES_PER_DAY):
            states[step] = next(steps)
        known = days * STATES_PER_DAY
        if known < min(count, CLIMATE_DAYS * STATES_PER_DAY):
            continue
        if not climate.exists():
            whole = truth(nature, Waves(nature.start, states))
            np.save(climate, _climate(World(0, nature.start, whole, np.empty(0, np.float32))))
        yield nature.start + timedelta(hours=EVERY_HOURS * (known - 1))


def open_world(folder: Path, seed: int, live: datetime) -> World:
    """The world of the nature run in `folder` and what `grow` keeps there."""
    nature = Nature.open(folder)
    waves = Waves(nature.start, np.load(folder / "waves.npy", mmap_mode="r"))
    return World(seed, live, truth(nature, waves), np.load(folder / "climate.npy"))


def _climate(world: World) -> Array:
    """Mean of the truth over CLIMATE_DAYS of the run by hour of day; zero for what is displaced whole."""
    start = world.truth.nature.start
    states = min(len(world.truth.nature.fields), CLIMATE_DAYS * STATES_PER_DAY)
    total = np.zeros((CLIMATE_HOURS, len(CLIMATE), *SHAPE), np.float32)
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
                total[slot, column] += values[name]
    return np.asarray(total / np.maximum(count, 1)[:, None, None, None], np.float32)


def _climate_at(climate: Array, when: datetime, columns: tuple[str, ...]) -> Array:
    """(column, ...) linear between the hours of the climatology."""
    position = (when.hour + when.minute / 60) / EVERY_HOURS
    index, fraction, wanted = int(position), np.float32(position % 1), column_numbers(columns)
    first = climate[index % CLIMATE_HOURS, wanted]
    if fraction == 0:
        return first
    return first * (1 - fraction) + climate[(index + 1) % CLIMATE_HOURS, wanted] * fraction


@lru_cache(maxsize=24)
def departures(world: World, when: datetime, columns: tuple[str, ...] = CLIMATE) -> Array:
    """(column, latitude, longitude) of the truth as it is displaced."""
    values = world.fields(when)
    return np.stack([values[name] for name in columns]) - _climate_at(world.climate, when, columns)


@lru_cache(maxsize=4)
def _block_departures(world: World, end: datetime) -> Array:
    """(hour and column of HOURLY, latitude, longitude) of the six hours up to `end`."""
    times = [end - timedelta(hours=back) for back in range(BLOCK_HOURS - 1, -1, -1)]
    return np.concatenate([departures(world, when, HOURLY) for when in times])


@lru_cache(maxsize=128)
def column_numbers(columns: tuple[str, ...], among: tuple[str, ...] = CLIMATE) -> NDArray[np.int64]:
    """Places of the columns in `among`."""
    return np.array([among.index(name) for name in columns], np.int64)


@lru_cache(maxsize=8)
def _native_climate(world: World, grid: NativeGrid) -> Array:
    """(hour of day, column, point)"""
    lat, lon = grid.latitude.astype(np.float32), grid.longitude.astype(np.float32)
    every = column_numbers(CLIMATE)
    return np.stack([sample(slot, lat, lon, every) for slot in world.climate])


@lru_cache(maxsize=48)
def _climate_on(world: World, grid: NativeGrid, when: datetime, columns: tuple[str, ...]) -> Array:
    """(column, point) of the climatology."""
    return _climate_at(_native_climate(world, grid), when, columns)


@lru_cache(maxsize=64)
def clear_sky_on(grid: NativeGrid, when: datetime) -> Array:
    """(point,) short-wave radiation of a clear sky in the hour before."""
    return clouds.clear_sky(when, grid.latitude.astype(np.float32), grid.longitude.astype(np.float32))


def _displaced(grid: NativeGrid, north: Array | float, east: Array | float) -> tuple[Array, Array]:
    """Latitude and longitude of the grid's points moved by degrees of latitude and of great circle."""
    stretch = 1 / np.maximum(np.cos(np.deg2rad(grid.latitude)), 0.15)
    lat = np.clip(grid.latitude + north, -90, 90).astype(np.float32)
    return lat, (grid.longitude + east * stretch).astype(np.float32)


def at_points(
    world: World, grid: NativeGrid, when: datetime, columns: tuple[str, ...], north: Array | float = 0.0,
    east: Array | float = 0.0,
) -> dict[str, Array]:  # fmt: skip
    """The truth at the grid's points, taken from places displaced by degrees of latitude and of great circle.

    Short-wave radiation comes as the share of the clear sky's.
    """
    moved = sample(departures(world, when), *_displaced(grid, north, east), column_numbers(columns))
    return dict(zip(columns, moved + _climate_on(world, grid, when, columns), strict=True))


def block_at_points(
    world: World, grid: NativeGrid, end: datetime, columns: tuple[str, ...], north: Array | float, east: Array | float
) -> list[dict[str, Array]]:
    """`at_points` for columns of HOURLY at each of the six hours up to `end`, all with one displacement."""
    numbers = column_numbers(columns, HOURLY)
    wanted = np.concatenate([hour * len(HOURLY) + numbers for hour in range(BLOCK_HOURS)])
    moved = sample(_block_departures(world, end), *_displaced(grid, north, east), wanted)
    hours = moved.reshape(BLOCK_HOURS, len(columns), grid.size)
    times = [end - timedelta(hours=back) for back in range(BLOCK_HOURS - 1, -1, -1)]
    return [
        dict(zip(columns, values + _climate_on(world, grid, when, columns), strict=True))
        for when, values in zip(times, hours, strict=True)
    ]
