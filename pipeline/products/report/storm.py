"""One storm of an ensemble, as a forecaster asks of it: where may it be, whom may it hit, how strong, ashore when?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Grid, unit_vectors
from pipeline.products.report import charts
from pipeline.products.report.charts import Frame
from pipeline.products.report.region import WIDTH, Region
from pipeline.science.strike import landfalls, struck, summary
from pipeline.science.tracks import Fix, Track

INSIDE = 2 / 3  # of the members that a circle of the cone holds
CONE_HOURS = range(24, 121, 24)
FEWEST = 3  # members of which a circle can be drawn
CELL = 0.5  # degrees, of the map of strikes
BIN_HOURS = 12
Array = NDArray[np.floating]


def cone(storm: Mapping[int, Track], view: Region) -> str:
    """SVG of a circle a day that holds two thirds of the members, about their mean place."""
    parts = []
    for lead in CONE_HOURS:
        here = [fix for track in storm.values() for fix in track if fix.lead_hours == lead]
        if len(here) < FEWEST:
            continue
        points = unit_vectors(np.array([fix.latitude for fix in here]), np.array([fix.longitude for fix in here]))
        mean = points.mean(0) / np.linalg.norm(points.mean(0))
        radius = np.rad2deg(np.quantile(np.arccos(np.clip(points @ mean, -1, 1)), INSIDE))
        latitude, east = np.rad2deg(np.arcsin(mean[2])), np.rad2deg(np.arctan2(mean[1], mean[0]))
        longitude = east + 360 * np.round((view.middle[0] - east) / 360)
        x, y = view.pixels(np.array([longitude]), np.array([latitude]))[0]
        wide = radius * view.scale[0] / max(np.cos(np.deg2rad(latitude)), 0.05)
        tip = f"<title>+{lead} h: two thirds of {len(here)} members within {radius * 111.2:.0f} km</title>"
        shape = f'cx="{x:.1f}" cy="{y:.1f}" rx="{wide:.1f}" ry="{radius * view.scale[1]:.1f}"'
        parts.append(f'<ellipse class="cone" {shape}>{tip}</ellipse>')
    return "".join(parts)


def strike_map(storm: Mapping[int, Track], members: int, view: Region, ground: str) -> str:
    """SVG of the share of all members that bring the storm within 120 km, on the same map as its tracks."""
    (east, north), (wide, tall) = view.middle, view.span
    longitude, latitude = (
        part.ravel()
        for part in np.meshgrid(
            np.arange(east - wide / 2, east + wide / 2, CELL), np.arange(north + tall / 2, north - tall / 2, -CELL)
        )
    )
    share = struck({number: [track] for number, track in storm.items()}, latitude, longitude) * len(storm) / members
    corner = view.pixels(longitude - CELL / 2, latitude + CELL / 2)
    square = f"h{CELL * view.scale[0]:.1f}v{CELL * view.scale[1]:.1f}h-{CELL * view.scale[0]:.1f}z"
    tenths = np.ceil(10 * share - 1e-6)
    cells = ""
    for tenth in np.unique(tenths[tenths > 0]):
        path = "".join(f"M{x:.1f} {y:.1f}{square}" for x, y in corner[tenths == tenth])
        cells += (
            f'<path class="strike" fill-opacity="{tenth / 11:.2f}" d="{path}"><title>to {tenth:.0f}0 %</title></path>'
        )
    return charts.svg(
        WIDTH, view.height, ground + cells, f"strike probability, up to {share.max():.0%}", "chart tracks"
    )


def plumes(storm: Mapping[int, Track]) -> str:
    """SVG of the strongest wind of every member by lead, and their median while half of them have the storm."""
    fixes = [fix for track in storm.values() for fix in track]
    frame = Frame(38, 34, 262, 120, (0, max(fix.lead_hours for fix in fixes)), (0, max(f.wind for f in fixes) * 1.05))
    parts = [charts.text(0, 14, "Strongest wind", "charttitle"), charts.text(300, 14, "m/s", "tick end")]
    parts += [charts.rules(frame), *_hours(frame)]
    for number, track in storm.items():
        leads, winds = [fix.lead_hours for fix in track], [fix.wind for fix in track]
        parts.append(charts.line(frame, leads, winds, "sys source", f"member {number}"))
    by_lead: dict[float, list[float]] = {}
    for fix in fixes:
        by_lead.setdefault(fix.lead_hours, []).append(fix.wind)
    known = sorted(lead for lead, winds in by_lead.items() if len(winds) >= len(storm) / 2)
    parts.append(charts.line(frame, known, [np.median(by_lead[lead]) for lead in known], "sys hourcast", "median"))
    return charts.svg(306, 176, "".join(parts), "strongest wind of the members by lead time")


def landfall_histogram(storm: Mapping[int, Track], members: int, land: Array) -> str:
    """SVG of how many members come ashore when, every BIN_HOURS; a sentence where none does.

    land: (latitude, longitude) fraction.
    """
    found = landfalls(storm, land, Grid(180 / (land.shape[0] - 1)))
    if not found:
        return charts.svg(306, 176, charts.text(0, 14, "No member comes ashore", "charttitle"), "no landfall")
    numbers = summary(found, members)
    last = max(fix.lead_hours for track in storm.values() for fix in track)
    edges = np.arange(0, last + BIN_HOURS, BIN_HOURS)
    counts, _ = np.histogram([one.lead_hours for one in found], edges)
    frame = Frame(38, 34, 262, 120, (0, float(edges[-1])), (0, max(int(counts.max(initial=0)), 4) * 1.05))
    title = f"Ashore in {numbers.probability:.0%} of the members"
    parts = [charts.text(0, 14, title, "charttitle"), charts.rules(frame, count=3), *_hours(frame)]
    for start, count in zip(edges[:-1], counts, strict=True):
        x, y = float(frame.x(start)), float(frame.y(count))
        wide, tip = float(frame.x(start + BIN_HOURS)) - x - 1, f"<title>+{start:g} to {start + BIN_HOURS:g} h</title>"
        shape = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{frame.bottom - y:.1f}"'
        parts.append(f'<rect class="bar" {shape}>{tip}</rect>')
    return charts.svg(306, 176, "".join(parts), f"landfall: {title}")


def _hours(frame: Frame) -> Sequence[str]:
    leads = np.arange(0, frame.x_range[1] + 1, 24 * max(1, round(frame.x_range[1] / 24 / 5)))
    return [charts.text(float(frame.x(lead)), frame.bottom + 15, f"{lead:g} h", "tick mid") for lead in leads]


def main_track(tracks: Sequence[Track]) -> Track:
    """Of a member's tracks of one storm the longest: the others are pieces of it or of what it became."""
    return max(tracks, key=len)


def fixes_of(longitude: Array, latitude: Array, wind: Array, lead: Array) -> Track:
    """A track of such columns; its pressure is not known."""
    east = (longitude + 180) % 360 - 180
    return tuple(
        Fix(*map(float, row)) for row in zip(lead, latitude, east, np.full(len(lead), np.nan), wind, strict=True)
    )
