"""Reads the state that `initial_conditions` has stored for the model of the house."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.steps import Deployment

MODEL = "fourcastnet"
STATE = f"{MODEL}/initial.zarr"
RECORD = f"{MODEL}/initial.json"  # written last, so its presence means complete


@dataclass(frozen=True)
class InitialState:
    """When the state is valid, the state (variable, latitude, longitude), and what it was made of."""

    cycle: Cycle
    state: NDArray[np.float32]
    record: dict[str, object]


def read(deployment: Deployment, hour: Cycle) -> InitialState:
    """FileNotFoundError if it has not been made."""
    record = json.loads(deployment.store.read(paths.work(hour, RECORD)))
    group = zarr.open_group(deployment.store.zarr(paths.work(hour, STATE)), mode="r")
    return InitialState(Cycle.parse(record["init_time"]), np.asarray(group["state"], np.float32), record)
