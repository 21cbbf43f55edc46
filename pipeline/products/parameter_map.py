"""One parameter as a small map, a pixel a cell: in colours that follow from what it is, for a terminal or a sheet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from pipeline.parameters import Parameter
from pipeline.products.report.colours import ramp

WEST = -169.0  # degrees east of the left edge: through the Bering Strait, where it cuts no continent
STEPS = 64
AMOUNT = ramp(["#30123b", "#3d57c7", "#2ab5e0", "#46f383", "#d2e935", "#fb8d26", "#c22402", "#7a0403"], STEPS)
SIGNED = ramp(["#123a6b", "#2f73b3", "#84b9da", "#f7f5f2", "#e69c7c", "#c2474a", "#6b1126"], STEPS)
CIRCLE = ramp(["#ffffff", "#dd3333", "#222222", "#3355cc", "#ffffff"], STEPS)
MISSING = (255, 0, 255)
EXTREME = 0.005  # of the values at each end that are beyond the colours
LOPSIDED = 0.2  # a field is signed if its lesser end is at least that part of the greater
Field = NDArray[np.floating]
Picture = NDArray[np.uint8]


def limits(field: Field, row: Parameter) -> tuple[float, float]:
    """What the first and the last colour stand for; equal only for a field of one value."""
    if row.kind == "direction":
        return 0.0, 360.0
    if row.flags:
        return row.flags[0][0], row.flags[-1][0]
    low, high = (float(end) for end in np.nanquantile(field, [EXTREME, 1 - EXTREME]))
    if low == high:
        low, high = float(np.nanmin(field)), float(np.nanmax(field))
    if _signed(low, high):
        return -max(-low, high), max(-low, high)
    return low, high


def _signed(low: float, high: float) -> bool:
    return low < 0 < high and min(-low, high) >= LOPSIDED * max(-low, high)


def painted(field: Field, row: Parameter, land: Field, *, west: float = WEST) -> Picture:
    """(latitude, longitude, 3) RGB of a field on the global grid (90 to -90, 0 to 360), from `west` eastwards.

    land: its land fraction, whose coast is drawn dark on the sea's side; what is missing is magenta.
    """
    low, high = limits(field, row)
    colours = CIRCLE if row.kind == "direction" else SIGNED if low == -high < 0 else AMOUNT
    part = np.clip((field - low) / ((high - low) or 1), 0, 1)
    picture = colours[np.rint(np.nan_to_num(part) * (STEPS - 1)).astype(np.intp)]
    picture[np.isnan(field)] = MISSING
    picture[_coast(land)] //= 2
    return np.roll(picture, -round(west * field.shape[1] / 360), axis=1)


def _coast(land: Field) -> NDArray[np.bool_]:
    """Cells of the sea beside one of the land."""
    ashore = np.pad(land >= 0.5, ((1, 1), (0, 0)), mode="edge")
    beside = ashore[:-2] | ashore[2:] | np.roll(ashore, 1, 1)[1:-1] | np.roll(ashore, -1, 1)[1:-1]
    return beside & ~ashore[1:-1]


def in_terminal(picture: Picture, columns: int) -> Text:
    """The picture as half blocks, at most `columns` wide: the upper cell in the letter's colour, the lower behind."""
    step = -(-picture.shape[1] // columns)
    pixels = picture[::step, ::step]
    text = Text(no_wrap=True)
    for upper, lower in zip(pixels[0:-1:2], pixels[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append("▀", f"{_hex(above)} on {_hex(below)}")
        text.append("\n")
    return text


def _hex(colour: Picture) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour.tolist())
