"""METAR and SPECI reports of aerodromes (ICAO Annex 3, WMO-No. 306 FM 15; remarks: FMH-1 of the United States).

Files: `metar/<YYYYMMDD>/<HH>Z.TXT`, NOAA's cycle files: a line `YYYY/MM/DD HH:MM`, the report on the next line, an
empty line. The cycle `HH` holds reports from HH-1:45 to HH:44. `metar/nsd_cccc.txt`, NOAA's station table: fields
separated by `;`, of which 0 is the ICAO name, 7 and 8 latitude and longitude as `DD-MM[-SS]H`, 11 the elevation in m.

What is read, and how:
* temperature and dew point from `T/Td`, in tenths from the remark `TsTTTsTTT`;
* wind `dddff[Ggg]` in KT, MPS or KMH; a variable direction gives a speed but no components;
* sea-level pressure from the remark `SLPppp`, else from `Qpppp` or `Apppp` through station pressure. Both are
  rounded down when reported, so the middle of the interval is taken;
* visibility below 10 km or 10 miles: from there on a report says only "at least", which is no measurement;
* total cloud as the largest layer (FEW 1.5/8, SCT 3.5/8, BKN 6/8, OVC and VV 8/8; SKC 0). CLR, NSC, NCD and CAVOK
  say nothing about high cloud and give no value;
* hourly precipitation from `Pnnnn` of a routine report of the full hour (minute 45 to 0); none at an AO2 station
  without it is zero, unless `PNO`;
* snow depth from `4/nnn`.
Two groups of a report that contradict each other give no value.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from pipeline.cycle import Cycle
from pipeline.observations import pressure
from pipeline.observations.report import (
    INCH,
    INCH_OF_MERCURY,
    KELVIN,
    KNOT,
    STATUTE_MILE,
    Reading,
    Station,
    day_and_time,
    wind_components,
)

NETWORK = "metar"

_UNITS = {"KT": KNOT, "MPS": 1.0, "KMH": 1 / 3.6}
_OKTAS = {"SKC": 0.0, "FEW": 1.5, "SCT": 3.5, "BKN": 6.0, "OVC": 8.0, "VV": 8.0}
_TREND = {"NOSIG", "TEMPO", "BECMG", "INTER", "PROB30", "PROB40", "FCST"}
_HEADER = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d")
_START = re.compile(r"(METAR|SPECI)?\s*(?:COR\s+)?([A-Z][A-Z0-9]{3})\s+(\d\d)(\d\d)(\d\d)Z\s(.*)")
_WIND = re.compile(r"(\d{3}|VRB)(\d{2,3})(?:G(\d{2,3}))?(KT|MPS|KMH)")
_VISIBILITY = re.compile(r"(\d{4})(?:NDV)?|(?:(\d{1,2}) )?(\d{1,2})(?:/(\d{1,2}))?SM")
_CLOUD = re.compile(r"(FEW|SCT|BKN|OVC)(?:\d{3}|///)(?:CB|TCU|///)?|(VV)(?:\d{3}|///)|(SKC)")
_TEMPERATURE = re.compile(r"(M?\d\d)/(M?\d\d|//|)")
_ALTIMETER = re.compile(r"([QA])(\d{4})")
_TENTHS = re.compile(r"T([01])(\d{3})(?:([01])(\d{3}))?")
_SEA_LEVEL = re.compile(r"SLP(\d{3})")
_HOURLY_PRECIPITATION = re.compile(r"P(\d{4})")
_SNOW_DEPTH = re.compile(r"4/(\d{3})")
_AUTOMATIC, _NO_GAUGE = re.compile("AO2"), re.compile("PNO")
_PATTERNS = (
    _WIND, _VISIBILITY, _CLOUD, _TEMPERATURE, _ALTIMETER, _TENTHS, _SEA_LEVEL, _HOURLY_PRECIPITATION, _SNOW_DEPTH,
    _AUTOMATIC, _NO_GAUGE,
)  # fmt: skip
_Groups = dict[re.Pattern[str], dict[str, re.Match[str]]]
_DEGREES = re.compile(r"(\d{1,3})-(\d{1,2})(?:-(\d{1,2}))?([NSEW])")


def keys(hour: Cycle) -> list[str]:
    """The station table, then the files that hold reports of the hour that ends at `hour`, oldest first."""
    files = [f"metar/{time.init_time:%Y%m%d}/{time.init_time:%H}Z.TXT" for time in (hour - 1, hour)]
    return ["metar/nsd_cccc.txt", *files]


def public_url(key: str) -> str:
    """The same file on NOAA's server, which keeps one day."""
    name = key.rsplit("/", 1)[-1]
    return f"https://tgftp.nws.noaa.gov/data/{'observations/metar/cycles/' if name.endswith('Z.TXT') else ''}{name}"


