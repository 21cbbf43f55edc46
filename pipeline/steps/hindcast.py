"""What the blend would have said at past hours from what was known then: more hours to score than were published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.science import amounts
from pipeline.science import skill as skills
from pipeline.science.amounts import Correction
from pipeline.science.blend import blend
from pipeline.science.learn import learn
from pipeline.science.weights import Weights
from pipeline.steps import Deployment
from pipeline.steps.inputs import contribution, coverage, sources_of
from pipeline.steps.learn import absorb, no_amounts, places

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Hindcast:
    """The blend as of an hour, and each source's mean square error as then known (source, lead_bin)."""

    hour: Cycle
    weights: Weights
    correction: Correction | None
    mean_square: NDArray[np.float64]


def hindcasts(deployment: Deployment, row: Parameter, hours: Sequence[Cycle]) -> Iterator[Hindcast]:
    """Learn in time order and stop at each of the ascending `hours`; nothing of an hour's future is known to it."""
    bins, where = tuple(float(lead) for lead in deployment.config.learning.lead_hours), places(deployment)
    states = [skills.zero(sources_of(deployment, row), bins, where.pools)]
    past, before, centres = no_amounts(row, states[0]), None, None
    for hour in hours:
        states, past, _ = absorb(deployment, [row], states, before, hour, past)
        learnt = learn(row, states, where, centres, past=past)
        before, centres = hour, learnt.centres
        yield Hindcast(hour, learnt.weights[0], learnt.correction, skills.mean_square(states[0]))


def blend_fields(
    deployment: Deployment, row: Parameter, hindcast: Hindcast, lead: int, fields: Mapping[str, Array]
) -> Array:
    """(place,) the blend of the sources' `fields` (place,) at one lead; NaN where none has a value."""
    weights, chosen = hindcast.weights, [hindcast.weights.sources.index(name) for name in fields]
    parts = [contribution(deployment, name, hindcast.hour) for name in fields]
    covered = np.stack([coverage(deployment, part) for part in parts if part is not None])
    used = Weights(
        tuple(fields), weights.lead_bins, weights.bias[chosen], weights.weight[chosen] * covered[:, None],
        weights.error_variance, weights.spread_factor,
    )  # fmt: skip
    forecasts, leads, correction = np.stack(list(fields.values()))[:, None], np.array([lead]), hindcast.correction
    if correction is not None:
        forecasts = amounts.mapped(forecasts, amounts.for_sources(correction, list(fields)), leads)
    result = blend(forecasts, used, leads, circular=row.blend == "circular")
    if correction is not None:
        result = amounts.expected(result, correction, leads)
    return np.clip(result[0], row.minimum, row.maximum)
