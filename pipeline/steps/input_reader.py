"""Reads the input store's groups row by row: what `input_store` writes, without zarr's event loop.

A month of learning reads tens of thousands of small chunks; zarr-python takes 3 ms for each, this 0.2 ms.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numcodecs import Blosc, Zstd
from numcodecs.vlen import VLenUTF8
from numpy.typing import NDArray

from pipeline.store import Store

_CODECS = {"blosc": Blosc(), "zstd": Zstd()}


@dataclass(frozen=True, eq=False)
class InputRun:
    """One run of one source in the input store; `folder` is its Zarr group.

    Opened again it is another: it may have been written anew.
    """

    folder: Store

    @cached_property
    def arrays(self) -> frozenset[str]:
        """Names of the arrays there are, "forecast" and perhaps "spread" among them."""
        return frozenset(self.folder.list_folders(""))

    @cached_property
    def rows(self) -> dict[str, int]:
        """Place of each parameter along the first axis."""
        names = VLenUTF8().decode(self.folder.read("parameter/c.0"))
        return {str(name): row for row, name in enumerate(names)}

    @cached_property
    def leads(self) -> NDArray[np.int64]:
        """(lead,) native leads in hours."""
        try:
            return np.frombuffer(self.folder.read("lead_time/c.0"), "<i4").astype(np.int64)
        except FileNotFoundError:  # zarr leaves a chunk of zeros out
            return np.zeros(self._metadata("forecast")["shape"][1], np.int64)

    @cached_property
    def place_of_lead(self) -> dict[int, int]:
        """Which of the leads one is."""
        return {lead: place for place, lead in enumerate(self.leads.tolist())}

    @cached_property
    def interval_hours(self) -> NDArray[np.float32]:
        """(parameter, lead) length of the interval that ends at the lead, 0 for instants."""
        return np.frombuffer(self.folder.read("interval_hours/c.0.0"), "<f4").reshape(len(self.rows), -1)

    @cached_property
    def coverage(self) -> NDArray[np.float32]:
        """(place,) how much the source counts at each cell."""
        return np.frombuffer(self.folder.read("coverage/c.0.0"), "<f4")

    def held(self, array: str, parameter: str) -> NDArray[np.bool_]:
        """(lead,) whether a parameter of "forecast" or "spread" has any value anywhere."""
        if array not in self._held:
            flags = np.frombuffer(self.folder.read(f"{array}_held/c.0.0"), np.bool_)
            self._held[array] = flags.reshape(len(self.rows), -1)
        return self._held[array][self.rows[parameter]]

    def read(self, array: str, parameter: str, rows: slice = slice(None)) -> NDArray[np.float32]:
        """(lead, place) one parameter of "forecast" or "spread" on the latitude rows; NaN where nothing was written.

        Only the chunks that hold the rows are read.
        """
        metadata = self._metadata(array)
        _, leads, latitudes, longitudes = metadata["shape"]
        first, stop, _ = rows.indices(latitudes)
        size = metadata["chunk_grid"]["configuration"]["chunk_shape"][2]
        numbers = range(first // size, -(-stop // size))
        codec = _CODECS[metadata["codecs"][-1]["name"]]
        parts = []
        for number in numbers:
            key = _chunk(metadata, self.rows[parameter], number)
            chunk = _decoded(self.folder, f"{array}/{key}", (leads, size, longitudes), codec)
            parts.append(chunk[:, max(first - number * size, 0) : stop - number * size])
        values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return values.reshape(leads, -1)

    def _metadata(self, array: str) -> dict[str, Any]:
        if array not in self._documents:
            self._documents[array] = json.loads(self.folder.read(f"{array}/zarr.json"))
        return self._documents[array]

    @cached_property
    def _documents(self) -> dict[str, dict[str, Any]]:
        return {}

    @cached_property
    def _held(self) -> dict[str, NDArray[np.bool_]]:
        return {}


def members(folder: Store, parameter: str, rows: slice) -> Iterator[NDArray[np.float32]]:
    """(lead, place) one member after the other of an ensemble's group, on the latitude rows; NaN where nothing was
    written. ValueError for chunks of other than one member's leads and whole rows."""
    metadata = json.loads(folder.read(f"{parameter}/zarr.json"))
    count, leads, latitudes, longitudes = metadata["shape"]
    chunk = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    if chunk != [1, leads, chunk[2], longitudes]:
        raise ValueError(f"{parameter}: expected chunks of (1, {leads}, rows, {longitudes}); found {chunk}")
    codec, size = _CODECS[metadata["codecs"][-1]["name"]], chunk[2]
    first, stop, _ = rows.indices(latitudes)
    for number in range(count):
        parts = []
        for band in range(first // size, -(-stop // size)):
            key = f"{parameter}/{_chunk(metadata, number, band)}"
            values = _decoded(folder, key, (leads, size, longitudes), codec)
            parts.append(values[:, max(first - band * size, 0) : stop - band * size])
        values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        yield values.reshape(leads, -1)


def _chunk(metadata: dict[str, Any], first: int, band: int) -> str:
    """Key of the chunk of all leads and columns at a place along the first axis and in a band of rows."""
    separator: str = metadata["chunk_key_encoding"]["configuration"]["separator"]
    return separator.join(["c", str(first), "0", str(band), "0"])


def _decoded(folder: Store, key: str, shape: tuple[int, int, int], codec: Any) -> NDArray[np.float32]:
    try:
        data = folder.read(key)
    except FileNotFoundError:
        return np.full(shape, np.nan, np.float32)
    return np.frombuffer(codec.decode(data), "<f4").reshape(shape)
