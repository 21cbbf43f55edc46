"""Orography and land from the analysis, once a deployment."""

from __future__ import annotations

from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.science import regrid
from pipeline.sources import Source
from pipeline.sources.fetch import message_named
from pipeline.sources.geometry import geometry
from pipeline.sources.index import IndexFormatError
from pipeline.sources.messages import split
from pipeline.sources.newest import due_cycles
from pipeline.sources.unpack import unpack
from pipeline.steps import Deployment
from pipeline.steps.assemble import weights_of
from pipeline.steps.ingest_common import bucket_of

# Name in the store, its CF standard name, unit, and the message of the analysis that holds it.
STATIC = (
    ("surface_altitude", "m", "HGT:surface"),
    ("land_area_fraction", "1", "LAND:surface"),
)


def ingest_static(deployment: Deployment, source: Source, hour: Cycle) -> None:
    """Write `static/static.zarr` from the newest analysis that has orography and land, unless it is there."""
    key = paths.static_fields()
    if source.index != "ncep" or deployment.store.exists(f"{key}/zarr.json"):
        return
    bucket = bucket_of(deployment, source)
    for cycle in due_cycles(source, hour):
        try:
            messages = [message_named(bucket, source, source.key(cycle, 0), name) for *_, name in STATIC]
        except (FileNotFoundError, IndexFormatError, KeyError):
            continue
        _write(deployment, key, messages)
        return


def _write(deployment: Deployment, key: str, messages: list[bytes]) -> None:
    arrays: list[tuple[str, str, tuple[str, ...], NDArray[np.floating[Any]]]] = [
        ("latitude", "degrees_north", ("latitude",), deployment.grid.latitude),
        ("longitude", "degrees_east", ("longitude",), deployment.grid.longitude),
    ]
    for (name, units, _), data in zip(STATIC, messages, strict=True):
        message = next(split(data))
        weights = weights_of(geometry(message), deployment.grid, "conservative")
        values = regrid.apply(weights, unpack(message)).reshape(deployment.grid.shape)
        arrays.append((name, units, ("latitude", "longitude"), values))
    for name, units, dimensions, values in arrays:
        array = zarr.create_array(
            deployment.store.zarr(f"{key}/{name}"),
            shape=values.shape,
            chunks=values.shape,
            dtype=values.dtype,
            dimension_names=dimensions,
            attributes={"units": units, "standard_name": name},
            overwrite=True,
        )
        array[...] = values
    # The group's own document comes last: its presence says that the arrays are whole.
    zarr.create_group(deployment.store.zarr(key), attributes={"synthetic": deployment.config.synthetic})
