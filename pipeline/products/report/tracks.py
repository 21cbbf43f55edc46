"""Cyclone tracks of the ensemble's members: all of them on the globe, each tropical storm on a map of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import unit_vectors
from pipeline.products.report import charts, projection
from pipeline.products.report.region import WIDTH, Region
from pipeline.products.report.storm import cone, fixes_of, landfall_histogram, main_track, plumes, strike_map
from pipeline.products.storms import TROPICS

CLASSES = (
    (0.0, "#5b9bd0", "below gale"), (17.2, "#4fb08c", "gale"), (24.5, "#e3b53c", "storm"),
    (32.7, "#e07b39", "hurricane"), (42.7, "#c93a55", "category 2"), (49.2, "#8e2a86", "category 3 and above"),
)  # fmt: skip
SAME_STORM = 10.0  # degrees between first fixes of members' tracks of one storm
FEWEST = 4  # members with a gale in it
GALE = 17.2  # m/s, Beaufort 8: a tropical storm
MOST_STORMS = 1  # of an ensemble
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Track:
    """One member's cyclone, (fix,): degrees (longitude continuous), strongest wind in m/s, lead hours."""

    number: int
    longitude: Array
    latitude: Array
    wind: Array
    lead: Array


def read_track(feature: Mapping[str, Any]) -> Track:
    """One feature of `tracks/<hour>/<model>.geojson`; its fixes are arrays among the properties."""
    properties = feature["properties"]
    longitude, latitude, wind, lead = (
        np.asarray(properties[name], float) for name in ("longitude", "latitude", "maximum_wind", "lead_time")
    )
    return Track(int(properties["number"]), np.unwrap(longitude, period=360), latitude, wind, lead)


def storms(tracks: Sequence[Track]) -> list[list[Track]]:
    """Tracks of tropical origin, those of one storm together, the storm with the most members first."""
    groups: list[list[Track]] = []
    for track in sorted(tracks, key=lambda one: one.lead[0]):
        if abs(track.latitude[0]) > TROPICS:
            continue
        near = [group for group in groups if _apart(group[0], track) <= SAME_STORM]
        if near:
            near[0].append(track)
        else:
            groups.append([track])
    large = [group for group in groups if len({track.number for track in group if track.wind.max() >= GALE}) >= FEWEST]
    return sorted(large, key=lambda group: -len({track.number for track in group}))[:MOST_STORMS]


def _apart(first: Track, second: Track) -> float:
    """Degrees of great circle between where the first track is when the second begins, and that beginning."""
    at = int(np.argmin(np.abs(first.lead - second.lead[0])))
    latitude = np.array([first.latitude[at], second.latitude[0]])
    longitude = np.array([first.longitude[at], second.longitude[0]])
    ends = unit_vectors(latitude, longitude)
    return float(np.degrees(np.arccos(np.clip(ends[0] @ ends[1], -1, 1))))


def tracks_section(collections: Sequence[Mapping[str, Any]], land: NDArray[np.floating]) -> str:
    """The storms of each ensemble's tracks and a map of all as HTML; empty text without tracks.

    land: (latitude, longitude) land fraction.
    """
    by_model = {one["model"]: [read_track(feature) for feature in one["features"]] for one in collections}
    tracks = [track for several in by_model.values() for track in several if len(track.lead) > 1]
    if not tracks:
        return ""
    keys = "".join(f'<span><i style="background:{colour}"></i>{label}</span>' for _, colour, label in CLASSES)
    drawn = []
    for collection in collections:
        model = collection["model"]
        for group in storms([track for track in by_model[model] if len(track.lead) > 1]):
            drawn += _storm_figures(f"{model}: {_name(group)}", group, len(collection["members"]), land)
    members = sum(len(one["members"]) for one in collections)
    title = f"<figcaption><b>Every cyclone</b> {len(tracks)} tracks of {members} members</figcaption>"
    drawn.append(f"<figure>{title}{world_map(tracks)}</figure>")
    return f'<div class="keys">{keys}</div><div class="cyclones">{"".join(drawn)}</div>'


