"""Where the sun stands: declination and equation of time after Spencer 1971, good to a few tenths of a degree."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from pipeline.world.levels import Array

SOLAR_CONSTANT = 1361.0  # W m-2


def declination(when: datetime) -> float:
    """Radians."""
    gamma = 2 * np.pi * (when.timetuple().tm_yday - 1 + when.hour / 24) / 365
    return float(
        0.006918 - 0.399912 * np.cos(gamma) + 0.070257 * np.sin(gamma)
        - 0.006758 * np.cos(2 * gamma) + 0.000907 * np.sin(2 * gamma)
    )  # fmt: skip


def local_hour(when: datetime, longitude: Array) -> Array:
    """Mean solar time, hours 0..24."""
    return np.asarray((when.hour + when.minute / 60 + longitude / 15) % 24)


def cosine_zenith(when: datetime, latitude: Array, longitude: Array) -> Array:
    """Cosine of the solar zenith angle, 0 at night."""
    phi, delta = np.deg2rad(latitude), declination(when)
    angle = np.deg2rad(15) * (local_hour(when, longitude) - 12)
    value = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(angle)
    return np.maximum(value, 0).astype(np.float32)


def daily_insolation(when: datetime, latitude: Array) -> Array:
    """Daily mean of the cosine of the zenith angle, 0..0.5."""
    phi, delta = np.deg2rad(latitude), declination(when)
    day = np.arccos(np.clip(-np.tan(phi) * np.tan(delta), -1, 1))
    value = (day * np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.sin(day)) / np.pi
    return np.maximum(value, 0).astype(np.float32)


def course(when: datetime, longitude: Array, peak: float) -> Array:
    """-1..1 over the day with its maximum at `peak` hours of local time and a steeper rise than fall."""
    angle = 2 * np.pi * (local_hour(when, longitude) - peak) / 24
    return np.asarray((np.cos(angle) + 0.22 * np.cos(2 * angle + 0.6)) / 1.15)
