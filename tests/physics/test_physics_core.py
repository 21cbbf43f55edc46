"""The embedded core at T42, five days on a real Slurm, its node lost: the same bytes, and a source of the blend."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

if find_spec("jcm") is None:
    pytest.skip("needs jcm: pip install 'hourcast[world]'", allow_module_level=True)

from models.core_run import RESTART_TIME
from models.dycore import LAYERS, SIGMA
from models.progress import progress
from pipeline import paths, physics
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import blended
from pipeline.physics import core
from pipeline.products.weights import as_used
from pipeline.slurm import Status, follow, layouts, status
from pipeline.steps import Deployment
from pipeline.world.nature import DIRECT
from tests import slurm_cluster
from tests.tiny_deployment import write_configuration, write_inputs

START, HOURS = Cycle(RESTART_TIME), 120
RUN = {"hours": HOURS, "history_minutes": 360, "restart_hours": 24, "truncation": 42}
LAYOUT = replace(layouts()["core", "run"], minutes=10)


def _deployment(folder: Path, name: str) -> Path:
    """A tiny deployment whose hour is the core's start, with the core as a source."""
    path = write_configuration(folder, folder / name)
    settings = yaml.safe_load(path.read_text())
    settings |= {"sources": settings["sources"] | {"core": {}}, "last_lead_hours": HOURS, "subscriptions": {}}
    path.write_text(yaml.safe_dump(settings))
    write_inputs(Deployment.open(Config.read(path)), START)
    return path


def _files(store: Path, key: str) -> dict[str, bytes]:
    folder = store / key
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_slurm_core_whose_node_is_lost_enters_the_blend_with_the_same_bytes(long_jobs: object, tmp_path: Path) -> None:
    configs = {name: _deployment(tmp_path, name) for name in ("whole", "lost")}
    job = physics.job_of({"model": "core", "run": RUN})
    for name, partition in (("whole", "quiet"), ("lost", "compute")):
        folder = tmp_path / f"run-{name}"
        physics.prepare(Deployment.open(Config.read(configs[name])), job, folder)
        layout = replace(LAYOUT, partition=partition)
        physics.submit(job, folder, configs[name], {"run": layout, "post": layout})
        _wait_for_a_restart_file(folder)  # its first day is done, and the other need not compile what XLA has kept
    lost = tmp_path / "run-lost"
    slurm_cluster.lose(_status(lost, "run").nodes)
    for name in configs:
        post = physics.jobs_of(tmp_path / f"run-{name}")["post"]
        assert list(follow(post, poll_seconds=0.5))[-1].state == "COMPLETED", name
    assert _status(lost, "run").restarts == 1

    whole, again = (_files(tmp_path / name, paths.input_zarr("core", START)) for name in ("whole", "lost"))
    assert whole == again
    log = (tmp_path / "run-whole" / "core.out").read_text().splitlines()
    reached = progress("core", log)
    assert reached is not None
    assert reached.reached == RESTART_TIME + timedelta(hours=HOURS)
    _check_blend(tmp_path / "lost", configs["lost"])


def _wait_for_a_restart_file(folder: Path) -> None:
    until = time.monotonic() + 300
    while not list(folder.glob("restart.*.npz")):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_core_rain_between_states_is_the_mean_of_their_rates(tmp_path: Path) -> None:
    """Known answers, of states made up: rates in kg m-2 s-1 become amounts, and too few states become none."""
    latitude = np.linspace(80, -80, 5)
    np.savez(tmp_path / "grid.npz", latitude=latitude, longitude=np.arange(0, 360, 45.0))
    for hour, rate in ((0, 0.0), (1, 1e-3), (4, 2e-3), (10, 5e-3)):
        aloft = np.ones((LAYERS, 1, 1)) * np.ones((5, 8))
        state = dict.fromkeys(("eastward_wind", "northward_wind"), aloft) | dict.fromkeys(DIRECT, aloft[0])
        state |= {"temperature": 250 * aloft, "specific_humidity": 1e-3 * aloft, "surface_pressure": 1e5 * aloft[0]}
        state |= {"geopotential": -7.2e4 * np.log(SIGMA)[:, None, None] * aloft}
        state |= {
            "convective_precipitation_rate": rate * aloft[0],
            "stratiform_precipitation_rate": rate / 2 * aloft[0],
        }
        np.savez(tmp_path / f"state.{RESTART_TIME + timedelta(hours=hour):%Y%m%dT%H}.npz", **state)
    found = [fields for _, fields in core.read(sorted(tmp_path.glob("state.*.npz")))]
    assert [("precipitation" in fields, "convective_precipitation" in fields) for fields in found] == [
        (False, False), (True, True), (True, True), (False, False),
    ]  # fmt: skip
    assert found[1]["convective_precipitation"] == pytest.approx(1.8)
    assert found[2]["precipitation"] == pytest.approx(1.5 * 1.5e-3 * 3 * 3600)


def _status(folder: Path, step: str) -> Status:
    return status(physics.jobs_of(folder)[step])  # type: ignore[index]


def _check_blend(store: Path, config: Path) -> None:
    """The hour made with the core: of what all bring it has an equal share, its own parameters are its alone."""
    command = [sys.executable, "-m", "pipeline", "run", "--cycle", str(START), "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    weights = xr.open_zarr(store / paths.forecast(START, "weights.zarr"), consolidated=False, decode_timedelta=False)
    core = weights["source"].values.tolist().index("core")
    assert as_used(weights, "temperature_2m")[core] == pytest.approx(1 / 3, abs=0.01)
    manifest = json.loads((store / paths.forecast(START, "manifest.json")).read_text())
    assert manifest["sources"]["core"]["status"] == "complete"
    best = xr.open_zarr(store / paths.forecast(START, "best.zarr"), consolidated=False, decode_timedelta=False)
    height = best["geopotential_height_500hpa"].values
    run = xr.open_zarr(store / paths.input_zarr("core", START), consolidated=False, decode_timedelta=False)
    alone = run["forecast"].sel(parameter="geopotential_height_500hpa", lead_time=HOURS).values
    assert np.abs(height[-1] - alone).max() <= 2 * blended()["geopotential_height_500hpa"].precision
