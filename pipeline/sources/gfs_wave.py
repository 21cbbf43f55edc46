"""NCEP GFS-Wave (WAVEWATCH III), global 0.25 degrees."""

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
from pipeline.sources.gfs import BUCKET, CYCLES


def _layout(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    hour = hour_of(cycle)
    return f"gfs.{cycle.init_time:%Y%m%d}/{hour}/wave/gridded/gfswave.t{hour}z.global.0p25.f{lead:03d}.grib2"


def _analysis_layout(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    hour = hour_of(cycle)
    return f"gdas.{cycle.init_time:%Y%m%d}/{hour}/wave/gridded/gdaswave.t{hour}z.global.0p25.f{lead:03d}.grib2"


# WVPER is the period of the wind waves alone, so NCEP has no mean period of all waves.
CARRIED = carried("ncep", only=SEA_STATE)

GFS_WAVE = Source(
    name="gfs_wave",
    title="NCEP GFS-Wave 0.25 degrees",
    role="wave",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=every(CYCLES, hours(range(121), range(123, 385, 3))),
    delay_hours=5.4,
    index="ncep",
    vocabulary="ncep",
    carries=CARRIED,
    layout=_layout,
    licence=US_GOVERNMENT,
    attribution=NCEP_ATTRIBUTION,
)

GDAS_WAVE = Source(
    name="gdas_wave",
    title="NCEP GDAS wave analysis 0.25 degrees",
    role="analysis",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=every(CYCLES, hours(range(10))),
    delay_hours=7.0,
    index="ncep",
    vocabulary="ncep",
    carries=CARRIED,
    layout=_analysis_layout,
    licence=US_GOVERNMENT,
    attribution=NCEP_ATTRIBUTION,
)
