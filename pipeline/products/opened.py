"""Groups of a store that change no more, opened with xarray once for all who look at them."""

from __future__ import annotations

from functools import lru_cache

import xarray as xr

from pipeline.store import Store


@lru_cache(maxsize=16)
def opened(store: Store, key: str, *, consolidated: bool = True) -> xr.Dataset:
    """The group at `key`, whose values are read where they are asked for; FileNotFoundError if there is none.

    consolidated: as published hours are, one object tells what all arrays are, which halves the time. Kept open: to
    read what hundreds of arrays are takes longer than to look at a place of one.
    """
    return xr.open_zarr(store.zarr(key), consolidated=consolidated, decode_timedelta=False, chunks=None)
