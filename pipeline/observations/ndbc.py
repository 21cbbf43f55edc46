"""Buoys and coastal stations of NOAA's National Data Buoy Center.

File: `ndbc/<YYYYMMDD>/<HH>/latest_obs.txt`: two header
lines that begin with `#` name the columns and their units, then a line a station separated by blanks, `MM` where
nothing is known. Waves: WVHT is the significant height, DPD the dominant and APD the average period, MWD the direction
the dominant waves come from. PRES is at sea level. Times are UTC.

The file has no elevation: buoys with a WMO number stand at 0 m, but those of the Great Lakes (45...) and the coastal
stations, which have names, do not say. Anemometers of buoys stand at 3 to 5 m; the wind is taken as it is and its
observation error allows for that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime

from pipeline.cycle import Cycle
from pipeline.observations.report import KELVIN, NAUTICAL_MILE, Reading, Station, wind_components

NETWORK = "ndbc"

_MISSING = "MM"
_UNITS = {
    "STN": "text", "LAT": "deg", "LON": "deg", "YYYY": "yr", "MM": "mo", "DD": "day", "hh": "hr", "mm": "mn",
    "WDIR": "degT", "WSPD": "m/s", "GST": "m/s", "WVHT": "m", "DPD": "sec", "APD": "sec", "MWD": "degT",
    "PRES": "hPa", "ATMP": "degC", "WTMP": "degC", "DEWP": "degC", "VIS": "nmi",
}  # fmt: skip
# column: parameter, factor, offset
_PARAMETERS = {
    "WSPD": ("wind_speed_10m", 1.0, 0.0),
    "GST": ("wind_gust", 1.0, 0.0),
    "WVHT": ("significant_wave_height", 1.0, 0.0),
    "DPD": ("primary_wave_period", 1.0, 0.0),
    "APD": ("mean_wave_period", 1.0, 0.0),
    "MWD": ("wave_direction", 1.0, 0.0),
    "PRES": ("pressure_at_sea_level", 100.0, 0.0),
    "ATMP": ("temperature_2m", 1.0, KELVIN),
    "WTMP": ("sea_surface_temperature", 1.0, KELVIN),
    "DEWP": ("dew_point_temperature_2m", 1.0, KELVIN),
    "VIS": ("visibility", NAUTICAL_MILE, 0.0),
}
_NUMBER = re.compile(r"-?\d{1,5}(\.\d{1,4})?")


def keys(hour: Cycle) -> list[str]:
    """The file of the newest reports at `hour`."""
    return [f"ndbc/{hour.init_time:%Y%m%d}/{hour.init_time:%H}/latest_obs.txt"]


def public_url(key: str) -> str:
    """The same file on NOAA's server, which keeps only the newest."""
    return f"https://www.ndbc.noaa.gov/data/latest_obs/{key.rsplit('/', 1)[-1]}"


def read(texts: Mapping[str, str], hour: Cycle) -> Reading:
    """Observations of the files by key; `hour` is not needed, for the table has full dates."""
    reading = Reading(NETWORK)
    for text in texts.values():
        lines = text.splitlines()
        columns = _columns(lines[:2], reading)
        if columns:
            for line in lines[2:]:
                if line.strip():
                    _read_line(line, columns, reading)
    return reading


def _columns(header: list[str], reading: Reading) -> list[str]:
    """The columns' names, none if a name is missing or a unit is not the known one."""
    names, units = (line.lstrip("#").split() for line in (*header, "", "")[:2])
    found = dict(zip(names, units, strict=False))
    if not names or len(names) != len(set(names)) or len(names) != len(units):
        reading.reject(" ".join(header), "expected two header lines: #STN LAT LON ... and its units #text deg deg ...")
        return []
    for name, unit in _UNITS.items():
        if found.get(name) != unit:
            reading.reject(" ".join(header), f"expected a column {name} in {unit}; found {found.get(name, 'none')}")
            return []
    return names


def _read_line(line: str, columns: list[str], reading: Reading) -> None:
    fields = line.split()
    if len(fields) != len(columns):
        return reading.reject(line, f"expected {len(columns)} columns; found {len(fields)}")
    row = dict(zip(columns, fields, strict=True))
    numbers = {}
    for name, text in row.items():
        if name in _UNITS and name != "STN" and text != _MISSING:
            if not _NUMBER.fullmatch(text):
                return reading.reject(line, f"expected a number or MM in {name}; found {text}")
            numbers[name] = float(text)
    try:
        valid_time = datetime(*(int(row[name]) for name in ("YYYY", "MM", "DD", "hh", "mm")))  # type: ignore[arg-type]
        latitude, longitude = numbers["LAT"], numbers["LON"]
    except (KeyError, ValueError):
        return reading.reject(line, "expected a position and a time")
    if abs(latitude) > 90 or abs(longitude) > 180:
        return reading.reject(line, f"impossible position {latitude} {longitude}")
    is_sea_buoy = re.fullmatch(r"(?!45)\d{5}", row["STN"])
    station = Station(latitude, longitude, 0.0 if is_sea_buoy else math.nan)
    values = {parameter: numbers[name] * factor + offset
              for name, (parameter, factor, offset) in _PARAMETERS.items() if name in numbers}  # fmt: skip
    if "WSPD" in numbers and "WDIR" in numbers:
        values |= wind_components(numbers["WSPD"], numbers["WDIR"])
    return reading.add(row["STN"], station, valid_time, values)
