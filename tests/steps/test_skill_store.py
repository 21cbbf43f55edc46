"""What is written of the skill from hour to hour: lead bins that verify; what an hour still needs does not go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline import paths
from pipeline.config import RetentionConfig
from pipeline.cycle import Cycle
from pipeline.science.skill import STATISTICS, decay, decay_factors
from pipeline.steps import Deployment, learn, skill_store
from pipeline.steps.inputs import truth_delay_hours
from pipeline.steps.retention import remove_old
from pipeline.steps.skill_store import CARRIED_HOURS
from pipeline.store import arrays as store_arrays
from tests.steps.stored_inputs import HOUR, fill, tiny_deployment

NAME, VECTOR = "temperature_2m", ("eastward_wind_10m", "northward_wind_10m")


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """Inputs until an hour after a truth, and the skill of the hour before it."""
    deployment = tiny_deployment(tmp_path)
    fill(deployment)
    return deployment


def _stored(deployment: Deployment, hour: Cycle) -> dict[str, bytes]:
    return {info.key: deployment.store.read(info.key) for info in deployment.store.list(f"skill/{hour}")}


def test_only_lead_bins_that_verify_are_written(deployment: Deployment) -> None:
    known = HOUR - 24 + truth_delay_hours(deployment)  # then the start of a day before verifies at 24 h, none at 6 h
    learn.run(deployment, known, NAME)
    learn.run(deployment, known + 1, NAME)
    first, then = (skill_store.read(deployment, NAME, hour) for hour in (known, known + 1))
    assert then.written == {6.0: known, 24.0: known + 1}
    assert then.state.weight[:, 1].sum() > first.state.weight[:, 1].sum()
    aged = decay(first.state, decay_factors(first.state.lead_bins, 1))
    for name in STATISTICS:
        lead_bin = -1 if name == "echo" else -2
        at = (Ellipsis, 0) if lead_bin == -1 else (Ellipsis, 0, slice(None))
        np.testing.assert_array_equal(getattr(then.state, name)[at], getattr(aged, name)[at], err_msg=name)


def test_an_hour_without_a_truth_writes_its_head_alone(deployment: Deployment) -> None:
    learn.run(deployment, HOUR, NAME)
    learn.run(deployment, HOUR + 1, NAME)
    assert list(_stored(deployment, HOUR + 1)) == [paths.skill_head(NAME, HOUR + 1)]


def test_what_no_truth_reaches_is_written_once_a_day(deployment: Deployment) -> None:
    hours = [HOUR + step for step in (10, 20, 30, 40, 50)]
    for hour in hours:
        learn.run(deployment, hour, NAME)
        written = skill_store.read(deployment, NAME, hour).written.values()
        assert min(written) >= hour - CARRIED_HOURS
    assert [len(_stored(deployment, hour)) > 1 for hour in hours] == [True, False, False, True, False]


def test_a_killed_hour_is_no_skill_and_comes_out_the_same_again(deployment: Deployment) -> None:
    learn.run(deployment, HOUR - 24, VECTOR[0])
    learn.run(deployment, HOUR, VECTOR[0])
    whole = _stored(deployment, HOUR)
    head = paths.skill_head(VECTOR[1], HOUR)
    deployment.store.delete(head)
    for key in list(whole)[::3]:  # a part of it was written, and something else beside it
        deployment.store.write(key, b"half")
    assert skill_store.newest(deployment, VECTOR, HOUR + 1) == HOUR - 24
    learn.run(deployment, HOUR, VECTOR[0])
    assert _stored(deployment, HOUR) == whole


def test_sources_that_come_later_are_unknown_in_lead_bins_that_stay(deployment: Deployment) -> None:
    learn.run(deployment, HOUR, NAME)
    sources = deployment.config.sources
    more = replace(
        deployment, config=deployment.config.model_copy(update={"sources": sources | {"icon": sources["gfs"]}})
    )
    learn.run(more, HOUR + 1, NAME)
    old, new = (skill_store.read(deployment, NAME, hour) for hour in (HOUR, HOUR + 1))
    assert new.written == old.written
    assert set(new.state.sources) - set(old.state.sources) == {"icon"}
    kept = [new.state.sources.index(name) for name in old.state.sources]
    np.testing.assert_array_equal(new.state.mean[kept], old.state.mean)
    assert not new.state.weight[new.state.sources.index("icon")].any()


def test_retention_keeps_what_the_oldest_hour_that_it_keeps_refers_to(deployment: Deployment) -> None:
    for step in (10, 30, 40, 60):
        learn.run(deployment, HOUR + step, NAME)
    rule = replace(
        deployment, config=deployment.config.model_copy(update={"retention": RetentionConfig(input_days=14)})
    )
    kept = HOUR + 30
    remove_old(rule, kept + 24 * 14)
    assert skill_store.read(deployment, NAME, kept).written[6.0] == HOUR + 10
    remove_old(rule, HOUR + 24 * 400)
    assert skill_store.read(deployment, NAME, HOUR + 60).written[6.0] == HOUR + 40
    assert str(HOUR + 10) not in deployment.store.list_folders("skill")


@pytest.mark.parametrize("name", [NAME, "precipitation"])
def test_lead_bins_that_come_later_take_nothing_from_those_that_stay(deployment: Deployment, name: str) -> None:
    learn.run(deployment, HOUR, name)
    learning = deployment.config.learning.model_copy(update={"lead_hours": (12, 24)})
    other = replace(deployment, config=deployment.config.model_copy(update={"learning": learning}))
    learn.run(other, HOUR + 1, name)
    old, new = (skill_store.read(deployment, name, hour) for hour in (HOUR, HOUR + 1))
    assert new.written == {12.0: HOUR + 1, 24.0: HOUR}
    np.testing.assert_array_equal(new.state.mean[:, 1], old.state.mean[:, 1])
    assert not new.state.weight[:, 0].any()
    assert new.state.weight[:, 1].all()
    if name == "precipitation":
        keys = [learn._amounts_key(name, hour) for hour in (HOUR, HOUR + 1)]
        was, now = (store_arrays.read(deployment.store, key)["observed_count"].values for key in keys)
        np.testing.assert_allclose(now[:, 1], was[:, 1], rtol=1e-3)
        assert not now[:, 0].any()
