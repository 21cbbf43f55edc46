"""What the world must write: which runs and leads an hour and its month of learning ask for, in blocks of six hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pipeline.cycle import Cycle
from pipeline.parameters import INTERVAL_KINDS
from pipeline.sources import Source
from pipeline.sources.newest import due_cycles, interval_leads, leads_after, leads_for, longer_cycles
from pipeline.world.feeds import FEEDS, lead_step_hours

BLOCK = timedelta(hours=6)
RECENT_DAYS = 2  # of analyses every six hours; before, only those that verify the hours learnt from


@dataclass(frozen=True)
class Extent:
    """How much of a world to write: the past hours that skill is learnt from, and how far ahead of the live hour."""

    days: int
    lead_hours: tuple[int, ...]
    forecast_hours: int


@dataclass(frozen=True)
class Job:
    """Files of one run within a block: `leads` whole, `further` with just their totals and extremes.

    `exact` totals add up what the run rained before; otherwise the truth stands in for it.
    """

    source: str
    start: datetime
    day: date
    leads: tuple[int, ...]
    further: tuple[int, ...] = ()
    exact: bool = True


Blocks = dict[datetime, list[Job]]


def block_end(when: datetime) -> datetime:
    """The first of 00, 06, 12, 18 UTC that is not before `when`."""
    hours = (when.hour + (when.minute > 0) + 5) // 6 * 6
    return datetime(when.year, when.month, when.day) + timedelta(hours=hours)


def plan(live: Cycle, extent: Extent) -> Blocks:
    """Every job of a world by the end of its block."""
    blocks: Blocks = defaultdict(list)
    for source in FEEDS.values():
        if source.role == "analysis":
            for when, job in _analyses(source, live, extent):
                blocks[when].append(job)
            continue
        for when, job in _live_jobs(source, live, extent):
            blocks[when].append(job)
        if source.role != "ensemble":
            for when, job in _past_jobs(source, live, extent):
                blocks[when].append(job)
    return dict(sorted(blocks.items()))


def past_hours(live: Cycle, extent: Extent) -> list[Cycle]:
    """The hours of the month that are learnt from, oldest first."""
    return [live - 24 * back for back in range(extent.days, 0, -1)]


def served_by(source: Source, hour: Cycle) -> list[Cycle]:
    """The run that serves an hour and, of a model with short and long runs, the longer one before it."""
    newest = due_cycles(source, hour)[:1]
    longer = [run for cycle in newest for run in longer_cycles(source, cycle, hour)[:1]]
    return newest if source.role == "ensemble" else newest + longer


def _live_jobs(source: Source, live: Cycle, extent: Extent) -> Iterable[tuple[datetime, Job]]:
    newest, *longer = served_by(source, live)
    for cycle in (newest, *longer):
        by_block: dict[datetime, list[int]] = defaultdict(list)
        wanted = leads_for(source, cycle, live, extent.forecast_hours, lead_step_hours(source.name))
        if cycle in longer:
            wanted = leads_after(source, newest, cycle, wanted)
        if not wanted:
            continue
        for lead in wanted:
            by_block[block_end(cycle.valid_time(lead))].append(lead)
        first, *_ = by_block
        more = [lead for lead in interval_leads(source, cycle, wanted) if lead < wanted[0]]
        for when, leads in by_block.items():
            further = tuple(more) if when == first else ()
            yield when, Job(source.name, cycle.init_time, live.init_time.date(), tuple(leads), further)


def _past_jobs(source: Source, live: Cycle, extent: Extent) -> Iterable[tuple[datetime, Job]]:
    for hour in past_hours(live, extent):
        last = -1.0
        for cycle in served_by(source, hour):
            age = int(cycle.lead_hours(hour.init_time))
            native = source.leads(cycle)
            wanted = [age + ahead for ahead in extent.lead_hours if ahead > last and age + ahead in native]
            last = native[-1] - age
            further = interval_leads(source, cycle, wanted)
            for lead in wanted:
                when = block_end(cycle.valid_time(lead))
                near = tuple(part for part in further if lead - 6 <= part < lead)
                exact = source.role == "regional"
                yield when, Job(source.name, cycle.init_time, hour.init_time.date(), (lead,), near, exact)


def _analyses(source: Source, live: Cycle, extent: Extent) -> Iterable[tuple[datetime, Job]]:
    wanted: dict[Cycle, set[int]] = defaultdict(set)
    verifying = {hour + ahead for hour in past_hours(live, extent) for ahead in extent.lead_hours}
    verifying |= {live + hours for hours in range(-24 * RECENT_DAYS, extent.forecast_hours + 1, 6)}
    intervals = any(row.kind in INTERVAL_KINDS for row in source.parameters())
    for time in verifying:
        wanted[time].add(0)
        if intervals:
            wanted[time - 6].add(6)
    for cycle, leads in sorted(wanted.items()):
        for lead in sorted(leads & set(source.leads(cycle))):
            when = cycle.valid_time(lead)
            yield block_end(when), Job(source.name, cycle.init_time, when.date(), (lead,))
