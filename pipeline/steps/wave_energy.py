"""How much each source's waves count where their directions are averaged: alike in blend, learning and scoring."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.science.references import models
from pipeline.science.wave_systems import HEIGHT_OF
from pipeline.steps import Deployment
from pipeline.steps.numbered import at_hours, verified
from pipeline.steps.runs import Contribution, holds

Array = NDArray[np.float32]


def energy_at_leads(
    deployment: Deployment, parts: Sequence[Contribution], row: Parameter, hour: Cycle, leads: NDArray[np.int64],
    cells: slice,
) -> Array | None:  # fmt: skip
    """(source, lead, place) squared height (m2) of the waves whose direction the parameter is; None of others, and
    where a source does not tell it."""

    def read(index: int, height: Parameter) -> Array | None:
        part = parts[index]
        known = holds(deployment, part, height)
        return at_hours(deployment, part, height, hour, leads.tolist(), cells) if known else None

    return _energy(row, [part.source for part in parts], read)


def energy_verified(
    deployment: Deployment, names: Sequence[str], row: Parameter, start: Cycle, lead: int, interval: int
) -> Array | None:
    """(source, place) the same of what the named sources said at `start` for one lead, as `numbered.verified`."""
    return _energy(row, names, lambda index, of: verified(deployment, names[index], of, start, lead, interval))


def _energy(row: Parameter, names: Sequence[str], read: Callable[[int, Parameter], Array | None]) -> Array | None:
    """Persistence has the models' mean: how high its waves were a day ago says nothing of how much it knows."""
    height = blended().get(HEIGHT_OF.get(row.name, ""))
    if height is None:
        return None
    found = [read(index, height) for index in range(len(names))]
    known = [values for values in found if values is not None]
    if not known or len(known) < len(names):
        return None
    energy, model = np.stack(known) ** 2, models(names)
    if model.any():
        energy[~model] = energy[model].mean(axis=0)
    return energy
