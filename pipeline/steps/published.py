"""Reads the groups of a published hour, which change no more: single leads for scores, or opened once for all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Area
from pipeline.products import layout
from pipeline.products.opened import opened
from pipeline.steps import Deployment
from pipeline.store import Store


def published(deployment: Deployment, hour: Cycle, name: str) -> xr.Dataset:
    """A group of a published hour, such as "best.zarr"; FileNotFoundError if it has none of that name."""
    return opened(deployment.store, paths.forecast(hour, name))


def arrays_of(deployment: Deployment, hour: Cycle, name: str) -> frozenset[str]:
    """Names of the arrays of a group; FileNotFoundError if the hour has none of that name."""
    return _names(deployment.store, paths.forecast(hour, name))


@lru_cache(maxsize=64)
def _names(store: Store, key: str) -> frozenset[str]:
    return frozenset(layout.array_metadata(store, key))


def last_lead(deployment: Deployment, hour: Cycle) -> int:
    """The last lead of a published hour, which need not be that of today's configuration."""
    return int(layout.read_coordinate(deployment.store, paths.forecast(hour, "best.zarr"), "lead_time")[-1])


def at_leads(deployment: Deployment, hour: Cycle, name: str, array: str, leads: Sequence[int]) -> NDArray[np.float32]:
    """(..., lead, place) one array of a group at rising leads, without zarr's event loop."""
    rows, columns = deployment.grid.shape
    area = Area(deployment.grid.resolution, np.arange(rows), np.arange(columns))
    values = layout.read_area(deployment.store, paths.forecast(hour, name), array, leads, area)
    return values.reshape(*values.shape[:-2], -1)
