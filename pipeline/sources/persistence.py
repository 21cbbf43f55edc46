"""Persistence: the weather of the newest analyses goes on as it was, each hour of the day for itself.

No feed: its runs are read from the analyses' (`steps/persisted`). It is the field's oldest reference forecast; a blend
of models gains from it wherever they err alike, at stations and at long leads.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.parameters import blended
from pipeline.sources.base import every, hours
from pipeline.sources.ecmwf import IFS_OCEAN
from pipeline.sources.gfs import GDAS
from pipeline.sources.gfs_wave import GDAS_WAVE

STEP_HOURS = 6

# Yesterday's rain is no forecast of today's, and a total knows no mean state to return to.
_ANALYSED = GDAS.carries | GDAS_WAVE.carries | IFS_OCEAN.carries
CARRIED = frozenset(name for name in _ANALYSED if blended()[name].blend != "precipitation")

PERSISTENCE = replace(
    GDAS,
    name="persistence",
    title="Persistence of the newest analyses",
    role="persistence",
    bucket="",
    index="none",
    leads_by_cycle=every(GDAS.cycles, hours(range(STEP_HOURS, 385, STEP_HOURS))),
    carries=CARRIED,
    maximum_age_hours=48.0,
)
