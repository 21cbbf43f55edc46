"""The pool that a distribution is made of: all ensembles' members on a tile and the newest single runs beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.science import amounts
from pipeline.science.align import to_hours
from pipeline.science.align_plan import instants
from pipeline.science.amounts import Correction
from pipeline.science.blend import lead_position, without_course
from pipeline.science.pooling import Pool, without_bias
from pipeline.science.weights import Weights
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.blending import day_hours, nearest_lead
from pipeline.steps.ensembles import open_ensemble
from pipeline.steps.input_reader import members
from pipeline.steps.inputs import TRUTH_HOURS, at_hours, sources_of
from pipeline.steps.plausible import leave_out
from pipeline.steps.runs import Contribution, contribution, holds, role, valid_hours
from pipeline.steps.served import ensembles, serving

Array = NDArray[np.float32]
Leads = NDArray[np.int64]

EVERY_HOURS = 6
"""Between the runs of a global model."""
LAGGED_RUNS = 2
"""Newest runs of a source that are members: older ones err visibly more than the newest."""
NO_MEMBERS = ("regional", "persistence")
"""Roles of runs that are no scenario for the globe: one ends at its edges, the other knows no storm to come."""
LARGEST_GAP_HOURS = 12
"""Between leads: a run kept for verification only has too few to say what happens between them."""
PART_BYTES = 2**26
"""Of hourly members that are in memory at a time, where they cannot be had from two leads."""


@dataclass(frozen=True)
class Ensemble:
    """Members (number, lead, place) of an ensemble at its own leads, hours from the hour of the forecast."""

    members: Array
    hours: NDArray[np.float64]


def pools(
    deployment: Deployment,
    hour: Cycle,
    row: Parameter,
    leads: Leads,
    rows: slice,
    weights: Weights,
    correction: Correction | None = None,
) -> Iterator[tuple[slice, Pool]]:
    """The members of all ensembles and the newest runs of the sources on a tile, some of its places after the other.

    weights: of these places. Each ensemble, and the single runs with their biases removed, lies about the mean of the
    first, as all are recentred on the blend anyway; amounts are left where they are, for zero must stay zero.
    """
    columns = deployment.grid.shape[1]
    cells = slice(rows.start * columns, rows.stop * columns)
    stored = {name: open_ensemble(deployment, hour, name) for name in ensembles(deployment, hour)}
    shapes = {name: data[row.name].shape[:2] for name, data in stored.items() if row.name in data}
    parts = _single_runs(deployment, hour, row, weights)
    values = np.empty((sum(map(prod, shapes.values())) + len(parts) * len(leads), cells.stop - cells.start), np.float32)
    groups, first = [], 0
    for name, shape in shapes.items():
        group = values[first : first + prod(shape)].reshape(*shape, -1)
        for member, out in zip(
            members(deployment.store.child(paths.ensemble(hour, name)), row.name, rows), group, strict=True
        ):
            out[:] = member
        groups.append(Ensemble(group, stored[name]["lead_time"].values.astype(np.float64)))
        first += prod(shape)
    runs = values[first:].reshape(len(parts), len(leads), values.shape[1])
    _fill_runs(deployment, hour, row, leads, cells, weights, correction, parts, runs)
    if row.time == "linear" and not any(np.isnan(member).any() for group in groups for member in group.members):
        yield slice(0, values.shape[1]), _between_leads(row, groups, runs, leads, values)
        return
    width = max(1, PART_BYTES // (4 * len(leads) * (sum(number for number, _ in shapes.values()) + len(runs))))
    for first in range(0, values.shape[1], width):
        part = slice(first, min(first + width, values.shape[1]))
        yield part, _every_hour(row, groups, runs[..., part], leads, part)


def _between_leads(row: Parameter, groups: Sequence[Ensemble], runs: Array, leads: Leads, values: Array) -> Pool:
    """Members as they are stored in `values` (row, place), groups before runs; beyond their range the nearest lead
    stands in."""
    befores, afters, weights, first = [], [], [], 0
    for group in groups:
        plan = instants(group.hours, np.clip(leads, group.hours[0], group.hours[-1]), row.time)
        number, known = group.members.shape[:2]
        rows = first + known * np.arange(number)[:, None]
        befores.append(rows + plan.before)
        afters.append(rows + plan.after)
        weights.append(np.broadcast_to(plan.weight, (number, len(leads))))
        first += number * known
    rows = first + np.arange(len(runs) * len(leads)).reshape(-1, len(leads))
    before, after = np.concatenate([*befores, rows]), np.concatenate([*afters, rows])
    weight = np.concatenate([*weights, np.zeros(rows.shape, np.float32)])
    return Pool(values, before, after, weight, _ends(row, groups, runs))


def _every_hour(row: Parameter, groups: Sequence[Ensemble], runs: Array, leads: Leads, part: slice) -> Pool:
    """Members brought to every hour; beyond their range the nearest lead stands in, and who has no value is no member.
    runs: of the places `part`."""
    numbers = sum(len(group.members) for group in groups)
    values = np.empty((numbers + len(runs), *runs.shape[1:]), np.float32)
    out = iter(values)
    for group in groups:
        known = group.hours
        lengths = np.diff(known, prepend=known[0] - (known[1] - known[0])) if row.kind != "instantaneous" else None
        for member, hourly in zip(group.members, out, strict=False):
            to_hours(member[:, part], known, leads.astype(np.float64), row.time, interval_hours=lengths, out=hourly)
            bridged = nearest_lead(hourly)
            if bridged is not hourly:
                hourly[:] = bridged
    values[numbers:] = runs
    table = np.arange(len(values) * len(leads)).reshape(-1, len(leads))
    nothing = np.zeros(table.shape, np.float32)
    return Pool(values.reshape(-1, runs.shape[2]), table, table, nothing, _ends(row, groups, runs))


def _ends(row: Parameter, groups: Sequence[Ensemble], runs: Array) -> NDArray[np.int64]:
    sizes = [len(group.members) for group in groups] + [len(runs)] * bool(len(runs))
    return np.array([sum(sizes)] if row.blend == "precipitation" else np.cumsum(sizes))


def _single_runs(deployment: Deployment, hour: Cycle, row: Parameter, weights: Weights) -> list[Contribution]:
    """Each global source's newest runs. The mean of an ensemble is none of these: it is smoother than any forecast."""
    return [
        part
        for name in sources_of(deployment, row)
        if "spread" not in SOURCES[name].products and name in weights.sources
        for part in _newest(deployment, name, row, hour)
        if role(deployment, part) not in NO_MEMBERS
    ]


