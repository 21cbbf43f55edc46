"""What serves an hour is decided once: runs and ensembles come at any time."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles
from pipeline.steps import Deployment, forecast, learn, served
from pipeline.steps.ingest import live_leads
from tests import tiny_deployment
from tests.tiny_deployment import HOUR, NAMES, write_configuration, write_inputs

LATE, BEFORE = due_cycles(SOURCES["gfs"], HOUR)[:2]


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The newest run of GFS is late: the one before serves."""
    monkeypatch.setattr(tiny_deployment, "NAMES", NAMES[:2])
    found = Deployment.open(Config.read(write_configuration(tmp_path, tmp_path / "store")))
    write_inputs(found)
    found.store.delete(paths.input_record("gfs", LATE))
    _come(found, BEFORE)
    return found


def _come(deployment: Deployment, cycle: Cycle) -> None:
    gfs = SOURCES["gfs"]
    tiny_deployment._write_run(deployment, "gfs", cycle, live_leads(deployment, gfs, cycle, HOUR))


def _made(deployment: Deployment, late_after: int | None) -> xr.Dataset:
    """The hour's forecast, where GFS's newest run comes after so many bands."""
    deployment.store.delete(paths.forecast(HOUR))
    for number, band in enumerate(forecast.shards(deployment, HOUR)):
        if number == late_after:
            _come(deployment, LATE)
        forecast.run(deployment, HOUR, band)
    return xr.open_zarr(deployment.store.zarr(paths.forecast(HOUR, "best.zarr"))).load()


def test_a_run_that_comes_while_the_bands_are_made_is_in_none_of_them(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for shard in learn.shards(deployment, HOUR):
        learn.run(deployment, HOUR, shard)
    without = _made(deployment, None)
    monkeypatch.setitem(tiny_deployment.BIAS, "gfs", 9.0)  # no seam shows where runs are alike
    xr.testing.assert_identical(_made(deployment, 1), without)
    assert served.serving(deployment, HOUR)["gfs"].cycle == BEFORE
    assert served.serving(deployment, HOUR + 1)["gfs"].cycle == LATE


def test_nothing_is_decided_while_nothing_has_come(deployment: Deployment) -> None:
    later = HOUR + 240
    served.decide(deployment, later)
    assert served.serving(deployment, later) == {}
    cycle = due_cycles(SOURCES["gfs"], later)[0]
    tiny_deployment._write_run(deployment, "gfs", cycle, (6, 12, 18))
    served.decide(deployment, later)
    assert [part.cycle for part in served.serving(deployment, later).values()] == [cycle]


def test_an_ensemble_that_comes_while_the_hour_is_made_is_not_in_it(deployment: Deployment) -> None:
    sources = deployment.config.sources | {"gefs": {}}
    deployment = Deployment(deployment.config.model_copy(update={"sources": sources}), deployment.store)
    served.decide(deployment, HOUR)
    deployment.store.write(paths.input_record("gefs", HOUR), b"{}")
    deployment.store.write(paths.input_record("gefs", HOUR + 1), b"{}")
    assert (served.ensembles(deployment, HOUR), served.ensembles(deployment, HOUR + 1)) == ([], ["gefs"])
