"""Groups are opened once and read where they are looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipeline.products.opened import opened
from pipeline.store import Store


def test_a_group_is_opened_once_and_its_values_are_read_when_asked_for(tmp_path: Path) -> None:
    store = Store.open(f"file://{tmp_path}")
    xr.Dataset({"height": ("place", np.arange(3.0))}).to_zarr(store.zarr("a.zarr"), consolidated=False, zarr_format=3)
    first = opened(store, "a.zarr", consolidated=False)
    xr.Dataset({"height": ("place", np.full(3, 7.0))}).to_zarr(
        store.zarr("a.zarr"), mode="a", consolidated=False, zarr_format=3
    )
    assert opened(store, "a.zarr", consolidated=False) is first
    assert first["height"].values.tolist() == [7.0, 7.0, 7.0]


def test_a_group_that_is_not_there_is_looked_for_again(tmp_path: Path) -> None:
    store = Store.open(f"file://{tmp_path}")
    with pytest.raises(FileNotFoundError):
        opened(store, "a.zarr", consolidated=False)
    xr.Dataset({"height": ("place", np.arange(3.0))}).to_zarr(store.zarr("a.zarr"), consolidated=False, zarr_format=3)
    assert opened(store, "a.zarr", consolidated=False)["height"].sizes == {"place": 3}
