"""ECCC Global Deterministic Prediction System, 0.15 degrees: one file a parameter and lead."""

from __future__ import annotations

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources.base import Source, carried, every, hour_of, hours

CYCLES = (0, 12)


def _layout(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    if parameter is None:
        raise ValueError("gdps has one file a parameter: name the parameter")
    date, hour = f"{cycle.init_time:%Y%m%d}", hour_of(cycle)
    stem = f"{date}T{hour}Z_MSC_GDPS_{parameter.gdps}_LatLon0.15_PT{lead:03d}H.grib2"
    return f"{date}/WXO-DD/model_gdps/15km/{hour}/{lead:03d}/{stem}"


GDPS = Source(
    name="gdps",
    title="ECCC GDPS 0.15 degrees",
    role="deterministic",
    bucket="https://dd.weather.gc.ca",
    cycles=CYCLES,
    leads_by_cycle=every(CYCLES, hours(range(84), range(84, 241, 3))),
    delay_hours=5.5,
    index="none",
    vocabulary="gdps",
    carries=carried("gdps"),
    layout=_layout,
    licence="ECCC Data Servers End-use Licence",
    attribution="Data source: Environment and Climate Change Canada, modified",
    accumulates_from_start=True,
)
