"""GRIB2: one file a lead, every parameter a message packed by CCSDS, and its inventory as wgrib2 writes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta

import eccodes
import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.grid import Area
from pipeline.parameters import Parameter
from pipeline.parameters.grib2 import Encoding, Statistic, Surface, encoding
from pipeline.products.export_extract import Extract, Fields
from pipeline.sources.naming import ECCODES

_MISSING_CENTRE = 255
_TABLES_VERSION = 34  # of WMO's tables: the oldest that has every number of `grib2.csv`
_MOST_BITS = 30
_MISSING_VALUE = 1e30  # stands for NaN until ecCodes has made the bitmap
_STATISTICS: dict[Statistic, int] = {"mean": 0, "accumulation": 1, "maximum": 2, "minimum": 3, "difference": 4}
_WORDS: dict[Statistic, str] = {
    "mean": "ave", "accumulation": "acc", "maximum": "max", "minimum": "min", "difference": "last-first",
}  # fmt: skip
Keys = Mapping[str, int | float]


def files(fields: Fields, extract: Extract) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of `<hour>_f<lead>.grib2` and `.grib2.idx` of every lead, once all fields are encoded."""
    messages: dict[int, list[tuple[str, bytes]]] = {lead: [] for lead in extract.leads}
    for row, values in fields:
        for lead, field in zip(extract.leads, values, strict=True):
            data = message(row, extract.hour, lead, extract.area, field, synthetic=extract.synthetic)
            messages[lead].append((row.name, data))
    for lead, parts in messages.items():
        name = f"{extract.hour}_f{lead:03d}.grib2"
        yield name, b"".join(data for _, data in parts)
        yield f"{name}.idx", inventory(parts, extract.hour, lead).encode()


def message(
    row: Parameter, hour: Cycle, lead: int, area: Area, values: NDArray[np.float32], *, synthetic: bool
) -> bytes:
    """One parameter at one lead: values (latitude, longitude) in the catalogue's units, NaN where there are none.

    They come back in WMO's units to within the parameter's precision; what is rounded to it already is not changed.
    Raises ValueError if the values' range takes more than 30 bits at that precision, KeyError without an encoding.
    """
    how = encoding(row.name)
    shift = _decimal_shift(how.factor)
    scale = 1.0 if shift else how.factor  # what the decimal scale of the packing does not do
    coded = np.multiply(np.ravel(values), 10.0**-shift * scale, dtype=np.float64)
    with ECCODES:
        handle = eccodes.codes_grib_new_from_samples("GRIB2")
        try:
            for key, value in (_identity(hour, synthetic) | _grid(area) | _product(how, hour, lead)).items():
                eccodes.codes_set(handle, key, value)
            _pack(handle, row, coded, 2 * row.precision * scale, shift)
            return bytes(eccodes.codes_get_message(handle))
        finally:
            eccodes.codes_release(handle)


def _pack(handle: int, row: Parameter, coded: NDArray[np.float64], step: float, shift: int) -> None:
    """Hand the values over with as many bits as their range takes in steps of `step`, or the power of two below it."""
    low, high = float(coded.min()), float(coded.max())
    if math.isnan(low):
        missing = np.isnan(coded)
        held = coded[~missing]
        low, high = (float(held.min()), float(held.max())) if held.size else (0.0, 0.0)
        coded[missing] = _MISSING_VALUE
        eccodes.codes_set(handle, "bitmapPresent", 1)
        eccodes.codes_set(handle, "missingValue", _MISSING_VALUE)
    steps = (high - low) * 10.0**shift / 2.0 ** math.floor(math.log2(step))
    if not steps < 2**_MOST_BITS - 1:
        raise ValueError(f"{row.name}: expected a range of 2^{_MOST_BITS} steps at most; found {low:g} to {high:g}")
    eccodes.codes_set(handle, "packingType", "grid_ccsds")
    eccodes.codes_set(handle, "decimalScaleFactor", shift)
    # Half a step to spare: the least value is kept as a float32, which the decimal scale may take a hair down.
    eccodes.codes_set(handle, "bitsPerValue", math.ceil(steps + 0.5).bit_length() if steps else 0)
    eccodes.codes_set_values(handle, coded)


def _decimal_shift(factor: float) -> int:
    """The decimal scale factor that does the conversion without rounding, 0 if the factor is no power of ten."""
    power = round(math.log10(factor))
    return -power if math.isclose(10.0**power, factor) else 0


def _identity(hour: Cycle, synthetic: bool) -> dict[str, int | float]:
    start = hour.init_time
    return {
        "centre": _MISSING_CENTRE,
        "tablesVersion": _TABLES_VERSION,
        "significanceOfReferenceTime": 1,  # start of forecast
        "year": start.year, "month": start.month, "day": start.day, "hour": start.hour, "minute": 0, "second": 0,
        "productionStatusOfProcessedData": 2 if synthetic else 0,  # research, operational
        "typeOfProcessedData": 1,  # forecast
    }  # fmt: skip


