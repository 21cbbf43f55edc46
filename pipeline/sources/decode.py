"""GRIB bytes to fields of the catalogue's parameters, in its units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import eccodes
import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import blended
from pipeline.sources.geometry import Coordinates, Geometry, geometry
from pipeline.sources.messages import GribError, Message, split
from pipeline.sources.naming import Naming, Product, Statistic, name, with_handle
from pipeline.sources.unpack import unpack


@dataclass(frozen=True, eq=False)
class Field:
    """One parameter at one time: `values` (n,) in catalogue units, in the order of the geometry's points.

    `start_hours`, `end_hours`: its interval after `init_time`, equal for an instant; `statistic`: over the interval.
    A "sum" of energy is in W h m-2, so that the mean of its hours is in W m-2.
    """

    parameter: str
    init_time: datetime
    start_hours: float
    end_hours: float
    statistic: Statistic
    member: int | None
    product: Product
    geometry: Geometry
    values: NDArray[np.float32]


Refusal = Callable[[str], None]


def decode(data: bytes, *, coordinates: Coordinates | None = None, refused: Refusal | None = None) -> Iterator[Field]:
    """Fields in `data` that are parameters of the catalogue, in order; winds still relative to their grid.

    `coordinates`: latitude and longitude of an unstructured grid. `refused` is told of every message that is left
    out and why (not in the catalogue, unknown unit, spectral, a probability, coordinates that cannot be had).
    Raises GribError for bytes that are no GRIB, and after the good messages where one is cut off or damaged.
    """
    for message in split(data):
        naming = name(message)
        if naming.parameter is None:
            if refused:
                refused(naming.reason)
            continue
        try:
            yield field(message, naming, coordinates)
        except GribError as error:
            if refused is None:
                raise
            refused(f"{naming.parameter}: {error}")


def field(message: Message, naming: Naming, coordinates: Coordinates | None = None) -> Field:
    """The field of a message that is a parameter of the catalogue; GribError if it cannot be read."""
    assert naming.parameter is not None
    init_time, start, end, member = _time_2(message) if message.edition == 2 else with_handle(message, _time_slow)
    if naming.statistic == "sum" and start == end:
        start = 0.0  # GRIB1 of ECMWF gives only the end of a total
    values = unpack(message, naming.factor)
    grid = geometry(message, coordinates)
    if len(values) != len(grid.latitude):
        raise GribError(f"the message has {len(values)} values for a grid of {len(grid.latitude)} points")
    return Field(naming.parameter, init_time, start, end, naming.statistic, member, naming.product, grid, values)


_UNIT_HOURS = {0: 1 / 60, 1: 1.0, 2: 24.0, 10: 3.0, 11: 6.0, 12: 12.0, 13: 1 / 3600}
# Product template: octet (from 0) of the member's number, or of the end of the interval.
_MEMBER_AT = {1: 35, 11: 35}
_INTERVAL_AT = {8: 34, 11: 37, 12: 36}

Times = tuple[datetime, float, float, int | None]


def _time_2(message: Message) -> Times:
    """Start of the run, the interval in hours after it and the member, from the octets of a GRIB2 message."""
    product = message.section(4)
    template = int.from_bytes(product[7:9], "big")
    unit = _UNIT_HOURS.get(product[17])
    if template not in (0, 1, 2, 8, 11, 12) or unit is None:
        return with_handle(message, _time_slow)
    init_time = _moment(message.section(1)[12:19])
    lead = int.from_bytes(product[18:22], "big")
    start = end = (-(lead & 0x7FFFFFFF) if lead & 0x80000000 else lead) * unit
    if template in _INTERVAL_AT:
        at = _INTERVAL_AT[template]
        end = (_moment(product[at : at + 7]) - init_time).total_seconds() / 3600
        if end < start:
            raise GribError(f"its interval ends {end:g} h after the start of the run, before it begins at {start:g} h")
    member = product[_MEMBER_AT[template]] if template in _MEMBER_AT else None
    return init_time, start, end, member


def _moment(octets: bytes) -> datetime:
    year = int.from_bytes(octets[:2], "big")
    try:
        return datetime(year, octets[2], octets[3], octets[4], octets[5], octets[6])
    except (ValueError, IndexError):
        raise GribError(f"its date {year}-{'-'.join(str(part) for part in octets[2:7])} does not exist") from None


def _time_slow(handle: int) -> Times:
    """The same through ecCodes: GRIB1 and rare templates."""
    date, time = eccodes.codes_get_long(handle, "dataDate"), eccodes.codes_get_long(handle, "dataTime")
    try:
        init_time = datetime(date // 10000, date // 100 % 100, date % 100) + timedelta(
            hours=time // 100, minutes=time % 100
        )
    except ValueError:
        raise GribError(f"its date {date} does not exist") from None
    eccodes.codes_set_string(handle, "stepUnits", "m")
    start, end = (eccodes.codes_get_long(handle, key) / 60 for key in ("startStep", "endStep"))
    try:
        member = eccodes.codes_get_long(handle, "number")
    except eccodes.CodesInternalError:
        member = None
    return init_time, start, end, member


def earth_winds(fields: Iterable[Field]) -> tuple[list[Field], list[tuple[Field, str]]]:
    """The fields with wind components that were relative to their grid turned to east and north.

    Also returns what had to be left out and why: a component without the other of its pair, or on a grid without axes.
    """
    result = list(fields)
    relative = {
        (wind.parameter, wind.init_time, wind.end_hours, wind.member, wind.geometry.key): place
        for place, wind in enumerate(result)
        if wind.geometry.grid_relative and blended()[wind.parameter].kind == "vector_component"
    }
    refused = dict.fromkeys(relative.values(), "relative to its grid, and the other component of the wind is missing")
    for (parameter, init_time, end, member, grid), place in relative.items():
        other = relative.get((parameter.replace("eastward_", "northward_"), init_time, end, member, grid))
        if not parameter.startswith("eastward_") or other is None:
            continue
        try:
            cosine, sine = result[place].geometry.axes()
        except GribError as error:
            refused[place] = refused[other] = str(error)
            continue
        u, v = result[place].values, result[other].values
        result[place] = replace(result[place], values=u * cosine - v * sine)
        result[other] = replace(result[other], values=u * sine + v * cosine)
        del refused[place], refused[other]
    kept = [wind for place, wind in enumerate(result) if place not in refused]
    return kept, [(result[place], reason) for place, reason in sorted(refused.items())]
