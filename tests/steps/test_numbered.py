"""Sources that number one sea's swells differently say the same of it, to the blend and to the verification."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.config import Config
from pipeline.parameters import parameter
from pipeline.science.wave_systems import SYSTEMS
from pipeline.steps import Deployment
from pipeline.steps.numbered import as_true, at_hours, verified
from pipeline.steps.runs import contribution
from tests.steps.stored_inputs import HOUR, store_run

SEA = np.array([[2.0, 14.0, 300.0], [1.9, 9.0, 200.0], [0.5, 11.0, 20.0]], np.float32)
"""(system, part)"""


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """A model and analyses of one sea, whose first two swells the model counts otherwise in every other cell."""
    settings = {
        "store": f"file://{tmp_path}/store", "grid_resolution": 30, "last_lead_hours": 24, "synthetic": True,
        "sources": {"gfs_wave": {}, "persistence": {}, "gdas_wave": {}},
        "learning": {"days": 2, "every_hours": 24, "lead_hours": [6, 24]},
    }  # fmt: skip
    deployment = Deployment.open(Config.model_validate(settings))
    size = deployment.grid.places[0].size
    analysed = np.repeat(SEA[:, :, None], size, axis=2)
    said = analysed + 0.1
    said[:2, :, ::2] = said[1::-1, :, ::2]
    for back in range(0, 49, 6):
        store_run(deployment, "gdas_wave", HOUR - back, [0], _fields(analysed, 1))
    store_run(deployment, "gfs_wave", HOUR - 6, [6, 12, 30], _fields(said, 3))
    store_run(deployment, "gfs_wave", HOUR - 30, [6, 12, 30], _fields(said, 3))
    return deployment


def _fields(swells: np.ndarray, leads: int) -> dict[str, np.ndarray]:
    return {
        name: np.repeat(swells[system, part][None], leads, axis=0)
        for system, names in enumerate(SYSTEMS)
        for part, name in enumerate(names)
    }


@pytest.mark.parametrize(("system", "part"), [(0, 0), (0, 1), (0, 2), (1, 1), (2, 2)])
def test_ranks_do_not_matter(deployment: Deployment, system: int, part: int) -> None:
    row, cells = parameter(SYSTEMS[system][part]), slice(0, None)
    model, persisted = (contribution(deployment, name, HOUR) for name in ("gfs_wave", "persistence"))
    assert model is not None
    assert persisted is not None
    ours = at_hours(deployment, model, row, HOUR, [6, 24], cells)
    theirs = at_hours(deployment, persisted, row, HOUR, [6, 24], cells)
    np.testing.assert_allclose(theirs, ours - 0.1, atol=0.3)
    learnt = verified(deployment, "gfs_wave", row, HOUR - 24, 24, 0)
    assert learnt is not None
    np.testing.assert_allclose(learnt, SEA[system, part] + 0.1, atol=0.3)
    published = {parameter(name).name: values[0] for name, values in _fields(_swapped(ours.shape[1]), 1).items()}
    found = as_true(deployment, row, HOUR, lambda of: published[of.name])
    np.testing.assert_allclose(found, SEA[system, part], atol=0.01)


def _swapped(size: int) -> np.ndarray:
    return np.repeat(SEA[[1, 0, 2], :, None], size, axis=2)
