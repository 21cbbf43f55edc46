"""Meteograms: the forecast at one place with the fan of its quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.products.point import nearest_cell
from pipeline.products.report import charts
from pipeline.products.report.charts import Frame

WIDTH = 660
LEFT, RIGHT = 44, 12
LONG = 168  # h, from which on the days' names are short
Series = NDArray[np.float64]
_DRAWN = (
    "temperature_2m", "dew_point_temperature_2m", "precipitation", "total_cloud_cover", "wind_speed_10m", "wind_gust",
    "eastward_wind_10m", "northward_wind_10m", "pressure_at_sea_level",
)  # fmt: skip


def meteogram(best: xr.Dataset, probability: xr.Dataset | None, hour: Cycle, latitude: float, longitude: float) -> str:
    """SVG of temperature, precipitation and cloud, wind and gust, and pressure at the nearest cell, by lead."""
    row, column = nearest_cell(best["latitude"].values, best["longitude"].values, latitude, longitude)
    here = best[[name for name in _DRAWN if name in best]].isel(latitude=row, longitude=column).load()
    fan = None if probability is None else probability.isel(latitude=row, longitude=column)
    leads = here["lead_time"].values.astype(float)
    parts, top = [], 36.0
    for name, draw, height in _PANELS:
        if name in here:
            frame_top, top = top, top + height + 28
            parts.append(draw(here, fan, leads, frame_top, height))
    days = _days(hour, float(leads[-1]), top - 26)
    return charts.svg(WIDTH, top - 22, days + "".join(parts), "meteogram", "chart meteogram")


def _days(hour: Cycle, last: float, bottom: float) -> str:
    """Shaded alternate days with their names, in UTC."""
    frame = Frame(LEFT, 16, WIDTH - LEFT - RIGHT, bottom - 16, (0, last), (0, 1))
    midnight = hour.init_time.replace(hour=0)
    parts, number = [], 0
    while (start := hour.lead_hours(midnight + timedelta(days=number))) < last:
        first, end = max(start, 0.0), min(start + 24, last)
        x0, x1 = float(frame.x(first)), float(frame.x(end))
        if number % 2:
            shape = f'x="{x0:.1f}" y="16" width="{x1 - x0:.1f}" height="{frame.height:.1f}"'
            parts.append(f'<rect class="day" {shape}/>')
        if x1 - x0 > 30:
            parts.append(charts.text((x0 + x1) / 2, 11, _day_name(midnight + timedelta(days=number), last), "tick mid"))
        number += 1
    return "".join(parts)


def _day_name(day: datetime, last: float) -> str:
    """Without the month where many days share the width."""
    return f"{day:%a} {day.day}" + (f" {day:%b}" if last <= LONG else "")


def _quantiles(fan: xr.Dataset | None, name: str, offset: float = 0.0) -> dict[int, Series]:
    """Quantile series by per cent, empty if the parameter has none."""
    key = f"{name}_quantile"
    if fan is None or key not in fan:
        return {}
    levels = np.rint(100 * fan["quantile"].values).astype(int)
    return {int(level): fan[key].isel(quantile=k).values + offset for k, level in enumerate(levels)}


def _range(series: Sequence[Series], *, margin: float, floor: float | None = None) -> tuple[float, float]:
    values = np.concatenate([np.ravel(part) for part in series])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = max(margin, 0.06 * (high - low))
    return (low - pad if floor is None else floor), high + pad


def _frame(top: float, height: float, last: float, y_range: tuple[float, float]) -> Frame:
    return Frame(LEFT, top, WIDTH - LEFT - RIGHT, height, (0, last), y_range)


def _fan(frame: Frame, leads: Series, quantiles: dict[int, Series], css: str) -> str:
    drawn = [
        charts.band(frame, leads, quantiles[low], quantiles[high], f"fan {css} f{low}")
        for low, high in ((5, 95), (10, 90), (25, 75))
        if low in quantiles and high in quantiles
    ]
    return "".join(drawn)


def _temperature(here: xr.Dataset, fan: xr.Dataset | None, leads: Series, top: float, height: float) -> str:
    series = here["temperature_2m"].values - 273.15
    quantiles = _quantiles(fan, "temperature_2m", -273.15)
    dew = here["dew_point_temperature_2m"].values - 273.15 if "dew_point_temperature_2m" in here else series
    frame = _frame(top, height, leads[-1], _range([series, dew, *quantiles.values()], margin=1))
    parts = [charts.rules(frame), _fan(frame, leads, quantiles, "warm"), charts.line(frame, leads, dew, "dew")]
    low, high = frame.y_range
    if low < 0 < high:
        parts.append(charts.line(frame, frame.x_range, (0, 0), "freezing", "freezing"))
    parts.append(charts.line(frame, leads, series, "warm"))
    return "".join(parts) + _label(frame, "2 m temperature and dew point, °C")


def _precipitation(here: xr.Dataset, fan: xr.Dataset | None, leads: Series, top: float, height: float) -> str:
    amount = here["precipitation"].values
    quantiles = _quantiles(fan, "precipitation")
    upper = quantiles.get(90, amount)
    frame = _frame(top, height, leads[-1], (0, max(float(np.nanmax(upper)), float(np.nanmax(amount)), 1.0) * 1.1))
    width = frame.width / max(leads[-1], 1)
    parts = [charts.rules(frame, count=3)]
    for lead, value, high in zip(leads[1:], amount[1:], upper[1:], strict=True):
        x = float(frame.x(lead)) - width
        for size, css in ((high, "rain maybe"), (value, "rain")):
            if size >= 0.05:
                y = float(frame.y(size))
                shape = f'x="{x:.1f}" y="{y:.1f}" width="{max(width - 0.4, 0.6):.1f}" height="{frame.bottom - y:.1f}"'
                parts.append(f'<rect class="{css}" {shape}/>')
    return "".join(parts) + _cloud(here, frame, leads) + _label(frame, "precipitation, mm/h (pale: 90 %) and cloud")


def _cloud(here: xr.Dataset, frame: Frame, leads: Series) -> str:
    """A strip over the rain, the denser the cloudier."""
    if "total_cloud_cover" not in here:
        return ""
    cover = here["total_cloud_cover"].values
    step = max(1, round(len(leads) / 120))
    width = frame.width / max(leads[-1], 1) * step
    cells = [
        f'<rect class="cloud" x="{float(frame.x(lead)):.1f}" y="{frame.bottom + 2:.1f}" height="6"'
        f' width="{width + 0.2:.1f}" fill-opacity="{float(share):.2f}"/>'
        for lead, share in zip(leads[:-1:step], cover[:-1:step], strict=True)
    ]
    return "".join(cells)


def _wind(here: xr.Dataset, fan: xr.Dataset | None, leads: Series, top: float, height: float) -> str:
    speed, quantiles = here["wind_speed_10m"].values, _quantiles(fan, "wind_speed_10m")
    gust = here["wind_gust"].values if "wind_gust" in here else speed
    frame = _frame(top, height - 16, leads[-1], _range([speed, gust, *quantiles.values()], margin=1, floor=0))
    parts = [charts.rules(frame, count=3), _fan(frame, leads, quantiles, "wind")]
    parts += [charts.line(frame, leads, gust, "gust"), charts.line(frame, leads, speed, "wind")]
    if "eastward_wind_10m" in here and "northward_wind_10m" in here:
        u, v = here["eastward_wind_10m"].values, here["northward_wind_10m"].values
        for number in range(0, len(leads), max(1, round(len(leads) / 24))):
            turn = np.degrees(np.arctan2(u[number], v[number]))
            x = float(frame.x(leads[number]))
            parts.append(f'<path class="vane" d="M0,5V-5M-2.6,-1.4L0,-5L2.6,-1.4" transform="translate({x:.1f} '
                         f'{frame.bottom + 9:.1f}) rotate({turn:.0f})"/>')  # fmt: skip
    return "".join(parts) + _label(frame, "10 m wind and gust, m/s")


def _pressure(here: xr.Dataset, fan: xr.Dataset | None, leads: Series, top: float, height: float) -> str:
    series, quantiles = here["pressure_at_sea_level"].values / 100, _quantiles(fan, "pressure_at_sea_level")
    hectopascal = {level: values / 100 for level, values in quantiles.items()}
    frame = _frame(top, height, leads[-1], _range([series, *hectopascal.values()], margin=1))
    parts = [charts.rules(frame, count=3), _fan(frame, leads, hectopascal, "pressure")]
    return "".join(parts) + charts.line(frame, leads, series, "pressure") + _label(frame, "sea-level pressure, hPa")


def _label(frame: Frame, content: str) -> str:
    return charts.text(frame.left, frame.top - 6, content, "panel")


_PANELS = (
    ("temperature_2m", _temperature, 120.0),
    ("precipitation", _precipitation, 70.0),
    ("wind_speed_10m", _wind, 90.0),
    ("pressure_at_sea_level", _pressure, 62.0),
)
