"""Where the sun stands: exact hourly means of the cosine of its zenith angle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

SOLAR_CONSTANT = 1361.0  # W m-2, Kopp and Lean (2011)
HALF_HOUR = np.pi / 24  # of the sun's turn


@dataclass(frozen=True)
class Sun:
    """Mean cosine of the zenith angle (0 below the horizon) over each hour; row k ends at `first_hour` + k.

    `distance` (hour,) is the squared ratio of the sun's mean to its present distance.
    """

    first_hour: int
    cosine: NDArray[np.float32]  # (hour, place)
    distance: NDArray[np.float32]

    def hours(self, first: int, last: int) -> NDArray[np.float32]:
        """(last - first + 1, place) rows of the hours that end at `first` to `last`; ValueError beyond its own."""
        begin, end = first - self.first_hour, last + 1 - self.first_hour
        if begin < 0 or end > len(self.cosine):
            known = f"{self.first_hour} to {self.first_hour + len(self.cosine) - 1}"
            raise ValueError(f"expected hours within {known}, where the sun is known; found {first} to {last}")
        return self.cosine[begin:end]

    def flux(self, first: int, last: int) -> NDArray[np.float32]:
        """(hour, place) W m-2 at the top of the atmosphere, rows as `hours`."""
        begin = first - self.first_hour
        cosine = self.hours(first, last)
        return SOLAR_CONSTANT * self.distance[begin : begin + len(cosine), None] * cosine


def sun(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], init_time: datetime, first_hour: int, last_hour: int
) -> Sun:
    """The sun over every hour that ends `first_hour` to `last_hour` hours after `init_time` (naive UTC).

    latitude, longitude: (place,) degrees. Start early enough for a source's first interval to lie within.
    Position: the Astronomical Almanac's low-precision formulas (Michalsky 1988), 0.01 degrees until 2050.
    The mean over an hour is the integral between sunrise and sunset, not a sample.
    """
    ends = np.arange(first_hour, last_hour + 1)
    days = (init_time - datetime(2000, 1, 1, 12)).total_seconds() / 86400 + (ends - 0.5) / 24
    declination, transit, distance = _position(days)
    phi, lam = np.deg2rad(latitude), (np.deg2rad(longitude) + np.pi) % (2 * np.pi) - np.pi
    angle = np.abs(((transit + np.pi) % (2 * np.pi) - np.pi)[:, None] + lam)
    angle = np.minimum(angle, 2 * np.pi - angle)  # morning and afternoon are alike
    sine, cosine = np.sin(declination)[:, None] * np.sin(phi), np.cos(declination)[:, None] * np.cos(phi)
    sunset = np.arccos(np.clip(-sine / np.maximum(cosine, 1e-12), -1, 1))
    mean = np.maximum(sine + cosine * (np.sin(HALF_HOUR) / HALF_HOUR) * np.cos(angle), 0)
    partly = (np.abs(angle - sunset) < HALF_HOUR) | (sunset > np.pi - 2 * HALF_HOUR)
    mean[~partly & (angle > sunset)] = 0
    mean[partly] = _partial_mean(angle[partly], sunset[partly], sine[partly], cosine[partly])
    mean[mean < 1e-6] = 0  # rounding at night
    return Sun(first_hour, mean.astype(np.float32), distance.astype(np.float32))


def _partial_mean(
    angle: NDArray[np.float64], sunset: NDArray[np.float64], sine: NDArray[np.float64], cosine: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over an hour in which the sun may rise or set; about midnight it may see the sun of the day after."""
    mean = np.zeros_like(angle)
    for turn in (0.0, -2 * np.pi):
        begin = np.clip(angle - HALF_HOUR + turn, -sunset, sunset)
        end = np.clip(angle + HALF_HOUR + turn, -sunset, sunset)
        mean += sine * (end - begin) + cosine * (np.sin(end) - np.sin(begin))
    return np.maximum(mean / (2 * HALF_HOUR), 0)


def _position(
    days: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Declination, hour angle at Greenwich (radians) and distance factor, `days` after 2000-01-01T12."""
    mean_longitude = np.deg2rad(280.460 + 0.9856474 * days)
    anomaly = np.deg2rad(357.528 + 0.9856003 * days)
    ecliptic = mean_longitude + np.deg2rad(1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    obliquity = np.deg2rad(23.439 - 4e-7 * days)
    right_ascension = np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic))
    declination = np.arcsin(np.sin(obliquity) * np.sin(ecliptic))
    sidereal = np.deg2rad(15 * (18.697374558 + 24.06570982441908 * days))
    distance = 1.00014 - 0.01671 * np.cos(anomaly) - 0.00014 * np.cos(2 * anomaly)
    return declination, sidereal - right_ascension, distance**-2.0
