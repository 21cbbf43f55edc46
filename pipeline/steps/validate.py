"""Validate: the gate before publishing. Every tile is read back as it is stored and must be whole and plausible."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import catalogue
from pipeline.products.layout import array_metadata, is_tiled, read_tile
from pipeline.steps import Deployment

CHECKED = ("best.zarr", "probability.zarr")
_SHOWN = 3


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """First rows of the tiles."""
    return [f"row-{first:04d}" for first in range(0, deployment.grid.shape[0], deployment.config.tile_rows)]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Check one tile of every array and record each one's range; ValueError names what is wrong."""
    first = int(shard.removeprefix("row-"))
    rows = slice(first, min(first + deployment.config.tile_rows, deployment.grid.shape[0]))
    ranges: dict[str, list[float]] = {}
    problems: list[str] = []
    for zarr in CHECKED:
        key = paths.forecast(hour, zarr)
        for name, metadata in array_metadata(deployment.store, key).items():
            if is_tiled(metadata):
                low, high, problem = _check(deployment, key, name, metadata, rows)
                ranges[name] = [low, high]
                problems += [problem] if problem else []
    if problems:
        more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
        raise ValueError(f"{hour} rows {rows.start} to {rows.stop}: {'; '.join(problems[:_SHOWN])}{more}")
    deployment.store.write(paths.work(hour, f"validated/{shard}.json"), json.dumps(ranges).encode())


def _check(
    deployment: Deployment, key: str, name: str, metadata: dict[str, Any], rows: slice
) -> tuple[float, float, str]:
    """Lowest and highest value of an array's tile, and what is wrong with it or ''."""
    try:
        values = read_tile(deployment.store, key, name, rows, metadata)
    except FileNotFoundError:
        return np.nan, np.nan, f"{name} has not been written"
    low, high = float(values.min()), float(values.max())
    if np.isnan(low):
        return low, high, f"{name} is missing in {np.isnan(values).sum()} of {values.size} values"
    lowest, highest = limits(name)
    attributes = metadata["attributes"]
    tolerance = attributes["precision"]
    if low < lowest - tolerance or high > highest + tolerance:
        return low, high, f"{name}: expected {lowest:g} to {highest:g} {attributes['units']}; found {low:g} to {high:g}"
    return low, high, ""


def limits(array: str) -> tuple[float, float]:
    """The bounds of an array of best.zarr or probability.zarr, from the catalogue; probabilities are 0 to 1."""
    if array.endswith("_exceedance"):
        return 0.0, 1.0
    row = catalogue()[array.removesuffix("_quantile")]
    return row.minimum, row.maximum
