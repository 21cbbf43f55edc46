"""Which ensembles an hour has and how much their members differ."""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.products.opened import opened
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.inputs import sources_of, verified
from pipeline.steps.served import ensembles, is_whole
from pipeline.store import Store

Array = NDArray[np.float32]


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
    configured = [name for name in _kept(deployment.store, hour) if name in deployment.config.sources]
    found = [_stored_variance(deployment.store, name, row.name, hour).get(lead) for name in configured]
    known = [variance for variance in found if variance is not None]
    if known:
        return np.asarray(np.mean(known, axis=0), np.float32)
    components = [part.name for part in blended().values() if part.speed == row.name]
    parts = [blended()[name] for name in components] or [row]
    for name in sources_of(deployment, row):
        if "spread" not in SOURCES[name].products:
            continue
        spreads = [verified(deployment, name, part, hour, lead, interval, "spread") for part in parts]
        squares = [spread**2 for spread in spreads if spread is not None]
        if len(squares) == len(parts):
            return np.asarray(np.mean(squares, axis=0), np.float32)
    return None


def variances(deployment: Deployment, row: Parameter, hour: Cycle) -> Array:
    """(lead_bin, place) `ensemble_variance` at the leads that skill is learnt at, NaN where nobody knows it."""
    found = [ensemble_variance(deployment, row, hour, lead, 0) for lead in deployment.config.learning.lead_hours]
    unknown = np.full(deployment.grid.shape[0] * deployment.grid.shape[1], np.nan, np.float32)
    return np.stack([unknown if variance is None else variance for variance in found])


@lru_cache(maxsize=1024)
def _kept(store: Store, hour: Cycle) -> tuple[str, ...]:
    """Ensembles whose members of the hour are there; asked once, as skill is learnt of hours that are over."""
    folders = store.list_folders(paths.ensemble(hour, "").rpartition("/")[0])
    names = (name.removesuffix(".zarr") for name in sorted(folders))
    return tuple(name for name in names if is_whole(store, name, hour))


@lru_cache(maxsize=16)
def _stored_variance(store: Store, name: str, parameter: str, hour: Cycle) -> dict[int, Array]:
    """(place,) the members' variance by lead."""
    group = zarr.open_group(store.zarr(paths.ensemble(hour, name)), mode="r")
    if f"{parameter}_variance" not in group:
        return {}
    leads, values = (np.asarray(group[part]) for part in ("verified_lead_time", f"{parameter}_variance"))
    return dict(zip(leads.tolist(), values.reshape(len(leads), prod(values.shape[1:])), strict=True))


def open_ensemble(deployment: Deployment, hour: Cycle, name: str) -> xr.Dataset:
    """The members of an ensemble at an hour, as `ingest_members` wrote them; opened once for all parameters."""
    return opened(deployment.store, paths.ensemble(hour, name), consolidated=False)
