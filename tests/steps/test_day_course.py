"""A bias that follows the sun, from the skill through the blend to what is published and explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipeline import paths
from pipeline.explain import explain
from pipeline.parameters import parameter
from pipeline.steps import Deployment, blending, collate, forecast, learn, publish, validate
from tests.steps.stored_inputs import HOUR, NAMES, fill, tiny_deployment, truth_at

NAME, COURSE = "temperature_2m", 3.0


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    folder: Path = tmp_path_factory.mktemp("course")
    result = tiny_deployment(folder, every_hours=6)
    fill(result, course=COURSE)
    for step in (learn, collate, forecast, validate, publish):
        for shard in step.shards(result, HOUR):
            if step is not learn or shard in NAMES:
                step.run(result, HOUR, shard)
    return result


def test_the_blend_is_rid_of_it_at_other_hours_than_that_of_the_start(deployment: Deployment) -> None:
    weights = learn.read_weights(deployment, HOUR, NAME)
    assert weights.course is not None
    everywhere, leads = slice(0, deployment.grid.places[0].size), np.array([6, 24])
    blended = blending.blend_parameter(deployment, HOUR, parameter(NAME), leads, everywhere)
    for lead, field in zip(leads, blended, strict=True):
        error = field - truth_at(deployment, HOUR + int(lead))
        assert np.sqrt((error**2).mean()) < 1.2, "the noise of two sources, and little of a course of 3 K"


def test_it_is_published_beside_the_bias(deployment: Deployment) -> None:
    published = xr.open_zarr(deployment.store.zarr(paths.forecast(HOUR, "weights.zarr")))
    weights = learn.read_weights(deployment, HOUR, NAME)
    course = published[f"{NAME}_course"]
    assert course.dims == ("wave", "source", "lead_bin", "latitude", "longitude")
    assert course["wave"].values.tolist() == ["cosine", "sine"]
    np.testing.assert_array_equal(course.values.reshape(weights.course.shape), weights.course)


def test_it_is_part_of_the_explanation(deployment: Deployment) -> None:
    weights = learn.read_weights(deployment, HOUR, NAME)
    for lead in (0, 6, 15):
        found = explain(deployment, HOUR, 30, 120, NAME, lead)
        assert found.exact
        link = next(link for link in found.behind.links if link.source == "gfs")
        assert link.bias == pytest.approx(link.value - link.corrected, abs=1e-3)
    assert np.abs(weights.course[:, 0]).max() > 1
