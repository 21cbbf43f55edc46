"""Cyclones: centres in fields of pressure and wind, linked to tracks.

A centre is a minimum of sea-level pressure inside a closed contour (after Ullrich and Zarzycki 2017, TempestExtremes:
2 hPa within 5.5 degrees of great circle). A track is kept if it lasts a day and its wind reaches strong breeze.
Everything is measured along great circles, so that the date line and the poles are ordinary places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter
from scipy.optimize import linear_sum_assignment

from pipeline.grid import Grid, unit_vectors
from pipeline.science.interpolate import bilinear

Floats = NDArray[np.floating]

CLOSED_BY = 200.0  # Pa that pressure rises in every direction
RADIUS = 5.5  # degrees of great circle within which it does, and within which wind is the cyclone's
STRONG_BREEZE = 10.8  # m s-1, Beaufort 6
HIGHEST_GROUND = 1500.0  # m; above it sea-level pressure is a product of the reduction
FASTEST = 35.0  # m s-1 that a centre moves
MOST_TURN = 20.0  # m s-1 that its motion changes by from fix to fix; in six hours real ones change by 2 on average
SHORTEST = 24.0  # hours
LONGEST_GAP = 2  # times from one fix to the next, so one may be missed

_EARTH_RADIUS = 6.371e6  # m
_AZIMUTHS = 24
_REACH = 1.5  # cells about a centre that tell where in them it is
_RINGS, _ROUNDS = 12, 5
_SAME_CENTRE = 3.0  # degrees; the deeper of two minima this near is the centre


@dataclass(frozen=True)
class Fix:
    """A cyclone at one time: degrees north and east (-180 to 180), the lowest pressure of its grid points in Pa, and
    the strongest 10 m wind near it in m s-1."""

    lead_hours: float
    latitude: float
    longitude: float
    pressure: float
    wind: float


Track = tuple[Fix, ...]


def track(
    pressure: Floats, wind: Floats, lead_hours: Sequence[float], grid: Grid, *, altitude: Floats | None = None
) -> list[Track]:
    """Tracks of one member, the deepest first.

    pressure (Pa), wind (m s-1): (lead, latitude, longitude) at ascending `lead_hours`; altitude: (latitude, longitude)
    of the ground in m. A time whose pressure has no values at all is a time without fixes.
    """
    fixes = [
        centres(pressure[i], wind[i], lead, grid, altitude=altitude) if np.isfinite(pressure[i]).any() else []
        for i, lead in enumerate(lead_hours)
    ]
    kept = [
        found for found in link(fixes, lead_hours)
        if found[-1].lead_hours - found[0].lead_hours >= SHORTEST and max(fix.wind for fix in found) >= STRONG_BREEZE
    ]  # fmt: skip
    return sorted(kept, key=lambda found: (min(fix.pressure for fix in found), found[0].lead_hours))


def centres(
    pressure: Floats, wind: Floats, lead_hours: float, grid: Grid, *, altitude: Floats | None = None
) -> list[Fix]:
    """Closed minima of one field, deepest first; arguments as of `track`, without the lead."""
    neighbours: dict[str, Any] = {"size": 3, "mode": ("nearest", "wrap")}
    missing = np.isnan(pressure)
    candidate = pressure <= minimum_filter(np.where(missing, np.inf, pressure), **neighbours)
    candidate &= pressure < maximum_filter(np.where(missing, -np.inf, pressure), **neighbours)  # no plains
    if altitude is not None:
        candidate &= altitude <= HIGHEST_GROUND
    rows, columns = np.nonzero(candidate)
    order = np.argsort(pressure[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    azimuth, distance = _disc(grid)
    around = _destination(grid.latitude[rows, None, None], grid.longitude[columns, None, None], azimuth, distance)
    rise = bilinear(pressure, grid, *around) - pressure[rows, columns][:, None, None]
    # The lowest point of each ring; the highest such ring decides.
    closed = np.fmax.reduce(rise.min(axis=1), axis=1, initial=-np.inf) >= CLOSED_BY
    rows, columns, around = rows[closed], columns[closed], tuple(part[closed] for part in around)
    strongest = np.fmax(np.fmax.reduce(bilinear(wind, grid, *around), axis=(1, 2)), wind[rows, columns])
    latitude, longitude = _centroid(pressure, grid, grid.latitude[rows], grid.longitude[columns])
    points, kept = unit_vectors(latitude, longitude), list[int]()
    for index, point in enumerate(points):
        if not kept or (points[kept] @ point).max() < np.cos(np.deg2rad(_SAME_CENTRE)):
            kept.append(index)
    columns_of = (latitude, (longitude + 180) % 360 - 180, pressure[rows, columns], strongest)
    return [Fix(float(lead_hours), *value) for value in np.stack(columns_of, axis=1)[kept].tolist()]


def _centroid(
    pressure: Floats, grid: Grid, latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (candidate,) between the grid's points, in degrees, from its lowest points.

    Mean of the places within `_REACH` weighted by how far they are below the lowest pressure at that distance, about
    the centre found before. A parabola through the lowest point and its neighbours leans to it, for cyclones are
    narrow: of Holland vortices on grids of 3, 1.5 and 1 degrees its errors are 1.5 times as large.
    """
    azimuth = np.linspace(0, 2 * np.pi, _AZIMUTHS, endpoint=False)[:, None]
    distance = np.deg2rad(_REACH * grid.resolution) * (np.arange(_RINGS) + 1) / _RINGS
    for _ in range(_ROUNDS):
        around = _destination(latitude[:, None, None], longitude[:, None, None], azimuth, distance)
        there = bilinear(pressure, grid, *around)
        contour = np.fmin.reduce(there[..., -1], axis=1)[:, None, None]
        weight = np.fmax(contour - there, 0) * np.sin(distance)
        weight /= np.maximum(weight.sum((1, 2), keepdims=True), 1e-9)
        east, north = ((weight * part * distance).sum((1, 2)) for part in (np.sin(azimuth), np.cos(azimuth)))
        latitude, longitude = _destination(latitude, longitude, np.arctan2(east, north), np.hypot(east, north))
    return latitude, longitude


