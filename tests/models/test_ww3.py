"""WAVEWATCH III's output on a grid and on a mesh of nodes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from netCDF4 import Dataset

from models import ww3
from pipeline.grid import Grid
from pipeline.science import regrid

LATITUDE, LONGITUDE = np.arange(40.0, 51.0), np.arange(340.0, 352.0)


def _write(path: Path, place: tuple[str, ...], shape: tuple[int, ...], **variables: np.ndarray) -> Path:
    with Dataset(path, "w") as file:
        for name, size in zip(("time", *place), (1, *shape), strict=True):
            file.createDimension(name, size)
        if place == ("node",):
            rows, columns = np.meshgrid(LATITUDE, LONGITUDE, indexing="ij")
            axes = {"latitude": (place, rows.ravel()), "longitude": (place, columns.ravel())}
        else:
            axes = {name: ((name,), axis) for name, axis in (("latitude", LATITUDE), ("longitude", LONGITUDE))}
        for name, (dimensions, axis) in axes.items():
            file.createVariable(name, "f4", dimensions)[:] = axis
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 1990-01-01 00:00:00"
        time[:] = 13180 + 7 / 24
        for name, values in variables.items():
            # as ww3_ounf packs them
            packed = file.createVariable(name, "i2", ("time", *place), fill_value=-32767)
            packed.scale_factor = 0.002 if name.startswith(("hs", "phs")) else 0.001 if name == "fp" else 0.1
            packed[:] = np.ma.masked_array(np.nan_to_num(values), np.isnan(values)).reshape(1, *shape)
    return path


@pytest.mark.parametrize(("place", "shape"), [(("latitude", "longitude"), (11, 12)), (("node",), (132,))])
def test_waves_are_read_from_grid_and_mesh(tmp_path: Path, place: tuple[str, ...], shape: tuple[int, ...]) -> None:
    height = np.linspace(1, 4, 132)
    height[5] = np.nan
    direction = np.linspace(0, 360, 132)
    path = _write(
        tmp_path / "ww3.nc", place, shape, hs=height, phs0=height / 2, phs1=height / 4, fp=np.full(132, 0.125),
        t0m1=np.full(132, 6.5), dir=direction,
    )  # fmt: skip
    ((when, fields),) = ww3.read([path])
    assert when == datetime(2026, 2, 1, 7)
    assert np.nanmax(np.abs(fields["significant_wave_height"].ravel() - height)) < 0.0011
    assert np.isnan(fields["significant_wave_height"].ravel()[5])
    assert fields["primary_wave_period"].ravel()[0] == pytest.approx(8)
    assert fields["mean_wave_period"].ravel()[9] == pytest.approx(6.5)
    assert fields["wave_direction"].max() < 360
    latitude, longitude = ww3.grid(path)
    assert latitude.shape == longitude.shape == fields["significant_wave_height"].shape == shape
    weights = regrid.weights(
        latitude.ravel(), longitude.ravel(), shape if len(shape) == 2 else None, Grid(1.0), "bilinear"
    )
    found = regrid.apply(weights, fields["significant_wave_height"].reshape(1, -1))[0]
    assert np.nanmax(found) == pytest.approx(4, abs=0.01)


def test_partitions_that_a_sea_has_not_got_are_calm(tmp_path: Path) -> None:
    """Wind sea and swells give the sea's energy again, also where there are fewer of them; land stays missing."""
    wind, swell = np.full(132, 1.2), np.full(132, 0.5)
    wind[:40], swell[80:] = np.nan, np.nan
    total = np.sqrt(np.nan_to_num(wind) ** 2 + np.nan_to_num(swell) ** 2)
    total[100:] = wind[100:] = np.nan
    path = _write(
        tmp_path / "ww3.nc", ("node",), (132,), hs=total, phs0=wind, phs1=swell, ptp1=np.where(swell > 0, 11.0, np.nan),
        pdir1=np.where(swell > 0, 359.0, np.nan), phs3=np.full(132, np.nan),
    )  # fmt: skip
    ((_, fields),) = ww3.read([path])
    parts = ("wind_wave_height", "swell_wave_height", "tertiary_swell_wave_height")
    energy = sum(fields[name].astype(float) ** 2 for name in parts)
    sea = slice(0, 100)
    assert energy[sea] == pytest.approx(fields["significant_wave_height"][sea].astype(float) ** 2, abs=0.01)
    assert np.isnan([fields[name][100:] for name in parts]).all()
    assert np.isfinite(fields["swell_wave_period"]).sum() == np.isfinite(fields["swell_wave_direction"]).sum() == 80
    assert fields["swell_wave_direction"][0] == pytest.approx(359)
