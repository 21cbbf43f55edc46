"""The ensemble's store is as any other's, of plausible members only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from pipeline import paths
from pipeline.parameters import blended
from pipeline.steps import Deployment, gather, integrate, member_statistics
from pipeline.steps.ensembles import ensemble_variance, open_ensemble
from pipeline.steps.initial_state import MODEL
from pipeline.steps.served import ensembles
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


def test_statistics_over_the_members_lie_beside_them(deployment: Deployment) -> None:
    gather.run(deployment, HOUR, MODEL)
    data = open_ensemble(deployment, HOUR, MODEL).isel(latitude=slice(1, -1))  # without the poles, which are means
    for name in ("temperature_2m", "wind_speed_10m", "eastward_wind_10m"):
        members, row = data[name].values.astype(np.float64), blended()[name]
        near = {"rtol": 1e-5, "atol": 3 * row.precision}  # all have been rounded
        assert data[f"{name}_mean"].dims == data[f"{name}_spread"].dims == ("lead_time", "latitude", "longitude")
        np.testing.assert_allclose(data[f"{name}_mean"], members.mean(0), **near)
        np.testing.assert_allclose(data[f"{name}_spread"], members.std(0, ddof=1), **near)
        quantiles = np.quantile(members, data["quantile"].values, axis=0, method="hazen")
        np.testing.assert_allclose(data[f"{name}_quantile"], quantiles, **near)
        assert data[f"{name}_mean"].attrs["standard_name"] == row.standard_name
    thresholds = data["temperature_2m_threshold"].values
    assert thresholds.tolist() == list(blended()["temperature_2m"].thresholds)
    share = (data["temperature_2m"].values[None] > thresholds[:, None, None, None, None]).mean(1)
    found = data["temperature_2m_exceedance"].values
    wrong = ~np.isclose(found, share, atol=0.006)
    assert wrong.mean() < 0.01, "but where a member was rounded across a threshold"
    assert 0.1 < found.mean() < 0.9


def _statistics(deployment: Deployment) -> dict[str, bytes]:
    """Every array over members, by name."""
    gather.run(deployment, HOUR, MODEL)
    data = open_ensemble(deployment, HOUR, MODEL)
    kinds = ("_mean", "_spread", "_quantile", "_exceedance")
    return {str(name): data[name].values.tobytes() for name in data if str(name).endswith(kinds)}


def test_statistics_are_the_same_whether_one_job_had_all_members_or_several(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = small_ensemble(tmp_path, "split", members_per_job=4)
    for shard in integrate.shards(split, HOUR):
        integrate.run(split, HOUR, shard)
    with monkeypatch.context() as patched:
        patched.setattr(member_statistics, "CHUNK_BYTES", 4 * 4 * 13 * 24)  # two chunks, the second not full
        of_members = _statistics(split)
    assert len(of_members) == 5 * 3 + 3
    monkeypatch.setattr(member_statistics, "of_ordered", None)  # the job has made them; members are not read for them
    assert _statistics(deployment) == of_members


def test_statistics_are_of_those_members_that_are_left(deployment: Deployment) -> None:
    _judge(deployment, [2])
    gather.run(deployment, HOUR, MODEL)
    data = open_ensemble(deployment, HOUR, MODEL)
    mean = data["pressure_at_sea_level"].values[:, :, 1:-1].astype(np.float64).mean(0)
    np.testing.assert_allclose(data["pressure_at_sea_level_mean"].values[:, 1:-1], mean, atol=2)


def test_too_few_members_are_no_ensemble(deployment: Deployment) -> None:
    _judge(deployment, [1, 2, 3])
    with pytest.raises(gather.TooFewMembersError, match="only 3 members"):
        gather.run(deployment, HOUR, MODEL)
    assert ensembles(deployment, HOUR) == []
