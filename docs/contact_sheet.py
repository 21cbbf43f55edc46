"""Draw every parameter of a published hour as a small map, on PNG pages to be looked at.

`python docs/contact_sheet.py build/demo/store build/sheets 48`: store, folder, lead in hours. Over each map stand its
least, mean and greatest value, and the means over land and sea. Maps begin at 90 W, so that 0 and 180 are within.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline import parameters
from pipeline.parameters import Parameter
from pipeline.products.parameter_map import painted

WEST = -90.0
MAP_WIDTH = 360  # pixels, about
COLUMNS, ROWS = 4, 7
HEAD = 30  # pixels


def captioned(field: NDArray[np.floating], row: Parameter, land: NDArray[np.floating]) -> Image.Image:
    """A map (latitude, longitude) enlarged to some MAP_WIDTH, under its name and figures."""
    picture = Image.fromarray(painted(field, row, land, west=WEST))
    scale = MAP_WIDTH / picture.width
    picture = picture.resize((MAP_WIDTH, round(picture.height * scale)), Image.Resampling.NEAREST)
    figures = " | ".join(f"{value:.4g}" for value in (field.min(), field.mean(), field.max()))
    ashore, afloat = field[land >= 0.5].mean(), field[land < 0.5].mean()
    sheet = Image.new("RGB", (MAP_WIDTH + 6, picture.height + HEAD + 4), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((0, 0), row.name, fill="black", font_size=13)
    draw.text((0, 14), f"{figures} {row.units}, land {ashore:.3g}, sea {afloat:.3g}", fill="#555", font_size=13)
    sheet.paste(picture, (0, HEAD))
    return sheet


def page(maps: list[Image.Image]) -> Image.Image:
    """COLUMNS by ROWS maps."""
    width, height = maps[0].size
    whole = Image.new("RGB", (COLUMNS * width, ROWS * height), "white")
    for place, one in enumerate(maps):
        whole.paste(one, (place % COLUMNS * width, place // COLUMNS * height))
    return whole


def draw(store: Path, folder: Path, lead: int) -> list[Path]:
    """Pages of the newest hour's parameters, in the catalogue's order."""
    hour = json.loads((store / "forecast/latest.json").read_text(encoding="utf-8"))["path"]
    best = xr.open_zarr(store / hour / "best.zarr", decode_timedelta=False, chunks=None).sel(lead_time=lead)
    land = xr.open_zarr(store / "static/static.zarr", consolidated=False)["land_area_fraction"].values
    rows = [row for name, row in parameters.catalogue().items() if name in best]
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for start in range(0, len(rows), COLUMNS * ROWS):
        pages.append(folder / f"page{len(pages):02d}.png")
        some = rows[start : start + COLUMNS * ROWS]
        page([captioned(best[row.name].values, row, land) for row in some]).save(pages[-1])
    return pages


if __name__ == "__main__":
    print(*draw(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])), sep="\n")
