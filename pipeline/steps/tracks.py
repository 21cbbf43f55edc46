"""Tracks: where the ensemble's members take the cyclones."""

from __future__ import annotations

import json

import numpy as np

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.products.storm_files import write_atcf, write_csv
from pipeline.products.tracks import feature_collection
from pipeline.science.strike import STRIKE_RADIUS, strike_probability
from pipeline.science.tracks import track
from pipeline.steps import Deployment
from pipeline.steps.ensembles import open_ensemble
from pipeline.steps.served import ensembles
from pipeline.steps.surface import surface

TECHNIQUE = "HC"  # with the number of the member behind it, in the a-deck
_NEEDED = ("pressure_at_sea_level", "wind_speed_10m")


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The ensembles of the hour that came with pressure and wind."""
    models = sorted(ensembles(deployment, hour))
    return [model for model in models if all(_held(deployment, hour, model, name) for name in _NEEDED)]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Write the tracks of every member as GeoJSON, a-deck and CSV, and how likely a cyclone comes within 120 km.

    A member without fields has no tracks.
    """
    members = open_ensemble(deployment, hour, shard)
    altitude = surface(deployment)[0].reshape(deployment.grid.shape)
    leads = members["lead_time"].values.astype(float)
    upcoming = np.flatnonzero(leads >= 0)
    found = {}
    for place, member in enumerate(members["number"].values):
        pressure, wind = (members[name].isel(number=place).values[upcoming] for name in _NEEDED)
        found[int(member)] = track(pressure, wind, leads[upcoming].tolist(), deployment.grid, altitude=altitude)
    collection = feature_collection(found, hour, shard, synthetic=deployment.config.synthetic)
    strikes = np.round(strike_probability(found, deployment.grid), 3)
    for name, text in {
        "adeck.dat": write_atcf(found, hour, TECHNIQUE),
        "csv": write_csv(found, hour),
        "strike.json": json.dumps({"units": "1", "radius_km": STRIKE_RADIUS / 1e3, "probability": strikes.tolist()}),
        "geojson": json.dumps(collection),
    }.items():
        deployment.store.write(paths.tracks(hour, f"{shard}.{name}"), text.encode())


def _held(deployment: Deployment, hour: Cycle, model: str, name: str) -> bool:
    return deployment.store.exists(f"{paths.ensemble(hour, model)}/{name}/zarr.json")