def _grid(area: Area) -> dict[str, int | float]:
    """Section 3: regular in latitude and longitude on WGS 84, north to south, eastwards."""
    return {
        "gridDefinitionTemplateNumber": 0,
        "shapeOfTheEarth": 5,
        "Ni": area.shape[1],
        "Nj": area.shape[0],
        "latitudeOfFirstGridPoint": round(area.latitude[0] * 1e6),
        "longitudeOfFirstGridPoint": round(area.longitude[0] % 360 * 1e6),
        "latitudeOfLastGridPoint": round(area.latitude[-1] * 1e6),
        "longitudeOfLastGridPoint": round(area.longitude[-1] % 360 * 1e6),
        "iDirectionIncrement": round(area.resolution * 1e6),
        "jDirectionIncrement": round(area.resolution * 1e6),
        "scanningMode": 0,
    }


def _product(how: Encoding, hour: Cycle, lead: int) -> dict[str, int | float]:
    """Section 4: what it is, where and when."""
    discipline, category, number = how.code
    start = _start(how, lead)
    keys: dict[str, int | float] = {
        "productDefinitionTemplateNumber": 8 if how.statistic else 0,
        "discipline": discipline,
        "parameterCategory": category,
        "parameterNumber": number,
        "typeOfGeneratingProcess": 13,  # post-processed forecast
        "generatingProcessIdentifier": 255,
        "indicatorOfUnitOfTimeRange": 1,
        "forecastTime": start,
        **_surface("First", how.first),
        **_surface("Second", how.second or Surface(255, None)),
    }
    if how.statistic:
        end = hour.init_time + timedelta(hours=lead)
        moment = {"year": end.year, "month": end.month, "day": end.day, "hour": end.hour, "minute": 0, "second": 0}
        keys |= {f"{key}OfEndOfOverallTimeInterval": value for key, value in moment.items()}
        keys |= {
            "typeOfStatisticalProcessing": _STATISTICS[how.statistic],
            "typeOfTimeIncrement": 2,
            "indicatorOfUnitForTimeRange": 1,
            "lengthOfTimeRange": lead - start,
        }
    return keys


def _start(how: Encoding, lead: int) -> int:
    """Lead at which the interval begins: sums and extremes of a day have at first only the hours that there are."""
    return lead - how.hours if how.statistic == "difference" else max(lead - how.hours, -1)


def _surface(which: str, surface: Surface) -> dict[str, int | float]:
    missing = {"scaleFactor": 255, "scaledValue": 2**32 - 1}
    parts = missing if surface.value is None else _scaled(surface.value)
    return {
        f"typeOf{which}FixedSurface": surface.kind,
        f"scaleFactorOf{which}FixedSurface": parts["scaleFactor"],
        f"scaledValueOf{which}FixedSurface": parts["scaledValue"],
    }


def _scaled(value: float) -> dict[str, int]:
    digits = next(digits for digits in range(7) if math.isclose(round(value, digits), value, abs_tol=1e-9))
    return {"scaleFactor": digits, "scaledValue": round(value * 10**digits)}


_PLAIN = {
    1: "surface", 3: "cloud top", 5: "level of adiabatic condensation from sfc", 6: "max wind", 7: "tropopause",
    8: "top of atmosphere", 101: "mean sea level", 166: "mixing layer",
}  # fmt: skip
_WITH_VALUE = {20: "K level", 100: "mb", 103: "m above ground", 106: "m below ground"}


def inventory(parts: list[tuple[str, bytes]], hour: Cycle, lead: int) -> str:
    """The lines of a `.idx` for named messages of one lead, as wgrib2 writes them, with `name=` of ours at the end."""
    lines, offset = [], 0
    for number, (name, data) in enumerate(parts, 1):
        how = encoding(name)
        what = how.abbreviation or "var discipline={} master_table={} parmcat={} parm={}".format(
            how.code[0], _TABLES_VERSION, *how.code[1:]
        )
        when = f"{hour.init_time:%Y%m%d%H}"
        lines.append(f"{number}:{offset}:d={when}:{what}:{_level(how)}:{_time(how, lead)}:name={name}\n")
        offset += len(data)
    return "".join(lines)


def _level(how: Encoding) -> str:
    if how.second is None:
        return _one_level(how.first)
    if (how.first.kind, how.second.kind) == (1, 8):
        return "atmos col"
    if how.first.kind == how.second.kind:
        return f"{_number(how.first)}-{_number(how.second)} {_WITH_VALUE[how.first.kind]}"
    return f"{_one_level(how.first)} - {_one_level(how.second)}"


def _one_level(surface: Surface) -> str:
    return _PLAIN.get(surface.kind) or f"{_number(surface)} {_WITH_VALUE[surface.kind]}"


def _number(surface: Surface) -> str:
    assert surface.value is not None
    return f"{surface.value / 100 if surface.kind == 100 else surface.value:g}"


def _time(how: Encoding, lead: int) -> str:
    if how.statistic:
        return f"{_start(how, lead)}-{lead} hour {_WORDS[how.statistic]} fcst"
    return f"{lead} hour fcst" if lead else "anl"
