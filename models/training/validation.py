"""How good a model is on dates it has not seen, against persistence and climatology, and its spread to its error."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.base import Emulator
from models.training.data import Reanalysis

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Score:
    """Root mean square errors in the variable's unit, over area and starts.

    `climatology` is the mean of the very period that is verified, by hour of the day: harder to beat than any real one.
    """

    variable: str
    lead_hours: int
    model: float
    persistence: float
    climatology: float


def scores(
    model: Emulator, data: Reanalysis, variables: Sequence[str], lead_hours: Sequence[int], every_hours: int
) -> list[Score]:
    """By variable and lead, of runs that start every so many hours of the data."""
    steps = max(lead_hours) // model.step_hours
    apart = model.step_hours // data.every
    starts = range(0, len(data.states) - steps * apart, every_hours // data.every)
    places = [data.variables.index(name) for name in variables]
    mean = _climatology(data, places)
    squares = np.zeros((3, len(lead_hours), len(places)))
    for start in starts:
        first = _physical(data, start, range(len(data.variables)))
        run = itertools.islice(model.run(first[None], start=data.when(start), seeds=[0]), steps + 1)
        for step, after in enumerate(run):
            if step * model.step_hours not in lead_hours:
                continue
            place = start + step * apart
            truth, row = _physical(data, place, places), list(lead_hours).index(step * model.step_hours)
            forecasts = (after[0][places], first[places], mean[place % len(mean)])
            squares[:, row] += [area_mean((forecast - truth) ** 2, data.latitude) for forecast in forecasts]
    errors = np.sqrt(squares / len(starts))
    return [
        Score(name, lead, *(float(value) for value in errors[:, row, column]))
        for column, name in enumerate(variables)
        for row, lead in enumerate(lead_hours)
    ]


def spread_to_error(members: Array, truth: Array, latitude: NDArray[np.float64]) -> float:
    """Spread of members (start, member, latitude, longitude) over the error of their mean against truth (start, ...).

    1 for a reliable ensemble: the error is made smaller by what a mean of so few members still errs (Fortin 2014,
    https://doi.org/10.1175/JHM-D-14-0008.1).
    """
    count = members.shape[1]
    spread = area_mean(members.var(1, ddof=1), latitude).mean() * (count + 1) / count
    return float(np.sqrt(spread / area_mean((members.mean(1) - truth) ** 2, latitude).mean()))


def area_mean(values: Array, latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., latitude, longitude) averaged over the sphere."""
    area = np.cos(np.deg2rad(latitude))
    return np.asarray((values.mean(-1, dtype=np.float64) * area).sum(-1) / area.sum())


def _physical(data: Reanalysis, place: int, variables: Sequence[int]) -> Array:
    """(variable, latitude, longitude) of a state in its units."""
    chosen = list(variables)
    values = data.states[place][chosen] * data.scale[chosen, None, None] + data.mean[chosen, None, None]
    return np.asarray(values, np.float32)


def _climatology(data: Reanalysis, variables: Sequence[int]) -> Array:
    """(hour of the day, variable, latitude, longitude), the first that of the first state."""
    slots = 24 // data.every
    total = [np.zeros((len(variables), *data.states.shape[2:])) for _ in range(slots)]
    for place in range(len(data.states)):
        total[place % slots] += _physical(data, place, variables)
    counts = [len(range(slot, len(data.states), slots)) for slot in range(slots)]
    return np.stack([part / count for part, count in zip(total, counts, strict=True)]).astype(np.float32)
