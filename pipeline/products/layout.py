"""The storage contract of a published hour: creates the Zarr of a template and fills it tile by tile, in whole shards.

A tile is a band of latitude rows with every lead and every longitude; one worker writes it. Inner chunks hold about a
day of leads on some degrees of longitude, so that a map and a point's series both read few of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pipeline
from pipeline.grid import Area
from pipeline.products.shard import codecs, decode, decode_leads, encode_chunks, join
from pipeline.products.templates import Coordinate, Template, Variable, best, ground, probability
from pipeline.products.zarr_json import LITTLE_ENDIAN, array_json, group_json
from pipeline.store import Store

__all__ = [
    "Template",
    "TileWriter",
    "best",
    "create",
    "ground",
    "probability",
    "read_tile",
    "write_coordinates",
    "write_tile",
]

_AUXILIARY = ("crs", "init_time", "valid_time", "surface_altitude", "land_area_fraction")
_LEADS_PER_CHUNK = 24
_PLACES_PER_CHUNK = 960
"""Twice as many compress 2 % better, and a band of everything derived takes twice the memory."""


def create(store: Store, key: str, template: Template) -> None:
    """Write the empty Zarr of a template; the same template again changes nothing, so every worker may call it."""
    arrays = {name: _coordinate_metadata(item) for name, item in template.coordinates.items()}
    arrays |= {variable.name: _array_metadata(variable, template) for variable in template.variables}
    group = _dump(group_json(group_attributes(template), arrays))
    if store.exists(f"{key}/zarr.json") and store.read(f"{key}/zarr.json") == group:
        return
    write_coordinates(store, key, template)
    for name, metadata in arrays.items():
        store.write(f"{key}/{name}/zarr.json", _dump(metadata))
    store.write(f"{key}/zarr.json", group)  # last: its presence means that the arrays are there


def write_coordinates(store: Store, key: str, template: Template) -> None:
    """Write the values of all coordinates of a Zarr, anew where they are there already."""
    for name, coordinate in template.coordinates.items():
        store.write(f"{key}/{name}/c{'/0' * coordinate.values.ndim}", _coordinate_bytes(coordinate))


def write_tile(store: Store, key: str, variables: Mapping[str, NDArray[np.float32]], row_slice: slice) -> None:
    """Write the latitude rows `row_slice` of the named arrays, each (..., rows, longitude), as whole shards.

    Values are rounded to each array's precision. Raises ValueError if the rows are not exactly one tile, if a shape
    is wrong or an array is not in the template: a partial shard would silently lose its neighbours' data.
    """
    for name, values in variables.items():
        tile = TileWriter(store, key, row_slice)
        tile.add(name, values, slice(0, values.shape[-1]))
        tile.close()


class TileWriter:
    """Encodes arrays of one tile a band of longitudes at a time, so that none of them is ever whole in memory."""

    def __init__(self, store: Store, key: str, row_slice: slice) -> None:
        self._store, self._key, self._rows = store, key, row_slice
        self._arrays: dict[str, dict[str, Any]] = {}
        self._chunks: dict[str, dict[tuple[int, ...], bytes]] = {}

    @property
    def bands(self) -> list[slice]:
        """Longitudes of the inner chunks, which are those of every array; whoever asks will add most arrays."""
        self._arrays |= array_metadata(self._store, self._key)
        shape, _, inner = _shapes(next(found for found in self._arrays.values() if is_tiled(found)))
        return [slice(start, start + inner[-1]) for start in range(0, shape[-1], inner[-1])]

    def add(self, name: str, values: NDArray[np.float32], band: slice) -> None:
        """Round and encode the longitudes `band`, whole inner chunks, of one array; errors as `write_tile`."""
        if name not in self._arrays:
            try:
                self._arrays[name] = _metadata(self._store, self._key, name)
            except FileNotFoundError:
                raise ValueError(f"expected an array of the template of {self._key}; found {name!r}") from None
        shape, shard, inner = _shapes(self._arrays[name])
        tile = _tile(name, shape, shard, self._rows)
        expected = (*shape[:-2], min(shard[-2], shape[-2] - tile * shard[-2]), band.stop - band.start)
        if values.shape != expected or band.start % inner[-1] or expected[-1] % inner[-1]:
            raise ValueError(f"{name}: expected values of the shape {expected}; found {values.shape}")
        precision = self._arrays[name]["attributes"]["precision"]
        found = self._chunks.setdefault(name, {})
        for position, data in encode_chunks(np.asarray(values, np.float32), inner, precision).items():
            found[*position[:-1], position[-1] + band.start // inner[-1]] = data

    def close(self) -> None:
        """Write every array that has been added; ValueError if a band of one is missing."""
        for name, chunks in self._chunks.items():
            shape, shard, inner = _shapes(self._arrays[name])
            wanted = prod(
                -(-size // step) for size, step in zip([*shape[:-2], shard[-1]], [*inner[:-2], inner[-1]], strict=True)
            )
            if len(chunks) != wanted:
                raise ValueError(f"{name}: expected {wanted} chunks of a tile; found {len(chunks)}")
            tile = _tile(name, shape, shard, self._rows)
            self._store.write(_shard_key(self._key, name, len(shard), tile), join(chunks, inner, shard))


def read_tile(
    store: Store, key: str, name: str, row_slice: slice, metadata: Mapping[str, Any] | None = None
) -> NDArray[np.float32]:
    """The latitude rows `row_slice`, exactly one tile, of one array, (..., rows, longitude), as they are stored.

    metadata: the array's, if known. FileNotFoundError if nobody has written the tile.
    """
    shape, shard, inner = _shapes(metadata or _metadata(store, key, name))
    tile = _tile(name, shape, shard, row_slice)
    data = store.read(_shard_key(key, name, len(shard), tile))
    rows = min(shard[-2], shape[-2] - tile * shard[-2])
    return decode(data, inner, shard)[tuple(slice(size) for size in (*shape[:-2], rows, shape[-1]))]


def read_area(store: Store, key: str, name: str, leads: Sequence[int], area: Area) -> NDArray[np.float32]:
    """One array at the positions `leads` of its leads, rising, in an area of its grid: (..., lead, row, column).

    Reads only the chunks of the leads between, and only the tiles that the area touches.
    """
    shape, shard, inner = _shapes(_metadata(store, key, name))
    span = slice(leads[0], leads[-1] + 1)
    values = np.empty((*shape[:-3], len(leads), *area.shape), np.float32)
    tiles = area.rows // shard[-2]
    for tile in np.unique(tiles):
        found = _shard_key(key, name, len(shard), int(tile))
        data = decode_leads(partial(store.read_range, found), store.size(found), inner, shard, span)
        inside = tiles == tile
        rows = area.rows[inside] - tile * shard[-2]
        part = data[..., _taken(np.array(leads) - span.start), :, :][..., _taken(rows), :][..., _taken(area.columns)]
        values[..., _taken(np.flatnonzero(inside)), :] = part
    return values


def read_coordinate(store: Store, key: str, name: str) -> NDArray[Any]:
    """The numbers of a coordinate; FileNotFoundError if there is none of that name."""
    metadata = _metadata(store, key, name)
    data = store.read(f"{key}/{name}/c{'/0' * len(metadata['shape'])}")
    return np.frombuffer(data, np.dtype(metadata["data_type"]).newbyteorder("<")).reshape(metadata["shape"])


def _taken(positions: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    """Positions as a slice where they follow one another, which copies at once what is otherwise looked up singly."""
    first, last = int(positions[0]), int(positions[-1])
    return slice(first, last + 1) if np.array_equal(positions, np.arange(first, last + 1)) else positions


def array_metadata(store: Store, key: str) -> dict[str, Any]:
    """`zarr.json` of every array of a Zarr by name, out of the group's consolidated metadata."""
    return _arrays(store.read(f"{key}/zarr.json"))


