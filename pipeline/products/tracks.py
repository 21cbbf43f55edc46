"""Cyclone tracks as GeoJSON (RFC 7946)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.cycle import Cycle
from pipeline.science.tracks import Fix, Track

_Position = list[float]


def feature_collection(
    tracks: Mapping[int, Sequence[Track]], hour: Cycle, model: str, *, synthetic: bool
) -> dict[str, Any]:
    """All members' tracks: one feature a track, its fixes as arrays in the properties, its line as the geometry.

    A line across the antimeridian is cut there, as RFC 7946 section 3.1.9 asks, so the arrays have the fixes.
    """
    features = [_feature(found, hour, model, member) for member, several in sorted(tracks.items()) for found in several]
    return {
        "type": "FeatureCollection",
        "title": f"{'Synthetic c' if synthetic else 'C'}yclone tracks of {model} from {hour}",
        "model": model,
        "init_time": f"{hour.init_time.isoformat()}Z",
        "synthetic": synthetic,
        "members": sorted(tracks),
        "features": features,
    }


def _feature(found: Track, hour: Cycle, model: str, member: int) -> dict[str, Any]:
    lines = _lines(found)
    geometry = (
        {"type": "LineString", "coordinates": lines[0]}
        if len(lines) == 1
        else {"type": "MultiLineString", "coordinates": lines}
    )
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {
            "model": model,
            "number": member,
            "lead_time": [fix.lead_hours for fix in found],
            "valid_time": [f"{hour.valid_time(fix.lead_hours).isoformat()}Z" for fix in found],
            "longitude": [round(fix.longitude, 2) for fix in found],
            "latitude": [round(fix.latitude, 2) for fix in found],
            "pressure_at_sea_level": [round(fix.pressure) for fix in found],
            "maximum_wind": [round(fix.wind, 1) for fix in found],
        },
    }


def _lines(found: Track) -> list[list[_Position]]:
    """The track's line in parts that do not cross the antimeridian."""
    parts: list[list[_Position]] = [[_position(found[0])]]
    for before, after in itertools.pairwise(found):
        step = after.longitude - before.longitude
        if abs(step) > 180:
            edge = 180.0 if step < 0 else -180.0
            whole = 360 - abs(step)
            part = abs(edge - before.longitude) / whole if whole else 0.5
            latitude = round(before.latitude + part * (after.latitude - before.latitude), 2)
            parts[-1].append([edge, latitude])
            parts.append([[-edge, latitude]])
        parts[-1].append(_position(after))
    return parts


def _position(fix: Fix) -> _Position:
    return [round(fix.longitude, 2), round(fix.latitude, 2)]
