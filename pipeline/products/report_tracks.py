"""Cyclone tracks of the ensemble's members over a regional map, coloured by intensity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

from pipeline.products import report_charts as charts
from pipeline.products.report_projection import interpolation, path

WIDTH = 900.0
CLASSES = (
    (0.0, "#5b9bd0", "below gale"), (17.2, "#4fb08c", "gale"), (24.5, "#e3b53c", "storm"),
    (32.7, "#e07b39", "hurricane"), (42.7, "#c93a55", "category 2"), (49.2, "#8e2a86", "category 3 and above"),
)  # fmt: skip
Track = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def read_track(feature: Mapping[str, Any]) -> Track:
    """Longitude (continuous), latitude, greatest wind (m/s) and lead hour along one GeoJSON track."""
    geometry = feature["geometry"]
    lines = geometry["coordinates"] if geometry["type"] == "MultiLineString" else [geometry["coordinates"]]
    places = np.array([place[:2] for line in lines for place in line], float).reshape(-1, 2)
    properties = feature["properties"]
    count = len(places)
    wind = np.asarray(properties.get("maximum_wind", np.zeros(count)), float)[:count]
    lead = np.asarray(properties.get("lead_time", np.arange(count)), float)[:count]
    return np.unwrap(places[:, 0], period=360), places[:, 1], wind, lead


def tracks_map(features: Sequence[Mapping[str, Any]], land: NDArray[np.floating]) -> str:
    """SVG of the tracks over land (latitude, longitude fraction); empty text without tracks of two points or more."""
    tracks = [track for track in map(read_track, features) if len(track[0]) > 1]
    if not tracks:
        return ""
    middle = _circular_mean(np.concatenate([track[0] for track in tracks]))
    shifted = [(track[0] + 360 * np.round((middle - track[0][0]) / 360), *track[1:]) for track in tracks]
    view = _View(np.concatenate([t[0] for t in shifted]), np.concatenate([t[1] for t in shifted]))
    parts = [f'<rect class="sea" width="{WIDTH:g}" height="{view.height:.0f}"/>']
    parts += [f'<path class="land" fill-rule="evenodd" d="{view.land(land)}"/>', view.graticule()]
    for wind_from, colour, _ in CLASSES:
        lines = [line for track in shifted for line in _pieces(view, track, wind_from)]
        if lines:
            parts.append(f'<path class="track" stroke="{colour}" d="{path(lines)}"/>')
    parts += [_dots(view, track) for track in shifted]
    clip = f'<clipPath id="tracks"><rect width="{WIDTH:g}" height="{view.height:.0f}"/></clipPath>'
    content = f'{clip}<g clip-path="url(#tracks)">{"".join(parts)}</g>'
    return charts.svg(WIDTH, view.height, content, "cyclone tracks of the ensemble", "chart tracks")


def _circular_mean(degrees: NDArray[np.float64]) -> float:
    return float(np.degrees(np.angle(np.exp(1j * np.radians(degrees)).mean())))


def _class_start(wind: float) -> float:
    return max(start for start, _, _ in CLASSES if start <= max(wind, 0))


def _pieces(view: _View, track: Track, wind_from: float) -> list[NDArray[np.float64]]:
    """The segments whose stronger end falls in the class that starts at `wind_from`."""
    longitude, latitude, wind, _ = track
    strongest = np.fmax(wind[:-1], wind[1:])
    at = view.pixels(longitude, latitude)
    return [at[k : k + 2] for k, value in enumerate(strongest) if _class_start(value) == wind_from]


def _dots(view: _View, track: Track) -> str:
    """A dot a day, so that the spread of speed shows."""
    longitude, latitude, wind, lead = track
    colours = {start: colour for start, colour, _ in CLASSES}
    parts = []
    for (x, y), speed, hour in zip(view.pixels(longitude, latitude), wind, lead, strict=True):
        if hour % 24 == 0:
            tip = f"<title>+{hour:.0f} h, {speed:.0f} m/s</title>"
            colour = colours[_class_start(speed)]
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}">{tip}</circle>')
    return "".join(parts)


class _View:
    """An equirectangular window around points, true to scale at its middle latitude."""

    def __init__(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> None:
        wide = max(np.ptp(longitude) + 16, 40.0)
        tall = float(np.clip(np.ptp(latitude) + 14, 26.0, 170.0))
        self.middle = (float(longitude.min() + longitude.max()) / 2, float(latitude.min() + latitude.max()) / 2)
        squeeze = np.cos(np.deg2rad(min(abs(self.middle[1]), 60)))
        wide = float(np.clip(max(wide, 1.7 * tall / squeeze), 0, 360))
        self.scale = (WIDTH / wide, WIDTH / wide / squeeze)
        self.height = min(tall * self.scale[1], 640.0)
        self.span = (wide, self.height / self.scale[1])

    def pixels(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
        """(point, 2) x right, y down."""
        x = WIDTH / 2 + (longitude - self.middle[0]) * self.scale[0]
        return np.stack([x, self.height / 2 - (latitude - self.middle[1]) * self.scale[1]], axis=-1)

    def land(self, fraction: NDArray[np.floating]) -> str:
        """SVG path data of the land in and around the window."""
        rows, columns = fraction.shape
        latitude = np.linspace(90, -90, 361)
        longitude = self.middle[0] + np.linspace(-180, 180, 721)
        by_row = interpolation(rows, (90 - latitude) * (rows - 1) / 180, wrap=False)
        by_column = interpolation(columns, (longitude % 360) * columns / 360, wrap=True)
        values = by_row @ fraction.astype(np.float32) @ by_column.T
        outlines = contour_generator(longitude, latitude, values, fill_type="OuterOffset").filled(0.5, np.inf)
        rings = [
            self.pixels(*points[start:end].T)
            for points, offsets in zip(*outlines, strict=True)
            for start, end in pairwise(offsets)
        ]
        return path(rings, spacing=2)

    def graticule(self) -> str:
        """Lines and labels every 10 degrees, 20 in a wide window."""
        step = 10 if self.span[0] < 110 else 20
        (east, north), (wide, tall) = self.middle, self.span
        parts = []
        for value in np.arange(np.ceil((east - wide / 2) / step) * step, east + wide / 2, step):
            x = float(self.pixels(np.array([value]), np.array([north]))[0, 0])
            parts.append(f'<line class="grat" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{self.height:.0f}"/>')
            degrees = (value + 180) % 360 - 180
            parts.append(charts.text(x + 3, self.height - 5, f"{abs(degrees):.0f}°{'W' if degrees < 0 else 'E'}"))
        for value in np.arange(np.ceil((north - tall / 2) / step) * step, north + tall / 2, step):
            y = float(self.pixels(np.array([east]), np.array([value]))[0, 1])
            parts.append(f'<line class="grat" x1="0" x2="{WIDTH:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(charts.text(4, y - 3, f"{abs(value):.0f}°{'S' if value < 0 else 'N'}"))
        return "".join(parts)
