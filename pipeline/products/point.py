"""The forecast at one place, for a terminal: a row a time, quantile bounds, a fan, and whom the blend trusts there."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import parameters as catalogue
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import unit_vectors
from pipeline.products.display import TITLES, display
from pipeline.products.opened import opened
from pipeline.products.weights import as_used
from pipeline.store import Store

EARTH_RADIUS_KM = 6371.0
MOST_ROWS = 25
FAN_WIDTH = 25
BOUNDED = ("temperature_2m", "wind_speed_10m", "precipitation")  # the rest would make the table too wide
_BLOCKS = "▁▂▃▄▅▆▇█"
Series = NDArray[np.floating]


def point(store: Store, latitude: float, longitude: float, parameters: Sequence[str] = ()) -> str:
    """The newest published forecast at the cell nearest to a place, as text of up to about 130 columns.

    Without `parameters`, those of TITLES that the forecast holds. Raises ValueError for a place off the globe,
    KeyError for a parameter that is not published, FileNotFoundError if nothing is.
    """
    hour = Cycle.parse(json.loads(store.read(paths.LATEST))["init_time"])
    best = opened(store, paths.forecast(hour, "best.zarr"))
    row, column = nearest_cell(best["latitude"].values, best["longitude"].values, latitude, longitude)
    names = _chosen(best, parameters) if parameters else _usual(store, best, row, column)
    here = best[names].isel(latitude=row, longitude=column).load()
    quantiles = _quantiles(store, hour, names, row, column)
    manifest = json.loads(store.read(paths.forecast(hour, "manifest.json")))
    label = "  SYNTHETIC world, not the weather" if manifest.get("synthetic") else ""
    lines = [f"Hourcast {hour.init_time:%Y-%m-%d %H} UTC{label}", _where(here, latitude, longitude), ""]
    lines += [_spark(here[name].values, name) for name in names] + [""]
    fan_of = next((name for name in names if name in quantiles), "")
    lines += _table(here, quantiles, hour, names, fan_of)
    lines += _weights(store, hour, names, row, column)
    return "\n".join(lines)


def nearest_cell(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], north: float, east: float
) -> tuple[int, int]:
    """Row and column of the cell nearest to a place; ValueError outside -90..90 or -180..360."""
    if not -90 <= north <= 90:
        raise ValueError(f"latitude must be -90 to 90 degrees north; found {north:g}")
    if not -180 <= east <= 360:
        raise ValueError(f"longitude must be -180 to 360 degrees east; found {east:g}")
    around = np.abs((longitude - east + 180) % 360 - 180)
    return int(np.argmin(np.abs(latitude - north))), int(np.argmin(around))


def coordinates(latitude: float, longitude: float) -> str:
    """A place as `51.5° N 0.1° W`."""
    east = 180 - (180 - longitude) % 360
    return f"{abs(latitude):.1f}° {'N' if latitude >= 0 else 'S'} {abs(east):.1f}° {'E' if east >= 0 else 'W'}"


def _chosen(best: xr.Dataset, wanted: Sequence[str]) -> list[str]:
    for name in wanted:
        catalogue.parameter(name)
        if name not in best:
            raise KeyError(f"{name} is not in this forecast, which holds {', '.join(map(str, best.data_vars))}")
    return list(wanted)


def _usual(store: Store, best: xr.Dataset, row: int, column: int) -> list[str]:
    """The parameters of TITLES that the forecast holds, those of the sea only where sea is."""
    land = 0.0
    if store.exists(f"{paths.static_fields()}/zarr.json"):
        land = float(opened(store, paths.static_fields(), consolidated=False)["land_area_fraction"][row, column])
    names = [name for name in TITLES if name in best]
    return [name for name in names if land < 0.5 or catalogue.parameter(name).domain != "sea"]


def _quantiles(store: Store, hour: Cycle, names: Sequence[str], row: int, column: int) -> dict[str, dict[int, Series]]:
    """Quantile series (lead,) by parameter and per cent."""
    key = paths.forecast(hour, "probability.zarr")
    if not store.exists(f"{key}/zarr.json"):
        return {}
    probability = opened(store, key)
    per_cent = np.rint(100 * probability["quantile"].values).astype(int).tolist()
    found = {}
    for name in names:
        if f"{name}_quantile" in probability:
            values = probability[f"{name}_quantile"].isel(latitude=row, longitude=column).values
            found[name] = dict(zip(per_cent, values, strict=True))
    return found


def _where(here: xr.Dataset, latitude: float, longitude: float) -> str:
    north, east = float(here["latitude"]), float(here["longitude"])
    ends = unit_vectors(np.array([latitude, north]), np.array([longitude, east]))
    distance = EARTH_RADIUS_KM * float(np.arccos(np.clip(ends[0] @ ends[1], -1, 1)))
    return f"{coordinates(latitude, longitude)}, the cell at {coordinates(north, east)} ({distance:.0f} km away)"


def _spark(values: Series, name: str) -> str:
    """One line: title, range and a bar a step over the whole forecast."""
    shown = display(name)
    series = shown(values)
    picked = series[np.linspace(0, len(series) - 1, min(len(series), 61)).round().astype(int)]
    low, high = float(np.nanmin(series)), float(np.nanmax(series))
    levels = np.clip((picked - low) / ((high - low) or 1) * len(_BLOCKS), 0, len(_BLOCKS) - 1)
    bars = "".join(" " if np.isnan(level) else _BLOCKS[int(level)] for level in levels)
    bounds = f"{low:.{shown.digits}f} to {high:.{shown.digits}f} {shown.units}"
    return f"{shown.title[:28]:<28} {bars}  {bounds}"


def _table(
    here: xr.Dataset, quantiles: dict[str, dict[int, Series]], hour: Cycle, names: Sequence[str], fan_of: str
) -> list[str]:
    """A row a time: values, 5 to 95 % bounds where there are quantiles, and the fan of one parameter."""
    leads = here["lead_time"].values.astype(int)
    step = next((step for step in (1, 3, 6, 12, 24) if len(leads[leads % step == 0]) <= MOST_ROWS), 24)
    wanted = np.flatnonzero(leads % step == 0)
    bounded = names if len(names) <= 3 else BOUNDED
    bounds = {name: fan for name, fan in quantiles.items() if name in bounded}
    columns = [_column(here[name].values[wanted], bounds.get(name, {}), wanted, name) for name in names]
    times = [f"{hour.valid_time(int(lead)):%a %d %H}" for lead in leads[wanted]]
    columns = [["UTC", "", *times], ["lead", "h", *(f"{lead}" for lead in leads[wanted])], *columns]
    if fan_of:
        columns.append([f"{display(fan_of).title} 5 to 95 %", "", *_fan(quantiles[fan_of], wanted)])
    widths = [max(map(len, column)) for column in columns]
    return ["  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
            for cells in zip(*columns, strict=True)] + [""]  # fmt: skip


def _column(values: Series, fan: dict[int, Series], wanted: NDArray[np.intp], name: str) -> list[str]:
    shown = display(name)
    cells = [f"{value:.{shown.digits}f}" for value in shown(values)]
    title = {"Sea-level pressure": "pressure", "2 m temperature": "temp", "2 m dew point": "dew pt"}
    head = title.get(shown.title, shown.title.lower().removeprefix("10 m ").removesuffix(" cover"))[:24]
    if {5, 95} <= fan.keys():
        low, high = (shown(fan[level][wanted]) for level in (5, 95))
        bounds = [f"{a:.{shown.digits}f} to {b:.{shown.digits}f}" for a, b in zip(low, high, strict=True)]
        width = max(map(len, bounds))
        cells = [f"{cell} [{bound.rjust(width)}]" for cell, bound in zip(cells, bounds, strict=True)]
    return [head, shown.units, *cells]


def _fan(fan: dict[int, Series], wanted: NDArray[np.intp]) -> list[str]:
    """A bar a row on one common scale: thin 5 to 95 %, thick 25 to 75 %, a dot at the median."""
    low, high = min(fan[5]), max(fan[95])
    place = {level: ((values[wanted] - low) / ((high - low) or 1) * (FAN_WIDTH - 1)) for level, values in fan.items()}
    rows = []
    for number in range(len(wanted)):
        cells = [" "] * FAN_WIDTH
        for start, end, mark in ((5, 95, "─"), (25, 75, "━")):
            for k in range(round(place[start][number]), round(place[end][number]) + 1):
                cells[k] = mark
        cells[round(place[50][number])] = "●"
        rows.append("".join(cells))
    return rows


def _weights(store: Store, hour: Cycle, names: Sequence[str], row: int, column: int) -> list[str]:
    """The sources' weights here, by lead bin, for the first shown parameter that has them."""
    key = paths.forecast(hour, "weights.zarr")
    if not store.exists(f"{key}/zarr.json"):
        return []
    weights = opened(store, key)
    name = next((name for name in names if f"{name}_weight" in weights), "")
    if not name:
        return []
    share = as_used(weights.isel(latitude=row, longitude=column), name)
    leads = [int(lead) for lead in weights["lead_bin"].values]
    lines = [f"Weights of the sources here, {display(name).title}, %", " " * 12 + "".join(f"{k:>6} h" for k in leads)]
    for source, parts in sorted(zip(weights["source"].values, share, strict=True), key=lambda item: -item[1][0]):
        if parts.max() >= 0.005:
            lines.append(f"{source!s:<12}" + "".join(f"{100 * part:>8.0f}" for part in parts))
    return lines
