"""Forecast: for one tile of rows align, blend, ramp, make consistent, derive and write everything, in one pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import QUANTILES, Parameter, derived
from pipeline.products import layout
from pipeline.science import consistency, solar
from pipeline.science.derive import catalogue as derive
from pipeline.science.derive import gradients as derive_gradients
from pipeline.science.ramp_length import at_leads
from pipeline.steps import Deployment, ramp, states
from pipeline.steps.blending import available, blend_parameter
from pipeline.steps.distribution import distribution_of, keep_order, probabilistic
from pipeline.steps.runs import Contribution
from pipeline.steps.served import serving
from pipeline.steps.surface import is_known, slopes, surface

Array = NDArray[np.float32]

SURROUNDINGS = (
    "toa_incoming_shortwave_flux", "surface_altitude", "land_area_fraction", "eastward_surface_slope",
    "northward_surface_slope", "latitude", "day_of_year",
)  # fmt: skip
"""What consistency and derivation know of a cell beside the forecast."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """First rows of the tiles."""
    return [f"row-{first:04d}" for first in range(0, deployment.grid.shape[0], deployment.config.tile_rows)]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Make all parameters of one tile and write them as whole shards of best.zarr and probability.zarr.

    The blended parameters of the tile are in memory, all that is derived of a band of longitudes only.
    """
    first = int(shard.removeprefix("row-"))
    rows = slice(first, min(first + deployment.config.tile_rows, deployment.grid.shape[0]))
    leads = np.arange(deployment.config.last_lead_hours + 1)
    best, probability = templates(deployment, hour)
    layout.create(deployment.store, paths.forecast(hour, "best.zarr"), best)
    layout.create(deployment.store, paths.forecast(hour, "probability.zarr"), probability)
    fields, beyond = blend_all(deployment, hour, leads, rows)
    names = [variable.name for variable in best.variables]
    changed = write_best(deployment, hour, fields, beyond, names, leads, rows)
    centres = [(row, fields[row.name]) for row in probabilistic(deployment, hour)]
    del fields  # most of them have no distribution
    trusted: dict[str, Mapping[str, Array]] = {}
    for row, centre in centres:
        parts = distribution_of(deployment, hour, row, centre, leads, rows)
        if count := keep_order(row, parts, trusted):
            changed[f"quantiles of {row.name} in order"] = count
        layout.write_tile(deployment.store, paths.forecast(hour, "probability.zarr"), parts, rows)
    deployment.store.write(paths.work(hour, f"consistency/{shard}.json"), json.dumps(changed).encode())


def write_best(
    deployment: Deployment,
    hour: Cycle,
    fields: dict[str, Array],
    beyond: dict[str, Array],
    names: Sequence[str],
    leads: NDArray[np.int64],
    rows: slice,
) -> dict[str, int]:
    """Make the tile's `fields` (lead, place) consistent, in place, and write them and all that follows from them.

    beyond: (lead, 2, longitude) the rows north and south of the tile, of what is derived from neighbours; consistency
    changes nothing of that. Returns how many values each rule changed.
    """
    columns = deployment.grid.shape[1]
    shape = (len(leads), rows.stop - rows.start, columns)
    tiles = {name: field.reshape(shape) for name, field in fields.items()}
    around = surroundings(deployment, hour, leads, slice(rows.start * columns, rows.stop * columns))
    around |= states.starts(deployment, hour, rows)
    around = {name: values.reshape(*values.shape[:-1], *shape[1:]) for name, values in around.items()}
    tile = layout.TileWriter(deployment.store, paths.forecast(hour, "best.zarr"), rows)
    changed: Counter[str] = Counter()
    made: dict[str, Array] = {}
    latitude = deployment.grid.latitude[rows]
    for band in tile.bands:
        beside = {name: _cut(values, band) for name, values in around.items()}
        gradients = derive_gradients.derive(tiles, beyond, latitude, deployment.grid.resolution, band)
        beside |= {name: values.reshape(len(leads), -1) for name, values in gradients.items()}
        made, counts = consistent({name: _cut(values, band) for name, values in tiles.items()}, beside, out=made)
        changed.update(counts)
        for name in names:
            tile.add(name, made[name].reshape(len(leads), shape[1], -1), band)
        for name, values in tiles.items():
            values[:, :, band] = made[name].reshape(len(leads), shape[1], -1)
    tile.close()
    return dict(changed)


def _cut(values: Array, band: slice) -> Array:
    """(..., place) a band of longitudes of (..., row, longitude)."""
    return values[..., band].reshape(*values.shape[:-2], -1)


