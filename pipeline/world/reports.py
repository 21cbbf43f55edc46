"""Writes observations as stations send them: METAR cycle files with their station table, and NDBC's table of buoys."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from pipeline.world.levels import Array, surface_pressure
from pipeline.world.observe import observed
from pipeline.world.state import World
from pipeline.world.stations import Stations, buoys, land_stations

KNOT = 1852 / 3600
MILE = 1609.344
INCH_OF_MERCURY = 3386.389  # Pa
STANDARD_EXPONENT = 0.190263  # ICAO standard atmosphere
AFTER_HOURS = (*range(-1, 25), 72, 120, 240)  # from the live hour; hourly for a day, so that more hours can be forecast
_REPORTED = (
    "temperature_2m", "dew_point_temperature_2m", "eastward_wind_10m", "northward_wind_10m", "wind_gust", "visibility",
    "precipitation", "low_cloud_cover", "medium_cloud_cover", "total_cloud_cover", "pressure_at_sea_level",
    "station_pressure", "snow_depth", "convective_available_potential_energy",
)  # fmt: skip
_BASES = (("low_cloud_cover", 30), ("medium_cloud_cover", 100), ("high_cloud_cover", 220))  # hundreds of feet


def write_observations(world: World, root: Path, forecast_hours: int) -> int:
    """Write every report from an hour before the live hour below `root`/observations; returns how many."""
    folder = root / "observations"
    land, sea = land_stations(world.seed), buoys(world.seed)
    (folder / "metar").mkdir(parents=True)
    (folder / "metar" / "nsd_cccc.txt").write_text("".join(_station_lines(land)))
    count = 0
    for after in (hours for hours in AFTER_HOURS if hours <= forecast_hours):
        when = world.live + timedelta(hours=after)
        reports = list(metar_reports(land, observed(world, land, when), when))
        path = folder / "metar" / f"{when:%Y%m%d}" / f"{when:%H}Z.TXT"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{time:%Y/%m/%d %H:%M}\n{text}\n\n" for time, text in reports))
        path = folder / "ndbc" / f"{when:%Y%m%d}" / f"{when:%H}" / "latest_obs.txt"
        path.parent.mkdir(parents=True)
        path.write_text(ndbc_table(sea, observed(world, sea, when), when))
        count += len(reports) + len(sea.names)
    return count


def _station_lines(stations: Stations) -> Iterator[str]:
    for name, latitude, longitude, elevation in zip(
        stations.names, stations.latitude, stations.longitude, stations.elevation, strict=True
    ):
        north, east = _minutes(latitude, "NS", 2), _minutes(longitude, "EW", 3)
        yield f"{name};--;---;Synthetic {name};;Nowhere;6;{north};{east};;;{elevation:.0f};;\n"


def _minutes(degrees: float, hemispheres: str, width: int) -> str:
    minutes = round(abs(float(degrees)) * 60)
    return f"{minutes // 60:0{width}d}-{minutes % 60:02d}{hemispheres[int(degrees < 0)]}"


def metar_reports(stations: Stations, fields: dict[str, Array], when: datetime) -> Iterator[tuple[datetime, str]]:
    """(time, report) of every station; the American ones send at seven minutes to the hour."""
    pressure = surface_pressure(fields["pressure_at_sea_level"], stations.elevation, fields["temperature_2m"])
    named = fields | {"station_pressure": pressure}
    values = {name: named[name].astype(float) for name in _REPORTED}
    for index, name in enumerate(stations.names):
        time = when - timedelta(minutes=7) if stations.american[index] else when
        row = {key: float(column[index]) for key, column in values.items()}
        yield time, metar(name, row, time, float(stations.elevation[index]), bool(stations.american[index]))


def metar(name: str, row: dict[str, float], time: datetime, elevation: float, american: bool) -> str:
    """One report; `row` holds catalogue parameters in their units and the pressure at the station."""
    temperature, dew_point = row["temperature_2m"] - 273.15, row["dew_point_temperature_2m"] - 273.15
    setting = _altimeter(row["station_pressure"], elevation)
    groups = [name, f"{time:%d%H%M}Z", _wind(row), _visibility(row["visibility"], american), *_weather(row)]
    groups += [*_clouds(row), f"{_celsius(temperature)}/{_celsius(dew_point)}"]
    if not american:
        return " ".join([*groups, f"Q{int(setting / 100):04d}"])
    remarks = ["RMK", "AO2", f"SLP{round(row['pressure_at_sea_level'] / 10) % 1000:03d}"]
    inches = round(row["precipitation"] / 25.4 * 100)
    remarks += [f"P{inches:04d}"] if inches else []
    remarks += [f"4/{round(row['snow_depth'] / 0.0254):03d}"] if row["snow_depth"] > 0.03 else []
    remarks += [f"T{_tenths(temperature)}{_tenths(dew_point)}"]
    return " ".join([*groups, f"A{int(setting / INCH_OF_MERCURY * 100):04d}", *remarks])


def _altimeter(pressure: float, elevation: float) -> float:
    """QNH in Pa from station pressure; ICAO Doc 7488."""
    reduced = (pressure / 100) ** STANDARD_EXPONENT + 1013.25**STANDARD_EXPONENT * 0.0065 * elevation / 288.15
    return float(100 * reduced ** (1 / STANDARD_EXPONENT))


def _celsius(value: float) -> str:
    return f"{'M' if value < 0 else ''}{abs(math.floor(value + 0.5)):02d}"


def _tenths(value: float) -> str:
    return f"{int(value < 0)}{round(abs(value) * 10):03d}"


def _wind(row: dict[str, float]) -> str:
    east, north = row["eastward_wind_10m"], row["northward_wind_10m"]
    speed = round(math.hypot(east, north) / KNOT)
    if speed < 1:
        return "00000KT"
    direction = round(math.degrees(math.atan2(-east, -north)) % 360 / 10) * 10 or 360
    gust = round(row["wind_gust"] / KNOT)
    return f"{direction:03d}{speed:02d}" + (f"G{gust:02d}" if gust >= speed + 10 else "") + "KT"


def _visibility(metres: float, american: bool) -> str:
    if american:
        miles = metres / MILE
        if miles >= 10:
            return "10SM"
        return f"{max(int(miles), 0)}SM" if miles >= 3 else _quarters(miles)
    step = 50 if metres < 800 else 100 if metres < 5000 else 1000
    return f"{int(metres // step * step):04d}" if metres < 10000 else "9999"


def _quarters(miles: float) -> str:
    quarters = max(int(miles * 4), 1)
    whole, part = divmod(quarters, 4)
    fraction = ("", "1/4", "1/2", "3/4")[part]
    return f"{whole} {fraction}SM" if whole and part else f"{fraction or whole}SM"


def _weather(row: dict[str, float]) -> list[str]:
    rain = row["precipitation"]
    groups = []
    if rain > 0.1:
        kind = "SN" if row["temperature_2m"] < 273.6 else "RA"
        thunder = "TS" if row["convective_available_potential_energy"] > 1200 and rain > 1 else ""
        groups.append(("-" if rain < 2.5 else "+" if rain > 10 else "") + thunder + kind)
    if row["visibility"] < 1000:
        groups.append("FG")
    elif row["visibility"] < 5000:
        groups.append("BR")
    return groups


def _clouds(row: dict[str, float]) -> list[str]:
    """Layers from the lowest up; each amount includes those below, the last is the total."""
    groups, seen = [], 0
    for position, (name, base) in enumerate(_BASES):
        amount = row["total_cloud_cover"] if position == 2 else row[name]
        oktas = max(round(amount * 8), seen)
        if oktas > seen and oktas:
            groups.append(f"{_amount(oktas)}{base:03d}")
            seen = oktas
    return groups or ["SKC"]


def _amount(oktas: int) -> str:
    return "FEW" if oktas <= 2 else "SCT" if oktas <= 4 else "BKN" if oktas <= 7 else "OVC"


_COLUMNS = ("#STN", "LAT", "LON", "YYYY", "MM", "DD", "hh", "mm", "WDIR", "WSPD", "GST", "WVHT", "DPD", "APD", "MWD",
            "PRES", "PTDY", "ATMP", "WTMP", "DEWP", "VIS", "TIDE")  # fmt: skip
_UNITS = ("#text", "deg", "deg", "yr", "mo", "day", "hr", "mn", "degT", "m/s", "m/s", "m", "sec", "sec", "degT",
          "hPa", "hPa", "degC", "degC", "degC", "nmi", "ft")  # fmt: skip
_WIDTHS = (5, 8, 9, 6, 3, 3, 3, 3, 5, 6, 6, 5, 4, 5, 4, 7, 6, 6, 6, 6, 5, 7)


def ndbc_table(stations: Stations, fields: dict[str, Array], when: datetime) -> str:
    """The text of `latest_obs.txt`."""
    speed = np.hypot(fields["eastward_wind_10m"], fields["northward_wind_10m"])
    direction = np.rad2deg(np.arctan2(-fields["eastward_wind_10m"], -fields["northward_wind_10m"])) % 360
    lines = [_aligned(_COLUMNS), _aligned(_UNITS)]
    for i, name in enumerate(stations.names):
        lines.append(_aligned((
            name, f"{stations.latitude[i]:.3f}", f"{stations.longitude[i]:.3f}",
            f"{when:%Y}", f"{when:%m}", f"{when:%d}", f"{when:%H}", f"{when:%M}",
            f"{round(float(direction[i])) % 360}", f"{speed[i]:.1f}", f"{fields['wind_gust'][i]:.1f}",
            f"{fields['significant_wave_height'][i]:.1f}", f"{fields['primary_wave_period'][i]:.0f}",
            f"{fields['mean_wave_period'][i]:.1f}", f"{round(float(fields['wave_direction'][i])) % 360}",
            f"{fields['pressure_at_sea_level'][i] / 100:.1f}", "MM", f"{fields['temperature_2m'][i] - 273.15:.1f}",
            f"{fields['sea_surface_temperature'][i] - 273.15:.1f}",
            f"{fields['dew_point_temperature_2m'][i] - 273.15:.1f}", "MM", "MM",
        )))  # fmt: skip
    return "\n".join(lines) + "\n"


def _aligned(texts: tuple[str, ...]) -> str:
    first, *rest = texts
    columns = (" " + text.rjust(width - 1) for text, width in zip(rest, _WIDTHS[1:], strict=True))
    return first.ljust(_WIDTHS[0]) + "".join(columns)
