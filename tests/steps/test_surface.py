"""Where a parameter of the land or of the sea exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from pipeline import paths
from pipeline.config import Config
from pipeline.science.gradients import EARTH_RADIUS
from pipeline.steps import Deployment
from pipeline.steps.surface import slopes, surface, within
from pipeline.store import arrays as store_arrays


def _deployment(folder: Path) -> Deployment:
    settings = {"store": f"file://{folder}/store", "grid_resolution": 30, "synthetic": True, "sources": {"gfs": {}}}
    return Deployment.open(Config.model_validate(settings))


def test_a_coast_is_both_land_and_sea(tmp_path: Path) -> None:
    deployment = _deployment(tmp_path)
    land = np.zeros(deployment.grid.shape, np.float32)
    land[2, :3] = 1, 0.5, 0.01
    fields = {"surface_altitude": 100 * land, "land_area_fraction": land}
    data = {name: (("latitude", "longitude"), values) for name, values in fields.items()}
    store_arrays.write(deployment.store, paths.static_fields(), xr.Dataset(data))
    np.testing.assert_array_equal(surface(deployment)[1], land.ravel())
    np.testing.assert_array_equal(np.flatnonzero(within(deployment, "land")), 2 * 12 + np.arange(3))
    np.testing.assert_array_equal(np.flatnonzero(~within(deployment, "sea")), [2 * 12])
    assert within(deployment, "all").all()


def test_everything_exists_everywhere_while_nobody_has_told_the_land(tmp_path: Path) -> None:
    deployment = _deployment(tmp_path)
    assert not np.any(surface(deployment))
    assert within(deployment, "land").all()
    assert within(deployment, "sea").all()


def test_the_ground_rises_as_its_altitude_does(tmp_path: Path) -> None:
    """A cone round the north pole falls by as much everywhere; a wave round the equator has its cosine's slope."""
    deployment = _deployment(tmp_path)
    latitude, longitude = (np.deg2rad(part).reshape(deployment.grid.shape) for part in deployment.grid.places)
    assert not np.any(slopes(deployment))
    fields = {"surface_altitude": 1000 * latitude + 500 * np.sin(longitude), "land_area_fraction": 0 * latitude}
    data = {name: (("latitude", "longitude"), values.astype(np.float32)) for name, values in fields.items()}
    store_arrays.write(deployment.store, paths.static_fields(), xr.Dataset(data))
    east, north = (part.reshape(deployment.grid.shape) for part in slopes(deployment))
    np.testing.assert_allclose(north[2:-2], 1000 / EARTH_RADIUS, rtol=1e-5)
    step = np.deg2rad(30)
    expected = 500 * np.cos(longitude[3]) * np.sin(step) / step / EARTH_RADIUS
    np.testing.assert_allclose(east[3], expected, atol=1e-9)
    assert not np.any((east[[0, -1]], north[[0, -1]]))
