"""Pairs of forecast and truth on the cells that all systems share, and the scores of every system on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.science.blend import angular_error, simple_blends
from pipeline.science.references import models
from pipeline.science.resampling import drawn_rmse, interval
from pipeline.science.scores import ScoreRecord
from pipeline.steps import Deployment
from pipeline.steps.inputs import sources_of, truth
from pipeline.steps.numbered import verified

Array = NDArray[np.float32]
Float = NDArray[np.float64]
Ours = Callable[[Mapping[str, Array], int], Array]

SIMPLE_BLENDS = ("equal_weights", "best_source", "inverse_mse")
OURS = "hourcast"
BOX_DEGREES = 15
"""Neighbouring cells err alike: the bootstrap draws boxes of this size."""


class ComparedRecord(ScoreRecord, total=False):
    """A score and, of a system that is not ours, our root mean square error minus its own: below 0 we are better.

    `hours`: how many forecast hours the pairs are of. The interval is of 95 %, from paired draws of hours and boxes.
    """

    hours: int
    difference: float
    difference_low: float
    difference_high: float


@dataclass(frozen=True)
class Pairs:
    """One parameter at one lead of one hour on the cells where all is known: errors (system, cell), ours last."""

    hour: Cycle
    systems: tuple[str, ...]
    errors: Float
    truth: Float
    cells: NDArray[np.intp]


def pair(
    deployment: Deployment, row: Parameter, scored: Cycle, lead: int, mean_square: Float, ours: Ours
) -> Pairs | None:
    """Errors of every global source, of the simple blends and of ours, on the cells they share.

    `mean_square`: (source,) as known at the scored hour, for the simple blends. None without a truth or a source, or
    where the truth is of hours before the scored one, too.
    """
    analysis = truth(deployment, row, scored + lead)
    if analysis is None:
        return None
    observed, covered_hours = analysis
    if covered_hours > lead:
        return None
    sources = sources_of(deployment, row)
    found = {name: verified(deployment, name, row, scored, lead, covered_hours) for name in sources}
    fields = {name: field for name, field in found.items() if field is not None}
    everywhere = np.isfinite(observed).mean()
    names = [name for name, field in fields.items() if np.isfinite(field).mean() > 0.5 * everywhere]
    if not models(names).any():
        return None
    stack = np.stack([*(fields[name] for name in names), ours(fields, covered_hours)])
    cells = np.flatnonzero(np.isfinite(observed) & np.isfinite(stack).all(axis=0))
    values, seen = stack[:, cells].astype(np.float64), observed[cells].astype(np.float64)
    known, model = mean_square[[sources.index(name) for name in names]], models(names)
    simple = simple_blends(values[:-1][model], known[model], circular=row.kind == "direction")
    values = np.concatenate([values[:-1], simple, values[-1:]])
    errors = values - seen
    if row.kind == "direction":
        errors = angular_error(values.astype(np.float32), seen.astype(np.float32)).astype(np.float64)
    return Pairs(scored, (*names, *SIMPLE_BLENDS, OURS), errors, seen, cells)


def score_pairs(deployment: Deployment, name: str, lead: int, parts: Sequence[Pairs]) -> list[ComparedRecord]:
    """One record a system over all hours of `parts` of one parameter, cells weighted by area."""
    errors = np.concatenate([part.errors for part in parts], axis=1)
    weight = blocks(deployment, parts).weight
    return _records(deployment, name, lead, parts, errors, errors @ weight / weight.sum())


def score_vectors(
    deployment: Deployment, name: str, lead: int, east: Sequence[Pairs], north: Sequence[Pairs]
) -> list[ComparedRecord]:
    """One record a system of the vector that both components make: the length of its error, and of its mean as bias.

    Hours that only one of the components has are left out; without a common one the list is empty.
    """
    both = [(one, other) for one in east for other in north if (one.hour, one.systems) == (other.hour, other.systems)]
    both = [(_on(one, other.cells), _on(other, one.cells)) for one, other in both]
    if not both:
        return []
    first, second = (np.concatenate([part.errors for part in side], axis=1) for side in zip(*both, strict=True))
    parts = [one for one, _ in both]
    weight = blocks(deployment, parts).weight
    mean = [values @ weight / weight.sum() for values in (first, second)]
    return _records(deployment, name, lead, parts, np.hypot(first, second), np.hypot(*mean))


def _on(part: Pairs, cells: NDArray[np.intp]) -> Pairs:
    """The pairs on those of their cells that are among `cells`."""
    kept = np.isin(part.cells, cells)
    return replace(part, errors=part.errors[:, kept], truth=part.truth[kept], cells=part.cells[kept])


def _records(
    deployment: Deployment, name: str, lead: int, parts: Sequence[Pairs], errors: Float, bias: Float
) -> list[ComparedRecord]:
    hours, boxes, weight = blocks(deployment, parts)
    drawn, total = drawn_rmse(errors, hours, boxes, weight), weight.sum()
    size, root = np.abs(errors) @ weight / total, np.sqrt(errors**2 @ weight / total)
    low, high = interval(drawn).tolist()
    less, more = interval(drawn[:, -1:] - drawn).tolist()
    records = []
    for index, system in enumerate(parts[-1].systems):
        record = ComparedRecord(
            parameter=name, lead_time_hours=float(lead), system=system, n=errors.shape[1], bias=float(bias[index]),
            mae=float(size[index]), rmse=float(root[index]), rmse_low=low[index], rmse_high=high[index],
            crps=float(size[index]), hours=len(parts),
        )  # fmt: skip
        if system != OURS:
            record["difference"] = float(root[-1] - root[index])
            record["difference_low"], record["difference_high"] = less[index], more[index]
        records.append(record)
    return records


class Blocks(NamedTuple):
    """What the pairs of several hours belong to, each (pair,): number of the hour, of the box, area of the cell."""

    hours: NDArray[np.intp]
    boxes: NDArray[np.int64]
    weight: Float


def blocks(deployment: Deployment, parts: Sequence[Pairs]) -> Blocks:
    """Where and when the pairs of `parts` are, one after the other, for the bootstrap."""
    latitude, longitude = deployment.grid.places
    boxes = (np.floor((90 - latitude) / BOX_DEGREES) * 100 + np.floor(longitude / BOX_DEGREES)).astype(np.int64)
    area = np.repeat(deployment.grid.cell_area, deployment.grid.shape[1])
    cells = np.concatenate([part.cells for part in parts])
    hours = np.repeat(np.arange(len(parts)), [len(part.cells) for part in parts])
    return Blocks(hours, boxes[cells], area[cells])