@lru_cache(maxsize=8)
def _arrays(group: bytes) -> dict[str, Any]:
    """The same out of the document, which is long and asked for with every array."""
    arrays: dict[str, Any] = json.loads(group)["consolidated_metadata"]["metadata"]
    return arrays


def _metadata(store: Store, key: str, name: str) -> dict[str, Any]:
    """`zarr.json` of one array, out of its own document, which is short."""
    metadata: dict[str, Any] = json.loads(store.read(f"{key}/{name}/zarr.json"))
    return metadata


def is_tiled(metadata: Mapping[str, Any]) -> bool:
    """Whether an array is written in tiles, unlike a coordinate."""
    return "precision" in metadata["attributes"]


def _shard_key(key: str, name: str, dimensions: int, tile: int) -> str:
    return f"{key}/{name}/c/{'/'.join(['0'] * (dimensions - 2) + [str(tile), '0'])}"


def _shapes(metadata: Mapping[str, Any]) -> tuple[list[int], list[int], list[int]]:
    """Shape of the array, of its shards and of their inner chunks."""
    shard = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    return metadata["shape"], shard, metadata["codecs"][0]["configuration"]["chunk_shape"]


def _tile(name: str, shape: Sequence[int], shard: Sequence[int], rows: slice) -> int:
    """The number of the tile that the rows are; ValueError unless they are exactly one."""
    start, stop, step = rows.indices(shape[-2])
    if step != 1 or start % shard[-2] or stop != min(start + shard[-2], shape[-2]):
        raise ValueError(f"{name}: expected one tile, rows n*{shard[-2]} to (n+1)*{shard[-2]}; found {start} to {stop}")
    return start // shard[-2]


