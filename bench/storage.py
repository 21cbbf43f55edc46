"""`g_zarr`: a day of 2 m temperature at 0.25 degrees to and from sharded, compressed Zarr, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.storage import MemoryStore

from bench.cases import GRID, LEADS, Timed
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.products import layout
from pipeline.products.shard import round_to_precision
from pipeline.store import Store

NAME, TILE_ROWS = "temperature_2m", 16


def g_zarr() -> Iterator[Timed]:
    """100 MB written and read in the layout of a published hour, and as other tools would."""
    row, values = parameter(NAME), temperatures()
    template = layout.best(Cycle.parse("2025-09-05T00"), GRID, range(LEADS), [row], tile_rows=TILE_ROWS, synthetic=True)
    store, tiles = Store.open("memory://"), [slice(first, first + TILE_ROWS) for first in range(0, 721, TILE_ROWS)]
    layout.create(store, "best.zarr", template)

    def write() -> None:
        for rows in tiles:
            layout.write_tile(store, "best.zarr", {NAME: values[:, rows]}, rows)

    write()
    stored = sum(item.size for item in store.list(f"best.zarr/{NAME}/c"))
    moved: dict[str, float] = {"read": values.nbytes}
    more = {"compression_ratio": round(values.nbytes / stored, 2), "megabytes": round(values.nbytes / 1e6)}
    yield Timed("hourcast", "write: rounded, sharded, blosc zstd with bit shuffle", write, more=more)
    yield Timed(
        "hourcast_read", "read whole tiles", lambda: [layout.read_tile(store, "best.zarr", NAME, r) for r in tiles]
    )
    opened: Any = zarr.open_group(store.zarr("best.zarr"), mode="r+")[NAME]
    rounded = round_to_precision(values, row.precision)
    yield Timed("zarr", "write the same with zarr-python", lambda: opened.__setitem__(..., rounded))
    yield Timed("zarr_read", "read the same with zarr-python", lambda: opened[...])
    wrapped = xr.Dataset({NAME: (("lead_time", "latitude", "longitude"), values)})
    yield Timed("xarray", "write as xarray does by itself", lambda: wrapped.to_zarr(MemoryStore(), zarr_format=3))
    chunked = wrapped.chunk({"latitude": 91})
    yield Timed("dask", "the same in parallel", lambda: chunked.to_zarr(MemoryStore(), zarr_format=3))
    yield Timed("bandwidth_limit", "read once", lambda: None, moved)


def temperatures() -> NDArray[np.float32]:
    """(lead, latitude, longitude) waves of all sizes and some noise, in kelvin."""
    generator = np.random.default_rng(0)
    latitude, longitude = np.deg2rad(GRID.latitude), np.deg2rad(GRID.longitude)
    values = np.zeros((LEADS, *GRID.shape), np.float32)
    for number in range(1, 49):
        along, across = generator.integers(1, 2 * number + 1), generator.integers(0, 2 * number + 1)
        shift, turn = generator.uniform(0, 2 * np.pi), generator.normal(0, 0.1)
        rows = 12 * number**-1.2 * np.cos(across * latitude + shift) * np.cos(latitude)
        hours = np.cos(along * longitude + turn * np.arange(LEADS)[:, None])
        values += np.einsum("r,lc->lrc", rows, hours, dtype=np.float32, casting="same_kind")
    return 285 + values + generator.standard_normal(values.shape, np.float32) * np.float32(0.1)
