"""The storms of an ensemble, read from its tracks: which members' tracks are of one storm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.grid import unit_vectors
from pipeline.science.tracks import Fix, Track

_COLUMNS = ("lead_time", "latitude", "longitude", "pressure_at_sea_level", "maximum_wind")  # as the fields of a Fix
TROPICS = 30.0
"""Degrees; a cyclone first found beyond them is not called tropical."""
SAME_STORM = np.deg2rad(10.0)  # between first fixes of tracks of one storm


def tracks_of(collection: Mapping[str, Any]) -> dict[int, list[Track]]:
    """By member the tracks of a GeoJSON collection; members without one have an empty list."""
    found: dict[int, list[Track]] = {int(number): [] for number in collection["members"]}
    for feature in collection["features"]:
        held = feature["properties"]
        columns = (
            held[name] for name in ("lead_time", "latitude", "longitude", "pressure_at_sea_level", "maximum_wind")
        )
        found[int(held["number"])].append(tuple(Fix(*map(float, values)) for values in zip(*columns, strict=True)))
    return found


def storms_of(collection: Mapping[str, Any], tropics: float = 90.0) -> list[dict[int, Track]]:
    """By member the track of each storm first found within `tropics` degrees, the storm with the most members first."""
    groups: list[dict[int, Track]] = []
    every = [(member, track) for member, several in tracks_of(collection).items() for track in several]
    for member, track in sorted(every, key=lambda one: (one[1][0].lead_hours, one[0])):
        if abs(track[0].latitude) > tropics:
            continue
        near = next((group for group in groups if member not in group and _near(group, track)), None)
        if near is None:
            groups.append({member: track})
        else:
            near[member] = track
    return sorted(groups, key=len, reverse=True)


def strongest(storm: Mapping[int, Track]) -> float:
    """The strongest wind of any member, m s-1."""
    return max(fix.wind for track in storm.values() for fix in track)


def _near(group: Mapping[int, Track], track: Track) -> bool:
    first = next(iter(group.values()))[0]
    here, there = unit_vectors(
        np.array([first.latitude, track[0].latitude]), np.array([first.longitude, track[0].longitude])
    )
    return bool(np.arccos(np.clip(here @ there, -1, 1)) <= SAME_STORM)
