"""The tropical cyclone: a Holland 1980 vortex on a plausible Atlantic track, added to fields at any points.

It is wider than most, so that it can be seen on grids of three degrees. Models misplace it along and across its track
and err in its intensity; see `errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from pipeline.science.tracks import Fix, Track
from pipeline.world import deviations, errors, noise
from pipeline.world.levels import Array

KILOMETRES_PER_DEGREE = 111.2
AIR_DENSITY = 1.15  # kg m-3
HOLLAND_B = 1.3
RADIUS_OF_MAXIMUM_WIND = 160.0  # km
OUTER_RADIUS = 1100.0  # km, where the vortex fades
BEST_TRACK_HOURS = 6.0  # as the warning centres' best tracks
INFLOW = np.deg2rad(20.0)
NAME = "AL91 (synthetic)"

# Hours from the live hour, latitude, longitude, maximum wind (m s-1).
_TRACK = np.array([
    (-168, 12.5, 325.0, 10.0), (-120, 14.0, 314.0, 18.0), (-72, 16.5, 304.5, 30.0), (-24, 20.5, 296.0, 42.0),
    (0, 23.0, 292.0, 48.0), (24, 26.0, 288.5, 52.0), (48, 29.5, 286.5, 50.0), (72, 33.5, 288.5, 45.0),
    (96, 38.5, 295.0, 38.0), (120, 43.5, 306.0, 32.0), (132, 46.0, 314.0, 28.0), (156, 51.5, 329.0, 20.0),
    (180, 56.5, 341.0, 11.0), (198, 59.5, 347.0, 0.0),
])  # fmt: skip
_MATURE = 18.0  # m s-1, of a tropical storm
_PATH = PchipInterpolator(_TRACK[:, 0], _TRACK[:, 1:])


@dataclass(frozen=True)
class Vortex:
    """Where the cyclone is and how strong: degrees, m s-1."""

    latitude: float
    longitude: float
    maximum_wind: float


@lru_cache(maxsize=64)
def true_vortex(live: datetime, when: datetime) -> Vortex | None:
    """The cyclone at `when` if the live hour is `live`; None before it forms and after the track ends."""
    hours = (when - live).total_seconds() / 3600
    if not _TRACK[0, 0] <= hours <= _TRACK[-1, 0]:
        return None
    latitude, longitude, wind = _PATH(hours)
    # It grows out of nothing instead of appearing.
    return Vortex(float(latitude), float(longitude), float(wind * min(1.0, (hours - _TRACK[0, 0]) / 24)))


def best_track(live: datetime) -> Track:
    """The cyclone every six hours while it lasts, its leads from the live hour."""
    leads = np.arange(_TRACK[0, 0] + BEST_TRACK_HOURS, _TRACK[-1, 0], BEST_TRACK_HOURS)
    found = ((float(lead), true_vortex(live, live + timedelta(hours=float(lead)))) for lead in leads)
    return tuple(
        Fix(lead, at.latitude, (at.longitude + 180) % 360 - 180, 101_000 - deficit(at.maximum_wind), at.maximum_wind)
        for lead, at in found
        if at is not None
    )


def deficit(maximum_wind: float) -> float:
    """Pa that the centre lies below its surroundings, of a wind in m s-1 (Holland 1980)."""
    return float(AIR_DENSITY * np.e / HOLLAND_B * maximum_wind**2)


def forecast_vortex(
    seed: int, source: str, day: date, live: datetime, when: datetime, *, lead_hours: float, member: int | None = None
) -> Vortex | None:
    """Where and how strong a source's forecast of `day` has the cyclone at `when`."""
    truth = true_vortex(live, when)
    later = true_vortex(live, when + timedelta(hours=3)) or true_vortex(live, when - timedelta(hours=3))
    if truth is None or later is None or source not in {*errors.SIZES, "gefs"}:
        return truth
    hours = (when - datetime(day.year, day.month, day.day)).total_seconds() / 3600
    size = errors.SIZES["gefs_mean" if source == "gefs" else source][0]
    along, across, strength = size * _at(noise.scalar(seed, "gefs_mean" if source == "gefs" else source, day, 3), hours)
    if member is not None:
        along, across, strength = (along, across, strength) + errors.SPREAD_RATIO * size * _at(
            noise.scalar(seed, f"member {member}", day, 3), hours
        )
    track = np.arctan2(later.latitude - truth.latitude, later.longitude - truth.longitude)
    distance = deviations.growth(*errors.CYCLONE_POSITION, lead_hours) / KILOMETRES_PER_DEGREE
    north = distance * (along * np.sin(track) + across * np.cos(track))
    east = distance * (along * np.cos(track) - across * np.sin(track)) / np.cos(np.deg2rad(truth.latitude))
    bias = errors.CYCLONE_INTENSITY_BIAS.get("gefs_mean" if source == "gefs" else source, 0.0) * min(lead_hours / 48, 1)
    # A weak cyclone is misjudged by less, so that it appears and ends in every forecast as smoothly as in the truth.
    known = min(truth.maximum_wind / _MATURE, 1.0)
    wind = truth.maximum_wind + known * (bias + deviations.growth(*errors.CYCLONE_INTENSITY, lead_hours) * strength)
    return Vortex(truth.latitude + float(north), truth.longitude + float(east), max(float(wind), 5.0 * known))


