"""What the Zarrs of a published hour hold: CF-1.11 templates without values; `layout` creates and fills them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.grid import Area, Grid
from pipeline.parameters import Attribute, Parameter
from pipeline.products.display import is_difference

MAP_DIMENSIONS = ("lead_time", "latitude", "longitude")
_PROBABILITY_PRECISION = 0.005
_TIME_UNITS = "hours since 1970-01-01 00:00:00"
_EPOCH = Cycle.parse("1970-01-01T00")
_CRS = {
    "grid_mapping_name": "latitude_longitude",
    "semi_major_axis": 6378137.0,
    "inverse_flattening": 298.257223563,
    "longitude_of_prime_meridian": 0.0,
    "long_name": "coordinate reference system",
}


@dataclass(frozen=True)
class Variable:
    """One float32 array; `dimensions` end with latitude and longitude; `precision` in its units."""

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
    """Everything about one Zarr but its values; a tile is `tile_rows` latitudes of every array."""

    title: str
    synthetic: bool
    tile_rows: int
    variables: tuple[Variable, ...]
    coordinates: Mapping[str, Coordinate]


def best(
    hour: Cycle, grid: Grid | Area, lead_hours: Sequence[int], parameters: Sequence[Parameter], *, tile_rows: int,
    synthetic: bool,
) -> Template:  # fmt: skip
    """The template of `best.zarr`: one array (lead_time, latitude, longitude) a parameter."""
    variables = tuple(Variable(row.name, _labels(row), row.precision) for row in parameters)
    coordinates = _times(hour, lead_hours) | places(grid)
    return Template(f"Hourcast blended forecast of {hour}", synthetic, tile_rows, variables, coordinates)


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
    coordinates = _times(hour, lead_hours) | places(grid)
    coordinates["quantile"] = Coordinate(np.asarray(levels, np.float64), quantile, ("quantile",))
    for row in parameters:
        attributes = _labels(row) | {"long_name": f"quantile of {row.long_name}"}
        variables.append(Variable(f"{row.name}_quantile", attributes, row.precision, ("quantile", *MAP_DIMENSIONS)))
        if not row.thresholds:
            continue
        axis = f"{row.name}_threshold"
        threshold = {"long_name": f"threshold of {row.long_name}", "units": row.units}
        coordinates[axis] = Coordinate(np.asarray(row.thresholds, np.float64), threshold, (axis,))
        exceedance = {"long_name": f"probability that {row.long_name} exceeds the threshold", "units": "1"}
        name = f"{row.name}_exceedance"
        variables.append(Variable(name, exceedance, _PROBABILITY_PRECISION, (axis, *MAP_DIMENSIONS)))
    return Template(f"Hourcast probabilistic forecast of {hour}", synthetic, tile_rows, tuple(variables), coordinates)


def _labels(row: Parameter) -> dict[str, Attribute]:
    """CF-1.11 attributes of a parameter's array."""
    attributes = row.cf_attributes()
    if row.kind == "category":
        # Its standard name has no units, and plain readers rely on there being some.
        attributes.pop("standard_name", None)
    if "K" in row.units.split():
        attributes["units_metadata"] = f"temperature: {'difference' if is_difference(row) else 'on_scale'}"
    return attributes


def init_time(hour: Cycle) -> Coordinate:
    """The start of the forecast as CF's reference time."""
    attributes = {
        "standard_name": "forecast_reference_time", "long_name": "start of the forecast", "units": _TIME_UNITS,
        "calendar": "proleptic_gregorian", "units_metadata": "leap_seconds: none",
    }  # fmt: skip
    return Coordinate(np.asarray(round(_EPOCH.lead_hours(hour.init_time)), np.int32), attributes, ())


def _times(hour: Cycle, lead_hours: Sequence[int]) -> dict[str, Coordinate]:
    leads = np.asarray(lead_hours, np.int32)
    start = init_time(hour)
    lead = {"standard_name": "forecast_period", "long_name": "time since the start of the forecast", "units": "hours"}
    valid = dict(start.attributes) | {"standard_name": "time", "long_name": "time for which the forecast is valid"}
    return {
        "init_time": start,
        "lead_time": Coordinate(leads, lead, ("lead_time",)),
        "valid_time": Coordinate((start.values + leads).astype(np.int32), valid, ("lead_time",)),
    }


def ground(altitude: NDArray[np.float32], land: NDArray[np.float32]) -> dict[str, Coordinate]:
    """What lies below the grid, (latitude, longitude): altitude in m, and the land fraction that masks land or sea."""
    told = {"surface_altitude": ("altitude of the surface", "m", altitude)}
    told["land_area_fraction"] = ("fraction of the cell that is land", "1", land)
    return {
        name: Coordinate(values, {"standard_name": name, "long_name": text, "units": units}, ("latitude", "longitude"))
        for name, (text, units, values) in told.items()
    }


def places(grid: Grid | Area) -> dict[str, Coordinate]:
    """Latitude, longitude and their reference system."""
    north = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north", "axis": "Y"}
    east = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east", "axis": "X"}
    return {
        "crs": Coordinate(np.asarray(0, np.int32), _CRS, ()),
        "latitude": Coordinate(grid.latitude, north, ("latitude",)),
        "longitude": Coordinate(grid.longitude.astype(np.float64), east, ("longitude",)),
    }
