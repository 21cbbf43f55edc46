"""Stability of an hour: a planted seam and a planted to and fro are told from steady inputs."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scores.continuous import flip_flop_index

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, parameter
from pipeline.products import layout
from pipeline.products.weights import Learnt, Source, template
from pipeline.steps import Deployment
from pipeline.steps.stability import StabilityRecord, stability
from pipeline.steps.verify_pairs import Pairs

HOUR = Cycle.parse("2026-01-31T06")
SYSTEMS = ("gfs", "ifs", "hourcast")
NAME = "temperature_2m"
ROW = parameter(NAME)


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    """Two clusters, west and east, and a region in the north-east that `hrrr` covers."""
    settings = {"store": "memory://", "grid_resolution": 10, "sources": {"gfs": {}, "ifs": {}, "hrrr": {}}}
    result = Deployment.open(Config.model_validate(settings))
    figures = np.ones((3, 1, 2), np.float32)
    reach = np.full(3, 24, np.int32)
    learnt = Learnt(ROW, None, reach, figures, figures, figures, np.zeros((3, *figures.shape[1:])))
    sources = [Source(name, str(HOUR), 0) for name in ("gfs", "ifs", "hrrr")]
    shape = result.grid.shape
    membership = np.zeros((2, *shape), np.float32)
    membership[0, :, :18], membership[1, :, 18:] = 1, 1
    coverage = np.ones((3, *shape), np.float32)
    coverage[2, :, :20] = coverage[2, :, 30:] = coverage[2, 8:] = 0
    key = paths.forecast(HOUR, "weights.zarr")
    layout.create(result.store, key, template(HOUR, result.grid, sources, (24,), [learnt], synthetic=True))
    fields = {f"{NAME}_membership": membership, "coverage": coverage}
    layout.write_tile(result.store, key, fields, slice(None))
    return result


def pairs(deployment: Deployment, hour: Cycle, seam: float = 0.0, shift: float = 0.0) -> Pairs:
    """Three systems that say the same but for a step of ours between the clusters and a shift."""
    latitude, longitude = (np.deg2rad(part) for part in deployment.grid.places)
    errors = np.repeat(np.cos(latitude)[None], 3, axis=0)
    errors[2] += seam * (longitude < np.pi) + shift
    truth = 5 * np.sin(3 * longitude) * np.cos(latitude)
    return Pairs(hour, SYSTEMS, errors, truth, np.arange(truth.size))


def published(hour: Cycle, row: Parameter, lead: int, fields: object, interval: int) -> np.ndarray:
    raise AssertionError("no hour before was published")


def by_system(records: list[StabilityRecord], measure: str) -> dict[str, float]:
    return {record["system"]: record["value"] for record in records if record["measure"] == measure}


def test_a_seam_between_clusters_is_told_from_steady_inputs(deployment: Deployment) -> None:
    records = stability(deployment, ROW, HOUR, {24: [pairs(deployment, HOUR, seam=3.0)]}, published)
    jump, region = by_system(records, "cluster_contrast"), by_system(records, "region_contrast")
    assert jump["gfs"] == jump["ifs"]
    assert jump["hourcast"] > 1.5 * jump["gfs"]
    assert region["hourcast"] < 1.1 * region["gfs"], "the step is not where the region ends"
    assert by_system(records, "roughness")["hourcast"] > by_system(records, "roughness")["gfs"]


def test_the_index_from_issue_to_issue_is_that_of_scores(deployment: Deployment) -> None:
    shifts = (0.0, 1.0, -0.5, 0.2)
    issues = {96 - 24 * k: [pairs(deployment, HOUR - 72 + 24 * k, shift=shift)] for k, shift in enumerate(shifts)}
    records = [
        record for record in stability(deployment, ROW, HOUR, issues, published) if record["measure"] == "flip_flop"
    ]
    referee = flip_flop_index(xr.DataArray(list(shifts), dims="issue"), "issue")
    assert by_system(records, "flip_flop") == {"gfs": 0, "ifs": 0, "hourcast": pytest.approx(float(referee))}
    assert {(record["lead_time_hours"], record["issues"]) for record in records} == {(24, 4)}


def test_two_issues_or_half_a_globe_give_no_figure(deployment: Deployment) -> None:
    both = {lead: [pairs(deployment, HOUR - 24 * k)] for k, lead in enumerate((24, 48))}
    assert not by_system(stability(deployment, ROW, HOUR, both, published), "flip_flop")
    whole = pairs(deployment, HOUR)
    west = Pairs(HOUR, SYSTEMS, whole.errors[:, ::2], whole.truth[::2], whole.cells[::2])
    assert stability(deployment, ROW, HOUR, {24: [west]}, published) == []
