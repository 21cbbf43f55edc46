"""FourCastNet, run here from an analysis: no feed, its members are made by the stages `integrate` and `gather`."""

from __future__ import annotations

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.sources.base import Source, every, hours

STEP_HOURS = 6
PARAMETERS = (
    "temperature_2m", "eastward_wind_10m", "northward_wind_10m", "wind_speed_10m", "pressure_at_sea_level",
)  # fmt: skip
"""Kept of each member, as far as the model has them."""


def _nowhere(cycle: Cycle, lead: int, member: int | None, parameter: Parameter | None, product: str) -> str:
    raise ValueError("fourcastnet has no files: its members are made here")


FOURCASTNET = Source(
    name="fourcastnet",
    title="FourCastNet members made here",
    role="ensemble",
    bucket="",
    cycles=tuple(range(24)),
    leads_by_cycle=every(tuple(range(24)), hours(range(0, 385, STEP_HOURS))),
    delay_hours=0.0,
    index="none",
    vocabulary="ncep",
    carries=frozenset(PARAMETERS),
    layout=_nowhere,
    licence="Apache-2.0",
    attribution="Hourcast",
    members=tuple(range(31)),
)
