"""A short run and the longer one before it: together they say what a source says of all hours."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.inputs import at_hours, verified
from pipeline.steps.runs import Contribution, contribution, valid_hours
from tests.steps.stored_inputs import store_run

HOUR = Cycle.parse("2026-06-01T15")  # IFS of 06 UTC, which ends at 144 h, has come by then
SHORT, LONG = HOUR - 9, HOUR - 15
PART = Contribution("ifs", SHORT, 9, LONG)
WARM, SIDE = parameter("temperature_2m"), parameter("wave_direction")
END = 144 - 9
EVERYWHERE = slice(0, 84)


@pytest.fixture
def deployment() -> Deployment:
    """IFS of 300 and 290 K, of waves from 350 and 10 degrees."""
    settings = {"store": "memory://", "grid_resolution": 30, "last_lead_hours": 240, "synthetic": True}
    made = Deployment.open(Config.model_validate(settings | {"sources": {"ifs": {}, "gdas": {}}}))
    for cycle, warm, side in ((SHORT, 300.0, 350.0), (LONG, 290.0, 10.0)):
        leads = list(SOURCES["ifs"].leads(cycle))
        fields = {WARM.name: warm, SIDE.name: side}
        store_run(made, "ifs", cycle, leads, {
            name: np.full((len(leads), 84), value, np.float32) for name, value in fields.items()
        })  # fmt: skip
    return made


def test_the_longer_run_before_a_short_one_is_part_of_what_a_source_says(deployment: Deployment) -> None:
    assert contribution(deployment, "ifs", HOUR) == PART
    assert contribution(deployment, "ifs", HOUR - 6) == Contribution("ifs", LONG, 9), "a long one needs no other"
    hours = valid_hours(deployment, PART, WARM)
    assert hours[-1] == 360 - 15
    assert (np.diff(hours) > 0).all()


def test_the_longer_run_takes_over_without_a_step(deployment: Deployment) -> None:
    values = at_hours(deployment, PART, WARM, HOUR, list(range(241)), EVERYWHERE)[:, 0]
    assert (values[: END - 6] == 300).all()
    assert (values[END + 1 :] == 290).all()
    assert np.isfinite(values).all()
    assert np.diff(values).max() <= 0
    assert np.diff(values).min() >= -10 / 5


def test_a_direction_is_of_one_run_or_the_other(deployment: Deployment) -> None:
    values = at_hours(deployment, PART, SIDE, HOUR, list(range(241)), EVERYWHERE)[:, 0]
    assert {*values.tolist()} == {350.0, 10.0}


def test_what_a_source_said_is_verified_by_the_run_that_said_it(deployment: Deployment) -> None:
    for lead, said in ((120, 300), (240, 290)):
        field = verified(deployment, "ifs", WARM, HOUR, lead, 0)
        assert field is not None
        assert (field == said).all()
    assert verified(deployment, "ifs", WARM, HOUR, 360, 0) is None
