"""The newest usable run: what is due, what has arrived, how old it may be, and which leads it gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cycle import Cycle
from pipeline.sources import SOURCES
from pipeline.sources.newest import arrival_key, due_cycles, ended_by, interval_leads, leads_for, newest_cycle
from pipeline.store import Store

GFS = SOURCES["gfs"]
HOUR = Cycle.parse("2026-01-31T00")
FEEDS = sorted(name for name, source in SOURCES.items() if source.bucket)  # persistence takes the hour's own analyses


def test_a_run_is_due_once_its_delay_has_passed() -> None:
    assert [str(cycle) for cycle in due_cycles(GFS, HOUR)] == [
        "20260130T18Z", "20260130T12Z", "20260130T06Z", "20260130T00Z",
    ]  # fmt: skip


def arrive(bucket: Store, cycle: Cycle, lead: int) -> None:
    bucket.write(arrival_key(GFS, cycle, lead), b"")


def test_the_newest_run_whose_last_lead_has_arrived_is_taken() -> None:
    bucket = Store.open("memory://")
    assert newest_cycle(bucket, GFS, HOUR, 120) is None
    old, new = HOUR - 12, HOUR - 6
    arrive(bucket, new, 6)
    assert newest_cycle(bucket, GFS, HOUR, 120) == new
    arrive(bucket, old, 132)
    assert newest_cycle(bucket, GFS, HOUR, 120) == old
    arrive(bucket, new, 126)
    assert newest_cycle(bucket, GFS, HOUR, 120) == old, "of use to this hour, not to the last that it serves"
    arrive(bucket, new, 132)
    assert newest_cycle(bucket, GFS, HOUR, 120) == new


def test_a_run_that_is_too_old_is_not_taken() -> None:
    bucket = Store.open("memory://")
    arrive(bucket, HOUR - 30, 150)
    assert newest_cycle(bucket, GFS, HOUR, 120) is None
    assert newest_cycle(bucket, replace(GFS, maximum_age_hours=36), HOUR, 120) == HOUR - 30


@given(st.integers(0, 30), st.integers(1, 240), st.sampled_from([None, 3, 6, 12]), st.sampled_from(FEEDS))
def test_leads_bracket_the_forecast(later: int, last: int, step: int | None, name: str) -> None:
    source = SOURCES[name]
    cycle = Cycle.parse("2026-01-30T00")
    leads = leads_for(source, cycle, cycle + later, last, step)
    native = [lead for lead in source.leads(cycle) if not step or lead % step == 0]
    if not leads:
        assert native[-1] < later
        return
    assert set(leads) <= set(native)
    assert leads[0] <= later
    assert leads[-1] >= min(later + last, native[-1])
    assert list(leads) == [lead for lead in native if leads[0] <= lead <= leads[-1]]


@pytest.mark.parametrize("name", [name for name in FEEDS if SOURCES[name].role not in ("analysis", "ensemble")])
def test_a_run_that_comes_file_by_file_is_brought_in_once_and_serves_until_the_next(name: str) -> None:
    """Every key of every run of a day, all within a minute of the last hour before it is due."""
    source = SOURCES[name]
    for cycle in (HOUR + first for first in source.cycles):
        due = cycle + ceil(source.delay_hours)
        when = (due - 1).init_time + timedelta(minutes=59)
        begun = {
            lead: found
            for lead in source.leads(cycle)
            if (found := ended_by([source], source.folder, arrival_key(source, cycle, lead), when, 360))
        }
        assert list(begun.values()) == [(name, due)]
        whole = leads_for(source, cycle, due, 360)
        assert list(begun) == [whole[-1]]
        for hour in (due + later for later in range(24)):
            if due_cycles(source, hour)[0] == cycle:
                assert set(leads_for(source, cycle, hour, 360)) <= set(whole)


@pytest.mark.parametrize(
    ("source", "leads", "further"),
    [
        ("gfs", (12, 30, 78), ()),  # each at the end of a 6-hour bucket
        ("gfs", (15,), (9, 12)),
        ("gfs", (4, 8), (6,)),
        ("ifs", (12, 30), (6, 9, 24, 27)),
        ("ifs", (6, 9, 12), (3,)),
    ],
)
def test_intervals_need_further_leads(source: str, leads: tuple[int, ...], further: tuple[int, ...]) -> None:
    assert interval_leads(SOURCES[source], Cycle.parse("2026-01-30T00"), leads) == further
