"""Persistence, read as a run of its own: every day to come is like the last one that the analyses know."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.ingest import ingest_files, past_runs, shards
from pipeline.steps.input_store import InputWriter
from pipeline.steps.inputs import at_hours, native, sources_of, verified
from pipeline.steps.runs import Contribution, contribution, coverage, holds, record, valid_hours

HOUR = Cycle.parse("2026-03-10T00")
NEWEST = HOUR - 12  # an analysis is there after seven hours
TEMPERATURE, GUST = parameter("temperature_2m"), parameter("wind_gust")


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """Two days of analyses: the temperature says when it was, the gust of the first six hours when these ended."""
    settings = {
        "store": f"file://{tmp_path}/store", "grid_resolution": 30, "last_lead_hours": 72, "synthetic": True,
        "sources": {"gfs": {}, "persistence": {}, "gdas": {}}, "learning": {"days": 1, "lead_hours": [6]},
    }  # fmt: skip
    deployment = Deployment.open(Config.model_validate(settings))
    for back in range(12, 61, 6):
        cycle = HOUR - back
        writer = InputWriter(
            deployment.store, paths.input_zarr("gdas", cycle), deployment.grid, [0, 6], [TEMPERATURE.name, GUST.name],
            ["forecast"],
        )  # fmt: skip
        flat = np.ones(deployment.grid.places[0].size, np.float32)
        writer.write(TEMPERATURE, "forecast", np.stack([(280 - back) * flat, np.nan * flat]), np.zeros(2))
        writer.write(GUST, "forecast", np.stack([np.nan * flat, (100 - back + 6) * flat]), np.array([0.0, 6]))
        writer.close(flat, {})
        noted = {"leads": [0, 6], "parameters": [], "missing": [], "files": [{"key": str(cycle), "sha256": "0"}]}
        deployment.store.write(paths.input_record("gdas", cycle), json.dumps(noted).encode())
    return deployment


def part_of(deployment: Deployment) -> Contribution:
    found = contribution(deployment, "persistence", HOUR)
    assert found is not None
    return found


def test_it_starts_with_the_newest_analysis_that_had_arrived(deployment: Deployment) -> None:
    assert part_of(deployment) == Contribution("persistence", NEWEST, 12)
    earlier = contribution(deployment, "persistence", HOUR - 24)
    assert earlier is not None
    assert earlier.cycle == HOUR - 36, "an hour of the past knows nothing of what came after it"
    assert contribution(deployment, "persistence", HOUR - 96) is None


def test_each_hour_to_come_is_like_the_last_one_of_its_kind(deployment: Deployment) -> None:
    part, everywhere = part_of(deployment), slice(0, deployment.grid.places[0].size)
    found = at_hours(deployment, part, TEMPERATURE, HOUR, [0, 6, 12, 18, 24, 48, 54, 3], everywhere)
    backs = np.array([24, 18, 12, 30, 24, 24, 18])
    np.testing.assert_array_equal(found[:-1], np.broadcast_to(280.0 - backs[:, None], found[:-1].shape))
    np.testing.assert_array_equal(found[-1], (256 + 262) / 2, "between analyses linear in time")
    at_noon = verified(deployment, "persistence", TEMPERATURE, HOUR, 36, 0)
    np.testing.assert_array_equal(at_noon, 268.0)


def test_intervals_are_those_after_the_analysis_before(deployment: Deployment) -> None:
    found = native(deployment, "persistence", NEWEST, GUST, HOUR)
    assert found is not None
    assert set(found.interval_hours) == {6.0}
    at = dict(zip(found.valid_hours, found.values[:, 0], strict=True))
    assert at[6] == 100 - 18, "the hours to 06 UTC were last seen a day before"
    assert at[24] == at[48] == 100 - 24


def test_a_missing_analysis_leaves_a_gap_and_no_value_is_made_up(deployment: Deployment) -> None:
    gone = HOUR - 18
    deployment.store.delete(paths.input_record("gdas", gone))
    part = part_of(deployment)
    assert not set(valid_hours(deployment, part, TEMPERATURE)) & {6, 30, 54}
    assert verified(deployment, "persistence", TEMPERATURE, HOUR, 30, 0) is not None, "between its neighbours"
    assert holds(deployment, part, TEMPERATURE)
    assert not holds(deployment, part, parameter("total_cloud_cover"))


def test_it_is_a_source_without_files_of_its_own(deployment: Deployment) -> None:
    assert sources_of(deployment, TEMPERATURE) == ("gfs", "persistence")
    assert sources_of(deployment, parameter("precipitation")) == ("gfs",), "rain is not carried on"
    assert shards(deployment, HOUR) == ["gfs", "gdas"]
    assert coverage(deployment, part_of(deployment)).min() == 1
    with pytest.raises(ValueError, match="takes no files"):
        list(ingest_files(deployment, "persistence", ["any.grib2"]))
    noted = record(deployment.store, "persistence", NEWEST)
    assert noted["files"] == [{"key": str(NEWEST), "sha256": "0"}]
    assert {"temperature_2m", "wind_gust"} == set(noted["parameters"])


def test_ingest_brings_in_the_day_that_is_carried_on(deployment: Deployment) -> None:
    wanted = {cycle for cycle, leads in past_runs(deployment, SOURCES["gdas"], HOUR) if 0 in leads}
    assert {NEWEST - back for back in (0, 6, 12, 18)} <= wanted
