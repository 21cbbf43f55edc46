"""Which runs serve an hour: what came while it was made is the next hour's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline import paths
from pipeline.config import Config
from pipeline.parameters import parameter
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles
from pipeline.steps import Deployment, learn
from pipeline.steps.blending import blend_parameter
from pipeline.steps.inputs import Contribution
from pipeline.steps.serving import serving, settle
from tests.tiny_deployment import HOUR, tiny

ROW = parameter("temperature_2m")
LEADS, PLACES = np.arange(13), slice(0, 84)


def test_what_comes_while_an_hour_is_made_serves_the_next(tmp_path: Path) -> None:
    """A run that was due and late: brought in between two tiles of the forecast."""
    deployment = Deployment.open(Config.read(tiny(tmp_path, "store")))
    late = due_cycles(SOURCES["ifs"], HOUR)[0]
    record = deployment.store.read(paths.input_record("ifs", late))
    deployment.store.delete(paths.input_record("ifs", late))
    learn.run(deployment, HOUR, ROW.name)
    first = blend_parameter(deployment, HOUR, ROW, LEADS, PLACES)
    deployment.store.write(paths.input_record("ifs", late), record)
    settle(deployment, HOUR)  # as the next parameter does
    np.testing.assert_array_equal(blend_parameter(deployment, HOUR, ROW, LEADS, PLACES), first)
    assert serving(deployment, HOUR + 1)["ifs"] == Contribution("ifs", late, 13)
    both = serving(deployment, HOUR) | {"ifs": Contribution("ifs", late, 12)}
    assert (blend_parameter(deployment, HOUR, ROW, LEADS, PLACES, runs=both) != first).any()
