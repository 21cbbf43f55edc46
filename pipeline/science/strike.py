"""What an ensemble's tracks say of a place: where cyclones begin, where and when they come ashore, whom they may hit.

Between fixes a cyclone moves along the great circle at even speed. Distances are on the sphere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from pipeline.grid import Grid, unit_vectors
from pipeline.science.interpolate import bilinear
from pipeline.science.tracks import Fix, Track

STRIKE_RADIUS = 120e3  # m, as ECMWF's strike probability
EARTH_RADIUS = 6.371e6  # m
_STEP_HOURS = 1.0
_SHORE = 0.5  # land fraction


@dataclass(frozen=True)
class Landfall:
    """When and where a member's cyclone first comes from sea to land: hours, degrees, m s-1."""

    member: int
    lead_hours: float
    latitude: float
    longitude: float
    wind: float


@dataclass(frozen=True)
class Landfalls:
    """Of all members: the share of `members` that come ashore, the mean hour and place, and how far they differ.

    spread_hours: standard deviation; spread_km: root mean square distance from the mean place; None without landfall.
    """

    probability: float
    lead_hours: float | None
    latitude: float | None
    longitude: float | None
    spread_hours: float | None
    spread_km: float | None


def hourly(track: Track) -> Track:
    """The track with fixes every hour, its own among them if they are at whole hours."""
    if len(track) < 2:
        return track
    times, between = _each_hour(track)
    latitude, longitude = np.rad2deg(np.arcsin(between[:, 2])), np.rad2deg(np.arctan2(between[:, 1], between[:, 0]))
    leads = [fix.lead_hours for fix in track]
    pressure, wind = (np.interp(times, leads, [getattr(fix, name) for fix in track]) for name in ("pressure", "wind"))
    columns = (times, latitude, longitude, pressure, wind)
    return tuple(Fix(*map(float, values)) for values in zip(*columns, strict=True))


def _each_hour(track: Track) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hours (hour,) of a track and the unit vectors (hour, 3) to where it then is."""
    leads = np.array([fix.lead_hours for fix in track])
    points = unit_vectors(np.array([fix.latitude for fix in track]), np.array([fix.longitude for fix in track]))
    if len(track) < 2:
        return leads, points
    times = np.arange(leads[0], leads[-1] + 1e-6, _STEP_HOURS)
    place = np.clip(np.searchsorted(leads, times, side="right") - 1, 0, len(leads) - 2)
    share = (times - leads[place]) / (leads[place + 1] - leads[place])
    return times, _slerp(points[place], points[place + 1], share)


def _slerp(first: NDArray[np.float64], second: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = np.arccos(np.clip((first * second).sum(1), -1, 1))[:, None]
    part = share[:, None]
    sine = np.where(angle > 1e-9, np.sin(angle), 1)
    near = np.where(angle > 1e-9, np.sin((1 - part) * angle) / sine, 1 - part)
    far = np.where(angle > 1e-9, np.sin(part * angle) / sine, part)
    return np.asarray(near * first + far * second)


def strike_probability(tracks: Mapping[int, Sequence[Track]], grid: Grid) -> NDArray[np.float32]:
    """(latitude, longitude) share of the members of which a cyclone comes within STRIKE_RADIUS.

    tracks: by member, of every member that was followed, also those without a cyclone. ValueError without members.
    """
    return struck(tracks, *grid.places).reshape(grid.shape)


def struck(
    tracks: Mapping[int, Sequence[Track]], latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> NDArray[np.float32]:
    """`strike_probability` (place,) at places in degrees."""
    if not tracks:
        raise ValueError("expected the tracks of at least one member, of which a probability could be made")
    places, reach = unit_vectors(latitude, longitude), 2 * np.sin(STRIKE_RADIUS / EARTH_RADIUS / 2)
    hit = np.zeros(len(places), np.float32)
    for several in (several for several in tracks.values() if several):
        points = np.concatenate([_each_hour(found)[1] for found in several])
        distance, _ = KDTree(points).query(places, distance_upper_bound=np.nextafter(reach, 1))
        hit += distance <= reach
    return hit / np.float32(len(tracks))


def genesis(tracks: Mapping[int, Sequence[Track]], wind: float = 17.2) -> dict[int, list[Fix]]:
    """By member the first fix of each cyclone at which it has the wind (m s-1) of a tropical storm."""
    return {
        member: [first for found in several if (first := next((fix for fix in found if fix.wind >= wind), None))]
        for member, several in tracks.items()
    }


def landfall(track: Track, land: NDArray[np.floating], grid: Grid) -> Fix | None:
    """Where the track first crosses from sea to land (latitude, longitude) fractions; None if it never does."""
    fixes = hourly(track)
    where = np.array([fix.latitude for fix in fixes]), np.array([fix.longitude for fix in fixes])
    ashore = np.asarray(bilinear(land, grid, *where)) >= _SHORE
    crossings = np.flatnonzero(ashore[1:] & ~ashore[:-1])
    return fixes[crossings[0] + 1] if len(crossings) else None


def landfalls(tracks: Mapping[int, Track], land: NDArray[np.floating], grid: Grid) -> list[Landfall]:
    """Of the members' tracks of one storm those that come ashore."""
    found = {member: landfall(track, land, grid) for member, track in tracks.items()}
    return [Landfall(n, fix.lead_hours, fix.latitude, fix.longitude, fix.wind) for n, fix in found.items() if fix]


def summary(found: Sequence[Landfall], members: int) -> Landfalls:
    """Landfalls of so many members in numbers; the mean place is on the sphere."""
    if not found:
        return Landfalls(0.0, None, None, None, None, None)
    points = unit_vectors(np.array([one.latitude for one in found]), np.array([one.longitude for one in found]))
    mean = points.mean(0) / np.linalg.norm(points.mean(0))
    apart = EARTH_RADIUS * np.arccos(np.clip(points @ mean, -1, 1)) / 1e3
    hours = np.array([one.lead_hours for one in found])
    return Landfalls(
        len({one.member for one in found}) / members,
        float(hours.mean()),
        float(np.rad2deg(np.arcsin(mean[2]))),
        float(np.rad2deg(np.arctan2(mean[1], mean[0]))),
        float(hours.std()),
        float(np.sqrt((apart**2).mean())),
    )


def with_wind_corrected(track: Track, missing: Mapping[float, float]) -> Track:
    """The track with stronger winds by what forecasts lacked in the past, m s-1 by lead (`track_errors.missing_wind`).

    Between its leads linear, beyond them as at the nearest.
    """
    if not missing:
        return track
    leads = sorted(missing)
    values = [missing[lead] for lead in leads]
    return tuple(
        replace(fix, wind=max(fix.wind + float(np.interp(fix.lead_hours, leads, values)), 0.0)) for fix in track
    )
