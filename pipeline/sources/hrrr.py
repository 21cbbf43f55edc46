"""NCEP High-Resolution Rapid Refresh, 3 km over the contiguous United States (Lambert conformal)."""

from __future__ import annotations

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources.base import NCEP_ATTRIBUTION, SEA_STATE, US_GOVERNMENT, Source, carried, hour_of, hours

CYCLES = tuple(range(24))
_ABSENT = (600, 400, 200, 150, 100, 50)  # hPa, levels of which its surface file has nothing


def _layout(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    return f"hrrr.{cycle.init_time:%Y%m%d}/conus/hrrr.t{hour_of(cycle)}z.wrfsfcf{lead:02d}.grib2"


HRRR = Source(
    name="hrrr",
    title="NCEP HRRR 3 km",
    role="regional",
    bucket="s3://noaa-hrrr-bdp-pds",
    cycles=CYCLES,
    leads_by_cycle={hour: hours(range(49 if hour % 6 == 0 else 19)) for hour in CYCLES},
    delay_hours=2.0,
    index="ncep",
    vocabulary="ncep",
    # Its radiation is instantaneous, its pressure levels have dew point instead of relative humidity.
    carries=carried(
        "ncep",
        without=(
            *SEA_STATE,
            "temperature_2m_maximum",
            "temperature_2m_minimum",
            "eastward_wind_100m",
            "northward_wind_100m",
            "convective_precipitation",
            "surface_downwelling_*",
            "soil_*",
            "runoff",
            "surface_upward_latent_heat_flux",
            "sea_ice_thickness",
            "relative_humidity_*",
            "pressure_velocity_*",
            *(f"temperature_{level}hpa" for level in (300, 250, *_ABSENT)),
            *(f"geopotential_height_{level}hpa" for level in (925, 300, 250, *_ABSENT)),
            *(f"{way}_wind_{level}hpa" for level in _ABSENT for way in ("eastward", "northward")),
        ),
    ),
    layout=_layout,
    licence=US_GOVERNMENT,
    attribution=NCEP_ATTRIBUTION,
    accumulates_from_start=True,
    maximum_age_hours=12.0,
)
