"""The input store: one run of one source on the target grid, written parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from pipeline.grid import Grid
from pipeline.parameters import Parameter
from pipeline.store import Store

# A chunk of all leads of one parameter is cut along latitude where it would be larger.
CHUNK_BYTES = 64 * 2**20

Slabs = Mapping[str, NDArray[np.float32]]


def rounded(values: NDArray[np.float32], precision: float) -> NDArray[np.float32]:
    """Values on multiples of the largest power of two that keeps the error within `precision`: they compress well."""
    quantum = np.float32(2.0 ** np.floor(np.log2(2 * precision)))
    return np.asarray(np.rint(values / quantum) * quantum, np.float32)


class InputWriter:
    """Writes the arrays of one group; every parameter is one region, so parameters may be written one by one."""

    def __init__(
        self, store: Store, key: str, grid: Grid, leads: Sequence[int], parameters: Sequence[str], arrays: Sequence[str]
    ) -> None:
        store.delete(key)
        self.places = {name: place for place, name in enumerate(parameters)}
        self.grid = grid
        self.group = zarr.create_group(store.zarr(key))
        shape = (len(parameters), len(leads), *grid.shape)
        for name in arrays:
            self._array(name, shape, _chunks(shape), ("parameter", "lead_time", "latitude", "longitude"))
        self.intervals = np.zeros(shape[:2], np.float32)
        self._values("lead_time", np.asarray(leads, np.int32), ("lead_time",), units="hours")
        self._values("latitude", grid.latitude, ("latitude",), units="degrees_north", standard_name="latitude")
        self._values("longitude", grid.longitude, ("longitude",), units="degrees_east", standard_name="longitude")
        names = self.group.create_array(
            "parameter", shape=(len(parameters),), dtype=str, compressors=None, dimension_names=("parameter",)
        )
        names[...] = np.array(parameters, dtype=object) if parameters else np.array([], dtype=object)

    def write(
        self, parameter: Parameter, array: str, values: NDArray[np.float32], interval_hours: NDArray[np.float64]
    ) -> None:
        """Store `values` (lead, place) of a parameter and the length (lead,) of the intervals that end at the leads."""
        place = self.places[parameter.name]
        target = self.group[array]
        assert isinstance(target, zarr.Array)
        target[place] = rounded(values, parameter.precision).reshape(-1, *self.grid.shape)
        self.intervals[place] = interval_hours

    def close(self, coverage: NDArray[np.float32], attributes: Mapping[str, Any]) -> None:
        """Store what belongs to all parameters; `coverage`: (place,) 0 to 1."""
        self._values("interval_hours", self.intervals, ("parameter", "lead_time"), units="hours")
        self._values("coverage", coverage.reshape(self.grid.shape), ("latitude", "longitude"), units="1")
        self.group.attrs.update(dict(attributes))

    def _array(self, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], dimensions: Iterable[str]) -> None:
        self.group.create_array(
            name,
            shape=shape,
            chunks=chunks,
            dtype="float32",
            fill_value=np.nan,
            compressors=ZstdCodec(level=1),
            dimension_names=tuple(dimensions),
        )

    def _values(self, name: str, values: NDArray[Any], dimensions: tuple[str, ...], **attributes: str) -> None:
        array = self.group.create_array(
            name,
            shape=values.shape,
            chunks=values.shape,
            dtype=values.dtype,
            compressors=None,
            dimension_names=dimensions,
            attributes=dict(attributes),
        )
        array[...] = values


def _chunks(shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    row = 4 * shape[1] * shape[3]
    return 1, max(shape[1], 1), min(shape[2], max(1, CHUNK_BYTES // max(row, 1))), shape[3]
