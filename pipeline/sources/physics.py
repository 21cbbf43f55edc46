"""The physics models run here, on a Slurm cluster: no feeds, their runs are stored as they are read back."""

from __future__ import annotations

from collections.abc import Iterable

from models import mpas, wrf, ww3
from models.variables import PRESSURE_LEVELS
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.sources.base import Role, Source, every, hours

CYCLES = tuple(range(24))
_CORE = (
    "temperature_2m", "eastward_wind_10m", "northward_wind_10m", "wind_speed_10m", "pressure_at_sea_level",
    "skin_temperature", "precipitable_water", "precipitation", "convective_precipitation",
    *(f"pressure_velocity_{level}hpa" for level in (850, 700, 500)),
    *(
        f"{name}_{level}hpa"
        for level in PRESSURE_LEVELS
        for name in ("temperature", "geopotential_height", "relative_humidity", "eastward_wind", "northward_wind")
    ),
)  # fmt: skip


def _nowhere(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    raise ValueError("a model that is run here has no files of a feed")


def _made_here(
    name: str, title: str, role: Role, parameters: Iterable[str], delay_hours: float, licence: str
) -> Source:
    """delay_hours: from the start of a run until it can be counted on, so that skill is learnt from what there was."""
    return Source(
        name=name,
        title=title,
        role=role,
        bucket="",
        cycles=CYCLES,
        leads_by_cycle=every(CYCLES, hours(range(385))),
        delay_hours=delay_hours,
        index="none",
        vocabulary="ncep",
        carries=frozenset(parameters) & blended().keys(),
        layout=_nowhere,
        licence=licence,
        attribution="Hourcast",
    )


WRF = _made_here("wrf", "WRF run here", "regional", wrf.PARAMETERS, 8.0, "public domain")
MPAS = _made_here("mpas", "MPAS-Atmosphere run here", "deterministic", mpas.PARAMETERS, 8.0, "BSD-3-Clause")
WW3 = _made_here("ww3", "WAVEWATCH III run here", "wave", ww3.PARAMETERS, 2.0, "LGPL-3.0")
CORE = _made_here("core", "Embedded dynamical core run here", "deterministic", _CORE, 0.0, "Apache-2.0")
