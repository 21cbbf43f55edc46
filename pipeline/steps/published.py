"""Opens the groups of a published hour, which change no more: once, for all parameters that are scored."""

from __future__ import annotations

from functools import lru_cache

import xarray as xr

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.steps import Deployment
from pipeline.store import Store


def published(deployment: Deployment, hour: Cycle, name: str) -> xr.Dataset:
    """A group of a published hour, such as "best.zarr"; FileNotFoundError if it has none of that name."""
    return _open(deployment.store, paths.forecast(hour, name))


@lru_cache(maxsize=16)
def _open(store: Store, key: str) -> xr.Dataset:
    """Kept open: to read what hundreds of arrays are takes longer than to score one."""
    return xr.open_zarr(store.zarr(key), consolidated=False, chunks=None, decode_timedelta=False)
