"""Amounts, means and extremes over the intervals that each feed uses: buckets, totals from the start, windows."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from pipeline.parameters import Parameter
from pipeline.world import templates
from pipeline.world.encode import Step
from pipeline.world.feeds import FEEDS
from pipeline.world.forecasts import Hours, Run, hourly
from pipeline.world.interpolate import sample
from pipeline.world.levels import Array
from pipeline.world.schedule import BLOCK, Job, block_end
from pipeline.world.state import BLOCK_HOURS, World

WINDOW_HOURS = {"ecmwf": 3}  # of maxima and minima; the others reduce since the last multiple of six hours
SUMS = (
    "precipitation", "convective_precipitation", "snowfall", "runoff", "surface_downwelling_shortwave_flux",
    "surface_downwelling_longwave_flux", "surface_upward_latent_heat_flux",
)  # fmt: skip
# From which hourly values, how, and by how much more extreme than them within the hours.
_EXTREMES = {
    "temperature_2m_maximum": ("temperature_2m", np.max, 0.1),
    "temperature_2m_minimum": ("temperature_2m", np.min, -0.1),
    "wind_gust": ("wind_gust", np.max, 0.0),
}


def interval(
    world: World, run: Run, job: Job, wanted: Parameter, lead: int, fields: dict[str, Array]
) -> tuple[Step, Array] | None:
    """The interval that ends at `lead` and the parameter over it (point,); None at the start of the run.

    `fields` of the instant, if there are any, bound the extremes.
    """
    if lead == 0:
        return None
    end, hour = _block(run, job, lead)
    hours = hourly(world, run, end)
    if wanted.name in _EXTREMES:
        return _extreme(run, wanted.name, lead, (hours, hour), fields)
    amount = hours.reduce(wanted.name, 0, hour, np.sum) if hour else np.zeros(run.grid.size, np.float32)
    source = FEEDS[run.source]
    if source.accumulates_from_start or source.role == "regional":
        return Step(0, lead), amount + _before(world, run, job, wanted.name, hours)
    start = lead - (hour - hours.first + 1)
    if templates.statistic_of(run.source, wanted) == "mean":
        return Step(start, lead), amount / np.float32(lead - start)
    return Step(start, lead), amount


def _block(run: Run, job: Job, lead: int) -> tuple[datetime, int]:
    """End of the block and the hour in it that `lead` is taken from.

    Without exact totals a lead at the start of the job's block is its hour 0, so that its total is the block's base.
    """
    when = run.start + timedelta(hours=lead)
    end = block_end(when)
    if not job.exact and end == when and lead not in job.leads:
        return end + BLOCK, 0
    return end, BLOCK_HOURS - int((end - when).total_seconds() // 3600)


def _extreme(
    run: Run, name: str, lead: int, block: tuple[Hours, int], fields: dict[str, Array]
) -> tuple[Step, Array] | None:
    hours, hour = block
    column, how, offset = _EXTREMES[name]
    begin = max(hour - WINDOW_HOURS.get(FEEDS[run.source].vocabulary, hour), hours.first - 1)
    if begin >= hour:
        return None
    values = hours.reduce(column, begin, hour, how) + np.float32(offset)
    if column in fields:
        values = (np.minimum if name.endswith("minimum") else np.maximum)(values, fields[column])
    return Step(lead - (hour - begin), lead), values


def _before(world: World, run: Run, job: Job, name: str, hours: Hours) -> Array:
    """Total from the start of the run to the start of the block."""
    begin = hours.end - BLOCK
    if begin <= run.start:
        return np.zeros(run.grid.size, np.float32)
    total = run_total(world, run, begin) if job.exact else _rough_total(world, run.source, run.start, begin)
    return total[name]


@lru_cache(maxsize=64)
def run_total(world: World, run: Run, until: datetime) -> dict[str, Array]:
    """What the run accumulated from its start to the end of a block, (point,) by name."""
    hours = hourly(world, run, until)
    block = {name: hours.reduce(name, 0, BLOCK_HOURS, np.sum) for name in SUMS if name in hours.values}
    if until - BLOCK <= run.start:
        return block
    before = run_total(world, run, until - BLOCK)
    return {name: block[name] + before[name] for name in block}


@lru_cache(maxsize=64)
def _rough_total(world: World, source: str, start: datetime, until: datetime) -> dict[str, Array]:
    """A stand-in for what a past run accumulated before its block: only differences of totals matter."""
    hours = int((until - start).total_seconds() // 3600)
    grid = Run(source, start, start.date()).grid
    middle = world.fields(start + timedelta(hours=hours // 2))
    rates = np.stack([np.full_like(middle[name], 200.0) if "flux" in name else middle[name] for name in SUMS])
    lat, lon = grid.latitude.astype(np.float32), grid.longitude.astype(np.float32)
    return dict(zip(SUMS, sample(rates, lat, lon, np.arange(len(SUMS))) * np.float32(hours), strict=True))
