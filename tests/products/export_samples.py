"""Small extracts with plausible values, for the tests of every export format."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.grid import Area, Grid
from pipeline.parameters import Parameter, parameter
from pipeline.products.export_extract import Extract
from pipeline.products.shard import round_to_precision
from pipeline.subscriptions import Place

HOUR = Cycle.parse("2026-01-31T06")
GRID = Grid(10)
NAMES = ("temperature_2m", "precipitation", "total_cloud_cover", "precipitation_type", "bulk_wind_shear_10m_500hpa")
PLACES = (
    Place(name="Apia, Samoa", latitude=-13.8, longitude=-171.8),
    Place(name="Zürich", latitude=47.4, longitude=8.5),
)


def area(north: float = 90, south: float = -90, west: float = 0, east: float = 360) -> Area:
    """A box of the grid, the globe by default."""
    return GRID.area(north=north, south=south, west=west, east=east)


def values(row: Parameter, leads: tuple[int, ...], box: Area) -> NDArray[np.float32]:
    """(lead, latitude, longitude) within the bounds and of the precision of the parameter, another at every lead."""
    rng = np.random.default_rng(len(row.name))
    found = rng.uniform(row.minimum, row.maximum, (len(leads), *box.shape)).astype(np.float32)
    if row.kind == "category":
        return np.floor(found)
    return round_to_precision(found, row.precision)


def sample(leads: tuple[int, ...] = (0, 6), box: Area | None = None) -> Extract:
    """An extract of the named leads."""
    return Extract(HOUR, leads, area() if box is None else box, True, PLACES)


def fields(extract: Extract, names: tuple[str, ...] = NAMES) -> Iterator[tuple[Parameter, NDArray[np.float32]]]:
    """The named parameters and their values."""
    for name in names:
        yield parameter(name), values(parameter(name), extract.leads, extract.area)
