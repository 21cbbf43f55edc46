"""What an hour carries on from an earlier one: fire codes and sums of seasons start where its forecast had them.

A state is published like any parameter, so that the newest earlier hour's forecast of this hour is all that need be
kept. Forecasts of a first hour are ramped to observations: one after the other they are nearly an analysis.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.products import layout
from pipeline.science.derive.catalogue import STATES
from pipeline.steps import Deployment

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Carried:
    """Names of the states that go on from the forecast that the hour `cycle` made `age_hours` before; None, 0: none."""

    cycle: str | None
    age_hours: int
    names: tuple[str, ...]


def carried(deployment: Deployment, hour: Cycle) -> Carried:
    """What the hour carries on, decided once: its tiles agree, and so does a run that was resumed."""
    key = paths.work(hour, "carried.json")
    if not deployment.store.exists(key):
        found = json.dumps(asdict(newest(deployment, hour)))
        deployment.store.write_new(key, found.encode())  # another tile may have been first
    content = json.loads(deployment.store.read(key))
    return Carried(content["cycle"], content["age_hours"], tuple(content["names"]))


def newest(deployment: Deployment, hour: Cycle) -> Carried:
    """The newest published earlier hour on the same grid whose forecast reaches the hour, and the states it holds."""
    for age in range(1, deployment.config.last_lead_hours + 1):
        earlier = hour - age
        if deployment.store.exists(paths.forecast(earlier, "manifest.json")):
            arrays = layout.array_metadata(deployment.store, paths.forecast(earlier, "best.zarr"))
            shapes = {name: tuple(arrays[name]["shape"]) for name in STATES if name in arrays}
            names = [
                name for name, (leads, *grid) in shapes.items() if leads > age and grid == [*deployment.grid.shape]
            ]
            if names:
                return Carried(str(earlier), age, tuple(names))
    return Carried(None, 0, ())


def starts(deployment: Deployment, hour: Cycle, rows: slice) -> dict[str, Array]:
    """By `<name>_start` the states (place,) at the hour on the latitude `rows`; what is absent starts anew."""
    known = carried(deployment, hour)
    if known.cycle is None:
        return {}
    store = deployment.store.zarr(paths.forecast(Cycle.parse(known.cycle), "best.zarr"))
    found = {}
    for name in known.names:
        array = zarr.open_array(store, path=name, mode="r")
        found[f"{name}_start"] = np.asarray(array[known.age_hours, rows], np.float32).ravel()
    return found
