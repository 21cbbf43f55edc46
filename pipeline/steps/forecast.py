"""Forecast: for one tile of rows align, blend, ramp, make consistent, derive and write everything, in one pass."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended, derived
from pipeline.products import layout
from pipeline.science import consistency, derive, solar
from pipeline.science.align import to_hours
from pipeline.science.blend import blend, dry_unless_agreed, lead_position, range_taper
from pipeline.science.probability import distribution
from pipeline.science.ramp import ramp_factor
from pipeline.science.weights import Weights
from pipeline.steps import Deployment
from pipeline.steps.inputs import Contribution, at_hours, contribution, coverage, holds, native, sources_of
from pipeline.steps.learn import places, read_weights

Array = NDArray[np.float32]

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ENSEMBLE = "gefs"
SURROUNDINGS = ("toa_incoming_shortwave_flux", "surface_altitude", "land_area_fraction")
"""What consistency and derivation know of a cell beside the forecast."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """First rows of the tiles."""
    return [f"row-{first:04d}" for first in range(0, deployment.grid.shape[0], deployment.config.tile_rows)]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Make all parameters of one tile and write them as whole shards of best.zarr and probability.zarr."""
    first = int(shard.removeprefix("row-"))
    rows = slice(first, min(first + deployment.config.tile_rows, deployment.grid.shape[0]))
    columns = deployment.grid.shape[1]
    cells = slice(rows.start * columns, rows.stop * columns)
    leads = np.arange(deployment.config.last_lead_hours + 1)
    fields, changed = consistent(deployment, hour, blend_all(deployment, hour, leads, cells), leads, cells)
    tile = (len(leads), rows.stop - rows.start, columns)
    best, probability = templates(deployment, hour)
    layout.create(deployment.store, paths.forecast(hour, "best.zarr"), best)
    layout.create(deployment.store, paths.forecast(hour, "probability.zarr"), probability)
    named = {variable.name: fields[variable.name].reshape(tile) for variable in best.variables}
    layout.write_tile(deployment.store, paths.forecast(hour, "best.zarr"), named, rows)
    for row in probabilistic(deployment, hour):
        parts = _distribution(deployment, hour, row, fields[row.name], leads, rows)
        layout.write_tile(deployment.store, paths.forecast(hour, "probability.zarr"), parts, rows)
    deployment.store.write(paths.work(hour, f"consistency/{shard}.json"), json.dumps(changed).encode())


def available(deployment: Deployment, hour: Cycle) -> list[Parameter]:
    """Blended parameters for which at least one source has arrived, in the order of the catalogue."""
    return [row for row in blended().values() if _contributions(deployment, hour, row)]


def published(deployment: Deployment, hour: Cycle) -> list[Parameter]:
    """Everything best.zarr holds: the available parameters and what can be derived from them."""
    rows = available(deployment, hour)
    names = set(derive.possible({row.name for row in rows} | set(SURROUNDINGS)))
    return rows + [row for row in derived().values() if row.name in names]


def probabilistic(deployment: Deployment, hour: Cycle) -> list[Parameter]:
    """Parameters with quantiles: those of the catalogue that the ensemble has brought."""
    key = paths.ensemble(hour, ENSEMBLE)
    held = set(deployment.store.list_folders(key)) if deployment.store.exists(f"{key}/zarr.json") else set()
    return [row for row in available(deployment, hour) if row.probabilistic and row.name in held]


def templates(deployment: Deployment, hour: Cycle) -> tuple[layout.Template, layout.Template]:
    """The templates of best.zarr and probability.zarr."""
    leads = range(deployment.config.last_lead_hours + 1)
    grid, rows, synthetic = deployment.grid, deployment.config.tile_rows, deployment.config.synthetic
    best, likely = published(deployment, hour), probabilistic(deployment, hour)
    return (
        layout.best(hour, grid, leads, best, tile_rows=rows, synthetic=synthetic),
        layout.probability(hour, grid, leads, likely, QUANTILES, tile_rows=rows, synthetic=synthetic),
    )


def background(deployment: Deployment, hour: Cycle, name: str) -> Array:
    """(place,) the blend at lead 0, which observations are compared with."""
    everywhere = slice(0, deployment.grid.shape[0] * deployment.grid.shape[1])
    return blend_parameter(deployment, hour, blended()[name], np.arange(1), everywhere)[0]