def read(texts: Mapping[str, str], hour: Cycle) -> Reading:
    """Observations of the files by key, a station table among them; reports of unknown stations are problems."""
    reading = Reading(NETWORK)
    stations: dict[str, Station] = {}
    for key, text in texts.items():
        if key.endswith("nsd_cccc.txt"):
            stations = read_stations(text, reading)
    for key, text in texts.items():
        if not key.endswith("nsd_cccc.txt"):
            for line in text.splitlines():
                if line.strip() and not _HEADER.fullmatch(line.strip()):
                    read_report(line, stations, hour, reading)
    return reading


def read_stations(text: str, reading: Reading) -> dict[str, Station]:
    """Stations by ICAO name of a table in the format of `nsd_cccc.txt`."""
    stations = {}
    for line in text.splitlines():
        fields = line.split(";")
        if len(fields) < 12:
            reading.reject(line, "expected a station of at least 12 fields separated by `;`")
            continue
        latitude, longitude = _degrees(fields[7], "NS", 90), _degrees(fields[8], "EW", 180)
        if latitude is None or longitude is None:
            reading.reject(line, "expected latitude and longitude such as 51-29N;000-27W")
            continue
        elevation = float(fields[11]) if re.fullmatch(r"-?\d{1,4}", fields[11]) else math.nan
        stations[fields[0]] = Station(latitude, longitude, elevation)
    return stations


def _degrees(text: str, hemispheres: str, limit: float) -> float | None:
    match = _DEGREES.fullmatch(text.strip())
    if match is None or match[4] not in hemispheres:
        return None
    minutes, seconds = int(match[2]), int(match[3] or 0)
    degrees = int(match[1]) + minutes / 60 + seconds / 3600
    if minutes > 59 or seconds > 59 or degrees > limit:
        return None
    return -degrees if match[4] in "SW" else degrees


def read_report(line: str, stations: Mapping[str, Station], hour: Cycle, reading: Reading) -> None:
    """Read one report on one line; what it says of weather, runways and trends is passed over."""
    match = _START.match(line.strip().rstrip("=$ ") + " ")
    if match is None:
        return reading.reject(line, "expected a report such as METAR EGLL 311150Z ...")
    name, text = match[2], match[6]
    valid_time = day_and_time(int(match[3]), int(match[4]), int(match[5]), hour)
    if valid_time is None:
        return reading.reject(line, f"the day is not near {hour}")
    if name not in stations:
        return reading.reject(line, f"the station {name} is not in the station table")
    if not (hour - 1).init_time < valid_time <= hour.init_time:
        return None  # the files hold as many of the hour before
    if text.startswith("NIL"):
        return None
    main, _, remarks_text = f" {text}".partition(" RMK")
    groups = _sorted(_join_miles(itertools.takewhile(lambda group: group not in _TREND, main.split())))
    remarks = _sorted(remarks_text.split())
    values: dict[str, float] = {}
    for part in (
        lambda: _temperature(groups, remarks),
        lambda: _wind(groups),
        lambda: _total_cloud(groups),
        lambda: _visibility(groups),
        lambda: _precipitation(remarks, valid_time) if match[1] != "SPECI" else {},
        lambda: _snow_depth(remarks),
        lambda: _pressure(groups, remarks, stations[name].elevation),
    ):
        try:
            values |= part()
        except ValueError as error:
            reading.reject(line, str(error))
    if not values:
        return reading.reject(line, "no group of the report could be read")
    return reading.add(name, stations[name], valid_time, values)


def _sorted(groups: Iterable[str]) -> _Groups:
    """By pattern the groups that match it, each once, with their matches."""
    found: _Groups = {}
    for group in groups:
        for pattern, match in _matches(group):
            found.setdefault(pattern, {})[group] = match
    return found


@lru_cache(maxsize=2**16)
def _matches(group: str) -> list[tuple[re.Pattern[str], re.Match[str]]]:
    """The patterns that a group matches; the same few thousand groups come again and again."""
    return [(pattern, match) for pattern in _PATTERNS if (match := pattern.fullmatch(group))]


def _one(pattern: re.Pattern[str], groups: _Groups) -> re.Match[str] | None:
    """The only group that matches, None without any; ValueError if two different ones do."""
    found = groups.get(pattern, {})
    if len(found) > 1:
        raise ValueError(f"contradicting groups {' and '.join(found)}")
    return next(iter(found.values()), None)


