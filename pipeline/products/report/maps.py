"""The report's maps: the blend at chosen leads, and the weights and biases of the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.products.report import colours, projection, symbols
from pipeline.products.report.colours import Scale

LEADS = (0, 6, 12, 18, 24, 36, 48, 60, 72, 96, 120, 144, 168, 192, 240)
MOST_FRAMES = 11
Field = NDArray[np.floating]


@dataclass(frozen=True)
class Chart:
    """One map of the blend: `field` gives it at a lead hour in display units, None where it does not reach."""

    key: str
    title: str
    needs: tuple[str, ...]
    scale: Scale
    field: Callable[[xr.Dataset, int], Field | None]
    over: tuple[str, ...] = ()
    sea_only: bool = False
    dark: bool = False


def _at(name: str, *, factor: float = 1.0, offset: float = 0.0) -> Callable[[xr.Dataset, int], Field | None]:
    def field(best: xr.Dataset, lead: int) -> Field | None:
        return best[name].sel(lead_time=lead).values * factor + offset

    return field


def _total(name: str, hours: int) -> Callable[[xr.Dataset, int], Field | None]:
    def field(best: xr.Dataset, lead: int) -> Field | None:
        if lead < hours:
            return None
        return best[name].sel(lead_time=slice(lead - hours + 1, lead)).sum("lead_time").values

    return field


def _greatest(name: str, hours: int) -> Callable[[xr.Dataset, int], Field | None]:
    def field(best: xr.Dataset, lead: int) -> Field | None:
        return best[name].sel(lead_time=slice(max(lead - hours + 1, 0), lead)).max("lead_time").values

    return field


CHARTS = (
    Chart("temperature", "Temperature at 2 m", ("temperature_2m",), colours.TEMPERATURE,
          _at("temperature_2m", offset=-273.15), ("isobars", "wind")),
    Chart("rain6", "Precipitation, past 6 h", ("precipitation",), colours.PRECIPITATION,
          _total("precipitation", 6), ("isobars",)),
    Chart("rain24", "Precipitation, past 24 h", ("precipitation",), colours.PRECIPITATION,
          _total("precipitation", 24), ("isobars",)),
    Chart("gust", "Strongest gust, past 6 h", ("wind_gust",), colours.GUST, _greatest("wind_gust", 6),
          ("isobars", "wind")),
    Chart("cloud", "Total cloud cover", ("total_cloud_cover",), colours.CLOUD,
          _at("total_cloud_cover", factor=100), ("isobars",), dark=True),
    Chart("waves", "Significant wave height", ("significant_wave_height",), colours.WAVES,
          _at("significant_wave_height"), ("waves",), sea_only=True),
)  # fmt: skip


def frames(leads: Sequence[int]) -> list[int]:
    """The lead hours shown: those of LEADS that the forecast holds, thinned to MOST_FRAMES, the last one kept."""
    chosen = [lead for lead in LEADS if lead in set(leads)]
    while len(chosen) > MOST_FRAMES:
        gaps = [later - earlier for earlier, later in zip(chosen[:-2], chosen[2:], strict=True)]
        del chosen[int(np.argmin(gaps)) + 1]
    return chosen


def legend(scale: Scale) -> list[list[str]]:
    """Rows of (colour or "" for clear, label) from the lowest band up, for the colour bar and the read-out."""
    edges = [f"{edge:g}" for edge in scale.edges]
    labels = ["< " + edges[0], *(f"{low} to {high}" for low, high in pairwise(edges))]
    rows = []
    for band, label in enumerate([*labels, "≥ " + edges[-1]]):
        red, green, blue, alpha = (int(part) for part in scale.colours[band])
        rows.append([f"rgba({red},{green},{blue},{alpha / 255:.2f})" if alpha else "", label])
    return rows


def blend_maps(best: xr.Dataset, hour: Cycle, land: Field) -> dict[str, object]:
    """What the map viewer needs: lead hours, one picture a map and lead, overlays a lead, legends.

    best: dims (lead_time, latitude, longitude); `land` is the land fraction (latitude, longitude).
    """
    leads = frames([int(lead) for lead in best["lead_time"].values])
    canvas = projection.Canvas(land.shape)
    ashore = canvas.raster(land) > 0.5
    maps = []
    for chart in CHARTS:
        if not all(name in best for name in chart.needs):
            continue
        images = []
        for lead in leads:
            field = chart.field(best, lead)
            hide = ashore if chart.sea_only else None
            images.append("" if field is None else projection.picture(canvas, field, chart.scale, hide=hide))
        maps.append({
            "key": chart.key, "title": chart.title, "units": chart.scale.units, "legend": legend(chart.scale),
            "edges": list(chart.scale.edges), "over": chart.over, "dark": chart.dark, "images": images,
        })  # fmt: skip
    valid = [f"{hour.valid_time(lead):%a %d %b %H} UTC" for lead in leads]
    return {"leads": leads, "valid": valid, "maps": maps, "overlays": overlays(best, land, leads)}


_DRAWN = ("pressure_at_sea_level", "eastward_wind_10m", "northward_wind_10m", "wave_direction")


def overlays(best: xr.Dataset, land: Field, leads: Sequence[int]) -> dict[str, list[str]]:
    """SVG fragments by overlay and lead: isobars, wind, waves."""
    drawn: dict[str, list[str]] = {}
    best = best[[name for name in _DRAWN if name in best]]  # of hundreds
    for lead in leads:
        now = best.sel(lead_time=lead)
        if "pressure_at_sea_level" in best:
            drawn.setdefault("isobars", []).append(symbols.isobars(now["pressure_at_sea_level"].values))
        if "eastward_wind_10m" in best and "northward_wind_10m" in best:
            path = symbols.barbs(now["eastward_wind_10m"].values, now["northward_wind_10m"].values)
            drawn.setdefault("wind", []).append(f'<path class="barb" d="{path}"/>')
        if "wave_direction" in best:
            path = symbols.arrows(now["wave_direction"].values, land)
            drawn.setdefault("waves", []).append(f'<path class="barb" d="{path}"/>')
    return drawn


def ground(land: Field) -> dict[str, str]:
    """SVG path data every map shares: the globe's edge, graticule and land."""
    edge, lines = projection.graticule()
    return {"edge": edge, "graticule": lines, "land": projection.outline(land, 0.5)}