def _fill_runs(
    deployment: Deployment, hour: Cycle, row: Parameter, leads: Leads, cells: slice, weights: Weights,
    correction: Correction | None, parts: Sequence[Contribution], runs: Array,
) -> None:  # fmt: skip
    """Fill `runs` (run, lead, place), biases removed or amounts mapped; NaN beyond their last lead and where one is not
    believed."""
    for part, out in zip(parts, runs, strict=True):
        values = at_hours(deployment, part, row, hour, leads.tolist(), cells)
        lag = part.age_hours - _newest_age(deployment, part.source, hour)
        if correction is not None:
            ends = amounts.interval_ends(hour.init_time.hour, leads, TRUTH_HOURS)
            out[:] = amounts.mapped(values[None], amounts.for_sources(correction, [part.source]), ends, lag)[0]
            continue
        source = weights.sources.index(part.source)
        bias = weights.bias[source]
        if weights.course is not None:
            course, hours = weights.course[:, [source]], day_hours(row, hour, leads)
            values = without_course(values[None], course, weights.lead_bins, leads + lag, hours)[0]
        position = lead_position(weights.lead_bins, leads + lag)
        without_bias(values, bias, *position, np.float32(row.minimum), np.float32(row.maximum), out)
    leave_out(deployment, hour, row, [part.source for part in parts], runs, leads, cells)


def _newest(deployment: Deployment, name: str, row: Parameter, hour: Cycle) -> Iterator[Contribution]:
    """A source's newest runs at the hour that say what happens at every time to come, newest first."""
    first = serving(deployment, hour).get(name)
    if first is None:
        return
    for earlier in range(0, LAGGED_RUNS * EVERY_HOURS, EVERY_HOURS):
        found = contribution(deployment, name, hour - earlier) if earlier else first
        if found is None or (earlier and first.cycle != found.cycle + earlier):
            continue
        part = Contribution(name, found.cycle, first.age_hours + earlier)
        if not holds(deployment, part, row):
            continue
        known = valid_hours(deployment, part, row)
        if len(known) > 1 and known[-1] > 0 and np.diff(known).max() <= LARGEST_GAP_HOURS:
            yield part


def _newest_age(deployment: Deployment, name: str, hour: Cycle) -> int:
    part = serving(deployment, hour).get(name)
    return 0 if part is None else part.age_hours
