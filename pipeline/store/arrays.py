"""Small Zarr groups, written and read without zarr's event loop, which takes longer than the work for small arrays.

They are plain Zarr v3 that zarr and xarray read, too: regular chunks, Zstandard, no shards.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import xarray as xr
from numcodecs import Zstd
from numcodecs.vlen import VLenUTF8
from numpy.typing import NDArray

from pipeline.store import Store

_BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
_COMPRESSED = {"name": "zstd", "configuration": {"level": 1, "checksum": False}}
_TEXT = {"name": "vlen-utf8", "configuration": {}}
_ZSTD = Zstd(1)
_Index = slice | NDArray[np.intp]


def write(store: Store, key: str, data: xr.Dataset) -> None:
    """Write a dataset of numbers and texts as the group `key`, in place of what was there.

    An array is one chunk unless `encoding["chunks"]` says how it is cut. The group is there once all its arrays are.
    """
    store.delete(key)
    folder, arrays = store.child(key), {}
    for name, array in data.variables.items():
        values = np.asarray(array.values)
        chunks = tuple(array.encoding.get("chunks", (max(size, 1) for size in values.shape)))
        for place in itertools.product(*(range(-(-n // size)) for n, size in zip(values.shape, chunks, strict=True))):
            part = values[tuple(slice(k * size, (k + 1) * size) for k, size in zip(place, chunks, strict=True))]
            folder.write(_chunk(str(name), place), _encoded(part, chunks))
        arrays[str(name)] = _metadata(values, chunks, array.dims, dict(array.attrs))
        folder.write(f"{name}/zarr.json", json.dumps(arrays[str(name)]).encode())
    consolidated = {"kind": "inline", "must_understand": False, "metadata": arrays}
    group = {"zarr_format": 3, "node_type": "group", "attributes": data.attrs, "consolidated_metadata": consolidated}
    folder.write("zarr.json", json.dumps(group).encode())


def _metadata(
    values: NDArray[Any], chunks: tuple[int, ...], dims: tuple[Any, ...], attributes: dict[str, Any]
) -> dict[str, Any]:
    kind, fill = values.dtype.kind, {"f": "NaN", "O": "", "U": "", "b": False}
    return {
        "zarr_format": 3, "node_type": "array", "shape": values.shape, "dimension_names": dims,
        "data_type": "string" if kind in "OU" else values.dtype.name, "fill_value": fill.get(kind, 0),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "codecs": [_TEXT if kind in "OU" else _BYTES, _COMPRESSED], "attributes": attributes,
        "storage_transformers": [],
    }  # fmt: skip


def _encoded(part: NDArray[Any], chunks: tuple[int, ...]) -> bytes:
    if part.shape != chunks:  # zarr's chunks are all of one size
        part = np.pad(part, [(0, size - n) for n, size in zip(part.shape, chunks, strict=True)])
    if part.dtype.kind in "OU":
        return bytes(_ZSTD.encode(VLenUTF8().encode(part.astype(object).ravel())))
    return bytes(_ZSTD.encode(np.ascontiguousarray(part)))


def _chunk(name: str, place: tuple[int, ...]) -> str:
    return f"{name}/" + ".".join(["c", *map(str, place)])  # in one folder: on a disk one costs more than a small array


def read(store: Store, key: str, names: Collection[str] | None = None, **chosen: _Index) -> xr.Dataset:
    """The group that `write` made, or some arrays of it and all coordinates; FileNotFoundError if there is none.

    chosen: by dimension the part to read; chunks beside it are left alone.
    """
    folder = store.child(key)
    group = json.loads(folder.read("zarr.json"))
    arrays: dict[str, xr.Variable] = {}
    coordinates = dict(arrays)
    for name, metadata in group["consolidated_metadata"]["metadata"].items():
        dims = tuple(metadata["dimension_names"])
        if names is None or name in names or dims == (name,):
            values = _array(folder, name, metadata, [chosen.get(dim, slice(None)) for dim in dims])
            (coordinates if dims == (name,) else arrays)[name] = xr.Variable(dims, values, metadata["attributes"])
    return xr.Dataset(arrays, coordinates, group["attributes"])


def values(store: Store, key: str, names: Collection[str], **chosen: _Index) -> dict[str, NDArray[Any]]:
    """Arrays and coordinates of the group as `read` has them, those of `names` that are there: without their labels,
    which take xarray longer to put on than small arrays to read."""
    folder = store.child(key)
    found = json.loads(folder.read("zarr.json"))["consolidated_metadata"]["metadata"]
    return {
        name: _array(
            folder, name, found[name], [chosen.get(dim, slice(None)) for dim in found[name]["dimension_names"]]
        )
        for name in names
        if name in found
    }


def read_one(store: Store, key: str, name: str) -> NDArray[Any]:
    """One whole array of the group, without the others' metadata; FileNotFoundError if there is none."""
    folder = store.child(key)
    metadata = json.loads(folder.read(f"{name}/zarr.json"))
    return _array(folder, name, metadata, [slice(None)] * len(metadata["shape"]))


def _array(folder: Store, name: str, metadata: dict[str, Any], chosen: list[_Index]) -> NDArray[Any]:
    shape, chunks = metadata["shape"], metadata["chunk_grid"]["configuration"]["chunk_shape"]
    text = metadata["data_type"] == "string"
    dtype = np.dtype(object if text else metadata["data_type"])
    wanted = [_contiguous(index, n) for n, index in zip(shape, chosen, strict=True)]
    result = np.empty([_size(index) for index in wanted], dtype)
    for place in itertools.product(*map(_numbers, wanted, chunks)):
        data = _ZSTD.decode(folder.read(_chunk(name, place)))
        part = (VLenUTF8().decode(data) if text else np.frombuffer(data, dtype)).reshape(chunks)
        here = [_overlap(*item) for item in zip(place, chunks, wanted, strict=True)]
        result[_grid([to for to, _ in here])] = part[_grid([of for _, of in here])]
    return result


def _contiguous(index: _Index, count: int) -> _Index:
    """Which of `count` are wanted, as a slice if they can be: many times as fast."""
    if isinstance(index, slice):
        first, stop, _ = index.indices(count)
        return slice(first, max(first, stop))
    return slice(int(index[0]), int(index[-1]) + 1) if (np.diff(index) == 1).all() and len(index) else index


def _size(index: _Index) -> int:
    return index.stop - index.start if isinstance(index, slice) else len(index)


def _numbers(index: _Index, size: int) -> Iterable[int]:
    """The chunks of a dimension that hold what is wanted."""
    if isinstance(index, slice):
        return range(index.start // size, -(-index.stop // size)) if index.stop > index.start else ()
    return np.unique(index // size).tolist()


def _overlap(number: int, size: int, index: _Index) -> tuple[_Index, _Index]:
    """Of a dimension where the wanted that a chunk holds go, and where in the chunk they are."""
    if isinstance(index, slice):
        first, stop = max(index.start, number * size), min(index.stop, (number + 1) * size)
        return slice(first - index.start, stop - index.start), slice(first - number * size, stop - number * size)
    mine = np.flatnonzero(index // size == number)
    return mine, index[mine] - number * size


def _grid(indices: list[_Index]) -> tuple[_Index, ...]:
    """What takes the indices of every dimension."""
    if all(isinstance(index, slice) for index in indices):
        return tuple(indices)
    return np.ix_(*(np.arange(i.start, i.stop) if isinstance(i, slice) else i for i in indices))