def _temperature(groups: _Groups, remarks: _Groups) -> dict[str, float]:
    match, tenths = _one(_TEMPERATURE, groups), _one(_TENTHS, remarks)
    if match is None:
        return {}
    values = []
    for text, sign, digits in zip(match.groups(), ("", "") if tenths is None else tenths.groups()[::2],
                                  ("", "") if tenths is None else tenths.groups()[1::2], strict=True):  # fmt: skip
        if text in ("", "//"):
            values.append(math.nan)
            continue
        value = -float(text[1:]) if text.startswith("M") else float(text)
        if digits:
            exact = int(digits) / 10 * (-1 if sign == "1" else 1)
            if abs(exact - value) > 0.95:
                raise ValueError(f"{tenths and tenths[0]} contradicts {match[0]}")
            value = exact
        values.append(value + KELVIN)
    if values[1] > values[0]:
        raise ValueError(f"dew point above temperature in {match[0]}")
    names = ("temperature_2m", "dew_point_temperature_2m")
    return {name: value for name, value in zip(names, values, strict=True) if not math.isnan(value)}


def _wind(groups: _Groups) -> dict[str, float]:
    match = _one(_WIND, groups)
    if match is None:
        return {}
    unit = _UNITS[match[4]]
    speed, gust = int(match[2]) * unit, int(match[3] or match[2]) * unit
    if (match[1] != "VRB" and int(match[1]) > 360) or gust < speed:
        raise ValueError(f"impossible wind {match[0]}")
    values = {"wind_speed_10m": speed}
    if match[3]:
        values["wind_gust"] = gust
    if match[1] != "VRB" or speed == 0:
        values |= wind_components(speed, float(match[1]) if match[1] != "VRB" else 0.0)
    return values


def _total_cloud(groups: _Groups) -> dict[str, float]:
    layers = groups.get(_CLOUD, {}).values()
    oktas = [_OKTAS[name] for match in layers for name in match.groups() if name]
    return {"total_cloud_cover": max(oktas) / 8} if oktas else {}


def _visibility(groups: _Groups) -> dict[str, float]:
    match = _one(_VISIBILITY, groups)
    if match is None:
        return {}
    if match[1]:
        return {"visibility": float(match[1])} if int(match[1]) < 9999 else {}
    whole, numerator, denominator = int(match[2] or 0), int(match[3]), int(match[4] or 1)
    if denominator == 0 or (match[2] and numerator >= denominator):
        raise ValueError(f"impossible visibility {match[0]}")
    miles = whole + numerator / denominator
    return {"visibility": miles * STATUTE_MILE} if miles < 10 else {}


def _join_miles(groups: Iterable[str]) -> Iterator[str]:
    """Rejoin `1 1/2SM`, which the report writes as two groups."""
    whole = ""
    for group in groups:
        if len(group) == 1 and group in "123456789":
            whole = group + " "
        else:
            yield whole + group if group.endswith("SM") else group
            whole = ""


def _pressure(groups: _Groups, remarks: _Groups, elevation: float) -> dict[str, float]:
    altimeter, sea_level = _one(_ALTIMETER, groups), _one(_SEA_LEVEL, remarks)
    setting = math.nan
    if altimeter:
        # Reported rounded down: to 1 hPa (ICAO Annex 3, appendix 3, 4.7) and 0.01 inHg (FMH-1, 11.6).
        unit = 100.0 if altimeter[1] == "Q" else INCH_OF_MERCURY / 100
        setting = (int(altimeter[2]) + 0.5) * unit
        if not 85000 < setting < 110000:
            raise ValueError(f"impossible altimeter setting {altimeter[0]}")
    if sea_level:
        # The hundreds are left out; the setting tells which are near, and 955 to 1055 hPa without it.
        near = 100500.0 if math.isnan(setting) else setting
        exact = 90000.0 + int(sea_level[1]) * 10
        return {"pressure_at_sea_level": min(exact, exact + 10000, key=lambda value: abs(value - near))}
    values = _temperature(groups, remarks)
    if math.isnan(setting) or not values or not elevation <= pressure.HIGHEST_REDUCED_STATION:
        return {}
    temperature = values["temperature_2m"]
    dew_point = values.get("dew_point_temperature_2m", temperature - 5)
    at_station = pressure.station_pressure(setting, elevation)
    return {"pressure_at_sea_level": pressure.sea_level_pressure(at_station, elevation, temperature, dew_point)}


def _precipitation(remarks: _Groups, valid_time: datetime) -> dict[str, float]:
    if 0 < valid_time.minute < 45:
        return {}
    match = _one(_HOURLY_PRECIPITATION, remarks)
    if match:
        return {"precipitation": int(match[1]) / 100 * INCH * 1000}
    return {"precipitation": 0.0} if _AUTOMATIC in remarks and _NO_GAUGE not in remarks else {}


def _snow_depth(remarks: _Groups) -> dict[str, float]:
    match = _one(_SNOW_DEPTH, remarks)
    return {"snow_depth": int(match[1]) * INCH} if match else {}
