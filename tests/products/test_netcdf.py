"""The NetCDF copy: a CF checker passes it, GDAL opens it, the values are those of the Zarr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import parameter
from pipeline.products import layout
from pipeline.products.netcdf import to_netcdf
from pipeline.store import Store

HOUR = Cycle.parse("2026-01-31T06")
GRID = Grid(30)
NAMES = ("temperature_2m", "precipitation", "wind_gust", "total_cloud_cover", "precipitation_type", "k_index")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.open(str(tmp_path_factory.mktemp("store")))
    key = paths.forecast(HOUR, "best.zarr")
    layout.create(
        store, key, layout.best(HOUR, GRID, range(6), [parameter(n) for n in NAMES], tile_rows=4, synthetic=True)
    )
    rng = np.random.default_rng(0)
    for rows in (slice(0, 4), slice(4, 7)):
        shape = (6, rows.stop - rows.start, GRID.shape[1])
        layout.write_tile(store, key, {name: rng.uniform(0, 1, shape).astype(np.float32) for name in NAMES}, rows)
    return store


@pytest.fixture(scope="module")
def copy(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("copy") / "hour.nc"
    to_netcdf(store, HOUR, path)
    return path


def test_it_is_the_zarr_with_all_labels(store: Store, copy: Path) -> None:
    zarr = xr.open_zarr(store.zarr(paths.forecast(HOUR, "best.zarr"))).load()
    with xr.open_dataset(copy, engine="netcdf4") as data:
        xr.testing.assert_equal(data.reset_coords("crs", drop=True).load(), zarr.reset_coords("crs", drop=True))
        assert data["precipitation"].attrs["cell_methods"] == zarr["precipitation"].attrs["cell_methods"]
        assert data.attrs["title"].startswith("SYNTHETIC")


def test_a_cf_checker_passes_it(copy: Path) -> None:
    checker = Path(sys.executable).with_name("compliance-checker")
    if not checker.exists():
        pytest.skip("compliance-checker is not installed")
    done = subprocess.run([checker, "--test", "cf:1.11", copy], capture_output=True, text=True, check=False)
    assert "All tests passed!" in done.stdout, done.stdout + done.stderr


def test_gdal_opens_it(copy: Path) -> None:
    pytest.importorskip("rasterio")
    program = f"""
import rasterio
with rasterio.open("netcdf:{copy}:temperature_2m") as data:
    print(data.driver, data.count, data.width, data.height, data.bounds.top, data.crs.is_geographic)
    print(data.read(1).max() <= 1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["netCDF", "6", "12", "7", "105.0", "True", "True"]


def test_only_the_named_parameters_are_copied(store: Store, tmp_path: Path) -> None:
    to_netcdf(store, HOUR, tmp_path / "one.nc", ["wind_gust"])
    with xr.open_dataset(tmp_path / "one.nc", engine="netcdf4") as data:
        assert [name for name in data.data_vars if name != "crs"] == ["wind_gust"]
    with pytest.raises(KeyError, match="did you mean wind_gust"):
        to_netcdf(store, HOUR, tmp_path / "none.nc", ["wind_gusts"])
    assert [path.name for path in tmp_path.iterdir()] == ["one.nc"]
