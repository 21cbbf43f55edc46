"""A deployment small enough to run whole in seconds: inputs made by code on a coarse grid, as ingest leaves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles
from pipeline.steps import Deployment
from pipeline.steps.ingest import live_leads, past_runs
from pipeline.steps.input_store import InputWriter

HOUR = Cycle.parse("2025-09-05T00")
BIAS = {"gfs": 2.0, "ifs": -1.0}
LAST_LEAD = 12
NAMES = (
    "temperature_2m",
    "dew_point_temperature_2m",
    "eastward_wind_10m",
    "northward_wind_10m",
    "pressure_at_sea_level",
    "precipitation",
)
ORDER = {
    "parameters": ["temperature_*", "precipitation"], "leads": {"step": 6},
    "formats": ["grib2", "netcdf", "geotiff", "geoparquet", "csv"],
    "places": [{"name": "Apia", "latitude": -13.8, "longitude": -171.8}],
}  # fmt: skip
_MEAN = {"temperature_2m": 285.0, "dew_point_temperature_2m": 280.0, "pressure_at_sea_level": 101_300.0}


def feed(name: str, folder: Path) -> dict[str, Any]:
    """The settings of a source of which only NAMES are taken, for every other parameter costs time."""
    return {"endpoint": f"file://{folder}/feeds", "without": sorted(SOURCES[name].carries - set(NAMES))}


def write_configuration(folder: Path, store: Path) -> Path:
    """A forecast.yaml in `folder` whose feeds are empty folders: everything is in the input store already."""
    endpoint = {"endpoint": f"file://{folder}/feeds"}
    settings = {
        "store": f"file://{store}", "synthetic": True, "grid_resolution": 30, "last_lead_hours": LAST_LEAD,
        "sources": {name: feed(name, folder) for name in ("gfs", "ifs", "gdas")}, "observations": endpoint,
        "learning": {"days": 3, "every_hours": 24, "lead_hours": [6, 12]}, "workers": 2, "tile_rows": 3,
        "subscriptions": {"acme": ORDER},
    }  # fmt: skip
    path = folder / f"{store.name}.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def write_inputs(deployment: Deployment, hour: Cycle = HOUR) -> None:
    """What ingest would bring for the hour: past runs, verifying analyses, and the live runs; forecasts have a bias."""
    for name in deployment.config.sources:
        source = SOURCES[name]
        if not source.bucket:  # made here
            continue
        runs = dict(past_runs(deployment, source, hour))
        if name in BIAS:
            live = due_cycles(source, hour)[0]
            runs[live] = live_leads(deployment, source, live, hour)
        for cycle, leads in runs.items():
            _write_run(deployment, name, cycle, leads)


def _write_run(deployment: Deployment, name: str, cycle: Cycle, leads: tuple[int, ...]) -> None:
    key = paths.input_zarr(name, cycle)
    writer = InputWriter(deployment.store, key, deployment.grid, leads, NAMES, ["forecast"])
    for number, parameter_name in enumerate(NAMES):
        fields = np.stack([_truth(deployment, cycle + lead, number) for lead in leads])
        values = fields + np.float32(_MEAN.get(parameter_name, 0) + BIAS.get(name, 0) * (1 + 0.01 * np.arange(84)))
        intervals = np.zeros(len(leads))
        if parameter_name == "precipitation":
            values, intervals = np.maximum(values, 0), np.diff(leads, prepend=leads[0] - 6)
        writer.write(parameter(parameter_name), "forecast", values.astype(np.float32), intervals)
    writer.close(np.ones(84, np.float32), {"synthetic": True})
    record = {"status": "complete", "parameters": list(NAMES), "leads": list(leads), "missing": [], "quarantined": []}
    deployment.store.write(paths.input_record(name, cycle), json.dumps(record | {"files": []}).encode())


def _truth(deployment: Deployment, valid: Cycle, number: int) -> NDArray[np.float32]:
    latitude, longitude = (np.deg2rad(part) for part in deployment.grid.places)
    phase = valid.init_time.timestamp() / 40_000 + number
    return (4 * np.cos(latitude) * np.sin(longitude + phase)).astype(np.float32)


def tiny(folder: Path, name: str) -> Path:
    """The configuration of a tiny deployment with its inputs written."""
    path = write_configuration(folder, folder / name)
    write_inputs(Deployment.open(Config.read(path)))
    return path
