"""DWD ICON global, 13 km on its icosahedral grid: one bzip2 file a parameter, level and lead."""

from __future__ import annotations

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources.base import Source, carried, hour_of, hours

ROOT = "weather/nwp/icon/grib"
_LONG = hours(range(79), range(81, 181, 3))
_SHORT = hours(range(79), range(81, 121, 3))


def _layout(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    if parameter is None:
        raise ValueError("icon has one file a parameter: name the parameter")
    variable, *level = parameter.icon.split(":")
    kind, upper = ("pressure-level", f"{level[1]}_{variable.upper()}") if level else ("single-level", variable.upper())
    stem = f"icon_global_icosahedral_{kind}_{cycle.init_time:%Y%m%d%H}_{lead:03d}_{upper}"
    return f"{ROOT}/{hour_of(cycle)}/{variable}/{stem}.grib2.bz2"


def _coordinate(variable: str) -> str:
    stem = f"icon_global_icosahedral_time-invariant_{{date}}{{hour}}_{variable.upper()}"
    return f"{ROOT}/{{hour}}/{variable}/{stem}.grib2.bz2"


ICON = Source(
    name="icon",
    title="DWD ICON global 13 km",
    role="deterministic",
    bucket="https://opendata.dwd.de",
    cycles=(0, 6, 12, 18),
    leads_by_cycle={0: _LONG, 6: _SHORT, 12: _LONG, 18: _SHORT},
    delay_hours=4.0,
    index="none",
    vocabulary="icon",
    carries=carried("icon"),
    layout=_layout,
    licence="CC-BY-4.0 (GeoNutzV)",
    attribution="Source: Deutscher Wetterdienst, modified",
    accumulates_from_start=True,
    compression="bz2",
    coordinate_files={"clat": _coordinate("clat"), "clon": _coordinate("clon")},
)
