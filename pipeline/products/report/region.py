"""A regional map for the report: equirectangular, true to scale at its middle latitude."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

from pipeline.products.report import charts
from pipeline.products.report.projection import interpolation, path, resampled

WIDTH = 900.0
TALLEST = 560.0


class Region:
    """A window around points in degrees; longitudes must be continuous."""

    def __init__(self, longitude: NDArray[np.floating], latitude: NDArray[np.floating]) -> None:
        wide = max(np.ptp(longitude) + 16, 40.0)
        tall = float(np.clip(np.ptp(latitude) + 14, 26.0, 170.0))
        self.middle = (float(longitude.min() + longitude.max()) / 2, float(latitude.min() + latitude.max()) / 2)
        squeeze = np.cos(np.deg2rad(min(abs(self.middle[1]), 60)))
        wide = float(np.clip(max(wide, 1.7 * tall / squeeze), 0, 360))
        self.scale = (WIDTH / wide, WIDTH / wide / squeeze)
        self.height = min(tall * self.scale[1], TALLEST)
        self.span = (wide, self.height / self.scale[1])

    def pixels(self, longitude: NDArray[np.floating], latitude: NDArray[np.floating]) -> NDArray[np.floating]:
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
        values = resampled(by_row, by_column, fraction)
        outlines = contour_generator(longitude, latitude, values, fill_type="OuterOffset").filled(0.5, np.inf)
        rings = [
            self.pixels(*points[start:end].T)
            for points, offsets in zip(*outlines, strict=True)
            for start, end in pairwise(offsets)
        ]
        return path(rings, tolerance=0.5)

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
