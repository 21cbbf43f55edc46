"""Correlated noise: random fields on the sphere that persist in lead time, drift over days and are partly shared.

Every process is a set of spherical-harmonic coefficients drawn from a generator seeded by its name and day, so that
any worker makes the same field at any time without asking another.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.world import errors
from pipeline.world.grids import NativeGrid
from pipeline.world.levels import Array

DEGREES = 25  # spherical-harmonic degrees kept: waves down to 1,600 km, half of that between extremes
KNOT_HOURS = 6
FIRST_KNOT, LAST_KNOT = -4, 22  # in KNOT_HOURS from the hour that is forecast
# Displacement is noise too, in two further latent fields.
LATENTS = (*errors.LATENTS, "shift_north", "shift_east")
# Degree at which the variance spectrum of a field has fallen to 1/e: small is smooth.
_SCALE = {
    "warm": 15, "moist": 17, "mass": 8, "east": 13, "north": 13, "cloud": 22, "rain": 22, "wave": 10,
    "shift_north": 7, "shift_east": 7,
}  # fmt: skip
_SLOW_DAYS = 9  # days back that the slow part remembers


@lru_cache(maxsize=8)
def _harmonics(name: str, latitude: bytes, longitude: bytes) -> Array:
    """(point, mode) real spherical harmonics of degree 1 to DEGREES, normalised to unit mean square."""
    lat, lon = np.deg2rad(np.frombuffer(latitude)), np.deg2rad(np.frombuffer(longitude))
    sine, cosine = np.sin(lat), np.cos(lat)
    columns = []
    diagonal = np.ones_like(sine)
    for order in range(DEGREES + 1):
        if order:
            diagonal = diagonal * cosine * np.sqrt((2 * order + 1) / (2 * order))
        previous, current = np.zeros_like(sine), diagonal
        for degree in range(order, DEGREES + 1):
            if degree > order:
                a = np.sqrt((4 * degree**2 - 1) / (degree**2 - order**2))
                b = np.sqrt(((degree - 1) ** 2 - order**2) / (4 * (degree - 1) ** 2 - 1)) if degree > 1 else 0.0
                previous, current = current, a * (sine * current - b * previous)
            if degree:
                factor = np.sqrt(2.0) if order else 1.0
                columns.append((degree, factor * current * np.cos(order * lon)))
                if order:
                    columns.append((degree, factor * current * np.sin(order * lon)))
    return np.stack([column for _, column in columns], axis=1).astype(np.float32)


def harmonics(grid: NativeGrid) -> Array:
    """(point, mode) of a grid, kept."""
    return _harmonics(grid.name, grid.latitude.tobytes(), grid.longitude.tobytes())


@lru_cache(maxsize=1)
def _amplitudes() -> Array:
    """(latent, mode) standard deviation of each coefficient, so that every latent field has unit variance."""
    degrees = np.array([
        degree for order in range(DEGREES + 1) for degree in range(max(order, 1), DEGREES + 1)
        for _ in range(2 if order else 1)
    ])  # fmt: skip
    power = np.stack([np.exp(-((degrees / _SCALE[latent]) ** 2)) for latent in LATENTS])
    return np.sqrt(power / power.sum(1, keepdims=True)).astype(np.float32)


def _generator(seed: int, process: str, day: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox([seed, zlib.crc32(process.encode()), day]))


def persistent(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """(knot, *shape) unit-variance AR(1) series over the knots."""
    memory = np.float32(np.exp(-KNOT_HOURS / errors.ERROR_MEMORY_HOURS))
    fresh = np.sqrt(1 - memory**2)
    series = generator.standard_normal((LAST_KNOT - FIRST_KNOT + 1, *shape), dtype=np.float32)
    for knot in range(1, len(series)):
        series[knot] = memory * series[knot - 1] + fresh * series[knot]
    return series


@lru_cache(maxsize=96)
def _slow(seed: int, process: str, day: int) -> Array:
    """(latent, mode) the part that changes over days: a weighted mean of the past days' draws."""
    weights = np.exp(-np.arange(_SLOW_DAYS) / errors.SLOW_MEMORY_DAYS)
    weights /= np.sqrt((weights**2).sum())
    draws = (
        _generator(seed, f"slow {process}", day - back).standard_normal(_amplitudes().shape, dtype=np.float32)
        for back in range(_SLOW_DAYS)
    )
    return sum((np.float32(w) * draw for w, draw in zip(weights, draws, strict=True)), np.float32(0))  # type: ignore[return-value]


@lru_cache(maxsize=40)
def _process(seed: int, process: str, day: int) -> Array:
    """(knot, latent, mode) unit-variance coefficients of one process for the forecasts of one day."""
    fast = persistent(_generator(seed, process, day), _amplitudes().shape)
    slow = np.float32(np.sqrt(errors.SLOW_SHARE)) * _slow(seed, process, day)
    return np.float32(np.sqrt(1 - errors.SLOW_SHARE)) * fast + slow


def shares(source: str) -> list[tuple[str, float]]:
    """Processes that a source's error is made of, with their shares of the variance."""
    if source not in errors.FAMILY:
        return [(source, 1.0)]
    own = 1 - errors.SHARED_BY_ALL - errors.SHARED_BY_FAMILY
    return [("all", errors.SHARED_BY_ALL), (errors.FAMILY[source], errors.SHARED_BY_FAMILY), (source, own)]


@lru_cache(maxsize=96)
def coefficients(seed: int, source: str, day: date) -> Array:
    """(knot, latent, mode) of a source's error in the forecasts of one day, to be summed with `harmonics`."""
    total = sum(
        np.float32(np.sqrt(share)) * _process(seed, process, day.toordinal()) for process, share in shares(source)
    )
    return np.asarray(total * _amplitudes(), np.float32)


def fields(grid: NativeGrid, modes: Sequence[Array]) -> Array:
    """(n * latent, point) fields of n sets of coefficients (latent, mode)."""
    return np.ascontiguousarray((harmonics(grid) @ np.concatenate(list(modes)).T).T)


def knot(target_hours: float) -> int:
    """Index of the knot at a multiple of KNOT_HOURS after the hour; ValueError outside the range."""
    index = int(target_hours // KNOT_HOURS) - FIRST_KNOT
    if target_hours % KNOT_HOURS or not 0 <= index <= LAST_KNOT - FIRST_KNOT:
        first, last = FIRST_KNOT * KNOT_HOURS, LAST_KNOT * KNOT_HOURS
        raise ValueError(f"noise is drawn every {KNOT_HOURS} h from {first} to {last} h; asked for {target_hours} h")
    return index


def correlation(source: str, other: str) -> float:
    """Stated correlation of two sources' noise in the same parameter, time and place."""
    mine, theirs = dict(shares(source)), dict(shares(other))
    return float(sum(np.sqrt(share * theirs[process]) for process, share in mine.items() if process in theirs))


def scalar(seed: int, source: str, day: date, count: int) -> NDArray[np.float32]:
    """(knot, count) unit-variance series of a source without a place, for the cyclone's track and intensity."""
    total = sum(
        np.float32(np.sqrt(share)) * persistent(_generator(seed, f"cyclone {process}", day.toordinal()), (count,))
        for process, share in shares(source)
    )
    return np.asarray(total, np.float32)