def group_attributes(template: Template) -> dict[str, str]:
    """CF-1.11 attributes of the file or group that holds a template's arrays."""
    label = "SYNTHETIC (embedded world, not the weather): " if template.synthetic else ""
    return {
        "Conventions": "CF-1.11",
        "title": label + template.title,
        "source": "statistical blend of numerical weather forecasts; manifest.json names them and their licences",
        "history": f"made by hourcast {pipeline.__version__}",
        "synthetic": str(template.synthetic).lower(),
        "coordinates": " ".join(name for name in _AUXILIARY if name in template.coordinates),
    }


def _array_metadata(variable: Variable, template: Template) -> dict[str, Any]:
    shape = [len(template.coordinates[axis].values) for axis in variable.dimensions]
    *outer, leads, rows, columns = shape
    rows = min(template.tile_rows, rows)
    lead_chunk = -(-leads // max(1, round(leads / _LEADS_PER_CHUNK)))
    longitude_chunk = max(size for size in range(1, max(1, _PLACES_PER_CHUNK // rows) + 1) if columns % size == 0)
    inner = [*(1 for _ in outer), lead_chunk, rows, longitude_chunk]
    shard = [*outer, -(-leads // lead_chunk) * lead_chunk, rows, columns]
    attributes = array_attributes(variable, template)
    return array_json(shape, "float32", shard, codecs(inner), attributes, variable.dimensions)


def array_attributes(variable: Variable, template: Template) -> dict[str, Any]:
    """CF-1.11 attributes of one array, and its precision."""
    times = [name for name in ("init_time", "valid_time") if name in template.coordinates]
    labels = {"grid_mapping": "crs", "coordinates": " ".join(times), "precision": variable.precision}
    return dict(variable.attributes) | labels


def _coordinate_metadata(coordinate: Coordinate) -> dict[str, Any]:
    text = coordinate.values.dtype.kind == "U"
    codec = {"name": "vlen-utf8"} if text else LITTLE_ENDIAN
    kind = "string" if text else coordinate.values.dtype.name
    shape = coordinate.values.shape
    return array_json(shape, kind, shape, [codec], coordinate.attributes, coordinate.dimensions)


def _coordinate_bytes(coordinate: Coordinate) -> bytes:
    values = coordinate.values
    if values.dtype.kind != "U":
        return values.astype(values.dtype.newbyteorder("<")).tobytes()
    texts = [str(value).encode() for value in values]
    counted = [len(texts).to_bytes(4, "little"), *(len(text).to_bytes(4, "little") + text for text in texts)]
    return b"".join(counted)


def _dump(metadata: Mapping[str, Any]) -> bytes:
    return json.dumps(metadata, allow_nan=False).encode()  # indented it takes ten times as long
