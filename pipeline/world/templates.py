"""Template messages of GRIB2: ecCodes makes one a (source, parameter, product), to be filled by `encode`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal

import eccodes
import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import Parameter, parameter
from pipeline.world.feeds import FEEDS
from pipeline.world.geography import geography
from pipeline.world.grids import native_grid
from pipeline.world.interpolate import sample

BITS = 12  # of packing; 16 for totals from the start, of which differences are taken
CENTRE = {"ncep": 7, "ecmwf": 98, "icon": 78, "gdps": 54}
Statistic = Literal["", "sum", "mean", "maximum", "minimum"]
STATISTIC_CODE: dict[str, int] = {"mean": 0, "sum": 1, "maximum": 2, "minimum": 3}
Keys = Mapping[str, str | int | float]


@dataclass(frozen=True)
class Template:
    """A message to be filled: where its changing octets lie. `present`: points with a value, None if all have one."""

    head: bytes  # sections 0 to 5
    tail: bytes  # section 6
    section4: int
    section5: int
    interval: int  # offset in section 4 of the end of the interval, 0 for an instant
    bits: int
    present: NDArray[np.bool_] | None
    factor: float  # catalogue unit -> native unit


STATIC = {
    "surface_altitude": Parameter(
        "surface_altitude", "surface_altitude", "altitude", "m", "instantaneous", "all", -500, 9000, 1,
        grib2="0.3.5", level_type="surface",
    ),
    "land_area_fraction": Parameter(
        "land_area_fraction", "land_area_fraction", "land", "1", "fraction", "all", 0, 1, 0.01,
        grib2="2.0.0", level_type="surface",
    ),
}  # fmt: skip


def statistic_of(source: str, wanted: Parameter) -> Statistic:
    """How the feed reduces the interval before a lead; "" where its message is an instant."""
    vocabulary = FEEDS[source].vocabulary
    if wanted.name == "wind_gust":
        return "maximum" if vocabulary in ("ecmwf", "icon") else ""
    by_kind: dict[str, Statistic] = {
        "accumulation": "sum",
        "interval_mean": "mean" if vocabulary == "ncep" else "sum",
        "interval_maximum": "maximum",
        "interval_minimum": "minimum",
    }
    return by_kind.get(wanted.kind, "")


_ECMWF_NAMES = {
    "temperature_2m_maximum": "mx2t3", "temperature_2m_minimum": "mn2t3", "wind_gust": "10fg3",
}  # fmt: skip
_CODES = {
    ("ncep", "temperature_2m_maximum"): "0.0.4",
    ("ncep", "temperature_2m_minimum"): "0.0.5",
    ("ncep", "total_cloud_cover"): "0.6.1",
    ("ncep", "low_cloud_cover"): "0.6.1",
    ("ncep", "medium_cloud_cover"): "0.6.1",
    ("ncep", "high_cloud_cover"): "0.6.1",
    ("icon", "precipitable_water"): "0.1.64",
    ("gdps", "soil_moisture_0_10cm"): "2.0.9",
}
# Where DWD puts the level differently: the atmosphere as a whole, a mixed layer, the surface.
_SURFACES = {
    ("icon", "precipitable_water"): 10,
    ("icon", "convective_available_potential_energy"): 192,
    ("icon", "low_cloud_cover"): 1,
    ("icon", "medium_cloud_cover"): 1,
    ("icon", "high_cloud_cover"): 1,
}
_MEMBER_OCTET = 35  # of section 4, in templates 1 and 11, from 0
_PRESSURE_OCTET = 24  # of section 4, from 0, of four; Pa
_ONE_LEVEL = 500  # hPa, of which ecCodes makes the templates of all
_SOIL_BASES = {0: 10, 10: 40, 40: 100, 100: 200}  # cm, by the top of a layer


def _product_keys(source: str, wanted: Parameter, product: str, member: int | None) -> dict[str, str | int | float]:
    interval = bool(statistic_of(source, wanted))
    if product == "spread" or source == "gefs_mean":
        template = 12 if interval else 2
        return {
            "productDefinitionTemplateNumber": template,
            "derivedForecast": 4 if product == "spread" else 0,
            "numberOfForecastsInEnsemble": 31,
        }
    if member is not None:
        return {
            "productDefinitionTemplateNumber": 11 if interval else 1,
            "typeOfEnsembleForecast": 1 if member == 0 else 3,
            "perturbationNumber": member,
            "numberOfForecastsInEnsemble": 30,
        }
    return {"productDefinitionTemplateNumber": 8 if interval else 0}


def _parameter_keys(source: str, wanted: Parameter) -> dict[str, str | int | float]:
    vocabulary = FEEDS[source].vocabulary
    if vocabulary == "ecmwf":
        short = _ECMWF_NAMES.get(wanted.name) or FEEDS[source].names(wanted)[0].split(":")[0]
        keys: dict[str, str | int | float] = {"shortName": short}
        if wanted.level_type == "isobaricInhPa":
            keys |= {"typeOfLevel": "isobaricInhPa", "level": wanted.level}
        elif wanted.name.startswith("soil"):
            number = int(FEEDS[source].names(wanted)[0].split(":")[2])
            keys |= {"typeOfLevel": "soilLayer", "level": number}
        return keys
    usual = "2.0.2" if vocabulary == "ncep" and wanted.name.startswith("soil_temperature") else wanted.grib2
    codes = _CODES.get((vocabulary, wanted.name), usual).split(".")
    keys = dict(zip(("discipline", "parameterCategory", "parameterNumber"), map(int, codes), strict=True))
    if wanted.level_type == "orderedSequenceData":
        return keys | {"typeOfFirstFixedSurface": 241, "scaleFactorOfFirstFixedSurface": 0,
                       "scaledValueOfFirstFixedSurface": wanted.level}  # fmt: skip
    if wanted.level_type == "depthBelowLandLayer":
        return keys | {
            "typeOfFirstFixedSurface": 106, "scaleFactorOfFirstFixedSurface": 2,
            "scaledValueOfFirstFixedSurface": wanted.level,
            "typeOfSecondFixedSurface": 106, "scaleFactorOfSecondFixedSurface": 2,
            "scaledValueOfSecondFixedSurface": _SOIL_BASES[wanted.level],
        }  # fmt: skip
    if (vocabulary, wanted.name) in _SURFACES:
        return keys | {"typeOfFirstFixedSurface": _SURFACES[vocabulary, wanted.name]}
    if wanted.name == "wind_gust" and vocabulary in ("icon", "gdps"):
        return keys | {"typeOfLevel": "heightAboveGround", "level": 10}
    return keys | {"typeOfLevel": wanted.level_type, "level": wanted.level}


_SEVERAL_UNITS = ("1", "kg m-2", "W m-2")
"""The catalogue's units for which some feed has others; asking ecCodes takes as long as all else of a template."""


