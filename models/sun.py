"""Where the sun stands, for a model that is told: without it nobody knows the hour, and so how warm a day is by now."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

CHANNELS = 2
"""The cosine of the zenith angle, negative at night, as a step begins and as it ends: morning is not evening."""


def channels(
    times: NDArray[np.datetime64], step_hours: int, latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(time, CHANNELS, latitude, longitude) for steps that begin at these times, UTC; degrees north and east."""
    ends = times + np.timedelta64(step_hours, "h")
    return np.stack([cosine_zenith(when, latitude, longitude) for when in (times, ends)], 1).astype(np.float32)


def cosine_zenith(
    times: NDArray[np.datetime64], latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(time, latitude, longitude) by Spencer's declination (1971) and mean solar time: right to some degrees."""
    seconds = times.astype("datetime64[s]")
    days = (seconds - seconds.astype("datetime64[Y]").astype(seconds.dtype)) / np.timedelta64(86400, "s")
    year = 2 * np.pi / 365 * days
    declination = (
        0.006918 - 0.399912 * np.cos(year) + 0.070257 * np.sin(year)
        - 0.006758 * np.cos(2 * year) + 0.000907 * np.sin(2 * year)
    )[:, None, None]  # fmt: skip
    phi, angle = np.deg2rad(latitude)[:, None], 2 * np.pi * days[:, None, None] + np.deg2rad(longitude) - np.pi
    return np.asarray(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle))


def at(when: datetime, hours: int) -> NDArray[np.datetime64]:
    """(1,) the time so many hours after another, as `channels` takes it."""
    return np.array([when + timedelta(hours=hours)], "datetime64[s]")
