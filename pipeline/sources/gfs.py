"""NCEP Global Forecast System, 0.25 degrees, and the Global Data Assimilation System that starts it."""

from __future__ import annotations

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources.base import (
    NCEP_ATTRIBUTION,
    SEA_STATE,
    US_GOVERNMENT,
    Source,
    carried,
    every,
    hour_of,
    hours,
)

BUCKET = "s3://noaa-gfs-bdp-pds"
CYCLES = (0, 6, 12, 18)


def _gfs(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    hour = hour_of(cycle)
    return f"gfs.{cycle.init_time:%Y%m%d}/{hour}/atmos/gfs.t{hour}z.pgrb2.0p25.f{lead:03d}"


def _gdas(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    hour = hour_of(cycle)
    return f"gdas.{cycle.init_time:%Y%m%d}/{hour}/atmos/gdas.t{hour}z.pgrb2.0p25.f{lead:03d}"


CARRIED = carried("ncep", without=SEA_STATE)

GFS = Source(
    name="gfs",
    title="NCEP GFS 0.25 degrees",
    role="deterministic",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=every(CYCLES, hours(range(121), range(123, 385, 3))),
    delay_hours=5.4,
    index="ncep",
    vocabulary="ncep",
    carries=CARRIED,
    layout=_gfs,
    licence=US_GOVERNMENT,
    attribution=NCEP_ATTRIBUTION,
)

GDAS = Source(
    name="gdas",
    title="NCEP GDAS analysis 0.25 degrees",
    role="analysis",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=every(CYCLES, hours(range(10))),
    delay_hours=7.0,
    index="ncep",
    vocabulary="ncep",
    carries=CARRIED,
    layout=_gdas,
    licence=US_GOVERNMENT,
    attribution=NCEP_ATTRIBUTION,
)
