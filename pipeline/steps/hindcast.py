"""What the blend would have said at past hours from what was learnt then: more hours to score than were published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.science import amounts
from pipeline.science.amounts import Correction
from pipeline.science.blend import blend, without_course
from pipeline.science.weights import Weights
from pipeline.steps import Deployment, skill_store
from pipeline.steps.inputs import sources_of
from pipeline.steps.learn import read_correction, read_weights
from pipeline.steps.learn_pairs import truth_hour
from pipeline.steps.runs import contribution, coverage
from pipeline.steps.wave_energy import energy_verified

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Hindcast:
    """The blend as of an hour, and each source's mean square error as then known (source, lead_bin)."""

    hour: Cycle
    weights: Weights
    correction: Correction | None
    mean_square: NDArray[np.float64]


def hindcast(deployment: Deployment, row: Parameter, hour: Cycle) -> Hindcast:
    """What was learnt of a parameter at an hour; FileNotFoundError if nothing was."""
    weights, correction = read_weights(deployment, hour, row.name), read_correction(deployment, hour, row.name)
    leads = deployment.config.learning.lead_hours
    known = skill_store.mean_square(deployment, row.name, hour, sources_of(deployment, row), leads)
    return Hindcast(hour, weights, correction, known)


def blend_fields(
    deployment: Deployment, row: Parameter, hindcast: Hindcast, lead: int, fields: Mapping[str, Array],
    interval: int = 0,
) -> Array:  # fmt: skip
    """(place,) the blend of the sources' `fields` (place,) at one lead, of amounts over the `interval` hours before it.

    NaN where none has a value.
    """
    weights, chosen = hindcast.weights, [hindcast.weights.sources.index(name) for name in fields]
    parts = [contribution(deployment, name, hindcast.hour) for name in fields]
    covered = np.stack([coverage(deployment, part) for part in parts if part is not None])
    used = Weights(
        tuple(fields), weights.lead_bins, weights.bias[chosen], weights.weight[chosen] * covered[:, None],
        weights.error_variance, weights.spread_factor,
        None if weights.course is None else weights.course[:, chosen],
    )  # fmt: skip
    forecasts, leads, correction = np.stack(list(fields.values()))[:, None], np.array([lead]), hindcast.correction
    if correction is not None:
        forecasts = amounts.mapped(forecasts, amounts.for_sources(correction, list(fields)), leads)
    forecasts = without_course(
        forecasts, used.course, used.lead_bins, leads, np.array([truth_hour(hindcast.hour, lead, interval)])
    )
    energy = energy_verified(deployment, list(fields), row, hindcast.hour, lead, interval)
    energy = None if energy is None else energy[:, None]
    result = blend(forecasts, used, leads, circular=row.blend == "circular", energy=energy)
    if correction is not None:
        result = amounts.expected(result, correction, leads)
    return np.clip(result[0], row.minimum, row.maximum)
