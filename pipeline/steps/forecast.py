"""Forecast: for one tile of rows align, blend, ramp, make consistent, derive and write everything, in one pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, derived
from pipeline.products import layout
from pipeline.science import consistency, derive, solar
from pipeline.science.ramp_length import at_leads
from pipeline.steps import Deployment, ramp
from pipeline.steps.blending import arrived, available, blend_parameter
from pipeline.steps.distribution import QUANTILES, distribution_of, probabilistic
from pipeline.steps.surface import surface

Array = NDArray[np.float32]

SURROUNDINGS = ("toa_incoming_shortwave_flux", "surface_altitude", "land_area_fraction", "latitude", "day_of_year")
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
    columns = deployment.grid.shape[1]
    cells = slice(rows.start * columns, rows.stop * columns)
    leads = np.arange(deployment.config.last_lead_hours + 1)
    best, probability = templates(deployment, hour)
    layout.create(deployment.store, paths.forecast(hour, "best.zarr"), best)
    layout.create(deployment.store, paths.forecast(hour, "probability.zarr"), probability)
    fields = blend_all(deployment, hour, leads, cells)
    names = [variable.name for variable in best.variables]
    changed = write_best(deployment, hour, fields, names, leads, rows)
    centres = [(row, fields[row.name]) for row in probabilistic(deployment, hour)]
    del fields  # most of them have no distribution
    for row, centre in centres:
        parts = distribution_of(deployment, hour, row, centre, leads, rows)
        layout.write_tile(deployment.store, paths.forecast(hour, "probability.zarr"), parts, rows)
    deployment.store.write(paths.work(hour, f"consistency/{shard}.json"), json.dumps(changed).encode())


def write_best(
    deployment: Deployment,
    hour: Cycle,
    fields: dict[str, Array],
    names: Sequence[str],
    leads: NDArray[np.int64],
    rows: slice,
) -> dict[str, int]:
    """Make the tile's `fields` (lead, place) consistent, in place, and write them and all that follows from them.

    Returns how many values each rule changed.
    """
    columns = deployment.grid.shape[1]
    shape = (len(leads), rows.stop - rows.start, columns)
    tiles = {name: field.reshape(shape) for name, field in fields.items()}
    around = surroundings(deployment, hour, leads, slice(rows.start * columns, rows.stop * columns))
    around = {name: values.reshape(*values.shape[:-1], *shape[1:]) for name, values in around.items()}
    tile = layout.TileWriter(deployment.store, paths.forecast(hour, "best.zarr"), rows)
    changed: Counter[str] = Counter()
    made: dict[str, Array] = {}
    for band in tile.bands:
        beside = {name: _cut(values, band) for name, values in around.items()}
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
    names = set(derive.possible({row.name for row in rows} | set(SURROUNDINGS)))
    return rows + [row for row in derived().values() if row.name in names]


def templates(deployment: Deployment, hour: Cycle) -> tuple[layout.Template, layout.Template]:
    """The templates of best.zarr and probability.zarr."""
    leads = range(deployment.config.last_lead_hours + 1)
    grid, rows, synthetic = deployment.grid, deployment.config.tile_rows, deployment.config.synthetic
    best, likely = published(deployment, hour), probabilistic(deployment, hour)
    return (
        layout.best(hour, grid, leads, best, tile_rows=rows, synthetic=synthetic),
        layout.probability(hour, grid, leads, likely, QUANTILES, tile_rows=rows, synthetic=synthetic),
    )


def blend_all(deployment: Deployment, hour: Cycle, leads: NDArray[np.int64], cells: slice) -> dict[str, Array]:
    """Every available parameter blended and ramped from the observations, by name."""
    fields, runs = {}, arrived(deployment, hour)
    for row in available(deployment, hour):
        values = blend_parameter(deployment, hour, row, leads, cells, runs=runs)
        observed = ramp.read(deployment, hour, row.name)
        if observed is not None:
            added = at_leads(observed.factor, leads.astype(np.float64))[:, None] * observed.increment[None, cells]
            values = np.clip(values + added, row.minimum, row.maximum)
        fields[row.name] = values
    return fields


def surroundings(deployment: Deployment, hour: Cycle, leads: NDArray[np.int64], cells: slice) -> dict[str, Array]:
    """What consistency and derivation know of the flattened `cells` beside the forecast: SURROUNDINGS, (lead, place)
    and (place,); the day of the year is that of the valid time, 1 and up."""
    latitude, longitude = (part[cells] for part in deployment.grid.places)
    sun = solar.sun(latitude, longitude, hour.init_time, int(leads[0]), int(leads[-1]))
    altitude, land = (part[cells].astype(np.float32) for part in surface(deployment))
    new_year = datetime(hour.init_time.year, 1, 1)
    days = (1 + (hour.init_time - new_year).total_seconds() / 86400 + leads / 24).astype(np.float32)
    day = np.broadcast_to(days[:, None], (len(leads), len(altitude)))
    flux = sun.flux(int(leads[0]), int(leads[-1]))
    return dict(zip(SURROUNDINGS, (flux, altitude, land, latitude.astype(np.float32), day), strict=True))


def consistent(
    fields: dict[str, Array], beside: dict[str, Array], out: dict[str, Array] | None = None
) -> tuple[dict[str, Array], dict[str, int]]:
    """The fields made consistent and all that is derived from them and their surroundings; how many values each rule
    changed. What an earlier call has derived, `out`, may be written over."""
    corrected, counts = consistency.apply(fields | beside)
    del fields  # what was cut for this call is no longer needed, and large
    return corrected | derive.derive(corrected | beside, out), counts
