"""The metadata documents of Zarr v3, as plain dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LITTLE_ENDIAN = {"name": "bytes", "configuration": {"endian": "little"}}


def array_json(
    shape: Sequence[int], data_type: str, chunk: Sequence[int], codecs: Sequence[Mapping[str, Any]],
    attributes: Mapping[str, Any], dimensions: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """`zarr.json` of an array; what is not written reads as NaN, 0 or an empty string."""
    fill = {"float32": "NaN", "float64": "NaN", "string": ""}.get(data_type, 0)
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": list(codecs),
        "attributes": dict(attributes),
        "dimension_names": list(dimensions),
        "storage_transformers": [],
    }


def group_json(attributes: Mapping[str, Any], arrays: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """`zarr.json` of a group with the metadata of its arrays consolidated, so that one read opens everything."""
    return {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": dict(attributes),
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": dict(sorted(arrays.items()))},
    }
