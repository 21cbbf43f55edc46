"""The figure of an ensemble's statistics shows the lead it names and where members are apart."""

from __future__ import annotations

import base64
import re
from io import BytesIO

import numpy as np
import xarray as xr
from PIL import Image

from pipeline.products.report import colours
from pipeline.products.report.ensemble import spread_figure


def test_mean_and_spread_are_drawn_at_three_days() -> None:
    shape = (3, 61, 120)
    spread = np.zeros(shape, np.float32)
    spread[1, 10:20] = 1200.0  # Pa, at +72 h, in the north
    latitude = np.deg2rad(np.linspace(90, -90, 61))[:, None]
    mean = np.broadcast_to(101_000 + 2_000 * np.cos(4 * latitude), shape)
    dims = ("lead_time", "latitude", "longitude")
    members = xr.Dataset(
        {"pressure_at_sea_level_mean": (dims, mean), "pressure_at_sea_level_spread": (dims, spread)},
        {"lead_time": [48, 72, 96]},
    )
    figure = spread_figure("fourcastnet", members)
    assert "fourcastnet" in figure
    assert "+72 h" in figure
    assert re.search(r'class="ib" d="M', figure)
    image = re.search(r"data:image/png;base64,([^\"]+)", figure)
    assert image is not None
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(image[1]))).convert("RGBA")).reshape(-1, 4)
    shown = {"#" + bytes(colour[:3]).hex() for colour in np.unique(pixels[pixels[:, 3] > 0], axis=0)}
    assert colours.SPREAD.hex(1 + colours.SPREAD.edges.index(10)) in shown
    assert colours.SPREAD.hex(1 + colours.SPREAD.edges.index(15)) not in shown
