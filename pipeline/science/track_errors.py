"""How far forecast tracks are from the best track: along and across it, in wind, and the spread of members beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import unit_vectors
from pipeline.science.tracks import Fix, Track

EARTH_RADIUS = 6371.0  # km


@dataclass(frozen=True)
class TrackError:
    """At a lead: km ahead along the best track, km to its right, km in all, and m s-1 too strong (NaN if unknown)."""

    lead_hours: float
    along: float
    across: float
    distance: float
    wind: float


def track_errors(forecast: Track, best: Track, *, offset_hours: float = 0.0) -> list[TrackError]:
    """At every lead that both have; the best track's hours count from `offset_hours` before the forecast's start.

    Where a storm goes is told by the best track's fixes around; one that has no other fix has no errors.
    """
    known = {fix.lead_hours - offset_hours: place for place, fix in enumerate(best)}
    return [
        _error(fix, best, known[fix.lead_hours]) for fix in forecast if fix.lead_hours in known and len(best) > 1
    ]  # fmt: skip


def _error(fix: Fix, best: Track, place: int) -> TrackError:
    here, there = _point(best[place]), _point(fix)
    behind, ahead = _point(best[max(place - 1, 0)]), _point(best[min(place + 1, len(best) - 1)])
    motion = ahead - behind
    motion -= here * (motion @ here)
    length = float(np.linalg.norm(motion))
    angle = float(np.arctan2(np.linalg.norm(np.cross(here, there)), here @ there))
    towards = there - here * (there @ here)
    size = float(np.linalg.norm(towards))
    wind = fix.wind - best[place].wind
    if size == 0 or length == 0:
        return TrackError(fix.lead_hours, 0.0, 0.0, EARTH_RADIUS * angle, wind)
    right = np.cross(motion / length, here)
    along, across = (EARTH_RADIUS * angle * float(towards @ axis) / size for axis in (motion / length, right))
    return TrackError(fix.lead_hours, along, across, EARTH_RADIUS * angle, wind)


def mean_errors(errors: Sequence[Sequence[TrackError]]) -> dict[float, TrackError]:
    """By lead the means over forecasts: of the signed parts, of the distance, and of the wind where it is known."""
    by_lead: dict[float, list[TrackError]] = {}
    for error in (one for several in errors for one in several):
        by_lead.setdefault(error.lead_hours, []).append(error)
    return {
        lead: TrackError(
            lead,
            along=_mean_known([one.along for one in several]),
            across=_mean_known([one.across for one in several]),
            distance=_mean_known([one.distance for one in several]),
            wind=_mean_known([one.wind for one in several]),
        )
        for lead, several in sorted(by_lead.items())
    }


def missing_wind(errors: Sequence[Sequence[TrackError]], fewest: int = 5) -> dict[float, float]:
    """By lead the m s-1 that forecasts lacked on average, of leads with enough of them."""
    counts: dict[float, int] = {}
    for error in (one for several in errors for one in several):
        counts[error.lead_hours] = counts.get(error.lead_hours, 0) + int(np.isfinite(error.wind))
    return {lead: -mean.wind for lead, mean in mean_errors(errors).items() if counts[lead] >= fewest}


def spread_and_error(members: Mapping[int, Track], best: Track) -> dict[float, tuple[float, float]]:
    """By lead, in km: root mean square distance of members from their mean place, and of that place from the best."""
    result = {}
    for fix in best:
        there = [one for track in members.values() for one in track if one.lead_hours == fix.lead_hours]
        if len(there) < 2:
            continue
        points = np.stack([_point(one) for one in there])
        mean = points.mean(0) / np.linalg.norm(points.mean(0))
        apart = EARTH_RADIUS * np.arccos(np.clip(points @ mean, -1, 1))
        error = EARTH_RADIUS * np.arccos(np.clip(mean @ _point(fix), -1, 1))
        result[fix.lead_hours] = float(np.sqrt((apart**2).sum() / (len(there) - 1))), float(error)
    return result


def _mean_known(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _point(fix: Fix) -> NDArray[np.float64]:
    return unit_vectors(np.array([fix.latitude]), np.array([fix.longitude]))[0]
