"""The pairs of forecast and truth that skill is learnt from: which are due at an hour, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.config import LATE_HOURS
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.science import skill as skills
from pipeline.science.blend import angular_error
from pipeline.science.skill import Skill
from pipeline.steps import Deployment
from pipeline.steps.ensembles import ensemble_variance
from pipeline.steps.inputs import has_truth, truth, truth_delay_hours
from pipeline.steps.numbered import verified
from pipeline.steps.plausible import unbelieved
from pipeline.steps.wave_energy import energy_verified

Array = NDArray[np.float32]
Float = NDArray[np.float64]


def due(deployment: Deployment, previous: Cycle | None, hour: Cycle) -> list[tuple[Cycle, Cycle, int]]:
    """When the truth of a pair can be counted on, from `previous` (or a month ago) until just before `hour`, and the
    pair's start and lead; in this order."""
    starts, delay = deployment.learning_starts(hour), truth_delay_hours(deployment)
    pairs = [(start + lead + delay, lead, start) for start in starts for lead in deployment.config.learning.lead_hours]
    return [(known, start, lead) for known, lead, start in sorted(pairs) if (previous or starts[0]) <= known < hour]


def awaited(
    deployment: Deployment, row: Parameter, missed: Sequence[tuple[Cycle, int]], hour: Cycle
) -> tuple[tuple[Cycle, int], ...]:
    """Of starts and leads whose truth was `missed` at an hour those for which it may yet come."""
    oldest = hour - truth_delay_hours(deployment) - LATE_HOURS
    times = [(start, lead, start + lead) for start, lead in missed]
    return tuple((start, lead) for start, lead, valid in times if valid >= oldest and has_truth(deployment, row, valid))


@dataclass(frozen=True)
class Pair:
    """Believed forecasts (source, place), the truth (place,), the ensemble's variance, each source's mean square error
    until then (source,), the hour of the day in UTC, and of directions of waves their energy (source, 1, place)."""

    forecasts: Array
    observed: Array
    variance: Array | None
    known: Float
    hour: float
    energy: Array | None


def read_pairs(
    deployment: Deployment, rows: Sequence[Parameter], states: Sequence[Skill], start: Cycle, lead: int
) -> list[Pair] | None:
    """The pair of a parameter, or those of a vector's two; None unless all have a truth."""
    truths = [truth(deployment, row, start + lead) for row in rows]
    known = [analysis for analysis in truths if analysis is not None]
    if len(known) < len(rows):
        return None
    return [
        _read_pair(deployment, row, state, start, lead, *analysis)
        for row, state, analysis in zip(rows, states, known, strict=True)
    ]


def _read_pair(
    deployment: Deployment, row: Parameter, state: Skill, start: Cycle, lead: int, observed: Array, interval: int
) -> Pair:
    forecasts = np.full((len(state.sources), observed.size), np.nan, np.float32)
    for index, name in enumerate(state.sources):
        forecast = verified(deployment, name, row, start, lead, interval)
        if forecast is not None:
            forecasts[index] = forecast
    known = skills.mean_square_at(state, state.lead_bins.index(lead))
    forecasts[unbelieved(difference(row, forecasts, observed), np.sqrt(known))] = np.nan
    variance = ensemble_variance(deployment, row, start, lead, interval)
    energy = _energy(deployment, row, state.sources, forecasts, start, lead, interval)
    return Pair(forecasts, observed, variance, known, truth_hour(start, lead, interval), energy)


def _energy(
    deployment: Deployment, row: Parameter, sources: tuple[str, ...], forecasts: Array, start: Cycle, lead: int,
    interval: int,
) -> Array | None:  # fmt: skip
    """(source, 1, place) as the blend of those that have forecasts weighs them; NaN of the others."""
    there = np.flatnonzero(np.isfinite(forecasts).any(axis=1))
    found = energy_verified(deployment, [sources[index] for index in there], row, start, lead, interval)
    if found is None:
        return None
    energy = np.full((len(sources), 1, forecasts.shape[1]), np.nan, np.float32)
    energy[there, 0] = found
    return energy


def truth_hour(start: Cycle, lead: int, interval: int) -> float:
    """The hour of the day in UTC that a truth is for, of one over an `interval` of hours its middle."""
    return start.init_time.hour + lead - interval / 2


def difference(row: Parameter, forecasts: Array, observed: Array) -> Array:
    return angular_error(forecasts, observed) if row.kind == "direction" else forecasts - observed
