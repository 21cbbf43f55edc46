"""The embedded model through the whole chain on a real Slurm: prepared, run, its node lost, read; the same bytes."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

if find_spec("jcm") is None:
    pytest.skip("needs jcm: pip install 'hourcast[world]'", allow_module_level=True)

from models.core_job import CoreRun, prepare, state_files
from models.dycore import RESTART_TIME
from pipeline.grid import Grid
from pipeline.parameters import blended
from pipeline.science import regrid
from pipeline.slurm import follow, status, submit_chain
from pipeline.slurm_core import read
from pipeline.slurm_progress import decide, progress
from tests import slurm_cluster

ROOT = Path(__file__).resolve().parents[1]
RUN = CoreRun(hours=24, every_hours=6, segment_hours=6)
COMMAND = f"{shlex.quote(sys.executable)} -m models.core_job ."


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cluster whose jobs run this working tree."""
    if reason := slurm_cluster.missing():
        pytest.skip(reason)
    os.environ["PYTHONPATH"] = str(ROOT)
    with slurm_cluster.cluster(tmp_path_factory.mktemp("slurm")):
        yield


def test_slurm_core_whose_node_is_lost_ends_with_the_same_bytes(slurm: None, tmp_path: Path) -> None:
    whole, lost = tmp_path / "whole", tmp_path / "lost"
    for folder in (whole, lost):
        prepare(folder, RUN)
    first = submit_chain("core", {"run": COMMAND}, whole)["run"]
    assert list(follow(first, poll_seconds=0.5))[-1].state == "COMPLETED"

    second = submit_chain("core", {"run": COMMAND}, lost)["run"]
    while not list(lost.glob("restart.*.npz")):  # its first segment is done, the others are not
        time.sleep(0.02)
    node = status(second).nodes
    slurm_cluster.lose(node)
    ended = list(follow(second, poll_seconds=0.5))[-1]
    assert (ended.state, ended.restarts) == ("COMPLETED", 1)

    files = [path.name for path in state_files(whole).values()]
    assert len(files) == RUN.hours // RUN.every_hours
    assert [path.name for path in state_files(lost).values()] == files
    for name in files:
        assert (whole / name).read_bytes() == (lost / name).read_bytes()

    log = next(whole.glob("core-run.*.log")).read_text().splitlines()
    now = progress("core", log)
    assert now is not None
    assert now.reached == RESTART_TIME + timedelta(hours=RUN.hours)
    assert decide(now, now.reached + timedelta(days=1), timedelta(hours=1)).wait

    outputs = list(read(lost))
    assert [when for when, _ in outputs] == [RESTART_TIME + timedelta(hours=h) for h in (6, 12, 18, 24)]
    with np.load(lost / "grid.npz") as axes:
        latitude, longitude = np.meshgrid(axes["latitude"], axes["longitude"], indexing="ij")
    weights = regrid.weights(latitude.ravel(), longitude.ravel(), latitude.shape, Grid(3.0), "bilinear")
    fields = outputs[-1][1]
    assert {"temperature_2m", "pressure_at_sea_level", "geopotential_height_500hpa"} <= set(fields)
    for name, values in fields.items():
        found = regrid.apply(weights, values.reshape(1, -1))[0]
        assert np.isfinite(found).all()
        assert ((found >= blended()[name].minimum) & (found <= blended()[name].maximum)).all(), name
