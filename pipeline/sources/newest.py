"""Which run of a source serves an hour, and which of its leads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING

from pipeline.cycle import Cycle
from pipeline.sources.base import Source

if TYPE_CHECKING:  # a Lambda asks which run is due, and needs nothing that decodes
    from pipeline.sources.fetch import Bucket

# Longest interval that an accumulation may cover; NCEP's buckets end at its multiples.
BUCKET_HOURS = 6
# ECMWF's maxima and minima cover the hours since the output before.
WINDOW_HOURS = 3


def due_cycles(source: Source, hour: Cycle) -> list[Cycle]:
    """Runs that should have arrived by `hour` and are not too old for it, newest first."""
    ages = range(int(source.maximum_age_hours) + 1)
    cycles = (hour - age for age in ages if age >= source.delay_hours)
    return [cycle for cycle in cycles if cycle.init_time.hour in source.cycles]


def longer_cycles(source: Source, cycle: Cycle, hour: Cycle) -> list[Cycle]:
    """Runs due at `hour` that begin before `cycle` and end after it, newest first.

    Of a model with long and short runs they say what happens when the newest has ended.
    """
    last = source.leads(cycle)[-1]
    if last == max(leads[-1] for leads in source.leads_by_cycle.values()):
        return []
    end = cycle + last
    return [
        earlier for earlier in due_cycles(source, hour) if earlier < cycle and earlier + source.leads(earlier)[-1] > end
    ]


def leads_after(source: Source, cycle: Cycle, longer: Cycle, leads: Sequence[int]) -> tuple[int, ...]:
    """Those of the `leads` of a longer run that are of use where `cycle` ends: from some hours before its last on."""
    end = source.leads(cycle)[-1] + longer.lead_hours(cycle.init_time)
    return tuple(lead for lead in leads if lead > end - 2 * BUCKET_HOURS)


def newest_cycle(bucket: Bucket, source: Source, hour: Cycle, last_lead_hours: int) -> Cycle | None:
    """The newest run due at `hour` whose last wanted file has arrived; else the newest with its first; else None.

    `last_lead_hours`: how far after the hour the forecast goes.
    """
    due = due_cycles(source, hour)
    wanted = [(cycle, leads_for(source, cycle, hour, last_lead_hours)) for cycle in due]
    for which in (-1, 0):
        for cycle, leads in wanted:
            if leads and bucket.exists(arrival_key(source, cycle, leads[which])):
                return cycle
    return None


def arrival_key(source: Source, cycle: Cycle, lead: int) -> str:
    """The file whose presence says that `lead` has arrived: the last member's index, or the last parameter's file."""
    if source.index == "none":
        return source.key(cycle, lead, parameter=always_there(source))
    member = source.members[-1] if source.members else None
    return source.index_key(source.key(cycle, lead, member=member))


def always_there(source: Source) -> str:
    """A parameter with a value at every lead, also at 0 if the feed has one."""
    names = [parameter.name for parameter in source.parameters() if parameter.kind == "instantaneous"]
    return names[0] if names else source.parameters()[0].name


def ended_by(
    sources: Iterable[Source], bucket: str, key: str, when: datetime, last_lead_hours: int
) -> tuple[str, Cycle] | None:
    """The source whose newest run a file that comes at this time ends, and the next hour that the run is due for."""
    following = Cycle(when.replace(minute=0, second=0, microsecond=0)) + 1
    for source in sources:
        if source.folder != bucket or source.role in ("analysis", "persistence"):
            continue
        for hour in (following + ahead for ahead in range(int(source.delay_hours) + 1)):
            for cycle in due_cycles(source, hour)[:1]:
                leads = leads_for(source, cycle, hour, last_lead_hours)
                if leads and arrival_key(source, cycle, leads[-1]) == key:
                    return source.name, hour
    return None


def leads_for(
    source: Source, cycle: Cycle, hour: Cycle, last_lead_hours: int, step_hours: int | None = None
) -> tuple[int, ...]:
    """Native leads of `cycle` that bracket the hour to `last_lead_hours` after it; () if the run is over by then.

    And to as long after each later hour until the next run is due, so that a run is brought in once, whole; but not
    those of ensembles, which are brought in for one hour. `step_hours` keeps only its multiples.
    """
    age = oldest = int(cycle.lead_hours(hour.init_time))
    if source.role != "ensemble":
        oldest = max(age, _hours_to_next(source, cycle) + ceil(source.delay_hours) - 1)
    native = [lead for lead in source.leads(cycle) if not step_hours or lead % step_hours == 0]
    if not native or native[-1] < age:
        return ()
    first = max((lead for lead in native if lead <= age), default=native[0])
    last = min((lead for lead in native if lead >= oldest + last_lead_hours), default=native[-1])
    return tuple(lead for lead in native if first <= lead <= last)


def _hours_to_next(source: Source, cycle: Cycle) -> int:
    return next(later for later in range(1, 25) if (cycle.init_time.hour + later) % 24 in source.cycles)


def interval_leads(source: Source, cycle: Cycle, leads: Sequence[int]) -> tuple[int, ...]:
    """Further leads whose intervals are needed to cover `BUCKET_HOURS` before each lead, or all since the one before.

    Totals from the start need the total before, their maxima every window since; buckets need each bucket's end.
    """
    native = source.leads(cycle)
    further: set[int] = set()
    for before, lead in zip([0, *leads], leads, strict=False):
        start = max(before, lead - BUCKET_HOURS)
        within = [candidate for candidate in native if start <= candidate < lead]
        further |= set(within[:1] if start % BUCKET_HOURS or source.accumulates_from_start else [])
        ends = WINDOW_HOURS if source.accumulates_from_start else BUCKET_HOURS
        further |= {end for end in within if end % ends == 0 and end > start}
    return tuple(sorted(further - set(leads) - {0}))