def _factor(handle: int, wanted: Parameter) -> float:
    """From the catalogue's unit (W m-2 times hours for a total of energy) to the native one."""
    units = str(eccodes.codes_get(handle, "units")) if wanted.units in _SEVERAL_UNITS else wanted.units
    if units == "%":
        return 100.0
    if units in ("m", "m of water equivalent") and wanted.units == "kg m-2":
        return 1e-3
    return 3600.0 if units == "J m**-2" else 1.0


def _present(source: str, wanted: Parameter) -> NDArray[np.bool_] | None:
    """Sea points for sea fields, land points for land fields; None where every point has a value."""
    if wanted.domain == "all":
        return None
    grid = native_grid(source)
    lat, lon = grid.latitude.astype(np.float32), grid.longitude.astype(np.float32)
    land = sample(geography().land[None], lat, lon, np.zeros(1, np.int64))[0]
    present = land < 0.5 if wanted.domain == "sea" else land > 0.2
    return None if present.all() else present


@lru_cache(maxsize=4096)
def template(source: str, name: str, product: str = "forecast", member: int | None = None) -> Template:
    """The template of a parameter in a feed; `name` may also be a static field of `STATIC`."""
    if member is not None and member > 1:  # the same as member 1 but for its number
        first = template(source, name, product, 1)
        at = first.section4 + _MEMBER_OCTET
        return replace(first, head=first.head[:at] + bytes([member]) + first.head[at + 1 :])
    wanted = STATIC.get(name) or parameter(name)
    if wanted.level_type == "isobaricInhPa" and wanted.level != _ONE_LEVEL:  # the same but for the pressure
        first = template(source, name.replace(f"_{wanted.level}hpa", f"_{_ONE_LEVEL}hpa"), product, member)
        at = first.section4 + _PRESSURE_OCTET
        return replace(first, head=first.head[:at] + (wanted.level * 100).to_bytes(4, "big") + first.head[at + 4 :])
    statistic = "" if name in STATIC else statistic_of(source, wanted)
    bits = 16 if statistic == "sum" else BITS
    present = None if name in STATIC else _present(source, wanted)
    handle = eccodes.codes_clone(_blank(source))
    try:
        keys = _product_keys(source, wanted, product, member) | {"generatingProcessIdentifier": 255}
        keys |= {"typeOfGeneratingProcess": 4 if product != "forecast" or member is not None else 2}
        keys |= {"typeOfStatisticalProcessing": STATISTIC_CODE[statistic], "indicatorOfUnitForTimeRange": 1,
                 "lengthOfTimeRange": 3} if statistic else {}  # fmt: skip
        for key, value in (keys | _parameter_keys(source, wanted)).items():
            eccodes.codes_set(handle, key, value)
        eccodes.codes_set(handle, "indicatorOfUnitOfTimeRange", 1)
        return _cut(handle, source, wanted, bits, present)
    finally:
        eccodes.codes_release(handle)


