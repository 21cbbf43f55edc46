"""Which ensembles an hour has and how much their members differ."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.inputs import sources_of, verified

Array = NDArray[np.float32]


def ensembles(deployment: Deployment, hour: Cycle) -> list[str]:
    """Configured ensembles whose members are there at the hour, in the configured order."""
    names = [name for name in deployment.config.sources if SOURCES[name].role == "ensemble"]
    return [name for name in names if deployment.store.exists(f"{paths.ensemble(hour, name)}/zarr.json")]


def held(deployment: Deployment, hour: Cycle) -> set[str]:
    """Names of the parameters that any ensemble has brought."""
    return {
        name
        for ensemble in ensembles(deployment, hour)
        for name in deployment.store.list_folders(paths.ensemble(hour, ensemble))
    }


def ensemble_variance(deployment: Deployment, row: Parameter, hour: Cycle, lead: int, interval: int) -> Array | None:
    """(place,) the variance of the members at `hour` for `lead` hours on, None where nobody knows it.

    Where members were not kept, the square of the spread that a source publishes: of a wind speed the mean of its
    components', which is its variance where they vary alike and less than the wind itself.
    """
    found = [_stored_variance(deployment, name, row, hour, lead) for name in ensembles(deployment, hour)]
    known = [variance for variance in found if variance is not None]
    if known:
        return np.asarray(np.mean(known, axis=0), np.float32)
    components = [part.name for part in blended().values() if part.speed == row.name]
    for name in sources_of(deployment, row):
        if "spread" not in SOURCES[name].products:
            continue
        parts = [blended()[part] for part in components] or [row]
        spreads = [verified(deployment, name, part, hour, lead, interval, "spread") for part in parts]
        squares = [spread**2 for spread in spreads if spread is not None]
        if len(squares) == len(parts):
            return np.asarray(np.mean(squares, axis=0), np.float32)
    return None


def _stored_variance(deployment: Deployment, name: str, row: Parameter, hour: Cycle, lead: int) -> Array | None:
    data = open_ensemble(deployment, hour, name)
    array = f"{row.name}_variance"
    if array not in data or lead not in data["verified_lead_time"].values:
        return None
    return np.asarray(data[array].sel(verified_lead_time=lead).values.reshape(-1), np.float32)


def open_ensemble(deployment: Deployment, hour: Cycle, name: str) -> xr.Dataset:
    """The members of an ensemble at an hour, as `ingest_members` wrote them."""
    return xr.open_zarr(deployment.store.zarr(paths.ensemble(hour, name)), consolidated=False, chunks=None)
