"""Distribution: quantiles and exceedance of one parameter on a tile, from the ensembles and the blend."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import QUANTILES, Parameter, blended
from pipeline.science.blend import lead_position
from pipeline.science.probability import distribution
from pipeline.science.probability_ties import NEVER_ABOVE, NEVER_BELOW, Distribution, give_way
from pipeline.steps import Deployment
from pipeline.steps.blending import available, blend_parameter
from pipeline.steps.ensembles import held
from pipeline.steps.learn import read_correction, read_weights
from pipeline.steps.members import pools

Array = NDArray[np.float32]

MOSTLY_ZERO = ("convective_available_potential_energy",)
"""Beside precipitation: what is zero at most places, where its members are zero too, not shifted."""


def probabilistic(deployment: Deployment, hour: Cycle) -> list[Parameter]:
    """Parameters with quantiles: those of the catalogue that an ensemble has brought."""
    known = held(deployment, hour)
    return [row for row in available(deployment, hour) if row.probabilistic and row.name in known]


def distribution_of(
    deployment: Deployment, hour: Cycle, row: Parameter, centre: Array, leads: NDArray[np.int64], rows: slice
) -> dict[str, Array]:
    """Quantiles and exceedance of one parameter on the tile, shaped as the template wants them."""
    columns = deployment.grid.shape[1]
    cells = slice(rows.start * columns, rows.stop * columns)
    weights = read_weights(deployment, hour, row.name, cells)
    lower, fraction = lead_position(weights.lead_bins, leads)
    upper, above = np.minimum(lower + 1, len(weights.lead_bins) - 1), fraction[:, None]
    spread = (1 - above) * weights.spread_factor[lower] + above * weights.spread_factor[upper]
    error = np.sqrt((1 - above) * weights.error_variance[lower] + above * weights.error_variance[upper])
    if mostly_zero(row):  # their error is whether there is any, which drawing wet members together does not mend
        spread = np.maximum(spread, 1)
    if row.blend == "precipitation":  # a few wet sources make no wet forecast, but a chance of one
        centre = np.maximum(centre, blend_parameter(deployment, hour, row, leads, cells, chance=True))
    correction = read_correction(deployment, hour, row.name, cells)
    limits = {"minimum": row.minimum, "maximum": row.maximum}
    made = [
        distribution(
            pool, centre[:, part], spread[:, part], QUANTILES, row.thresholds,
            **limits, multiplicative=mostly_zero(row), expected_error=error[:, part],
        )
        for part, pool in pools(deployment, hour, row, leads, rows, weights, correction)
    ]  # fmt: skip
    quantiles, exceedance = (
        kind[0] if len(kind) == 1 else np.concatenate(kind, axis=-1) for kind in zip(*made, strict=True)
    )
    tile = (len(leads), rows.stop - rows.start, columns)
    parts = {f"{row.name}_quantile": quantiles.reshape(-1, *tile)}
    if row.thresholds:
        parts[f"{row.name}_exceedance"] = exceedance.reshape(-1, *tile)
    return parts


def keep_order(row: Parameter, parts: Mapping[str, Array], trusted: dict[str, Mapping[str, Array]]) -> int:
    """Bring a parameter's distribution, in place, to the side of one it is tied to; how many quantiles were changed.

    trusted: by name what `distribution_of` has made of the tile; it keeps what another will still be tied to.
    """
    tied = {**NEVER_ABOVE, **NEVER_BELOW}
    if row.name in tied.values():
        trusted[row.name] = parts
    other = tied.get(row.name, "")
    if other not in trusted:
        return 0
    one, whole = (
        Distribution(made[f"{name}_quantile"], made[f"{name}_exceedance"], blended()[name].thresholds)
        for name, made in ((row.name, parts), (other, trusted.pop(other)))
    )
    return give_way(one, whole, QUANTILES, above=row.name in NEVER_BELOW)


def mostly_zero(row: Parameter) -> bool:
    """Whether the parameter is an amount that is zero at most places: its members are scaled instead of shifted."""
    return row.blend == "precipitation" or row.name in MOSTLY_ZERO
