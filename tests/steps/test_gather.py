"""The ensemble's store is as any other's, of plausible members only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from pipeline import paths
from pipeline.steps import Deployment, gather, integrate
from pipeline.steps.ensembles import ensemble_variance, ensembles, open_ensemble
from pipeline.steps.initial_state import MODEL
from tests.steps.small_ensemble import HOUR, small_ensemble


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    found = small_ensemble(tmp_path)
    integrate.run(found, HOUR, "00-05")
    return found


def _judge(deployment: Deployment, implausible: list[int]) -> None:
    key = paths.work(HOUR, f"{MODEL}/00-05.json")
    record = json.loads(deployment.store.read(key))
    record["implausible"] |= {str(number): ["temperature_2m is not finite"] for number in implausible}
    deployment.store.write(key, json.dumps(record).encode())


def test_members_stand_at_leads_from_the_hour_on_the_target_grid(deployment: Deployment) -> None:
    gather.run(deployment, HOUR, MODEL)
    assert ensembles(deployment, HOUR) == [MODEL]
    data = open_ensemble(deployment, HOUR, MODEL)
    assert data["number"].values.tolist() == [0, 1, 2, 3, 4, 5]
    assert data["lead_time"].values.tolist() == [0, 6, 12, 18, 24, 30]
    native = integrate.read_member(deployment.store.child(paths.work(HOUR, MODEL)), 3, range(1, 7))
    pressure = data["pressure_at_sea_level"].values[3]
    np.testing.assert_allclose(pressure[:, :-1], native[:, 4], atol=1)
    np.testing.assert_allclose(pressure[:, -1].std(1), 0, atol=1e-3)  # the pole, which the model does not have
    assert np.isfinite(data["eastward_wind_10m"].values).all()


def test_the_members_variance_is_known_at_the_verified_leads(deployment: Deployment) -> None:
    from pipeline.parameters import blended

    gather.run(deployment, HOUR, MODEL)
    row = blended()["temperature_2m"]
    members = open_ensemble(deployment, HOUR, MODEL)["temperature_2m"].sel(lead_time=24).values
    found = ensemble_variance(deployment, row, HOUR, 24, 0)
    assert found is not None
    np.testing.assert_allclose(found, members.var(0, ddof=1).ravel(), rtol=0.02, atol=2e-3)


def test_an_implausible_member_is_left_out_and_recorded(deployment: Deployment) -> None:
    _judge(deployment, [2])
    gather.run(deployment, HOUR, MODEL)
    assert open_ensemble(deployment, HOUR, MODEL)["number"].values.tolist() == [0, 1, 3, 4, 5]
    record = json.loads(deployment.store.read(paths.input_record(MODEL, HOUR)))
    assert record["status"] == "partial"
    assert "member 2 left out: temperature_2m is not finite" in record["missing"][0]["reason"]


def test_too_few_members_are_no_ensemble(deployment: Deployment) -> None:
    _judge(deployment, [1, 2, 3])
    with pytest.raises(gather.TooFewMembersError, match="only 3 members"):
        gather.run(deployment, HOUR, MODEL)
    assert ensembles(deployment, HOUR) == []
