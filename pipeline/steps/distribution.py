"""Distribution: quantiles and exceedance of one parameter on a tile, from the ensemble and the blend."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.science.align import to_hours
from pipeline.science.blend import lead_position
from pipeline.science.probability import distribution
from pipeline.steps import Deployment
from pipeline.steps.blending import available, blend_parameter, bridge
from pipeline.steps.learn import read_weights

Array = NDArray[np.float32]

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ENSEMBLE = "gefs"


def probabilistic(deployment: Deployment, hour: Cycle) -> list[Parameter]:
    """Parameters with quantiles: those of the catalogue that the ensemble has brought."""
    key = paths.ensemble(hour, ENSEMBLE)
    held = set(deployment.store.list_folders(key)) if deployment.store.exists(f"{key}/zarr.json") else set()
    return [row for row in available(deployment, hour) if row.probabilistic and row.name in held]


def distribution_of(
    deployment: Deployment, hour: Cycle, row: Parameter, centre: Array, leads: NDArray[np.int64], rows: slice
) -> dict[str, Array]:
    """Quantiles and exceedance of one parameter on the tile, shaped as the template wants them."""
    columns = deployment.grid.shape[1]
    weights = read_weights(deployment, hour, row.name)
    lower, fraction = lead_position(weights.lead_bins, leads)
    upper = np.minimum(lower + 1, len(weights.lead_bins) - 1)
    factor = weights.spread_factor[:, rows.start * columns : rows.stop * columns]
    spread = (1 - fraction)[:, None] * factor[lower] + fraction[:, None] * factor[upper]
    members = _members(deployment, hour, row, leads, rows)
    if row.blend == "precipitation":  # a few wet sources make no wet forecast, but a chance of one
        cells = slice(rows.start * columns, rows.stop * columns)
        centre = np.maximum(centre, blend_parameter(deployment, hour, row, leads, cells, chance=True))
    quantiles, exceedance = distribution(
        members, centre, spread.astype(np.float32), QUANTILES, row.thresholds, minimum=row.minimum,
        maximum=row.maximum, multiplicative=row.blend == "precipitation",
    )  # fmt: skip
    tile = (len(leads), rows.stop - rows.start, columns)
    parts = {f"{row.name}_quantile": quantiles.reshape(-1, *tile)}
    if row.thresholds:
        parts[f"{row.name}_exceedance"] = exceedance.reshape(-1, *tile)
    return parts


def _members(deployment: Deployment, hour: Cycle, row: Parameter, leads: NDArray[np.int64], rows: slice) -> Array:
    """(number, lead, place) the ensemble at every hour; beyond its range the nearest lead stands in."""
    data = xr.open_zarr(deployment.store.zarr(paths.ensemble(hour, ENSEMBLE)), consolidated=False, chunks=None)
    values = data[row.name].isel(latitude=rows).values
    known = data["lead_time"].values.astype(np.float64)
    lengths = np.diff(known, prepend=known[0] - (known[1] - known[0])) if row.kind != "instantaneous" else None
    by_lead = np.moveaxis(values, 0, 1).reshape(len(known), len(values), -1)
    hourly = to_hours(np.ascontiguousarray(by_lead), known, leads.astype(np.float64), row.time, interval_hours=lengths)
    flat = bridge(row, hourly.reshape(len(leads), -1)).reshape(hourly.shape)
    return np.ascontiguousarray(np.moveaxis(flat, 1, 0))
