"""The storage contract of a published hour: CF-1.11 in sharded Zarr v3, created empty and written tile by tile.

A tile is a band of latitude rows with every lead and every longitude; one worker writes it, as whole shards. Inner
chunks hold about a day of leads on a few degrees, so that a map and a point's series both read few of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import Parameter
from pipeline.products.shard import codecs, encode, round_to_precision
from pipeline.store import Store

MAP_DIMENSIONS = ("lead_time", "latitude", "longitude")
_PROBABILITY_PRECISION = 0.005
_LEADS_PER_CHUNK = 24
_LONGITUDES_PER_CHUNK = 120
_TIME_UNITS = "hours since 1970-01-01 00:00:00"
_CRS = {
    "grid_mapping_name": "latitude_longitude",
    "semi_major_axis": 6378137.0,
    "inverse_flattening": 298.257223563,
    "longitude_of_prime_meridian": 0.0,
    "long_name": "coordinate reference system",
}


@dataclass(frozen=True)
class Variable:
    """One gridded array: `dimensions` end with (lead_time, latitude, longitude); `precision` in its units."""

    name: str
    attributes: Mapping[str, Any]
    precision: float
    dimensions: tuple[str, ...] = MAP_DIMENSIONS


@dataclass(frozen=True)
class Coordinate:
    """One coordinate array and its CF attributes."""

    values: NDArray[Any]
    attributes: Mapping[str, Any]
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """Everything about a Zarr of one hour but its values."""

    hour: Cycle
    grid: Grid
    lead_hours: tuple[int, ...]
    tile_rows: int
    variables: tuple[Variable, ...]
    title: str
    synthetic: bool = False
    extra_coordinates: Mapping[str, Coordinate] = field(default_factory=dict)


def best(
    hour: Cycle, grid: Grid, lead_hours: Sequence[int], parameters: Sequence[Parameter], *, tile_rows: int,
    synthetic: bool,
) -> Template:  # fmt: skip
    """The template of `best.zarr`: one array (lead_time, latitude, longitude) a parameter."""
    variables = tuple(Variable(row.name, row.cf_attributes(), row.precision) for row in parameters)
    title = f"Hourcast blended forecast of {hour}"
    return Template(hour, grid, tuple(lead_hours), tile_rows, variables, title, synthetic)


def probability(
    hour: Cycle, grid: Grid, lead_hours: Sequence[int], parameters: Sequence[Parameter], levels: Sequence[float], *,
    tile_rows: int, synthetic: bool,
) -> Template:  # fmt: skip
    """The template of `probability.zarr`.

    `<parameter>_quantile` (quantile, ...) at the `levels` 0..1, and where the catalogue has thresholds
    `<parameter>_exceedance` (<parameter>_threshold, ...): each parameter has thresholds of its own.
    """
    variables: list[Variable] = []
    quantile = {"standard_name": "quantile", "long_name": "quantile of the forecast distribution", "units": "1"}
    extra = {"quantile": Coordinate(np.asarray(levels, np.float64), quantile, ("quantile",))}
    for row in parameters:
        attributes = row.cf_attributes() | {"long_name": f"{row.long_name}: quantile of the forecast"}
        variables.append(Variable(f"{row.name}_quantile", attributes, row.precision, ("quantile", *MAP_DIMENSIONS)))
        if not row.thresholds:
            continue
        axis = f"{row.name}_threshold"
        threshold = {"long_name": f"threshold of {row.long_name}", "units": row.units}
        extra[axis] = Coordinate(np.asarray(row.thresholds, np.float64), threshold, (axis,))
        exceedance = {"long_name": f"probability that {row.long_name} exceeds the threshold", "units": "1"}
        name = f"{row.name}_exceedance"
        variables.append(Variable(name, exceedance, _PROBABILITY_PRECISION, (axis, *MAP_DIMENSIONS)))
    title = f"Hourcast probabilistic forecast of {hour}"
    return Template(hour, grid, tuple(lead_hours), tile_rows, tuple(variables), title, synthetic, extra)


def create(store: Store, key: str, template: Template) -> None:
    """Write the empty Zarr of a template; the same template again changes nothing, so every worker may call it."""
    metadata = _metadata(template)
    if store.exists(f"{key}/zarr.json") and store.read(f"{key}/zarr.json") == _dump(metadata[""]):
        return
    for name, coordinate in _coordinates(template).items():
        little = coordinate.values.astype(coordinate.values.dtype.newbyteorder("<"))
        store.write(f"{key}/{name}/c{'/0' * coordinate.values.ndim}", little.tobytes())
    for name in sorted(metadata, reverse=True):  # the group last: its presence means that the arrays are there
        store.write("/".join(part for part in (key, name, "zarr.json") if part), _dump(metadata[name]))


def write_tile(store: Store, key: str, variables: Mapping[str, NDArray[np.float32]], row_slice: slice) -> None:
    """Write the latitude rows `row_slice` of the named arrays, (..., lead_time, rows, longitude), as whole shards.

    Values are rounded to each array's precision. Raises ValueError if the rows are not exactly one shard's, if a
    shape is wrong or an array is not in the template: a partial shard would silently lose its neighbours' data.
    """
    arrays = json.loads(store.read(f"{key}/zarr.json"))["consolidated_metadata"]["metadata"]
    for name, values in variables.items():
        if name not in arrays:
            raise ValueError(f"expected an array of the template of {key}; found {name!r}")
        array = arrays[name]
        shard = array["chunk_grid"]["configuration"]["chunk_shape"]
        tile = _tile(name, values.shape, array["shape"], shard, row_slice)
        inner = array["codecs"][0]["configuration"]["chunk_shape"]
        rounded = round_to_precision(np.asarray(values, np.float32), array["attributes"]["precision"])
        position = "/".join(["0"] * (len(shard) - 2) + [str(tile), "0"])
        store.write(f"{key}/{name}/c/{position}", encode(rounded, inner, shard))


def _tile(name: str, found: tuple[int, ...], shape: Sequence[int], shard: Sequence[int], rows: slice) -> int:
    """The number of the tile that the rows are; ValueError unless they are exactly one."""
    start, stop, step = rows.indices(shape[-2])
    tile = start // shard[-2]
    if step != 1 or start % shard[-2] or stop != min(start + shard[-2], shape[-2]):
        raise ValueError(f"{name}: expected one tile, rows n*{shard[-2]} to (n+1)*{shard[-2]}; found {start} to {stop}")
    expected = (*shape[:-2], stop - start, shape[-1])
    if found != expected:
        raise ValueError(f"{name}: expected values of the shape {expected}; found {found}")
    return tile


def _dump(metadata: Mapping[str, Any]) -> bytes:
    return json.dumps(metadata, indent=1, allow_nan=False).encode()


def _metadata(template: Template) -> dict[str, dict[str, Any]]:
    """`zarr.json` of every array by name, and of the group (with all of them consolidated) by ''."""
    coordinates = _coordinates(template)
    sizes = {axis: len(item.values) for axis, item in coordinates.items() if item.dimensions == (axis,)}
    arrays = {name: _coordinate_metadata(item) for name, item in coordinates.items()}
    arrays |= {variable.name: _array_metadata(variable, sizes, template) for variable in template.variables}
    arrays = dict(sorted(arrays.items()))
    label = "SYNTHETIC (embedded world, not the weather): " if template.synthetic else ""
    attributes = {
        "Conventions": "CF-1.11",
        "title": label + template.title,
        "source": "statistical blend of numerical weather forecasts; see manifest.json",
        "synthetic": str(template.synthetic).lower(),
        "coordinates": "crs init_time valid_time",
    }
    group = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": attributes,
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": arrays},
    }
    return {"": group, **arrays}


def _array_metadata(variable: Variable, sizes: Mapping[str, int], template: Template) -> dict[str, Any]:
    shape = [sizes[axis] for axis in variable.dimensions]
    leads, rows, columns = shape[-3:]
    rows = min(template.tile_rows, rows)
    lead_chunk = -(-leads // max(1, round(leads / _LEADS_PER_CHUNK)))
    longitude_chunk = max(size for size in range(1, _LONGITUDES_PER_CHUNK + 1) if columns % size == 0)
    inner = [1] * (len(shape) - 3) + [lead_chunk, rows, longitude_chunk]
    shard = [*shape[:-3], -(-leads // lead_chunk) * lead_chunk, rows, columns]
    attributes = dict(variable.attributes) | {
        "grid_mapping": "crs",
        "coordinates": "init_time valid_time",
        "precision": variable.precision,
    }
    return _zarr_json(shape, "float32", shard, codecs(inner), "NaN", attributes, variable.dimensions)


def _coordinate_metadata(coordinate: Coordinate) -> dict[str, Any]:
    little = [{"name": "bytes", "configuration": {"endian": "little"}}]
    kind = coordinate.values.dtype.name
    fill = "NaN" if kind.startswith("float") else 0
    shape = list(coordinate.values.shape)
    return _zarr_json(shape, kind, shape, little, fill, coordinate.attributes, coordinate.dimensions)


def _zarr_json(
    shape: Sequence[int], kind: str, chunk: Sequence[int], codec: list[dict[str, Any]], fill: float | str,
    attributes: Mapping[str, Any], dimensions: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": kind,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": codec,
        "attributes": dict(attributes),
        "dimension_names": list(dimensions),
        "storage_transformers": [],
    }


def _coordinates(template: Template) -> dict[str, Coordinate]:
    epoch = Cycle.parse("1970-01-01T00")
    start = round(epoch.lead_hours(template.hour.init_time))
    leads = np.asarray(template.lead_hours, np.int32)
    reference = {"standard_name": "forecast_reference_time", "long_name": "start of the forecast"}
    calendar = {"units": _TIME_UNITS, "calendar": "proleptic_gregorian"}
    lead = {"standard_name": "forecast_period", "long_name": "time since the start of the forecast", "units": "hours"}
    valid = {"standard_name": "time", "long_name": "time for which the forecast is valid", **calendar}
    north = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north", "axis": "Y"}
    east = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east", "axis": "X"}
    return {
        "crs": Coordinate(np.asarray(0, np.int32), _CRS, ()),
        "init_time": Coordinate(np.asarray(start, np.int32), reference | calendar, ()),
        "lead_time": Coordinate(leads, lead, ("lead_time",)),
        "valid_time": Coordinate(start + leads, valid, ("lead_time",)),
        "latitude": Coordinate(template.grid.latitude, north, ("latitude",)),
        "longitude": Coordinate(template.grid.longitude.astype(np.float64), east, ("longitude",)),
        **template.extra_coordinates,
    }
