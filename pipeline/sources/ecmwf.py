"""ECMWF open data, 0.25 degrees: IFS, its ensemble and waves, and AIFS."""

from __future__ import annotations

from datetime import datetime

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources.base import CC_BY_4, ECMWF_ATTRIBUTION, SEA_STATE, Layout, Source, carried, every, hour_of, hours

BUCKET = "s3://ecmwf-forecasts"
CYCLES = (0, 6, 12, 18)
_LONG = hours(range(0, 145, 3), range(150, 361, 6))
_SHORT = hours(range(0, 145, 3))
LEADS = {0: _LONG, 6: _SHORT, 12: _LONG, 18: _SHORT}

# Since cycle 50r1 the 06 and 18 UTC runs lie under the streams of the main runs.
CYCLE_50R1 = datetime(2026, 5, 12)


def _layout(model: str, stream: str, kind: str, short_cutoff: str = "") -> Layout:
    """File names of a stream; `short_cutoff` is its name in the 06 and 18 UTC runs before cycle 50r1."""

    def layout(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
        early = short_cutoff and cycle.init_time < CYCLE_50R1 and cycle.init_time.hour in (6, 18)
        name = short_cutoff if early else stream
        folder = f"{cycle.init_time:%Y%m%d}/{hour_of(cycle)}z/{model}/0p25/{name}"
        return f"{folder}/{cycle.init_time:%Y%m%d%H}0000-{lead}h-{name}-{kind}.grib2"

    return layout


_NOT_IN_IFS = (
    *SEA_STATE,
    "convective_precipitation",
    "low_cloud_cover",
    "medium_cloud_cover",
    "high_cloud_cover",
    "snow_depth",
    "boundary_layer_height",
    "sea_ice_fraction",
)
_OCEAN = ("sea_ice_thickness", "sea_surface_height", "eastward_sea_water_velocity", "northward_sea_water_velocity")

IFS = Source(
    name="ifs",
    title="ECMWF IFS 0.25 degrees",
    role="deterministic",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=LEADS,
    delay_hours=7.5,
    index="ecmwf",
    vocabulary="ecmwf",
    carries=carried("ecmwf", without=_NOT_IN_IFS),
    layout=_layout("ifs", "oper", "fc", short_cutoff="scda"),
    licence=CC_BY_4,
    attribution=ECMWF_ATTRIBUTION,
    accumulates_from_start=True,
)

IFS_ENS = Source(
    name="ifs_ens",
    title="ECMWF IFS ensemble members 0.25 degrees",
    role="ensemble",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=LEADS,
    delay_hours=8.2,
    index="ecmwf",
    vocabulary="ecmwf",
    carries=carried("ecmwf", without=_NOT_IN_IFS),
    layout=_layout("ifs", "enfo", "ef"),
    licence=CC_BY_4,
    attribution=ECMWF_ATTRIBUTION,
    members=tuple(range(1, 51)),
    accumulates_from_start=True,
)

IFS_OCEAN = Source(
    name="ifs_ocean",
    title="ECMWF IFS ocean at the start of its forecast",
    role="analysis",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=every(CYCLES, (0,)),
    delay_hours=7.5,
    index="ecmwf",
    vocabulary="ecmwf",
    carries=carried("ecmwf", only=_OCEAN[1:]),  # of ice NCEP has an analysis
    layout=_layout("ifs", "oper", "fc", short_cutoff="scda"),
    licence=CC_BY_4,
    attribution=ECMWF_ATTRIBUTION,
)

AIFS = Source(
    name="aifs",
    title="ECMWF AIFS Single 0.25 degrees",
    role="deterministic",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=every(CYCLES, hours(range(0, 361, 6))),
    delay_hours=6.5,
    index="ecmwf",
    vocabulary="ecmwf",
    carries=carried(
        "ecmwf",
        without=(
            *(name for name in _NOT_IN_IFS if name != "convective_precipitation" and not name.endswith("cloud_cover")),
            "temperature_2m_maximum",
            "temperature_2m_minimum",
            "wind_gust",
            "precipitable_water",
            "convective_available_potential_energy",
            "relative_humidity_*",
            *_OCEAN,
            *(f"soil_{what}_{layer}cm" for what in ("temperature", "moisture") for layer in ("40_100", "100_200")),
        ),
    ),
    layout=_layout("aifs-single", "oper", "fc"),
    licence=CC_BY_4,
    attribution=ECMWF_ATTRIBUTION,
    accumulates_from_start=True,
)

ECMWF_WAM = Source(
    name="ecmwf_wam",
    title="ECMWF wave model 0.25 degrees",
    role="wave",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=LEADS,
    delay_hours=7.5,
    index="ecmwf",
    vocabulary="ecmwf",
    carries=carried(
        "ecmwf",
        only=("significant_wave_height", "primary_wave_period", "mean_wave_period", "wave_direction"),
    ),
    layout=_layout("ifs", "wave", "fc", short_cutoff="scwv"),
    licence=CC_BY_4,
    attribution=ECMWF_ATTRIBUTION,
)