def _storm_figures(name: str, group: Sequence[Track], members: int, land: NDArray[np.floating]) -> list[str]:
    """Tracks with their cone, whom the storm may hit, how strong it is and when it comes ashore."""
    storm = {
        number: main_track([fixes_of(t.longitude, t.latitude, t.wind, t.lead) for t in group if t.number == number])
        for number in sorted({track.number for track in group})
    }
    view, _ = window(group)
    ground = background(view, land)
    having = f"{len(storm)} of {members} members"
    return [
        f"<figure><figcaption><b>{name}</b> {having}, a dot every 24 h; each circle holds two thirds of them"
        f"</figcaption>{storm_map(group, land, cone(storm, view))}</figure>",
        f"<figure><figcaption><b>Whom it may hit</b> share of {members} members that come within 120 km</figcaption>"
        f"{strike_map(storm, members, view, ground)}</figure>",
        f'<figure class="pair">{plumes(storm)}{landfall_histogram(storm, members, land)}</figure>',
    ]


def _name(group: Sequence[Track]) -> str:
    strongest = max(float(track.wind.max()) for track in group)
    basin = "northern" if group[0].latitude[0] > 0 else "southern"
    return f"tropical cyclone, {basin} hemisphere, up to {strongest:.0f} m/s"


def _class_start(wind: float) -> float:
    return max(start for start, _, _ in CLASSES if start <= max(wind, 0))


def _lines(parts: Iterable[tuple[float, Array]]) -> str:
    """SVG paths of two-point pieces (class start, (2, 2) pixels), weak classes below strong ones."""
    by_class: dict[float, list[Array]] = {start: [] for start, _, _ in CLASSES}
    for start, piece in parts:
        by_class[start].append(piece)
    return "".join(
        f'<path class="track" stroke="{colour}" d="{projection.path(by_class[start])}"/>'
        for start, colour, _ in CLASSES
        if by_class[start]
    )


def world_map(tracks: Sequence[Track]) -> str:
    """SVG of every track on the globe; it refers to the shapes `globe` and `land` of the page."""
    pieces = []
    for track in tracks:
        east = (track.longitude - projection.CENTRE + 180) % 360 - 180
        at = np.stack(projection.project(track.latitude, east), axis=-1)
        for k, wind in enumerate(np.fmax(track.wind[:-1], track.wind[1:])):
            if abs(east[k + 1] - east[k]) < 180:
                pieces.append((_class_start(wind), at[k : k + 2]))
    ground = '<use href="#globe" class="sea"/><use href="#land" class="landfill"/><use href="#land" class="coast"/>'
    content = f'{ground}{_lines(pieces)}<use href="#globe" class="edge"/>'
    return charts.svg(
        projection.WIDTH, projection.HEIGHT, content, "cyclone tracks of all members", "chart tracks world"
    )


def storm_map(tracks: Sequence[Track], land: NDArray[np.floating], over: str = "") -> str:
    """SVG of one storm's tracks on a map around them, `over` on top."""
    view, longitudes = window(tracks)
    pieces, dots = [], []
    for track, longitude in zip(tracks, longitudes, strict=True):
        at = view.pixels(longitude, track.latitude)
        strongest = np.fmax(track.wind[:-1], track.wind[1:])
        pieces += [(_class_start(wind), at[k : k + 2]) for k, wind in enumerate(strongest)]
        dots.append(_dots(track, at))
    content = background(view, land) + _lines(pieces) + "".join(dots) + over
    return charts.svg(WIDTH, view.height, content, "tracks of one storm", "chart tracks")


def window(tracks: Sequence[Track]) -> tuple[Region, list[Array]]:
    """The map around one storm's tracks, and their longitudes as it has them."""
    middle = tracks[0].longitude[0]
    longitudes = [track.longitude + 360 * np.round((middle - track.longitude[0]) / 360) for track in tracks]
    return Region(np.concatenate(longitudes), np.concatenate([track.latitude for track in tracks])), longitudes


def background(view: Region, land: NDArray[np.floating]) -> str:
    """Sea, land and degrees of a map."""
    sea = f'<rect class="sea" width="{WIDTH:g}" height="{view.height:.0f}"/>'
    return f'{sea}<path class="land" fill-rule="evenodd" d="{view.land(land)}"/>{view.graticule()}'


def _dots(track: Track, at: Array) -> str:
    """A dot a day, so that the spread of speed shows."""
    colours = {start: colour for start, colour, _ in CLASSES}
    parts = []
    for (x, y), wind, lead in zip(at, track.wind, track.lead, strict=True):
        if lead % 24 == 0:
            tip = f"<title>member {track.number}, +{lead:.0f} h, {wind:.0f} m/s</title>"
            colour = colours[_class_start(wind)]
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}">{tip}</circle>')
    return "".join(parts)
