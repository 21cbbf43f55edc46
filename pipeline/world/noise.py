"""Correlated noise: random fields on the sphere that persist in lead time, drift over days and are partly shared.

Every process is a set of spherical-harmonic coefficients drawn from a generator seeded by its name and day, so that
any worker makes the same field at any time without asking another.
"""

from __future__ import annotations

import zlib
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.world import deviations, errors
from pipeline.world.grids import NativeGrid
from pipeline.world.levels import Array

DEGREES = 25  # spherical-harmonic degrees kept: waves down to 1,600 km, half of that between extremes
KNOT_HOURS = 6
_SPIN_UP = 40  # knots until a series has forgotten how it began
FIRST_KNOT, LAST_KNOT = -4, 42  # in KNOT_HOURS from the hour that is forecast: ten days ahead and twelve hours more
# Displacement is noise too, in two further latent fields.
LATENTS = (*deviations.LATENTS, "shift_north", "shift_east")
# Degree at which the variance spectrum of a field has fallen to 1/e: small is smooth.
_SCALE = {
    "warm": 15, "moist": 17, "mass": 8, "east": 13, "north": 13, "cloud": 22, "rain": 22, "wave": 10,
    "shift_north": 7, "shift_east": 7,
}  # fmt: skip
_SLOW_DAYS = 9  # days back that the slow part remembers


def legendre(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """(order, latitude, degree) associated Legendre functions, degree 0 to DEGREES, normalised to unit mean square."""
    sine, cosine = np.sin(np.deg2rad(latitude)), np.cos(np.deg2rad(latitude))
    out = np.zeros((DEGREES + 1, latitude.size, DEGREES + 1))
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
            out[order, :, degree] = current * (np.sqrt(2.0) if order else 1.0)
    return out


# Coefficients are kept as (wave, degree): waves are cosines of order 0 to DEGREES, then sines of order 1 to DEGREES.
_ORDERS = np.concatenate([np.arange(DEGREES + 1), np.arange(1, DEGREES + 1)])
# What is drawn are the modes, the (wave, degree) that there are: no degree below the order, and not the mean.
_EXISTS = (np.arange(DEGREES + 1) >= _ORDERS[:, None]) & (np.arange(DEGREES + 1) > 0)
_MODES = (len(LATENTS), int(_EXISTS.sum()))


def _waves(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """(wave, longitude)"""
    angle = np.deg2rad(longitude) * _ORDERS[:, None]
    return np.where(np.arange(_ORDERS.size)[:, None] <= DEGREES, np.cos(angle), np.sin(angle))


@lru_cache(maxsize=8)
def _separable(grid: NativeGrid) -> tuple[Array, Array]:
    """Of a regular grid: (wave, latitude, degree) Legendre functions and (wave, longitude) waves."""
    columns = int(grid.keys["Ni"])
    latitude, longitude = grid.latitude[::columns], grid.longitude[:columns]
    return legendre(latitude)[_ORDERS].astype(np.float32), _waves(longitude).astype(np.float32)


@lru_cache(maxsize=8)
def _pointwise(grid: NativeGrid) -> Array:
    """Of any grid: (mode, point) spherical harmonics."""
    values = legendre(grid.latitude)[_ORDERS].transpose(0, 2, 1) * _waves(grid.longitude)[:, None]
    return values.reshape(-1, grid.size).astype(np.float32)


def fields(grid: NativeGrid, coefficients: Array) -> Array:
    """(n, point) fields of n sets of coefficients (n, wave, degree)."""
    if grid.keys["gridType"] != "regular_ll":
        return coefficients.reshape(len(coefficients), -1) @ _pointwise(grid)
    functions, waves = _separable(grid)
    by_latitude = np.matmul(functions, coefficients.transpose(1, 2, 0))  # wave, latitude, n
    return (np.ascontiguousarray(by_latitude.transpose(2, 1, 0)) @ waves).reshape(len(coefficients), -1)


@lru_cache(maxsize=1)
def _amplitudes() -> Array:
    """(latent, mode) standard deviation of each coefficient, so that every latent field has unit variance."""
    degrees = np.broadcast_to(np.arange(DEGREES + 1), _EXISTS.shape)[_EXISTS]
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
        _generator(seed, f"slow {process}", day - back).standard_normal(_MODES, dtype=np.float32)
        for back in range(_SLOW_DAYS)
    )
    return np.asarray(sum(np.float32(weight) * draw for weight, draw in zip(weights, draws, strict=True)))


@lru_cache(maxsize=128)  # of six days: a block holds forecasts of as many as there are leads
def _process(seed: int, process: str, day: int) -> tuple[Array, Array]:
    """Unit-variance coefficients of one process for the forecasts of one day: (knot, latent, mode), (latent, mode).

    What changes by the hour and what changes over days, to be added with the shares of `errors`.
    """
    return persistent(_generator(seed, process, day), _MODES), _slow(seed, process, day)


def shares(source: str) -> list[tuple[str, float]]:
    """Processes that a source's error is made of, with their shares of the variance."""
    if source not in errors.FAMILY:
        return [(source, 1.0)]
    own = 1 - errors.SHARED_BY_ALL - errors.SHARED_BY_FAMILY
    return [("all", errors.SHARED_BY_ALL), (errors.FAMILY[source], errors.SHARED_BY_FAMILY), (source, own)]


def coefficients(seed: int, source: str, day: date, number: int) -> Array:
    """(latent, wave, degree) of a source's error at a knot in the forecasts of one day, for `fields`."""
    fresh, lasting = np.float32(np.sqrt(1 - errors.SLOW_SHARE)), np.float32(np.sqrt(errors.SLOW_SHARE))
    total = np.zeros(_MODES, np.float32)
    for process, share in shares(source):
        fast, slow = _process(seed, process, day.toordinal())
        total += np.float32(np.sqrt(share)) * (fresh * fast[number] + lasting * slow)
    out = np.zeros((len(LATENTS), *_EXISTS.shape), np.float32)
    out[:, _EXISTS] = total * _amplitudes()
    return out


def correlation(source: str, other: str) -> float:
    """Stated correlation of two sources' noise in the same parameter, time and place."""
    mine, theirs = dict(shares(source)), dict(shares(other))
    return float(sum(np.sqrt(share * theirs[process]) for process, share in mine.items() if process in theirs))


def steady(generator: np.random.Generator, count: int) -> Array:
    """(knot, count) unit-variance AR(2) series over the knots: AR(1) of AR(1), which turns as what has inertia does."""
    memory = np.float32(np.exp(-KNOT_HOURS / errors.ERROR_MEMORY_HOURS))
    knots = LAST_KNOT - FIRST_KNOT + 1
    series = generator.standard_normal((_SPIN_UP + knots, count), dtype=np.float32)
    for _ in range(2):
        for knot in range(1, len(series)):
            series[knot] += memory * series[knot - 1]
    size = np.sqrt((1 + memory**2) / (1 - memory**2) ** 3)  # Box and Jenkins 1976, of two equal roots
    return np.asarray(series[_SPIN_UP:] / size, np.float32)


@lru_cache(maxsize=512)
def scalar(seed: int, source: str, day: date, count: int) -> NDArray[np.float32]:
    """(knot, count) unit-variance series of a source without a place, for the cyclone's track and intensity."""
    total = sum(
        np.float32(np.sqrt(share)) * steady(_generator(seed, f"cyclone {process}", day.toordinal()), count)
        for process, share in shares(source)
    )
    return np.asarray(total, np.float32)
