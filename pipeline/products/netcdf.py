"""A published hour as one CF-1.11 NetCDF-4 file, for tools that do not read Zarr."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.products.layout import array_metadata, is_tiled, read_tile
from pipeline.store import Store

COMPRESSION: dict[str, Any] = {"compression": "zlib", "complevel": 1, "shuffle": True}


def to_netcdf(store: Store, hour: Cycle, path: Path, parameters: Sequence[str] | None = None) -> None:
    """Write the blended forecast of a published hour, all of it or the named parameters, to `path`, atomically.

    Raises KeyError for a parameter that the hour does not hold, OSError if the file cannot be written.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"expected a folder to write {path.name} into; {path.parent} does not exist")
    key = paths.forecast(hour, "best.zarr")
    arrays = array_metadata(store, key)
    names = _chosen({name for name, item in arrays.items() if is_tiled(item)}, parameters, hour)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with netCDF4.Dataset(partial, "w", format="NETCDF4") as file:
            attributes = json.loads(store.read(f"{key}/zarr.json"))["attributes"]
            file.setncatts({name: value for name, value in attributes.items() if name != "coordinates"})
            for name in [*(name for name in arrays if not is_tiled(arrays[name])), *names]:
                _copy(store, key, name, arrays[name], file)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _chosen(held: set[str], wanted: Sequence[str] | None, hour: Cycle) -> list[str]:
    for name in wanted or ():
        if name not in held:
            near = get_close_matches(name, sorted(held), n=3) or sorted(held)[:3]
            raise KeyError(f"{hour} holds no parameter {name!r}; did you mean {', '.join(near)}?")
    return sorted(set(wanted) if wanted else held)


def _copy(store: Store, key: str, name: str, metadata: dict[str, Any], file: netCDF4.Dataset) -> None:
    """Copy one array and its attributes, a tile at a time."""
    shape, dimensions = metadata["shape"], metadata["dimension_names"]
    for axis, size in zip(dimensions, shape, strict=True):
        if axis not in file.dimensions:
            file.createDimension(axis, size)
    if not is_tiled(metadata):
        data = np.frombuffer(store.read(f"{key}/{name}/c{'/0' * len(shape)}"), metadata["data_type"]).reshape(shape)
        variable = file.createVariable(name, metadata["data_type"], dimensions)
        variable.setncatts(metadata["attributes"])
        variable[...] = data
        return
    rows = metadata["chunk_grid"]["configuration"]["chunk_shape"][-2]
    chunks = metadata["codecs"][0]["configuration"]["chunk_shape"]
    variable = file.createVariable(name, "f4", dimensions, chunksizes=np.minimum(chunks, shape), **COMPRESSION)
    variable.setncatts(typed(metadata["attributes"]))
    for first in range(0, shape[-2], rows):
        tile = slice(first, min(first + rows, shape[-2]))
        variable[..., tile, :] = read_tile(store, key, name, tile)


def typed(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a float32 array with its flag values of that type, as CF wants them."""
    if "flag_values" not in attributes:
        return attributes
    return attributes | {"flag_values": np.asarray(attributes["flag_values"], np.float32)}
