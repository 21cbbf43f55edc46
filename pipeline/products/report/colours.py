"""Colour scales of the report: conventional per parameter, interpolated in OKLab so that steps look even."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TO_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


def ramp(anchors: Sequence[str], count: int) -> NDArray[np.uint8]:
    """`count` sRGB colours evenly along `anchors` (#rrggbb), interpolated in OKLab (Ottosson 2020).

    Returns (count, 3) uint8.
    """
    srgb = np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in anchors]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lab = np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T
    at = np.linspace(0, len(anchors) - 1, count)
    steps = np.stack([np.interp(at, np.arange(len(anchors)), lab[:, k]) for k in range(3)], axis=-1)
    back = (steps @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T
    back = np.clip(back, 0, 1)
    return np.rint(255 * np.where(back <= 0.0031308, 12.92 * back, 1.055 * back ** (1 / 2.4) - 0.055)).astype(np.uint8)


@dataclass(frozen=True)
class Scale:
    """Bands of one parameter on a map: `edges` in display units, one RGBA colour per band.

    Band 0 lies below the first edge, the last band above the last edge, so `colours` is (len(edges) + 1, 4).
    """

    edges: tuple[float, ...]
    colours: NDArray[np.uint8]
    units: str
    digits: int = 0

    def index(self, values: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Band number of each value, same shape; NaN gets one past the last band, which is transparent."""
        bands = np.zeros(values.shape, np.uint8)
        for edge in np.asarray(self.edges, np.float32):  # for so few faster than to search each value's place
            bands += values >= edge
        bands[np.isnan(values)] = len(self.colours)
        return bands

    @property
    def palette(self) -> NDArray[np.uint8]:
        """(band + 1, 4) RGBA, the last entry transparent."""
        return np.vstack([self.colours, np.zeros((1, 4), np.uint8)])

    def hex(self, band: int) -> str:
        """The colour of a band as #rrggbb."""
        return "#" + "".join(f"{int(part):02x}" for part in self.colours[band, :3])


def scale(edges: Iterable[float], anchors: Sequence[str], units: str, *, digits: int = 0, clear: bool = False) -> Scale:
    """A scale from `anchors`; with `clear` the band below the first edge is transparent."""
    limits = tuple(float(edge) for edge in edges)
    count = len(limits) + 1
    colours = np.full((count, 4), 255, np.uint8)
    colours[:, :3] = np.vstack([np.zeros((1, 3)), ramp(anchors, count - 1)]) if clear else ramp(anchors, count)
    if clear:
        colours[0] = 0
    return Scale(limits, colours, units, digits)


def veil(edges: Sequence[float], colour: str, units: str, opacity: tuple[float, float]) -> Scale:
    """A scale of one colour that thickens from transparent, as cloud over a dark ground."""
    colours = np.empty((len(edges) + 1, 4), np.uint8)
    colours[:, :3] = ramp([colour, colour], len(edges) + 1)
    colours[0] = 0
    colours[1:, 3] = np.rint(255 * np.linspace(*opacity, len(edges)))
    return Scale(tuple(float(edge) for edge in edges), colours, units)


TEMPERATURE = scale(
    np.arange(-40, 45.1, 2.5),
    ["#f3e8f7", "#b593cc", "#6d4aa3", "#3d4fa6", "#3d83c4", "#7fbfdd", "#d3ecf0",
     "#f8f3d4", "#f8d58a", "#f2a253", "#dd6438", "#b0282f", "#6d0f2c"],
    "°C",
)  # fmt: skip
PRECIPITATION = scale(
    [0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 50, 75, 100],
    ["#d5e9f7", "#8cc1e8", "#4590d2", "#2f5fb3", "#3a3b96", "#6a2f93", "#a92c86", "#e0457b", "#f7a35c", "#fbe3a2"],
    "mm", digits=1, clear=True,
)  # fmt: skip
CLOUD = veil([10, 25, 40, 55, 70, 85, 95], "#f6f8fa", "%", (0.08, 0.96))
GUST = scale(
    [8.0, 10.8, 13.9, 17.2, 20.8, 24.5, 28.5, 32.7, 37, 42.7, 50],
    ["#dcefdc", "#a2d4a5", "#5fb3a1", "#f4e08a", "#f3ac4c", "#e56b3d", "#c2283f", "#8b1a5d", "#4c1661"],
    "m/s", digits=1, clear=True,
)  # fmt: skip
WAVES = scale(
    [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 14],
    ["#e3f1f3", "#a9d8de", "#63b3cd", "#3c83bb", "#3f55a5", "#64378f", "#9b2f83", "#d1456f", "#ee8257", "#f9cf7c"],
    "m", digits=1,
)  # fmt: skip
WEIGHT = scale(
    np.arange(5, 100, 5),
    ["#f4f1ea", "#d9e3c8", "#9fcbb4", "#58a8a8", "#2f7d98", "#2a5281", "#2b2a5c", "#1c1335"],
    "%",
)  # fmt: skip
BIAS = scale(
    [-5, -4, -3, -2, -1.5, -1, -0.5, -0.25, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5],
    ["#123a6b", "#2f73b3", "#84b9da", "#d6e8ef", "#f7f5f2", "#f6ddcc", "#e69c7c", "#c2474a", "#6b1126"],
    "K", digits=1,
)  # fmt: skip
SPREAD = scale(
    [1, 2, 3, 4, 6, 8, 10, 15],
    ["#e9eef2", "#b9d3df", "#7fb0c4", "#5a8fa8", "#f1d08a", "#e39a4e", "#c8553d", "#8b1a3d"],
    "hPa", clear=True,
)  # fmt: skip

SOURCE_COLOURS = (
    "#3b7dd8", "#e0873a", "#2f9e77", "#c1477f", "#8a63c9", "#b6a02b", "#2aa3b5", "#d2554a", "#6f8f3f", "#7d6b5d",
    "#5b6675", "#b98fd0",
)  # fmt: skip