def published(deployment: Deployment, hour: Cycle) -> list[Parameter]:
    """Everything best.zarr holds: the available parameters and what can be derived from them."""
    rows = available(deployment, hour)
    blended = {row.name for row in rows}
    names = set(derive.possible(blended | set(SURROUNDINGS) | set(derive_gradients.possible(blended))))
    return rows + [row for row in derived().values() if row.name in names]


def templates(deployment: Deployment, hour: Cycle) -> tuple[layout.Template, layout.Template]:
    """The templates of best.zarr and probability.zarr."""
    leads = range(deployment.config.last_lead_hours + 1)
    grid, rows, synthetic = deployment.grid, deployment.config.tile_rows, deployment.config.synthetic
    rows_of_best, likely = published(deployment, hour), probabilistic(deployment, hour)
    best = layout.best(hour, grid, leads, rows_of_best, tile_rows=rows, synthetic=synthetic)
    if is_known(deployment):
        below = (values.reshape(grid.shape).astype(np.float32) for values in surface(deployment))
        best = replace(best, coordinates={**best.coordinates, **layout.ground(*below)})
    return best, layout.probability(hour, grid, leads, likely, QUANTILES, tile_rows=rows, synthetic=synthetic)


def blend_all(
    deployment: Deployment, hour: Cycle, leads: NDArray[np.int64], rows: slice
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Every available parameter blended and ramped from the observations, by name: (lead, place) on the rows, and of
    what is derived from neighbours (lead, 2, longitude) the row north and the row south of them, 0 beyond a pole."""
    fields, beyond, runs = {}, {}, serving(deployment, hour)
    count, columns = deployment.grid.shape
    for row in available(deployment, hour):
        wide = rows
        if row.name in derive_gradients.INPUTS:
            wide = slice(max(rows.start - 1, 0), min(rows.stop + 1, count))
        values = _blended(deployment, hour, row, leads, slice(wide.start * columns, wide.stop * columns), runs)
        if row.name in derive_gradients.INPUTS:
            beyond[row.name] = np.zeros((len(leads), 2, columns), np.float32)
            for place, beside in ((0, rows.start - 1), (1, rows.stop)):
                if wide.start <= beside < wide.stop:
                    beyond[row.name][:, place] = values[:, (beside - wide.start) * columns :][:, :columns]
            first = (rows.start - wide.start) * columns
            values = values[:, first : first + (rows.stop - rows.start) * columns].copy()
        fields[row.name] = values
    return fields, beyond


def _blended(
    deployment: Deployment,
    hour: Cycle,
    row: Parameter,
    leads: NDArray[np.int64],
    cells: slice,
    runs: Mapping[str, Contribution],
) -> Array:
    """(lead, place) one parameter blended and ramped on the flattened cells."""
    values = blend_parameter(deployment, hour, row, leads, cells, runs=runs)
    observed = ramp.read(deployment, hour, row.name)
    if observed is None:
        return values
    values += at_leads(observed.factor, leads.astype(np.float64))[:, None] * observed.increment[None, cells]
    return np.clip(values, row.minimum, row.maximum, out=values)


def surroundings(deployment: Deployment, hour: Cycle, leads: NDArray[np.int64], cells: slice) -> dict[str, Array]:
    """What consistency and derivation know of the flattened `cells` beside the forecast: SURROUNDINGS, (lead, place)
    and (place,); the day of the year is that of the valid time, 1 and up."""
    latitude, longitude = (part[cells] for part in deployment.grid.places)
    sun = solar.sun(latitude, longitude, hour.init_time, int(leads[0]), int(leads[-1]))
    altitude, land = (part[cells].astype(np.float32) for part in surface(deployment))
    rises = (part[cells] for part in slopes(deployment))
    valid = [hour.valid_time(int(lead)) for lead in leads]
    days = [1 + (time - datetime(time.year, 1, 1)).total_seconds() / 86400 for time in valid]
    day = np.broadcast_to(np.array(days, np.float32)[:, None], (len(leads), len(altitude)))
    flux = sun.flux(int(leads[0]), int(leads[-1]))
    return dict(zip(SURROUNDINGS, (flux, altitude, land, *rises, latitude.astype(np.float32), day), strict=True))


def consistent(
    fields: dict[str, Array], beside: dict[str, Array], out: dict[str, Array] | None = None
) -> tuple[dict[str, Array], dict[str, int]]:
    """The fields made consistent and all that is derived from them and their surroundings; how many values each rule
    changed. What an earlier call has derived, `out`, may be written over."""
    corrected, counts = consistency.apply(fields | beside)
    del fields  # what was cut for this call is no longer needed, and large
    return corrected | derive.derive(corrected | beside, out), counts
