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
NEWEST, EARLIER = "state", "earlier"  # arrays of it; the second only where perturbations need it
RECORD = f"{MODEL}/initial.json"  # written last, so its presence means complete


@dataclass(frozen=True)
class InitialState:
    """When the state is valid, the state (variable, latitude, longitude), and what it was made of.

    `analyses`: (analysis, variable, latitude, longitude) the state and those before it that perturbations are made of.
    """

    cycle: Cycle
    analyses: NDArray[np.float32]
    record: dict[str, object]

    @property
    def state(self) -> NDArray[np.float32]:
        """The newest of the analyses."""
        return self.analyses[0]


def read(deployment: Deployment, hour: Cycle) -> InitialState:
    """FileNotFoundError if it has not been made."""
    record = json.loads(deployment.store.read(paths.work(hour, RECORD)))
    group = zarr.open_group(deployment.store.zarr(paths.work(hour, STATE)), mode="r")
    analyses = [np.asarray(group[name], np.float32) for name in (NEWEST, EARLIER) if name in group]
    whole = np.concatenate([analyses[0][None], *analyses[1:]])
    return InitialState(Cycle.parse(record["init_time"]), whole, record)
