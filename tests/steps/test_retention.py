"""What is removed is old and needed by nobody; the next hour learns the same from what is left."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import journal, paths
from pipeline.config import RetentionConfig
from pipeline.cycle import Cycle
from pipeline.steps import Deployment, learn
from pipeline.steps.retention import remove_old
from tests.steps.stored_inputs import HOUR, NAMES, fill, tiny_deployment

LATER = HOUR + 24 * 10
KEPT_DAYS = 14  # the fewest that a deployment which learns from twelve may keep


def _keys(deployment: Deployment) -> set[str]:
    return {info.key for info in deployment.store.list("")}


def _with(deployment: Deployment, **days: int) -> Deployment:
    config = deployment.config.model_copy(update={"retention": RetentionConfig(**days)})
    return replace(deployment, config=config)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """Twelve days of inputs, a learnt hour, and three hours of work, of which the second was not published."""
    deployment = tiny_deployment(tmp_path)
    fill(deployment)
    learn.run(deployment, HOUR, NAMES[0])
    for hour in (HOUR, HOUR + 1, HOUR + 2):
        deployment.store.write(paths.work(hour, "validated/000.json"), b"{}")
        deployment.store.write(paths.stations(hour, "temperature_2m_ramp.json"), b"{}")
        if hour != HOUR + 1:
            deployment.store.write(paths.forecast(hour, "manifest.json"), b"{}")
            journal.finish(deployment.store, hour)
    return deployment


def test_without_a_rule_nothing_is_removed(deployment: Deployment) -> None:
    before = _keys(deployment)
    remove_old(deployment, HOUR + 24 * 1000)
    assert _keys(deployment) == before


def test_work_goes_once_published_and_inputs_once_too_old_to_learn_from(deployment: Deployment) -> None:
    rule = _with(deployment, work_days=1, input_days=KEPT_DAYS)
    remove_old(rule, HOUR + 26)
    assert deployment.store.list_folders("work") == [str(HOUR + 1), str(HOUR + 2)]
    remove_old(rule, LATER)
    left = deployment.store.list_folders("input/gfs")
    assert min(Cycle.parse(name.removesuffix(".zarr")) for name in left) >= LATER - 24 * KEPT_DAYS
    assert len(left) == 4
    assert {key.split("/")[2].split(".")[0] for key in _keys(deployment) if key.startswith("input/gfs/")} == {
        name.removesuffix(".zarr") for name in left
    }
    assert deployment.store.exists(paths.forecast(HOUR, "manifest.json"))


def test_a_second_time_removes_nothing_more(deployment: Deployment) -> None:
    rule = _with(deployment, work_days=1, input_days=KEPT_DAYS)
    remove_old(rule, LATER)
    left = _keys(deployment)
    remove_old(rule, LATER)
    remove_old(rule, HOUR)
    assert _keys(deployment) == left


def test_the_newest_skill_outlives_every_rule(deployment: Deployment) -> None:
    remove_old(_with(deployment, input_days=KEPT_DAYS), HOUR + 24 * 1000)
    assert deployment.store.list_folders("skill") == [str(HOUR)]
    assert deployment.store.list_folders("stations") == [str(HOUR + 2)]
    assert deployment.store.list_folders("work") == []


def test_the_next_hour_learns_the_same(deployment: Deployment, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "store", tmp_path / "whole/store")
    whole = tiny_deployment(tmp_path / "whole")
    remove_old(_with(deployment, work_days=1, input_days=KEPT_DAYS), LATER)
    assert len(_keys(deployment)) < len(_keys(whole))
    for each in (deployment, whole):
        learn.run(each, LATER, NAMES[0])
    prefix = f"skill/{LATER}"
    learnt = [{info.key: each.store.read(info.key) for info in each.store.list(prefix)} for each in (deployment, whole)]
    assert learnt[0] == learnt[1]
    assert learnt[0]


def test_what_is_delivered_of_a_customers_order_is_known_until_all_is(deployment: Deployment) -> None:
    rule = _with(deployment, work_days=1, input_days=KEPT_DAYS)
    noted = paths.export_record(HOUR, "acme.000")
    deployment.store.write(noted, b"[]")
    deployment.store.delete(f"{paths.journal(HOUR)}/finished.json")
    remove_old(rule, HOUR + 26)
    assert deployment.store.list_folders(f"work/{HOUR}") == ["exports"]
    assert deployment.store.exists(noted)
    journal.finish(deployment.store, HOUR)
    remove_old(rule, HOUR + 26)
    assert str(HOUR) not in deployment.store.list_folders("work")


def test_customers_files_go_with_their_hour_and_after_their_days(deployment: Deployment) -> None:
    for hour in (HOUR, HOUR + 1, HOUR + 2):  # the second was not published
        deployment.store.write(f"{paths.exports('acme')}/{hour}/grib2/f000.grib2", b"GRIB")
    deployment.store.write(f"{paths.exports('acme')}/latest.json", b"{}")
    remove_old(deployment, HOUR + 24 * 1000)
    assert deployment.store.list_folders("exports/acme") == [str(HOUR), str(HOUR + 2)]
    remove_old(_with(deployment, export_days=1), HOUR + 25)
    assert deployment.store.list_folders("exports/acme") == [str(HOUR + 2)]
    assert deployment.store.exists("exports/acme/latest.json")
