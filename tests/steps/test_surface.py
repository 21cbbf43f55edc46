"""Where a parameter of the land or of the sea exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from pipeline import paths, store_arrays
from pipeline.config import Config
from pipeline.steps import Deployment
from pipeline.steps.surface import surface, within


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
