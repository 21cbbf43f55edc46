"""MPAS's output on its mesh: units, buckets, and the way to the target grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from netCDF4 import Dataset

from models import mpas
from pipeline.grid import Grid
from pipeline.science import regrid

CELLS = 10242


def _mesh(cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of equal areas on a spiral, radians, as even as the cells of a mesh."""
    number = np.arange(cells) + 0.5
    return np.arcsin(1 - 2 * number / cells), np.mod(number * np.pi * (3 - np.sqrt(5)), 2 * np.pi)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours on a mesh of 240 km, with one bucket filled in between."""
    path = tmp_path_factory.mktemp("mpas") / "history.nc"
    latitude, longitude = _mesh(CELLS)
    ones = np.ones(CELLS, np.float32)
    hourly = {
        "t2m": (290 * ones, 291 * ones), "q2": (0.01 * ones, 0.01 * ones), "surface_pressure": (1e5 * ones, 1e5 * ones),
        "u10": (3 * ones, 3 * ones), "v10": (4 * ones, -4 * ones), "relhum_850hPa": (50 * ones, 120 * ones),
        "temperature_700hPa": (273.15 * ones, 280 * ones), "w_700hPa": (0.1 * ones, 0 * ones),
        "rainc": (ones, 2 * ones), "i_rainc": (0 * ones, ones), "rainnc": (0 * ones, 3 * ones),
        "aclwdnb": (0 * ones, 3600 * 300 * ones),
    }  # fmt: skip
    with Dataset(path, "w") as file:
        file.setncatts({"config_bucket_rainc": 100.0, "config_bucket_radt": 1.0e9})
        for name, size in (("Time", 2), ("nCells", CELLS), ("StrLen", 64)):
            file.createDimension(name, size)
        file.createVariable("latCell", "f8", ("nCells",))[:] = latitude
        file.createVariable("lonCell", "f8", ("nCells",))[:] = longitude
        times = file.createVariable("xtime", "S1", ("Time", "StrLen"))
        for row in range(2):
            times[row] = np.array(list(f"2026-01-31_0{6 + row}:00:00".ljust(64)), "S1")
        for name, values in hourly.items():
            file.createVariable(name, "f4", ("Time", "nCells"))[:] = np.stack(values)
    return path


def test_cells_come_in_catalogue_units(history: Path) -> None:
    (_, first), (when, second) = mpas.read([history])
    assert when.hour == 7
    assert second["relative_humidity_850hpa"] == pytest.approx(1)  # MPAS in per cent, and above water's saturation
    assert first["relative_humidity_850hpa"] == pytest.approx(0.5)
    assert first["wind_speed_10m"] == pytest.approx(5)
    assert first["pressure_velocity_700hpa"] == pytest.approx(-9.81 * 70000 / (287 * 273.15) * 0.1, rel=1e-4)
    # 1e5 * 0.01 / 0.632 = 15.82 hPa of vapour condense at 13.85 degrees
    assert first["dew_point_temperature_2m"] == pytest.approx(273.15 + 13.85, abs=0.05)
    assert "precipitation" not in first
    assert second["precipitation"] == pytest.approx(100 + 1 + 3)
    assert second["surface_downwelling_longwave_flux"] == pytest.approx(300)


def test_a_mesh_goes_to_the_target_grid_and_keeps_its_mean(history: Path) -> None:
    latitude, longitude = mpas.grid(history)
    grid = Grid(3.0)
    x, y, z = (
        np.cos(np.deg2rad(latitude)) * np.cos(np.deg2rad(longitude)),
        np.cos(np.deg2rad(latitude)) * np.sin(np.deg2rad(longitude)),
        np.sin(np.deg2rad(latitude)),
    )
    fields = np.stack([np.ones(CELLS), 1 + 0.5 * x * y + 0.3 * z]).astype(np.float32)
    places = [np.deg2rad(degrees) for degrees in grid.places]
    truth = 1 + 0.5 * np.cos(places[0]) ** 2 * np.sin(2 * places[1]) / 2 + 0.3 * np.sin(places[0])
    for method in ("conservative", "bilinear", "nearest"):
        weights = regrid.weights(latitude, longitude, None, grid, method)  # type: ignore[arg-type]
        constant, wavy = regrid.apply(weights, fields)
        assert np.abs(constant - 1).max() < 1e-5
        assert np.abs(wavy - truth).max() < 0.03
        area = np.cos(places[0])
        assert np.average(wavy, weights=area) == pytest.approx(fields[1].mean(), abs=1e-3)
