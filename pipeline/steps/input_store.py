"""The input store: one run of one source on the target grid, a Zarr group written parameter by parameter.

Chunks are encoded and stored here, not through zarr's event loop, which costs several times the work itself for the
thousands of small groups that a month of learning reads. What zarr would write is asked of zarr once a shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import zarr
from numcodecs import Blosc
from numpy.typing import NDArray
from zarr.codecs import BloscCodec
from zarr.core.chunk_key_encodings import ChunkKeyEncodingLike
from zarr.storage import MemoryStore

from pipeline.grid import Grid
from pipeline.parameters import Parameter
from pipeline.store import Store

CHUNK_BYTES = 2**20
"""A chunk holds all leads of one parameter on as many whole tiles of rows as make it this large: a tile of the forecast
reads its own rows and, on a fine grid, no others."""
LEVEL = 5
"""Of lz4 behind a bit shuffle: read three times as fast as zstd, at nearly its ratio."""

CHUNK_KEYS: ChunkKeyEncodingLike = {"name": "default", "separator": "."}
"""All chunks of an array in one folder: the local disk spends more on a folder than on a small chunk."""
DIMENSIONS = ("parameter", "lead_time", "latitude", "longitude")


def rounded(values: NDArray[np.float32], precision: float) -> NDArray[np.float32]:
    """Values on multiples of the largest power of two that keeps the error within `precision`: they compress well."""
    quantum = np.float32(2.0 ** np.floor(np.log2(2 * precision)))
    return np.asarray(np.rint(values / quantum) * quantum, np.float32)


class InputWriter:
    """Writes one group. It is complete only after `close`, and its record only after that says so."""

    def __init__(
        self,
        store: Store,
        key: str,
        grid: Grid,
        leads: Sequence[int],
        parameters: Sequence[str],
        arrays: Sequence[str],
        tile_rows: int = 1,
    ) -> None:
        store.delete(key)
        self.folder = store.child(key)
        self.grid = grid
        self.leads = tuple(leads)
        self.parameters = tuple(parameters)
        self.arrays = tuple(arrays)
        self.intervals = np.zeros((len(parameters), len(leads)), np.float32)
        self.held = {name: np.zeros(self.intervals.shape, np.bool_) for name in arrays}
        self.rows = _rows(len(leads), grid, tile_rows)
        self.codec = Blosc("lz4", LEVEL, Blosc.BITSHUFFLE)

    def write(
        self, parameter: Parameter, array: str, values: NDArray[np.float32], interval_hours: NDArray[np.float64]
    ) -> None:
        """Store `values` (lead, place) of a parameter and the length (lead,) of the intervals that end at the leads."""
        place = self.parameters.index(parameter.name)
        field = rounded(values, parameter.precision).reshape(-1, *self.grid.shape)
        for number, first in enumerate(range(0, self.grid.shape[0], self.rows)):
            part = field[:, first : first + self.rows]
            if part.shape[1] < self.rows:  # zarr's chunks are all of one size
                part = np.pad(part, ((0, 0), (0, self.rows - part.shape[1]), (0, 0)), constant_values=np.nan)
            data = self.codec.encode(np.ascontiguousarray(part))
            self.folder.write(f"{array}/c.{place}.0.{number}.0", bytes(data))
        self.intervals[place] = interval_hours
        self.held[array][place] = np.isfinite(values).any(axis=1)

    def close(self, coverage: NDArray[np.float32], attributes: Mapping[str, Any]) -> None:
        """Store what belongs to all parameters, and last what makes the group one; `coverage`: (place,) 0 to 1."""
        documents = dict(_documents(self.grid, self.leads, self.parameters, self.arrays, self.rows))
        group = json.loads(documents.pop("zarr.json")) | {"attributes": dict(attributes)}
        documents["interval_hours/c.0.0"] = self.intervals.tobytes()
        documents["coverage/c.0.0"] = coverage.astype(np.float32).tobytes()
        documents |= {f"{name}_held/c.0.0": held.tobytes() for name, held in self.held.items()}
        for name, data in documents.items():
            self.folder.write(name, data)
        self.folder.write("zarr.json", json.dumps(group, indent=2).encode())


def _rows(leads: int, grid: Grid, tile_rows: int) -> int:
    """Rows of a chunk: whole tiles, as few as make CHUNK_BYTES."""
    tiles = -(-CHUNK_BYTES // (4 * max(leads, 1) * grid.shape[1] * tile_rows))
    return min(grid.shape[0], tiles * tile_rows)


@lru_cache(maxsize=64)
def _documents(
    grid: Grid, leads: tuple[int, ...], parameters: tuple[str, ...], arrays: tuple[str, ...], rows: int
) -> Mapping[str, bytes]:
    """Every object of a group of that shape but the chunks of values: metadata and coordinates, as zarr writes them."""
    store = MemoryStore()
    group = zarr.create_group(store)
    shape = (len(parameters), len(leads), *grid.shape)
    for name in arrays:
        group.create_array(
            name,
            shape=shape,
            chunks=(1, max(len(leads), 1), rows, grid.shape[1]),
            dtype="float32",
            fill_value=np.nan,
            compressors=BloscCodec(cname="lz4", clevel=LEVEL, shuffle="bitshuffle", typesize=4),
            dimension_names=DIMENSIONS,
            chunk_key_encoding=CHUNK_KEYS,
        )
        plain_array(group, f"{name}_held", np.zeros(shape[:2], np.bool_), DIMENSIONS[:2])
    plain_array(group, "interval_hours", np.zeros(shape[:2], np.float32), DIMENSIONS[:2], units="hours")
    plain_array(group, "coverage", np.zeros(grid.shape, np.float32), DIMENSIONS[2:], units="1")
    plain_array(group, "lead_time", np.asarray(leads, np.int32), ("lead_time",), units="hours")
    plain_array(group, "latitude", grid.latitude, ("latitude",), units="degrees_north", standard_name="latitude")
    plain_array(group, "longitude", grid.longitude, ("longitude",), units="degrees_east", standard_name="longitude")
    names = group.create_array(
        "parameter", shape=(len(parameters),), dtype=str, compressors=None, dimension_names=("parameter",),
        chunk_key_encoding=CHUNK_KEYS,
    )  # fmt: skip
    names[...] = np.array(parameters, dtype=object)
    return {key: value.to_bytes() for key, value in store._store_dict.items()}


def plain_array(
    group: zarr.Group, name: str, values: NDArray[Any], dimensions: tuple[str, ...], **attributes: str
) -> None:
    """Write one small array whole and without compression."""
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=values.shape,
        dtype=values.dtype,
        compressors=None,
        dimension_names=dimensions,
        chunk_key_encoding=CHUNK_KEYS,
        attributes=dict(attributes),
    )
    array[...] = values
