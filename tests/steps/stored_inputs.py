"""A month of analyses and of two sources with planted biases, stored as ingest stores them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.steps import Deployment
from pipeline.steps.input_store import InputWriter

HOUR = Cycle.parse("2025-09-05T00")
BIAS = {"gfs": 2.0, "ifs": -1.0}
AGE = {"gfs": 6, "ifs": 12}
NAMES = ("temperature_2m", "precipitation", "eastward_wind_10m", "northward_wind_10m")


def tiny_deployment(tmp_path: Path, every_hours: int = 24) -> Deployment:
    """Two sources and an analysis on a grid of 30 degrees, learnt from so often."""
    settings = {
        "store": f"file://{tmp_path}/store", "grid_resolution": 30, "last_lead_hours": 24, "synthetic": True,
        "sources": {"gfs": {}, "ifs": {}, "gdas": {}},
        "learning": {"days": 12, "every_hours": every_hours, "lead_hours": [6, 24]},
    }  # fmt: skip
    return Deployment.open(Config.model_validate(settings))


def truth_at(deployment: Deployment, valid: Cycle) -> np.ndarray:
    seed = int(valid.init_time.timestamp() // 3600)
    return np.random.default_rng(seed).normal(285, 5, deployment.grid.places[0].size).astype(np.float32)


def store_run(
    deployment: Deployment, name: str, cycle: Cycle, leads: list[int], fields: dict[str, np.ndarray],
    coverage: np.ndarray | None = None,
) -> None:  # fmt: skip
    writer = InputWriter(
        deployment.store, paths.input_zarr(name, cycle), deployment.grid, leads, list(fields), ["forecast"]
    )
    for key, values in fields.items():
        interval = np.full(len(leads), 6.0 if parameter(key).kind == "accumulation" else 0.0)
        writer.write(parameter(key), "forecast", values, interval)
    writer.close(np.ones(values.shape[1], np.float32) if coverage is None else coverage, {})
    record = {"leads": leads, "parameters": list(fields), "missing": []}
    deployment.store.write(paths.input_record(name, cycle), json.dumps(record).encode())


def course_at(deployment: Deployment, valid: Cycle, size: float) -> np.ndarray:
    """A bias that follows the sun, largest in the afternoon."""
    return size * np.cos(np.deg2rad(deployment.grid.places[1] + 15 * (valid.init_time.hour - 15)))


def fill(deployment: Deployment, last_hours: int = 0, course: float = 0) -> None:
    """Analyses, twelve days of starts, and the live hour; errors are the planted bias and noise.

    course: size of what follows the sun beside them in temperature, K; see `course_at`.
    """
    generator, every = np.random.default_rng(0), deployment.config.learning.every_hours
    for step in range(-12 * 24, last_hours + 1, 6):
        valid = HOUR + step
        fields = {key: np.stack([truth_at(deployment, valid)] * 2) for key in NAMES[:1] + NAMES[2:]}
        fields["precipitation"] = np.stack(
            [np.full(fields[NAMES[0]].shape[1], np.nan), np.full(fields[NAMES[0]].shape[1], 0.5)]
        )
        store_run(deployment, "gdas", valid, [0, 6], {key: value.astype(np.float32) for key, value in fields.items()})
    for step in range(-12 * 24, 1, every):
        for name, bias in BIAS.items():
            start = HOUR + step
            leads = [AGE[name] + lead for lead in (0, 6, 24)]
            fields = {}
            for key in NAMES:
                wanted = np.stack([truth_at(deployment, start + lead) for lead in (0, 6, 24)])
                noise = generator.normal(0, 1, wanted.shape)
                if key == "temperature_2m" and course:
                    noise += np.stack([course_at(deployment, start + lead, course) for lead in (0, 6, 24)])
                fields[key] = (
                    np.full_like(wanted, 1.0) if key == "precipitation" else (wanted + bias + noise).astype(np.float32)
                )
            store_run(deployment, name, start - AGE[name], leads, fields)