def _at(series: Array, hours: float) -> Array:
    """A series of knots at any hour, linear between them."""
    position = np.clip(hours / noise.KNOT_HOURS - noise.FIRST_KNOT, 0, len(series) - 1.001)
    index = int(position)
    return series[index] + np.float32(position - index) * (series[index + 1] - series[index])


@dataclass(frozen=True)
class Imprint:
    """What the vortex does at the points it reaches: `index` of them, then one value for each."""

    index: NDArray[np.intp]
    pressure_deficit: Array  # Pa
    east: Array  # m s-1 at 10 m
    north: Array
    core: Array  # 0..1, how near the centre

    @property
    def rain(self) -> Array:
        """kg m-2 in an hour."""
        return 16.0 * self.core * np.clip(np.hypot(self.east, self.north) / 30.0, 0.2, 1.5)


def average(marks: Sequence[Imprint], points: int) -> Imprint:
    """The mean imprint of the members of an ensemble on a grid of `points`: wider and weaker than any of them."""
    total = np.zeros((4, points), np.float32)
    for mark in marks:
        total[:, mark.index] += np.stack([mark.pressure_deficit, mark.east, mark.north, mark.core])
    index = np.unique(np.concatenate([mark.index for mark in marks]))
    return Imprint(index, *(total[:, index] / np.float32(len(marks))))


def imprint(vortex: Vortex, latitude: Array, longitude: Array) -> Imprint:
    """The vortex at points (degrees); empty where it does not reach."""
    near = np.flatnonzero(np.abs(latitude - vortex.latitude) < OUTER_RADIUS / KILOMETRES_PER_DEGREE)
    phi, centre = np.deg2rad(latitude[near]), np.deg2rad(vortex.latitude)
    difference = np.deg2rad((longitude[near] - vortex.longitude + 180) % 360 - 180)
    cosine = np.sin(phi) * np.sin(centre) + np.cos(phi) * np.cos(centre) * np.cos(difference)
    distance = np.rad2deg(np.arccos(np.clip(cosine, -1, 1))) * KILOMETRES_PER_DEGREE
    index = np.flatnonzero(distance < OUTER_RADIUS)
    r = np.maximum(distance[index], 5.0)
    ratio = (RADIUS_OF_MAXIMUM_WIND / r) ** HOLLAND_B
    fade = np.cos(np.pi / 2 * np.clip(r / OUTER_RADIUS, 0, 1))
    depth = AIR_DENSITY * np.e * vortex.maximum_wind**2 / HOLLAND_B
    wind = vortex.maximum_wind * np.sqrt(ratio * np.exp(1 - ratio)) * fade
    bearing = np.arctan2(phi[index] - centre, difference[index] * np.cos(centre))
    turn = bearing + np.sign(vortex.latitude) * (np.pi / 2 + INFLOW)
    core = np.exp(-((r / 300.0) ** 2))
    return Imprint(
        near[index],
        (depth * (1 - np.exp(-ratio)) * fade).astype(np.float32),
        (0.85 * wind * np.cos(turn)).astype(np.float32),
        (0.85 * wind * np.sin(turn)).astype(np.float32),
        core.astype(np.float32),
    )


