"""Reads the newest analyses as a run of the source `persistence`: every day to come is like the last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import INTERVAL_KINDS, blended
from pipeline.sources.newest import BUCKET_HOURS
from pipeline.sources.persistence import PERSISTENCE, STEP_HOURS
from pipeline.steps.ingest_common import speeds
from pipeline.steps.input_reader import InputRun

Array = NDArray[np.float32]

ENDS = tuple(range(STEP_HOURS - 24, 1, STEP_HOURS))
"""Hours from the newest analysis to those that the first leads, and by turns all others, are like."""


class Part(NamedTuple):
    """A parameter in the run of an analysis: which of its leads, and the hours of the interval that ends there."""

    run: InputRun
    lead: int
    hours: float


@dataclass(frozen=True, eq=False)
class PersistedRun:
    """A run that starts with the newest analysis, of `cycle`, read like an `InputRun`.

    `analyses` gives all runs of the analyses that start at a cycle, none where none has come.
    """

    cycle: Cycle
    analyses: Callable[[Cycle], Sequence[InputRun]]

    arrays = frozenset({"forecast"})

    @cached_property
    def leads(self) -> NDArray[np.int64]:
        """(lead,) leads in hours."""
        return np.array(PERSISTENCE.leads(self.cycle), np.int64)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Place of each parameter that any of the analyses holds."""
        return {name: row for row, name in enumerate(self._days)}

    @cached_property
    def interval_hours(self) -> NDArray[np.float32]:
        """(parameter, lead) length of the interval that ends at the lead, 0 for instants."""
        hours = [[part.hours if part else 0 for part in day] for day in self._days.values()]
        return np.array(hours, np.float32)[:, self._turns]

    @cached_property
    def coverage(self) -> Array:
        """(place,) how much the source counts at each cell: everywhere."""
        part = next(part for day in self._days.values() for part in day if part)
        return np.ones_like(part.run.coverage)

    def held(self, array: str, parameter: str) -> NDArray[np.bool_]:
        """(lead,) whether there is an analysis of the parameter at the lead's hour of the day."""
        return np.array([part is not None for part in self._days[parameter]])[self._turns]

    def read(self, array: str, parameter: str, rows: slice = slice(None)) -> Array:
        """(lead, place) the parameter on the latitude rows; NaN where there is no analysis."""
        day = [part and part.run.read(array, parameter, rows)[part.lead] for part in self._days[parameter]]
        nothing = np.full_like(next(field for field in day if field is not None), np.nan)
        return np.stack([nothing if field is None else field for field in day])[self._turns]

    @cached_property
    def _turns(self) -> NDArray[np.intp]:
        """(lead,) which hour of the day a lead is like: the hours of a day, day after day."""
        return np.arange(len(self.leads)) % len(ENDS)

    @cached_property
    def _days(self) -> dict[str, list[Part | None]]:
        """By parameter its last known day, at ENDS."""
        runs = {hour: self.analyses(self.cycle + hour) for end in ENDS for hour in (end, end - BUCKET_HOURS)}
        days = {}
        for name in sorted({*PERSISTENCE.carries, *speeds(PERSISTENCE)}):
            lead = BUCKET_HOURS if blended()[name].kind in INTERVAL_KINDS else 0
            days[name] = [_part(runs[end - lead], name, lead) for end in ENDS]
        return {name: day for name, day in days.items() if any(day)}


def _part(runs: Sequence[InputRun], name: str, lead: int) -> Part | None:
    """An instant is that of an analysis, an interval that of the first hours after one."""
    for run in runs:
        if name in run.rows:
            place = run.place_of_lead.get(lead)
            if place is not None and run.held("forecast", name)[place]:
                return Part(run, place, float(run.interval_hours[run.rows[name], place]))
    return None
