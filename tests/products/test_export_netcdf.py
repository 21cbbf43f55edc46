"""NetCDF exports: a CF checker passes them, xarray and GDAL read equal values."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipeline.parameters import parameter
from pipeline.products import export_netcdf
from pipeline.products.export_extract import Extract
from tests.products.export_samples import HOUR, NAMES, area, fields, sample, values

BOX = area(north=50, south=-50, west=150, east=-120)


@pytest.fixture(scope="module")
def extract() -> Extract:
    return sample((0, 6, 12), BOX)


@pytest.fixture(scope="module")
def path(extract: Extract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (name, data), *others = export_netcdf.files(fields(extract), extract)
    assert (name, others) == (f"{HOUR}_f000-012.nc", [])
    path = tmp_path_factory.mktemp("netcdf") / name
    path.write_bytes(data)
    return path


def test_values_coordinates_and_labels_are_those_of_the_zarr(path: Path, extract: Extract) -> None:
    with xr.open_dataset(path, decode_timedelta=False) as data:
        assert data.attrs["Conventions"] == "CF-1.11"
        assert data.attrs["title"].startswith("SYNTHETIC")
        np.testing.assert_array_equal(data["longitude"], BOX.longitude)  # over the date line, rising
        np.testing.assert_array_equal(data["latitude"], BOX.latitude)
        np.testing.assert_array_equal(data["lead_time"], extract.leads)
        assert data["valid_time"].values[-1] == np.datetime64("2026-01-31T18")
        assert data["precipitation"].attrs["cell_methods"] == "time: sum (interval: 1 hour)"
        for name in NAMES:
            np.testing.assert_array_equal(data[name], values(parameter(name), extract.leads, BOX))
            assert data[name].attrs["units"] == parameter(name).units


def test_a_cf_checker_passes_it(path: Path) -> None:
    checker = Path(sys.executable).with_name("compliance-checker")
    done = subprocess.run([checker, "--test", "cf:1.11", path], capture_output=True, text=True, check=False)
    assert "All tests passed!" in done.stdout, done.stdout + done.stderr


def test_gdal_reads_it(path: Path, extract: Extract) -> None:
    program = f"""
import rasterio
with rasterio.open("netcdf:{path}:temperature_2m") as data:
    print(data.count, *data.bounds, data.crs.is_geographic, data.read(3)[0, 0])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *shape, corner = done.stdout.split()
    assert shape == ["3", "145.0", "-55.0", "245.0", "55.0", "True"]
    assert float(corner) == pytest.approx(values(parameter("temperature_2m"), extract.leads, BOX)[2, 0, 0], rel=1e-6)


def test_the_same_again_is_the_same_bytes(path: Path, extract: Extract) -> None:
    time.sleep(max(0.0, path.stat().st_mtime + 1.1 - time.time()))  # the clock of HDF5 counts seconds
    assert dict(export_netcdf.files(fields(extract), extract))[path.name] == path.read_bytes()
