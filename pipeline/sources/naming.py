"""What a message is: its parameter in the catalogue, its native unit, its statistic. ecCodes is the authority.

ecCodes needs a millisecond to name a message, so the answer is kept by the octets that decide it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

import eccodes

from pipeline.parameters import Parameter, blended
from pipeline.sources.messages import GribError, Message

# ecCodes shares state between handles, so two threads never use it at once.
ECCODES = threading.RLock()

Statistic = Literal["", "sum", "mean", "maximum", "minimum", "other"]
Product = Literal["forecast", "mean", "spread"]

GRAVITY = 9.80665
WATER = 1000.0
HOUR = 3600.0

# Native unit -> catalogue unit: factor. Amounts of water in m, energies accumulated in J m-2 over hours.
_FACTORS: dict[tuple[str, str], float] = {
    ("m", "kg m-2"): WATER,
    ("m of water equivalent", "kg m-2"): WATER,
    ("%", "1"): 0.01,
    ("(0 - 1)", "1"): 1.0,
    ("Proportion", "1"): 1.0,
    ("Fraction", "1"): 1.0,
    ("m3 m-3", "1"): 1.0,
    ("m2 s-2", "m"): 1 / GRAVITY,
    ("gpm", "m"): 1.0,
    ("J m-2", "W m-2"): 1 / HOUR,
    ("Degree true", "degree"): 1.0,
    ("deg", "degree"): 1.0,
    ("degrees", "degree"): 1.0,
    ("hPa", "Pa"): 100.0,
}

# A name without a level means the parameter where it naturally lives, not on model or pressure levels.
_NATURAL_LEVELS = frozenset(
    {
        "surface",
        "meanSea",
        "heightAboveGround",
        "entireAtmosphere",
        "atmosphere",
        "atmosphereSingleLayer",
        "lowCloudLayer",
        "middleCloudLayer",
        "highCloudLayer",
        "depthBelowLandLayer",
        "soilLayer",
        "mixedLayerParcel",
        "mostUnstableParcel",
        "oceanSurface",
        "unknown",
    }
)

_DERIVED: dict[int, Product] = {0: "mean", 1: "mean", 2: "spread", 3: "spread", 4: "spread"}
_STATISTICS: dict[str, Statistic] = {"instant": "", "accum": "sum", "max": "maximum", "min": "minimum"}
_ALLOWED: dict[str, tuple[Statistic, ...]] = {
    "accumulation": ("sum",),
    "interval_mean": ("mean", "sum"),
    "interval_maximum": ("", "maximum"),
    "interval_minimum": ("", "minimum"),
}
_WORDS: dict[Statistic, str] = {
    "": "a value at an instant",
    "sum": "a total",
    "mean": "a mean",
    "maximum": "a maximum",
    "minimum": "a minimum",
    "other": "an unusual statistic",
}
_BY_KIND: dict[str, Statistic] = {
    "accumulation": "sum",
    "interval_mean": "mean",
    "interval_maximum": "maximum",
    "interval_minimum": "minimum",
}


@dataclass(frozen=True)
class Naming:
    """What a message is: `parameter` (None, with the `reason`), `factor` to its units, statistic over its interval."""

    parameter: str | None
    reason: str
    factor: float = 1.0
    statistic: Statistic = ""
    product: Product = "forecast"


def name(message: Message) -> Naming:
    """Which parameter of the catalogue a message holds, or why none; GribError if ecCodes cannot read it."""
    key = _identity_2(message) if message.edition == 2 else _identity_1(message)
    known = _KNOWN.get(key)
    if known is None:
        known = with_handle(message, _ask)
        if len(_KNOWN) >= _KNOWN_LIMIT:
            _KNOWN.clear()
        _KNOWN[key] = known
    return known


_KNOWN: dict[tuple[object, ...], Naming] = {}
_KNOWN_LIMIT = 16384

T = TypeVar("T")


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what the library of ecCodes writes to standard error about failures: each is an exception of ours."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def with_handle(message: Message, use: Callable[[int], T]) -> T:
    """Call `use` with an ecCodes handle of the message, which is released whatever happens; GribError if it fails."""
    with ECCODES, _quiet():
        try:
            handle = eccodes.codes_new_from_message(message.data)
        except eccodes.CodesInternalError as error:
            raise GribError(f"ecCodes cannot read the message: {error}") from None
        try:
            return use(handle)
        except eccodes.CodesInternalError as error:
            raise GribError(f"ecCodes cannot read the message: {error}") from None
        finally:
            eccodes.codes_release(handle)


def _identity_2(message: Message) -> tuple[object, ...]:
    """The octets that say what a GRIB2 message is, without those that say when."""
    first, product = message.section(1), message.section(4)
    template = int.from_bytes(product[7:9], "big")
    statistics = {8: 46, 11: 49, 12: 48}.get(template)
    interval: bytes = b""
    if statistics is None and template not in (0, 1, 2):
        interval = product[34:]
    elif statistics is not None:
        # ECMWF names maxima and minima by the length of their interval.
        code = product[statistics : statistics + 1]
        interval = code + (product[statistics + 2 : statistics + 7] if code in (b"\x02", b"\x03") else b"")
    derived = product[34:35] if template in (2, 12) else b""
    return (
        message.data[6],
        first[5:12],
        first[20:21],
        template,
        product[9:12],
        product[22:34],
        interval,
        derived,
        message.section(2)[:64],
    )


def _identity_1(message: Message) -> tuple[object, ...]:
    first = message.section(1)
    return (first[3:12], first[17:18], first[20:21], first[25:26], first[40:52], first[18:20])


def _get(handle: int, key: str, default: Any = None) -> Any:
    try:
        return eccodes.codes_get(handle, key)
    except eccodes.CodesInternalError:
        return default


def _ask(handle: int) -> Naming:
    short = str(_get(handle, "shortName", "unknown"))
    level_type, level = str(_get(handle, "typeOfLevel", "unknown")), _get(handle, "level", 0)
    if level_type == "isobaricInPa":
        level_type, level = "isobaricInhPa", level / 100
    if level_type == "depthBelowLandLayer":
        level = _top_in_centimetres(handle, level)
    if _get(handle, "gridType") == "sh":
        return Naming(None, f"{short} is spectral (spherical harmonics); transform it to a grid first")
    product, refusal = _product(handle)
    if refusal:
        return Naming(None, f"{short} {refusal}")
    statistic = _statistic(str(_get(handle, "stepType", "instant")))
    parameter = _parameter(short, level_type, level)
    if parameter is None and short == "unknown":
        parameter = _by_code(handle, level_type, level, statistic)
    if parameter is None:
        return Naming(None, f"{_label(handle, short)} at {level_type} {level:g} is not in the catalogue")
    units = str(_get(handle, "units", "unknown")).replace("**", "")
    factor = 1.0 if short == "unknown" else _factor(units, parameter.units)
    if factor is None:
        return Naming(None, f"{short} has the unknown unit {units!r}; expected one that converts to {parameter.units}")
    if (units == "J m-2") or (parameter.kind == "accumulation" and not statistic):
        # GRIB1 of ECMWF does not say that its totals are totals.
        statistic = "sum"
    if statistic not in _ALLOWED.get(parameter.kind, ("", "mean")):
        return Naming(None, f"{short} is {_WORDS[statistic]}, which {parameter.name} ({parameter.kind}) is not")
    return Naming(parameter.name, "", factor, statistic, product)


def _top_in_centimetres(handle: int, level: float) -> float:
    """Of a layer of soil; GRIB1 says it so, ecCodes tells of GRIB2 whole metres only."""
    scaled, scale = (_get(handle, f"{key}OfFirstFixedSurface") for key in ("scaledValue", "scaleFactor"))
    return level if scaled is None else round(100 * scaled / 10**scale)


def _statistic(step_type: str) -> Statistic:
    return "mean" if step_type.startswith("avg") else _STATISTICS.get(step_type, "other")


def _product(handle: int) -> tuple[Product, str]:
    """Whether the message is a value, an ensemble mean or spread, or why it is none of them."""
    for key, what in (
        ("probabilityType", "is a probability, not a value"),
        ("percentileValue", "is a percentile, not a value"),
    ):
        if _get(handle, key) is not None:
            return "forecast", what
    derived = _get(handle, "derivedForecast")
    if derived is None:
        return "forecast", ""
    if derived not in _DERIVED:
        return "forecast", f"is a derived ensemble product of kind {derived}"
    return _DERIVED[derived], ""


def _label(handle: int, short: str) -> str:
    if short != "unknown":
        return short
    codes = [_get(handle, key) for key in ("discipline", "parameterCategory", "parameterNumber")]
    if codes[0] is None:
        return f"parameter {_get(handle, 'table2Version')}.{_get(handle, 'indicatorOfParameter')}"
    return f"parameter {'.'.join(str(code) for code in codes)} of centre {_get(handle, 'centre')}"


def _factor(units: str, wanted: str) -> float | None:
    return 1.0 if units == wanted else _FACTORS.get((units, wanted))


@cache
def _by_short_name() -> dict[str, list[tuple[str, float | None, Parameter]]]:
    table: dict[str, list[tuple[str, float | None, Parameter]]] = {}
    for parameter in blended().values():
        for text in parameter.short_names:
            short, _, place = text.partition("@")
            level_type, _, level = place.partition(":")
            table.setdefault(short, []).append((level_type, float(level) if level else None, parameter))
    return table


def _parameter(short: str, level_type: str, level: float) -> Parameter | None:
    candidates = _by_short_name().get(short, [])
    for wanted_type, wanted_level, parameter in candidates:
        if wanted_type == level_type and (wanted_level is None or wanted_level == level):
            return parameter
    if level_type in _NATURAL_LEVELS:
        return next((parameter for wanted_type, _, parameter in candidates if not wanted_type), None)
    return None


def _by_code(handle: int, level_type: str, level: float, statistic: Statistic) -> Parameter | None:
    """A message that ecCodes cannot name, because its centre's tables are not known, by its WMO code."""
    codes = [_get(handle, key) for key in ("discipline", "parameterCategory", "parameterNumber")]
    if None in codes or codes[2] >= 192:
        return None
    wanted = (".".join(map(str, codes)), level_type, level, statistic)
    for parameter in blended().values():
        if (parameter.grib2, parameter.level_type, parameter.level, _BY_KIND.get(parameter.kind, "")) == wanted:
            return parameter
    return None