def _disc(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Azimuth (azimuth, 1) and distance (1, ring) in radians of the points about a centre, a ring a cell."""
    rings = max(round(RADIUS / grid.resolution), 2)
    azimuth = np.linspace(0, 2 * np.pi, _AZIMUTHS, endpoint=False)
    return azimuth[:, None], np.deg2rad(max(RADIUS, 2 * grid.resolution) * np.arange(1, rings + 1) / rings)[None]


def _destination(
    latitude: Floats, longitude: Floats, azimuth: Floats, distance: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where one gets from a place in degrees along a great circle, azimuth and distance in radians."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    # Along the place's own vector and the tangents to north and east, which a pole has too, given a meridian.
    ahead, side = np.sin(distance) * np.cos(azimuth), np.sin(distance) * np.sin(azimuth)
    outward = np.cos(distance) * np.cos(phi) - ahead * np.sin(phi)
    x = outward * np.cos(lam) - side * np.sin(lam)
    y = outward * np.sin(lam) + side * np.cos(lam)
    z = np.cos(distance) * np.sin(phi) + ahead * np.cos(phi)
    return np.rad2deg(np.arctan2(z, np.hypot(x, y))), np.rad2deg(np.arctan2(y, x))


def link(fixes: Sequence[Sequence[Fix]], lead_hours: Sequence[float]) -> list[Track]:
    """Tracks through the fixes of consecutive times, however short.

    Fixes are matched to where the tracks would have gone, all of a time at once (least total distance), none further
    from a track's last fix than `FASTEST` takes it, nor from where it would be than a turn of `MOST_TURN` does.
    """
    tracks: list[list[Fix]] = []
    last_seen: list[int] = []
    for time, here in enumerate(fixes):
        live = [i for i, seen in enumerate(last_seen) if time - seen <= LONGEST_GAP]
        taken = set()
        if live and here:
            cost, allowed = _matching(([tracks[i] for i in live]), here)
            for i, j in zip(*linear_sum_assignment(np.where(allowed, cost, 1e9)), strict=True):
                if allowed[i, j]:
                    tracks[live[i]].append(here[j])
                    last_seen[live[i]] = time
                    taken.add(j)
        for j, fix in enumerate(here):
            if j not in taken:
                tracks.append([fix])
                last_seen.append(time)
    return [tuple(found) for found in tracks]


def _matching(tracks: Sequence[Sequence[Fix]], here: Sequence[Fix]) -> tuple[Floats, NDArray[np.bool_]]:
    """Distance in m (track, fix) of each fix from where each track would be, and whether a cyclone can get there."""
    target = _points(here)
    last = _points([found[-1] for found in tracks])
    hours = np.array([here[0].lead_hours - found[-1].lead_hours for found in tracks])
    allowed = _distance(last, target) <= FASTEST * 3600 * hours[:, None]
    before = _points([found[-2] if len(found) > 1 else found[-1] for found in tracks])
    elapsed = np.array([found[-1].lead_hours - found[-2].lead_hours if len(found) > 1 else 1.0 for found in tracks])
    expected = last + (last - before) * (hours / elapsed)[:, None]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    astray = _distance(expected, target)
    known = np.array([len(found) > 1 for found in tracks])[:, None]
    return astray, allowed & (~known | (astray <= MOST_TURN * 3600 * hours[:, None]))


def _points(fixes: Sequence[Fix]) -> Floats:
    return unit_vectors(np.array([fix.latitude for fix in fixes]), np.array([fix.longitude for fix in fixes]))


def _distance(a: Floats, b: Floats) -> Floats:
    """Great-circle distance in m between unit vectors (m, 3) and (n, 3)."""
    chord = np.linalg.norm(a[:, None] - b[None], axis=-1)
    return np.asarray(2 * _EARTH_RADIUS * np.arcsin(np.minimum(chord / 2, 1)))
