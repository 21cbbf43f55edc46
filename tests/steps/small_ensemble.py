"""A deployment whose ensemble is made by a network of random weights on a grid of 15 degrees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import zarr

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.steps import Deployment
from pipeline.steps.initial_state import RECORD, STATE
from tests.models.random_package import MEAN, SCALE, random_package

HOUR = Cycle.parse("2025-09-05T00")
ANALYSIS = HOUR - 6
SMALL = {"members": 5, "members_per_job": 6, "enough_members": 4, "checkpoint_steps": 2, "amplitude": 0.05}


def small_ensemble(folder: Path, name: str = "store", **changes: object) -> Deployment:
    """With initial conditions of six hours before the hour; `changes` are settings of the ensemble."""
    checksum = random_package(folder / "package")
    settings = SMALL | {"package": f"file://{folder / 'package'}", "weights_sha256": (checksum,)} | changes
    config = Config.model_validate({
        "store": f"file://{folder / name}", "synthetic": True, "grid_resolution": 15, "last_lead_hours": 30,
        "sources": {"gdas": {}, "fourcastnet": {}}, "fourcastnet": settings,
        "learning": {"lead_hours": [6, 24]}, "tile_rows": 4,
    })  # fmt: skip
    deployment = Deployment.open(config)
    write_state(deployment)
    return deployment


def write_state(deployment: Deployment) -> None:
    """A state of the package's variables, a wave each, six hours before the hour."""
    lat, lon = np.deg2rad(90 - 15 * np.arange(12))[:, None], np.deg2rad(15 * np.arange(24))
    wave = np.stack([np.cos(lat) * np.sin((place + 1) * lon) for place in range(len(MEAN))])
    state = (MEAN[:, None, None] + SCALE[:, None, None] * 0.5 * wave).astype(np.float32)
    group = zarr.create_group(deployment.store.zarr(paths.work(HOUR, STATE)), overwrite=True)
    group.create_array("state", data=state)
    record = {"init_time": ANALYSIS.init_time.isoformat(), "files": [{"key": "made/by/code", "sha256": "0"}]}
    deployment.store.write(paths.work(HOUR, RECORD), json.dumps(record).encode())
