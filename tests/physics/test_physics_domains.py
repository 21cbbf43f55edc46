"""The physics runs that a deployment makes with its hours: due, prepared, run on a real Slurm, stored, waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline import paths, physics
from pipeline.config import Config, ConfigError
from pipeline.physics.domains import due
from pipeline.physics.hour import submitted, watched
from pipeline.slurm import FAILED_LAUNCH, follow
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.input_reader import InputRun
from tests import slurm_cluster, stand_ins
from tests.physics.test_physics import RUNS, write_gfs
from tests.products.example_store import HOUR, write_example_store

NODES = {"partition": "", "ranks_per_node": 2, "minutes": 5}
HOURS = 12


def _configure(root: Path, **domains: dict[str, Any]) -> Path:
    """The configuration of a deployment that makes these runs with its hours."""
    places = {name: str(root / name) for name in ("programs", "data")} | {"nodes": NODES}
    settings = {
        "store": f"file://{root}/store", "grid_resolution": 1, "last_lead_hours": HOURS,
        "sources": {"gfs": {"endpoint": f"file://{root}/mirror"}, **{name: {} for name in {*RUNS, *domains}}},
        "physics": {name: places | {"run": RUNS[name.split("-")[0]] | run} for name, run in domains.items()},
    }  # fmt: skip
    path = root / "forecast.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def test_slurm_an_hour_prepares_submits_and_stores_what_is_due_once(slurm: None, tmp_path: Path) -> None:
    """Of the hour after a published one: the waves start with that, which drives them, and WRF with the newest GFS."""
    write_example_store(tmp_path / "store", last_lead=HOURS)
    write_gfs(tmp_path / "mirror")
    stand_ins.install(tmp_path / "programs", tmp_path / "data")
    north = {"centre_latitude": 55, "hours": HOURS}
    config = _configure(tmp_path, **{"wrf": {"hours": HOURS}, "wrf-north": north, "ww3": {"hours": HOURS}})
    names = ("wrf", "wrf-north", "ww3")
    with slurm_cluster.broken("n1", "n2"):
        runs, absent = submitted(config, HOUR + 1, tmp_path / "runs")
        assert runs == [tmp_path / "runs" / str(HOUR) / name for name in names]
        assert not absent
        jobs = [physics.jobs_of(run) for run in runs]
        for first in (run["pre"] for run in jobs[:2]):
            assert list(follow(first, poll_seconds=0.1))[-1].reason == FAILED_LAUNCH
    held = physics.standing(runs[0], datetime(2026, 1, 1), datetime(2026, 1, 2))
    assert (held.wait, "is held by Slurm, launch_failed" in held.reason) == (False, True)
    late = watched(runs, datetime(2026, 1, 1), lambda: True)
    assert late is not None
    assert {verdict.reason for verdict in late.values()} == {"the deadline has passed"}
    deadline = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=2)
    known = watched(runs, deadline, lambda: True, poll_seconds=0.3)
    assert known is not None
    assert {name: verdict.state for name, verdict in known.items()} == dict.fromkeys(names, "whole"), known
    store = Deployment.open(config).store
    covered = {name: InputRun(store.child(paths.input_zarr(name, HOUR))).coverage for name in names}
    assert not np.array_equal(covered["wrf"], covered["wrf-north"])
    assert submitted(config, HOUR + 2, tmp_path / "runs")[0] == runs
    assert [physics.jobs_of(run) for run in runs] == jobs, "an hour later nothing is submitted again"


def test_slurm_one_run_that_is_refused_or_has_no_driver_takes_no_other_along(slurm: None, tmp_path: Path) -> None:
    write_example_store(tmp_path / "store", last_lead=HOURS)
    config = _configure(tmp_path, **{"ww3": {"hours": HOURS}, "ww3-north": {"hours": HOURS}, "mpas": {"hours": HOURS}})
    settings = yaml.safe_load(config.read_text())
    settings["physics"]["ww3-north"]["nodes"] = NODES | {"partition": "nowhere"}
    config.write_text(yaml.safe_dump(settings))
    unreadable = tmp_path / "mirror" / SOURCES["gfs"].folder / SOURCES["gfs"].key(HOUR, 0).split("/")[0]
    unreadable.parent.mkdir(parents=True)
    unreadable.symlink_to(unreadable)
    runs, absent = submitted(config, HOUR + 1, tmp_path / "runs")
    assert runs == [tmp_path / "runs" / str(HOUR) / "ww3"]
    assert {name: verdict.state for name, verdict in absent.items()} == {"ww3-north": "lost", "mpas": "lost"}
    assert "partition" in absent["ww3-north"].reason
    assert "cannot read" in absent["mpas"].reason


def test_a_run_starts_at_the_newest_of_its_starts_whose_inputs_are_there(tmp_path: Path) -> None:
    write_example_store(tmp_path / "store", last_lead=HOURS)
    write_gfs(tmp_path / "mirror")
    deployment = Deployment.open(_configure(tmp_path, ww3={"hours": HOURS}, mpas={"hours": HOURS}))
    runs, _ = due(deployment, HOUR + 6, tmp_path / "runs")  # not yet published itself
    assert runs == [tmp_path / "runs" / str(start) / model for start, model in ((HOUR + 6, "mpas"), (HOUR, "ww3"))]
    runs, absent = due(deployment, HOUR + 48, tmp_path / "runs")
    assert not runs
    assert "expected a run of gfs to 0 h after 20260202T06Z" in absent["mpas"]
    assert "the blend that drives the waves" in absent["ww3"]


@pytest.mark.parametrize(
    ("domains", "change", "message"),
    [
        ({"wrf": {"hours": 6, "start": "2026-01-31T06"}}, {}, "expected no start in the run of wrf"),
        ({"wrf": {"hours": 6}}, {"sources": {"gfs": {}}}, "expected `wrf: {}` among the sources"),
        ({"wrf": {"hours": 7}}, {}, r"physics.wrf.run: Value error, expected hours up to 384 in steps of 3"),
        ({"wrf": {"hours": 6, "ranks": 0}}, {}, "physics.wrf.run.ranks"),
        ({}, {"physics": {"wrf_alps": {"run": {}}}}, "expected a physics model, wrf, mpas, ww3 or core"),
    ],
)
def test_a_run_that_cannot_be_made_is_refused_in_one_line(
    tmp_path: Path, domains: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    path = _configure(tmp_path, **domains)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change))
    with pytest.raises(ConfigError, match=message):
        due(Deployment.open(Config.read(path)), HOUR, tmp_path / "runs")
