"""SYNOP reports of land stations (WMO-No. 306 FM 12), section 1.

Files: `synop/<YYYYMMDD>/<HH>.txt`, bulletins one after the other: a line `AAXX YYGGi` with day, hour and unit of wind,
then reports of five-figure groups that end with `=`; `synop/stations.csv`, a station list with the columns
`traditional_station_identifier`, `latitude`, `longitude`, `elevation` (as exported from OSCAR/Surface).

What is read: `Nddff` (wind, total cloud), `1sTTT`, `2sTTT` (dew point; `29UUU` is a humidity and gives none), `4PPPP`
(sea-level pressure; a geopotential `4ahhh` gives none), `6RRRt` of one hour, and the visibility `VV` where it is a
distance. The wind's unit is the header's; 9 octas, sky not seen, give no cloud.
"""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections.abc import Mapping

from pipeline.cycle import Cycle
from pipeline.observations.report import KELVIN, KNOT, Reading, Station, day_and_time, wind_components

NETWORK = "synop"

_WIND_UNITS = {"0": 1.0, "1": 1.0, "3": KNOT, "4": KNOT}
_HEADER = re.compile(r"AAXX\s+(\d\d)(\d\d)([0134/])\b")
_TRACE = 990


def keys(hour: Cycle) -> list[str]:
    """The station table, then the file of the reports of the hour."""
    return ["synop/stations.csv", f"synop/{hour.init_time:%Y%m%d}/{hour.init_time:%H}.txt"]


def public_url(key: str) -> None:
    """Nowhere: SYNOP is exchanged on the Global Telecommunication System and WIS 2.0."""


def read(texts: Mapping[str, str], hour: Cycle) -> Reading:
    """Observations of the files by key, a station table among them; reports of unknown stations are problems."""
    reading = Reading(NETWORK)
    stations: dict[str, Station] = {}
    for key, text in texts.items():
        if key.endswith(".csv"):
            stations |= read_stations(text, reading)
    for key, text in texts.items():
        if not key.endswith(".csv"):
            read_bulletins(text, stations, hour, reading)
    return reading


def read_stations(text: str, reading: Reading) -> dict[str, Station]:
    """Stations by their five-figure number."""
    stations: dict[str, Station] = {}
    try:
        rows = list(csv.DictReader(text.replace("\0", "").splitlines()))
    except csv.Error as error:
        reading.reject(text, f"expected a table of stations in CSV; found {error}")
        return stations
    for row in rows:
        try:
            latitude, longitude = float(row["latitude"]), float(row["longitude"])
            name = row["traditional_station_identifier"]
            elevation = float(row["elevation"] or math.nan)
            if not (name and abs(latitude) <= 90 and abs(longitude) <= 180) or math.isinf(elevation):
                raise ValueError
            stations[name] = Station(latitude, longitude, elevation)
        except (KeyError, TypeError, ValueError):
            shown = ",".join(str(value) for value in row.values())
            reading.reject(shown, "expected columns traditional_station_identifier, latitude, longitude, elevation")
    return stations


def read_bulletins(text: str, stations: Mapping[str, Station], hour: Cycle, reading: Reading) -> None:
    """Read every report after an `AAXX` line; other code forms are passed over."""
    for block in re.split(r"(?=\b(?:AAXX|BBXX|OOXX)\b)", text)[1:]:
        header = _HEADER.match(block)
        if header is None:
            reading.reject(block.split("=")[0], "expected a header such as AAXX 21124")
            continue
        valid_time = day_and_time(int(header[1]), int(header[2]), 0, hour)
        if valid_time is None:
            reading.reject(header[0], f"the day or hour is not near {hour}")
            continue
        # After the last `=` come the next bulletin's heading and control characters.
        for report in block[header.end() :].split("=")[:-1]:
            groups = re.sub(r"[^0-9A-Z/ ]", " ", report.upper()).split()
            if not groups or groups[-1] == "NIL":
                continue
            name = groups[0]
            if name not in stations:
                reading.reject(report, f"the station {name} is not in the station table")
                continue
            try:
                values = _section_1(groups, _WIND_UNITS.get(header[3]))
            except ValueError as error:
                reading.reject(report, str(error))
                continue
            reading.add(name, stations[name], valid_time, values)


def _section_1(groups: list[str], wind_unit: float | None) -> dict[str, float]:
    """Values by parameter of one report; ValueError if its groups are not in order."""
    end = next((i for i, group in enumerate(groups) if group in ("222//", "333", "444", "555")), len(groups))
    main = groups[1:end]
    if len(main) < 2 or not all(re.fullmatch(r"[0-9/]{5}", group) for group in main):
        raise ValueError("expected groups of five figures")
    values = _visibility(main[0][3:]) | _cloud(main[1][0])
    rest, fast_wind = main[2:], ""
    if rest and rest[0].startswith("00") and main[1][3:] == "99":
        fast_wind, rest = rest[0][2:], rest[1:]
    if any(later[0] <= earlier[0] for earlier, later in itertools.pairwise(rest)):
        raise ValueError("groups are not in ascending order")
    if wind_unit is not None:
        values |= _wind(main[1][1:3], fast_wind or main[1][3:], wind_unit)
    by_number = {group[0]: group[1:] for group in rest}
    if re.fullmatch(r"[01]\d{3}", by_number.get("1", "")):
        values["temperature_2m"] = _temperature(by_number["1"])
        if re.fullmatch(r"[01]\d{3}", by_number.get("2", "")):
            values["dew_point_temperature_2m"] = _temperature(by_number["2"])
            if values["dew_point_temperature_2m"] > values["temperature_2m"]:
                raise ValueError(f"dew point above temperature in 1{by_number['1']} 2{by_number['2']}")
    if re.fullmatch(r"[09]\d{3}", by_number.get("4", "")):
        tenths = int(by_number["4"])
        values["pressure_at_sea_level"] = tenths * 10.0 + (100000 if tenths < 5000 else 0)
    if re.fullmatch(r"\d{3}5", by_number.get("6", "")):
        amount = int(by_number["6"][:3])
        values["precipitation"] = float(amount) if amount < _TRACE else (amount - _TRACE) / 10
    return values


def _temperature(figures: str) -> float:
    return (-1 if figures[0] == "1" else 1) * int(figures[1:]) / 10 + KELVIN


def _cloud(octas: str) -> dict[str, float]:
    return {"total_cloud_cover": int(octas) / 8} if octas in "012345678" else {}


def _visibility(code: str) -> dict[str, float]:
    """WMO code table 4377; 00, 89 and above are limits and steps, not distances."""
    if not code.isdigit():
        return {}
    number = int(code)
    if 1 <= number <= 50:
        return {"visibility": number * 100.0}
    if 56 <= number <= 80:
        return {"visibility": (number - 50) * 1000.0}
    return {"visibility": (number - 80) * 5000.0 + 30000} if 81 <= number <= 86 else {}


def _wind(direction: str, speed_text: str, unit: float) -> dict[str, float]:
    if not (speed_text.isdigit() and len(speed_text) in (2, 3)):
        return {}
    speed = int(speed_text) * unit
    values = {"wind_speed_10m": speed}
    if direction == "00" and speed == 0:
        values |= wind_components(0.0, 0.0)
    elif direction.isdigit() and 1 <= int(direction) <= 36:
        values |= wind_components(speed, int(direction) * 10.0)
    elif direction not in ("99", "//"):
        raise ValueError(f"impossible wind {direction}{speed_text}")
    return values
