"""Lines of the index files beside the data: wgrib2's `.idx` and ECMWF's `.index`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources import Source
from pipeline.world.encode import Step

_NCEP_STATISTIC = {"sum": "acc", "mean": "ave", "maximum": "max", "minimum": "min"}


@dataclass(frozen=True)
class Entry:
    """One message: whose values over which step, reduced by which statistic ("" for an instant)."""

    parameter: Parameter
    data: bytes
    step: Step
    statistic: str


@dataclass(frozen=True)
class Place:
    """Where a message lies: its number from 1 and offset in the file of one lead, member and product."""

    cycle: Cycle
    lead: int
    number: int
    offset: int
    member: int | None = None
    product: str = "forecast"


def line(source: Source, entry: Entry, place: Place) -> str:
    """The line of a message in its feed's format, without the line break."""
    return _ecmwf(source, entry, place) if source.index == "ecmwf" else _ncep(source, entry, place)


def analysis_line(name: str, place: Place) -> str:
    """The line of a static field that is no parameter, `VAR:level`."""
    return f"{place.number}:{place.offset}:d={place.cycle.init_time:%Y%m%d%H}:{name}:anl:"


def _ncep(source: Source, entry: Entry, place: Place) -> str:
    if entry.statistic:
        time = f"{entry.step.start}-{entry.step.end} hour {_NCEP_STATISTIC[entry.statistic]} fcst"
    else:
        time = f"{place.lead} hour fcst" if place.lead else "anl"
    tail = ""
    if source.name == "gefs_mean":
        tail = "ens spread" if place.product == "spread" else "ens mean"
    elif place.member is not None:
        tail = f"ENS=+{place.member}" if place.member else "ENS=low-res ctl"
    name = source.names(entry.parameter)[0]
    return f"{place.number}:{place.offset}:d={place.cycle.init_time:%Y%m%d%H}:{name}:{time}:{tail}"


def _ecmwf(source: Source, entry: Entry, place: Place) -> str:
    name, level_type, *level = source.names(entry.parameter)[0].split(":")
    start = place.cycle.init_time
    row: dict[str, str | int] = {
        "domain": "g", "date": f"{start:%Y%m%d}", "time": f"{start:%H}00", "expver": "0001",
        "class": "ai" if source.name == "aifs" else "od", "type": "fc",
        "stream": source.key(place.cycle, place.lead).rsplit("-", 2)[-2], "step": str(place.lead),
    }  # fmt: skip
    if level:
        row["levelist"] = level[0]
    row |= {"levtype": level_type, "param": name, "_offset": place.offset, "_length": len(entry.data)}
    return json.dumps(row)
