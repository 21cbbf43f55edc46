"""Directions of waves count by their energy, in the blend as in what is learnt and scored of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import Config
from pipeline.parameters import parameter
from pipeline.science.weights import Weights
from pipeline.steps import Deployment, learn, skill_store
from pipeline.steps.blending import blend_parameter
from pipeline.steps.hindcast import blend_fields, hindcast
from pipeline.steps.learn_pairs import read_pairs
from pipeline.steps.numbered import verified
from tests.steps.stored_inputs import HOUR, store_run

ROW = parameter("wave_direction")
HIGH, LOW = (4.0, 100.0), (0.5, 200.0)
"""Height (m) and direction (degrees) of the true sea and of one that hardly exists."""


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """A model that tells the truth, and one that has next to no waves, which come from elsewhere, for five days."""
    settings = {
        "store": f"file://{tmp_path}/store", "grid_resolution": 30, "last_lead_hours": 24, "synthetic": True,
        "sources": {"gfs_wave": {}, "ecmwf_wam": {}, "gdas_wave": {}},
        "learning": {"days": 5, "every_hours": 24, "lead_hours": [6, 24]},
    }  # fmt: skip
    deployment = Deployment.open(Config.model_validate(settings))
    size = deployment.grid.places[0].size
    generator = np.random.default_rng(1)

    def sea(waves: tuple[float, float], leads: int) -> dict[str, np.ndarray]:
        angle = waves[1] + generator.normal(0, 5, (leads, size))
        return {
            "significant_wave_height": np.full((leads, size), waves[0], np.float32),
            "wave_direction": angle.astype(np.float32),
        }

    for back in range(0, 121, 6):
        store_run(deployment, "gdas_wave", HOUR - back, [0], sea(HIGH, 1))
    for back in range(0, 121, 24):
        for name, waves, age in (("gfs_wave", HIGH, 6), ("ecmwf_wam", LOW, 12)):
            store_run(deployment, name, HOUR - age - back, [age, age + 6, age + 24], sea(waves, 3))
    return deployment


def test_a_past_blend_is_scored_as_it_was_published(deployment: Deployment) -> None:
    learn.run(deployment, HOUR, ROW.name)
    published = blend_parameter(deployment, HOUR, ROW, np.array([6, 24]), slice(0, None))
    then = hindcast(deployment, ROW, HOUR)
    for published_then, lead in zip(published, (6, 24), strict=True):
        fields = {name: verified(deployment, name, ROW, HOUR, lead, 0) for name in ("gfs_wave", "ecmwf_wam")}
        assert all(field is not None for field in fields.values())
        np.testing.assert_allclose(blend_fields(deployment, ROW, then, lead, fields), published_then, atol=0.01)


def test_the_guard_judges_the_blend_that_is_made(deployment: Deployment) -> None:
    """Of 4 m from 100 and 0.5 m from 200 degrees equal weights make 101 by energy, 150 without."""
    learn.run(deployment, HOUR - 72, ROW.name)
    state = skill_store.read(deployment, ROW.name, HOUR - 72).state
    pairs = read_pairs(deployment, [ROW], [state], HOUR - 48, 6)
    assert pairs is not None
    pair = pairs[0]
    assert pair.energy is not None
    np.testing.assert_allclose(pair.energy[:, 0].mean(axis=1), [HIGH[0] ** 2, LOW[0] ** 2], rtol=0.02)
    half = np.full((2, 2, pair.observed.size), 0.5, np.float32)
    scheme = Weights(state.sources, state.lead_bins, 0 * half, half, half[0], half[0])
    errors = []
    for energy in (pair.energy, None):
        fresh = learn._start(deployment, None, ROW, state.sources, learn.places(deployment)).state
        learn._take_in(ROW, fresh, None, (scheme, None), 6, replace(pair, energy=energy))
        errors.append(np.sqrt(fresh.contest[0, 0].mean()))
    assert errors[0] < 10
    assert errors[1] > 40
