"""NCEP Global Ensemble Forecast System, 0.25 degrees: 31 members, their mean and their spread."""

from __future__ import annotations

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources.base import NCEP_ATTRIBUTION, US_GOVERNMENT, Source, carried, every, hour_of, hours

BUCKET = "s3://noaa-gefs-pds"
CYCLES = (0, 6, 12, 18)
LEADS = every(CYCLES, hours(range(0, 241, 3)))

# The 0.25 degree product ("pgrb2s") holds surface fields only; its cloud cover is a mean over the past interval.
CARRIED = carried(
    "ncep",
    only=(
        "temperature_2m*",
        "dew_point_temperature_2m",
        "eastward_wind_10m",
        "northward_wind_10m",
        "wind_gust",
        "pressure_at_sea_level",
        "surface_pressure",
        "precipitation",
        "total_cloud_cover",
        "visibility",
        "surface_downwelling_*",
        "precipitable_water",
        "convective_*",
        "snow_depth",
        "soil_*_0_10cm",
        "surface_upward_latent_heat_flux",
        "sea_ice_thickness",
    ),
    without=("convective_precipitation",),
)


def _path(cycle: Cycle, lead: int, run: str) -> str:
    hour = hour_of(cycle)
    return f"gefs.{cycle.init_time:%Y%m%d}/{hour}/atmos/pgrb2sp25/ge{run}.t{hour}z.pgrb2s.0p25.f{lead:03d}"


def _mean(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    return _path(cycle, lead, "spr" if product == "spread" else "avg")


def _member(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    if member not in range(31):
        raise ValueError(f"gefs has members 0 (control) to 30; found {member}")
    return _path(cycle, lead, f"p{member:02d}" if member else "c00")


GEFS_MEAN = Source(
    name="gefs_mean",
    title="NCEP GEFS ensemble mean 0.25 degrees",
    role="deterministic",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=LEADS,
    delay_hours=6.0,
    index="ncep",
    vocabulary="ncep",
    carries=CARRIED,
    layout=_mean,
    licence=US_GOVERNMENT,
    attribution=NCEP_ATTRIBUTION,
    products=("forecast", "spread"),
)

GEFS = Source(
    name="gefs",
    title="NCEP GEFS members 0.25 degrees",
    role="ensemble",
    bucket=BUCKET,
    cycles=CYCLES,
    leads_by_cycle=LEADS,
    delay_hours=6.0,
    index="ncep",
    vocabulary="ncep",
    carries=CARRIED,
    layout=_member,
    licence=US_GOVERNMENT,
    attribution=NCEP_ATTRIBUTION,
    members=tuple(range(31)),
)