# Wind of the vortex aloft relative to 10 m, and how much of the surface deficit its heights show (m Pa-1).
# Above 150 hPa there is none of it.
_ALOFT = {
    "10m": 1.0, "100m": 1.22, "1000hpa": 1.15, "925hpa": 1.3, "850hpa": 1.25, "700hpa": 1.05, "600hpa": 0.9,
    "500hpa": 0.75, "400hpa": 0.5, "300hpa": 0.1, "250hpa": -0.15, "200hpa": -0.25, "150hpa": -0.15,
}  # fmt: skip
_HEIGHTS = {
    "1000hpa": 0.085, "925hpa": 0.083, "850hpa": 0.076, "700hpa": 0.06, "600hpa": 0.049, "500hpa": 0.035,
    "400hpa": 0.022, "300hpa": 0.006, "250hpa": -0.004, "200hpa": -0.008, "150hpa": -0.005,
}  # fmt: skip
_WARM_CORE = {
    "700hpa": 3.0, "600hpa": 4.0, "500hpa": 5.0, "400hpa": 6.5, "300hpa": 7.0, "250hpa": 6.0, "200hpa": 3.0,
}  # fmt: skip
_UPDRAUGHT = {"850hpa": 1.0, "700hpa": 1.5, "500hpa": 1.8}  # Pa s-1 in the core


def add(fields: dict[str, Array], mark: Imprint) -> None:
    """Add the vortex to fields (point,) of one time, in place; speeds are left to their owner."""
    at, core = mark.index, mark.core
    deep = core * np.clip(mark.pressure_deficit / 5000, 0, 1)
    for name, values in fields.items():
        stem, _, level = name.rpartition("_")
        if name in ("pressure_at_sea_level", "surface_pressure"):
            values[at] -= mark.pressure_deficit
        elif stem == "eastward_wind":
            values[at] += _ALOFT.get(level, 0.0) * mark.east
        elif stem == "northward_wind":
            values[at] += _ALOFT.get(level, 0.0) * mark.north
        elif stem == "geopotential_height":
            values[at] -= _HEIGHTS.get(level, 0.0) * mark.pressure_deficit
        elif stem == "temperature" and level in _WARM_CORE:
            values[at] += _WARM_CORE[level] * deep
        elif (stem == "relative_humidity" and level in _ALOFT) or name.endswith("cloud_cover"):
            values[at] = np.maximum(values[at], 0.98 * core)
        elif stem == "pressure_velocity":
            values[at] -= _UPDRAUGHT[level] * deep
        elif name in ("precipitation", "convective_precipitation"):
            values[at] += mark.rain * (1.0 if name == "precipitation" else 0.6)
        elif name == "visibility":
            values[at] *= 1 - 0.75 * core
        elif name == "precipitable_water":
            values[at] += 12 * core
        elif name == "surface_downwelling_shortwave_flux":
            values[at] *= 1 - 0.7 * core
    _add_sea(fields, mark)


def _add_sea(fields: dict[str, Array], mark: Imprint) -> None:
    at, speed = mark.index, np.hypot(mark.east, mark.north)
    if "wind_gust" in fields:
        fields["wind_gust"][at] = np.hypot(fields["wind_gust"][at], 1.35 * speed)
    for name, per_wind in (("significant_wave_height", 0.24), ("wind_wave_height", 0.21), ("swell_wave_height", 0.1)):
        if name in fields:
            fields[name][at] = np.hypot(fields[name][at], per_wind * speed)
    for name in ("primary_wave_period", "mean_wave_period", "wind_wave_period"):
        if name in fields:
            fields[name][at] = np.maximum(fields[name][at], 4.5 * np.sqrt(0.24 * speed))