@lru_cache(maxsize=32)
def _blank(source: str) -> int:
    """The handle, never released, of a message on the feed's grid, from which its templates are cloned."""
    handle: int = eccodes.codes_grib_new_from_samples("GRIB2")
    eccodes.codes_set(handle, "centre", CENTRE[FEEDS[source].vocabulary])
    eccodes.codes_set(handle, "tablesVersion", 30)
    for key, value in native_grid(source).keys.items():
        eccodes.codes_set(handle, key, value)
    return handle


def _cut(handle: int, source: str, wanted: Parameter, bits: int, present: NDArray[np.bool_] | None) -> Template:
    """Fill the handle with values that need `bits` each and take it apart."""
    size = native_grid(source).size
    values = np.linspace(0.0, 1.0, size)
    if present is not None:
        eccodes.codes_set(handle, "bitmapPresent", 1)
        eccodes.codes_set(handle, "missingValue", 9999.0)
        values = np.where(present, values, 9999.0)
    eccodes.codes_set(handle, "packingType", "grid_simple")
    eccodes.codes_set(handle, "bitsPerValue", bits)
    eccodes.codes_set_values(handle, values)
    data = eccodes.codes_get_message(handle)
    offsets: dict[int, int] = {}
    position = 16
    while data[position : position + 4] != b"7777":
        offsets[data[position + 4]] = position
        position += int.from_bytes(data[position : position + 4], "big")
    number = int.from_bytes(data[offsets[4] + 7 : offsets[4] + 9], "big")
    return Template(
        head=data[: offsets[6]],
        tail=data[offsets[6] : offsets[7]],
        section4=offsets[4],
        section5=offsets[5],
        interval={8: 34, 11: 37, 12: 36}.get(number, 0),
        bits=bits,
        present=present,
        factor=_factor(handle, wanted),
    )


def coordinate_message(source: str, name: str, start: datetime) -> bytes:
    """Latitude ("clat") or longitude ("clon") of every point of an unstructured grid, degrees, as DWD has them."""
    grid = native_grid(source)
    handle = eccodes.codes_grib_new_from_samples("GRIB2")
    try:
        eccodes.codes_set(handle, "centre", CENTRE[FEEDS[source].vocabulary])
        for key, value in grid.keys.items():
            eccodes.codes_set(handle, key, value)
        codes = {"discipline": 0, "parameterCategory": 191, "parameterNumber": 1 if name == "clat" else 2}
        for code, number in codes.items():
            eccodes.codes_set(handle, code, number)
        eccodes.codes_set(handle, "dataDate", int(f"{start:%Y%m%d}"))
        eccodes.codes_set(handle, "dataTime", start.hour * 100)
        eccodes.codes_set(handle, "bitsPerValue", 24)
        eccodes.codes_set_values(handle, grid.latitude if name == "clat" else grid.longitude)
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)
