"""Grids of real GRIB files: what is regridded is the points' own place, so that the error is a distance."""

from __future__ import annotations

from pathlib import Path

import eccodes
import numpy as np
import pytest

from pipeline.grid import Grid, unit_vectors
from pipeline.science import regrid

GRID = Grid(1.0)
FILES = {  # file under grib/, share of the globe it covers, mean error of bilinear in degrees
    "earthkit-data/tests/data/ll_sn_scanning_mode.grib": (1.0, 0.06),
    "earthkit-data/tests/data/rotated_N32_subarea.grib": (0.09, 0.15),
    "pygrib/rotated_ll.grib1": (0.013, 0.001),
    "pygrib/reduced_latlon_surface.grib2": (0.88, 0.001),
    "pygrib/CMC_reg_WIND_ISBL_300_ps60km_2010052400_P012.grib": (0.09, 0.005),
    "pygrib/gfs.t12z.pgrbf120.2p5deg.grib2": (1.0, 0.02),
    "Herbie/subset_20201214_hrrr.t00z.wrfsfcf12.grib2": (0.027, 0.001),
    "cfgrib/tests/sample-data/regular_gg_sfc.grib": (1.0, 0.01),
    "cfgrib/tests/sample-data/lambert_grid.grib": (0.003, 0.001),
    "cfgrib/tests/sample-data/alternate-scanning.grib": (0.008, 0.001),
    "cfgrib/tests/sample-data/scanning_mode_64.grib": (1.0, 0.06),
    "cfgrib/tests/sample-data/reduced_gg.grib": (1.0, 0.01),
}


def coordinates(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[int, int] | None]:
    with path.open("rb") as file:
        message = eccodes.codes_grib_new_from_file(file)
    try:
        latitude, longitude = (eccodes.codes_get_array(message, name) for name in ("latitudes", "longitudes"))
        rows, columns = (eccodes.codes_get_long(message, name) for name in ("Nj", "Ni"))
        by_column = eccodes.codes_get(message, "jPointsAreConsecutive")
    finally:
        eccodes.codes_release(message)
    shape = (columns, rows) if by_column else (rows, columns)
    return latitude, longitude, shape if rows * columns == len(latitude) else None


@pytest.mark.realdata
@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_grid_finds_its_place(realdata: Path, name: str) -> None:
    latitude, longitude, shape = coordinates(realdata / "grib" / name)
    place, here = unit_vectors(*GRID.places), unit_vectors(latitude, longitude).T.astype(np.float32)
    share, tolerance = FILES[name]
    for method in ("bilinear", "nearest", "conservative"):
        found = regrid.apply(regrid.weights(latitude, longitude, shape, GRID, method), here)
        distance = np.rad2deg(np.sqrt(((found - place.T) ** 2).sum(axis=0)))
        covered = np.isfinite(distance)
        assert covered.mean() == pytest.approx(share, rel=0.15, abs=0.002)
        if method == "bilinear":
            assert np.nanmean(distance) < tolerance
