"""Which parameters an hour has: those that a global model can fill the globe with."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.config import Config
from pipeline.parameters import parameter
from pipeline.steps import Deployment
from pipeline.steps.blending import available, lost
from pipeline.steps.runs import Contribution, holds, role
from tests.steps.stored_inputs import HOUR, store_run

AGE = 6
TEMPERATURE, DEW_POINT, ENERGY = "temperature_2m", "dew_point_temperature_2m", "convective_available_potential_energy"


@pytest.fixture
def deployment() -> Deployment:
    """A global model, a regional one, and what an analysis says of the past; nothing has arrived."""
    sources = {name: {} for name in ("gfs", "hrrr", "persistence", "gdas")}
    return Deployment.open(
        Config.model_validate(
            {"store": "memory://", "grid_resolution": 30, "last_lead_hours": 24, "sources": sources, "synthetic": True}
        )
    )


def _store(deployment: Deployment, name: str, leads: list[int], values: dict[str, float], part: float = 1) -> None:
    """A run of the same value everywhere, of a model that covers a part of the globe."""
    places = deployment.grid.places[0].size
    fields = {key: np.full((len(leads), places), value, np.float32) for key, value in values.items()}
    coverage = (np.arange(places) < part * places).astype(np.float32)
    store_run(deployment, name, HOUR - AGE, leads, fields, coverage)


def _available(deployment: Deployment) -> list[str]:
    return [row.name for row in available(deployment, HOUR)]


def test_what_a_region_and_the_past_alone_know_is_left_out_and_told(deployment: Deployment) -> None:
    _store(deployment, "gfs", [6, 12, 30], {TEMPERATURE: 280, DEW_POINT: np.nan})
    _store(deployment, "hrrr", [6, 12, 30], {TEMPERATURE: 280, ENERGY: 900}, part=0.3)
    _store(deployment, "gdas", [0, 6], {TEMPERATURE: 280, DEW_POINT: 275})
    assert _available(deployment) == [TEMPERATURE]
    assert {DEW_POINT, ENERGY} <= {*lost(deployment, HOUR)}
    assert TEMPERATURE not in lost(deployment, HOUR)


def test_what_a_model_that_ends_before_a_pole_alone_has_is_left_out_and_told(deployment: Deployment) -> None:
    """As that of the waves does, whose ice it is: nobody would have a value there."""
    _store(deployment, "gfs", [6, 12, 30], {TEMPERATURE: 280}, part=0.9)
    assert role(deployment, Contribution("gfs", HOUR - AGE, AGE)) == "deterministic"
    assert _available(deployment) == []
    assert TEMPERATURE in lost(deployment, HOUR)


def test_what_no_configured_model_delivers_is_not_missed(deployment: Deployment) -> None:
    _store(deployment, "gfs", [6, 12, 30], {TEMPERATURE: 280})
    assert "significant_wave_height" not in lost(deployment, HOUR)


def test_a_run_that_was_cut_off_before_the_hour_says_nothing_of_it(deployment: Deployment) -> None:
    _store(deployment, "gfs", [0, 3], {TEMPERATURE: 280})
    assert not holds(deployment, Contribution("gfs", HOUR - AGE, AGE), parameter(TEMPERATURE))
    assert _available(deployment) == []