def blend_parameter(
    deployment: Deployment,
    hour: Cycle,
    row: Parameter,
    leads: NDArray[np.int64],
    cells: slice,
    *,
    chance: bool = False,
) -> Array:
    """(lead, place) the blend of one parameter on the flattened `cells`.

    `chance`: amounts stay wet where few sources are, for a distribution's centre.
    Where no source reaches a lead, the nearest lead stands in. Raises ValueError for a cell without any value.
    """
    parts = _contributions(deployment, hour, row)
    covered = np.stack([coverage(deployment, part)[cells] for part in parts])
    weights = tile_weights(read_weights(deployment, hour, row.name), [part.source for part in parts], covered, cells)
    fields = [
        (at_hours(deployment, part, row, hour, leads.tolist(), cells), _taper(deployment, part, row, hour, leads))
        for part in parts
    ]
    forecasts, taper = (np.stack(stacked) for stacked in zip(*fields, strict=True))
    result = blend(forecasts, weights, leads, taper, circular=row.blend == "circular")
    if row.blend == "precipitation" and not chance:
        result = dry_unless_agreed(result, forecasts, weights, leads, taper)
    return np.clip(_bridge(row, result), row.minimum, row.maximum)


def _contributions(deployment: Deployment, hour: Cycle, row: Parameter) -> list[Contribution]:
    parts = [contribution(deployment, name, hour) for name in sources_of(deployment, row)]
    return [part for part in parts if part and holds(deployment, part, row)]


def _taper(deployment: Deployment, part: Contribution, row: Parameter, hour: Cycle, leads: NDArray[np.int64]) -> Array:
    """(lead,) a source's share as it nears its own last lead; whole where it reaches the hour's last."""
    found = native(deployment, part.source, part.cycle, row, hour)
    last = found.valid_hours[-1] if found is not None and len(found.valid_hours) else -1.0
    return np.ones(len(leads), np.float32) if last >= leads[-1] else range_taper(last, leads)


def tile_weights(weights: Weights, names: Sequence[str], covered: Array, cells: slice) -> Weights:
    """The weights of the named sources on the flattened `cells`, times `covered` (source, cell), feathered edges."""
    chosen = [weights.sources.index(name) for name in names]
    return Weights(
        tuple(names), weights.lead_bins, np.ascontiguousarray(weights.bias[chosen][..., cells]),
        weights.weight[chosen][..., cells] * covered[:, None], weights.error_variance[:, cells],
        weights.spread_factor[:, cells], weights.ratio,
    )  # fmt: skip


def _bridge(row: Parameter, values: Array) -> Array:
    """Leads that no source reaches take the nearest lead that one does; an error where there is none at all."""
    missing = np.isnan(values)
    if not missing.any():
        return values
    good = ~missing
    if not good.any(axis=0).all():
        count = int((~good.any(axis=0)).sum())
        raise ValueError(
            f"{row.name}: no source has a value at any lead in {count} cells; remove it or add a global source"
        )
    index = np.arange(len(values))[:, None]
    before = np.maximum.accumulate(np.where(good, index, -1), axis=0)
    after = np.minimum.accumulate(np.where(good, index, len(values))[::-1], axis=0)[::-1]
    nearest = np.where((before >= 0) & ((after >= len(values)) | (index - before <= after - index)), before, after)
    return np.take_along_axis(values, nearest, axis=0)


def blend_all(deployment: Deployment, hour: Cycle, leads: NDArray[np.int64], cells: slice) -> dict[str, Array]:
    """Every available parameter blended and ramped from the observations, by name."""
    ramp = ramp_factor(leads.astype(np.float64), deployment.config.ramp_hours)
    fields = {}
    for row in available(deployment, hour):
        values = blend_parameter(deployment, hour, row, leads, cells)
        increment = _increment(deployment, hour, row)
        if increment is not None:
            values = np.clip(values + ramp[:, None] * increment[None, cells], row.minimum, row.maximum)
        fields[row.name] = values
    return fields


def _increment(deployment: Deployment, hour: Cycle, row: Parameter) -> Array | None:
    key = paths.work(hour, f"increments/{row.name}.zarr")
    if not deployment.store.exists(f"{key}/zarr.json"):
        return None
    data = xr.open_zarr(deployment.store.zarr(key), consolidated=False, chunks=None)
    return data[row.name].values.reshape(-1)


def consistent(
    deployment: Deployment, hour: Cycle, fields: dict[str, Array], leads: NDArray[np.int64], cells: slice
) -> tuple[dict[str, Array], dict[str, int]]:
    """The fields made consistent and all that is derived from them; how many values each rule changed."""
    where = places(deployment)
    sun = solar.sun(where.latitude[cells], where.longitude[cells], hour.init_time, int(leads[0]), int(leads[-1]))
    surroundings = {
        "toa_incoming_shortwave_flux": sun.flux(int(leads[0]), int(leads[-1])),
        "surface_altitude": where.altitude[cells].astype(np.float32),
        "land_area_fraction": where.land[cells].astype(np.float32),
    }
    corrected, counts = consistency.apply(fields | surroundings)
    return corrected | derive.derive(corrected | surroundings), counts


def _distribution(
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
    flat = _bridge(row, hourly.reshape(len(leads), -1)).reshape(hourly.shape)
    return np.ascontiguousarray(np.moveaxis(flat, 1, 0))
