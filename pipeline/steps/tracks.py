"""Tracks: where the ensemble's members take the cyclones."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.products.tracks import feature_collection
from pipeline.science.tracks import track
from pipeline.steps import Deployment
from pipeline.steps.ensembles import ensembles

_NEEDED = ("pressure_at_sea_level", "wind_speed_10m")


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The ensembles that have arrived with pressure and wind."""
    return [
        model for model in ensembles(deployment, hour) if all(_held(deployment, hour, model, name) for name in _NEEDED)
    ]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Write the tracks of every member as GeoJSON; a member without fields has no tracks."""
    members = xr.open_zarr(deployment.store.zarr(paths.ensemble(hour, shard)), consolidated=False, chunks=None)
    static = xr.open_zarr(deployment.store.zarr(paths.static_fields()), consolidated=False, chunks=None)
    altitude = static["surface_altitude"].values
    leads = members["lead_time"].values.astype(float)
    upcoming = np.flatnonzero(leads >= 0)
    found = {}
    for place, member in enumerate(members["number"].values):
        pressure, wind = (members[name].isel(number=place).values[upcoming] for name in _NEEDED)
        found[int(member)] = track(pressure, wind, leads[upcoming].tolist(), deployment.grid, altitude=altitude)
    collection = feature_collection(found, hour, shard, synthetic=deployment.config.synthetic)
    deployment.store.write(paths.tracks(hour, f"{shard}.geojson"), json.dumps(collection).encode())


def _held(deployment: Deployment, hour: Cycle, model: str, name: str) -> bool:
    return deployment.store.exists(f"{paths.ensemble(hour, model)}/{name}/zarr.json")
