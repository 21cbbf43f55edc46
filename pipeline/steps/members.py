"""The pool that a distribution is made of: all ensembles' members on a tile and the newest single runs beside them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.science.align import to_hours
from pipeline.science.blend import lead_position
from pipeline.science.pooling import about_the_first
from pipeline.science.weights import Weights
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.blending import bridge
from pipeline.steps.ensembles import ensembles, open_ensemble
from pipeline.steps.input_reader import members
from pipeline.steps.inputs import Contribution, at_hours, contribution, holds, sources_of, valid_hours

Array = NDArray[np.float32]

EVERY_HOURS = 6
"""Between the runs of a global model."""
LAGGED_RUNS = 2
"""Newest runs of a source that are members: older ones err visibly more than the newest."""
NO_MEMBERS = ("regional", "persistence")
"""Roles of sources that are no scenario for the globe: one ends at its edges, the other knows no storm to come."""
LARGEST_GAP_HOURS = 12
"""Between leads: a run kept for verification only has too few to say what happens between them."""


def pooled(
    deployment: Deployment, hour: Cycle, row: Parameter, leads: NDArray[np.int64], rows: slice, weights: Weights
) -> Array:
    """(number, lead, place) the members of all ensembles and the newest runs of the sources on a tile.

    weights: of these places. Each ensemble, and the single runs with their biases removed, lies about the mean of the
    first, as all are recentred on the blend anyway; amounts are left where they are, for zero must stay zero.
    """
    names = [name for name in ensembles(deployment, hour) if row.name in open_ensemble(deployment, hour, name)]
    columns = deployment.grid.shape[1]
    cells = slice(rows.start * columns, rows.stop * columns)
    groups = [list(members(deployment.store.child(paths.ensemble(hour, name)), row.name, rows)) for name in names]
    runs = list(_runs(deployment, hour, row, leads, cells, weights))
    sizes = [len(group) for group in groups] + [len(runs)] * bool(runs)
    pool = np.empty((sum(sizes), len(leads), cells.stop - cells.start), np.float32)
    first = 0
    for name, group in zip(names, groups, strict=True):
        _at_hours(deployment, hour, name, row, leads, group, pool[first : first + len(group)])
        first += len(group)
    for run, out in zip(runs, pool[first:], strict=True):
        out[:] = run
    if row.blend != "precipitation":
        about_the_first(pool, sizes)
    return pool


def _runs(
    deployment: Deployment, hour: Cycle, row: Parameter, leads: NDArray[np.int64], cells: slice, weights: Weights
) -> Iterator[Array]:
    """Each global source's newest runs (lead, place), biases removed; NaN beyond their last lead.

    The mean of an ensemble is none of these: it is smoother than any forecast.
    """
    for name in sources_of(deployment, row):
        source = SOURCES[name]
        if source.role in NO_MEMBERS or "spread" in source.products or name not in weights.sources:
            continue
        for part in _newest(deployment, name, row, hour):
            values = at_hours(deployment, part, row, hour, leads.tolist(), cells)
            lag = part.age_hours - _newest_age(deployment, name, hour)
            lower, fraction = lead_position(weights.lead_bins, leads + lag)
            upper = np.minimum(lower + 1, len(weights.lead_bins) - 1)
            known = weights.bias[weights.sources.index(name)]
            bias = (1 - fraction)[:, None] * known[lower] + fraction[:, None] * known[upper]
            value = values * bias if weights.ratio else values - bias
            yield np.clip(value, row.minimum, row.maximum).astype(np.float32)


def _newest(deployment: Deployment, name: str, row: Parameter, hour: Cycle) -> Iterator[Contribution]:
    """A source's newest runs at the hour that say what happens at every time to come, newest first."""
    first = contribution(deployment, name, hour)
    if first is None:
        return
    for earlier in range(0, LAGGED_RUNS * EVERY_HOURS, EVERY_HOURS):
        found = contribution(deployment, name, hour - earlier)
        if found is None or (earlier and first.cycle != found.cycle + earlier):
            continue
        part = Contribution(name, found.cycle, first.age_hours + earlier)
        if not holds(deployment, part, row):
            continue
        known = valid_hours(deployment, part, row)
        if len(known) > 1 and known[-1] > 0 and np.diff(known).max() <= LARGEST_GAP_HOURS:
            yield part


def _newest_age(deployment: Deployment, name: str, hour: Cycle) -> int:
    part = contribution(deployment, name, hour)
    return 0 if part is None else part.age_hours


def _at_hours(
    deployment: Deployment,
    hour: Cycle,
    name: str,
    row: Parameter,
    leads: NDArray[np.int64],
    natives: list[Array],
    out: Array,
) -> None:
    """Fill `out` (number, lead, place) with members at every hour; beyond their range the nearest lead stands in."""
    known = open_ensemble(deployment, hour, name)["lead_time"].values.astype(np.float64)
    lengths = np.diff(known, prepend=known[0] - (known[1] - known[0])) if row.kind != "instantaneous" else None
    for values, hourly in zip(natives, out, strict=True):
        to_hours(values, known, leads.astype(np.float64), row.time, interval_hours=lengths, out=hourly)
        bridged = bridge(row, hourly)
        if bridged is not hourly:
            hourly[:] = bridged
