"""The shells around learning and blending, on a tiny input store written as ingest writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipeline import paths
from pipeline.config import LATE_HOURS
from pipeline.parameters import parameter
from pipeline.products import layout
from pipeline.sources import SOURCES
from pipeline.steps import Deployment, blending, collate, learn, learn_pairs, skill_store
from pipeline.steps.inputs import TRUTH_HOURS, has_truth, sources_of, truth, truth_delay_hours, verified
from pipeline.steps.runs import contribution
from pipeline.store import arrays as store_arrays
from tests.steps.stored_inputs import AGE, BIAS, HOUR, fill, store_run, tiny_deployment, truth_at


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return tiny_deployment(tmp_path)


def test_the_newest_cycle_that_had_arrived_serves_the_hour(deployment: Deployment) -> None:
    fill(deployment)
    for name in BIAS:
        part = contribution(deployment, name, HOUR)
        assert part is not None
        assert (part.cycle, part.age_hours) == (HOUR - AGE[name], AGE[name])
        assert part.age_hours >= SOURCES[name].delay_hours
    assert contribution(deployment, "gfs", HOUR - 24 * 40) is None
    assert sources_of(deployment, parameter("temperature_2m")) == ("gfs", "ifs"), "an analysis is not blended"


def test_truth_and_forecast_meet_at_the_valid_time(deployment: Deployment) -> None:
    fill(deployment)
    start = HOUR - 48
    found = truth(deployment, parameter("temperature_2m"), start + 24)
    said = verified(deployment, "ifs", parameter("temperature_2m"), start, 24, 0)
    assert found is not None
    assert said is not None
    assert found[1] == 0
    np.testing.assert_allclose(found[0], truth_at(deployment, start + 24), atol=0.01)
    assert abs(float((said - found[0]).mean()) - BIAS["ifs"]) < 0.3
    rain = truth(deployment, parameter("precipitation"), start + 6)
    assert rain is not None
    assert rain[1] == 6, "rain is known for the six hours of the analysis's own short forecast"
    assert verified(deployment, "gfs", parameter("precipitation"), start, 6, 6) is not None
    assert truth(deployment, parameter("temperature_2m"), HOUR + 24) is None, "the future is not known"


def test_learning_recovers_the_planted_bias_and_goes_on_from_the_hour_before(deployment: Deployment) -> None:
    fill(deployment)
    learn.run(deployment, HOUR, "temperature_2m")
    weights = learn.read_weights(deployment, HOUR, "temperature_2m")
    for name, bias in BIAS.items():
        assert abs(float(weights.bias[weights.sources.index(name)].mean()) - bias) < 0.15
    whole = skill_store.read(deployment, "temperature_2m", HOUR).state
    for step in (-30, -24, -18, 0):  # the same knowledge in several sittings
        learn.run(deployment, HOUR + step, "temperature_2m")
    again = skill_store.read(deployment, "temperature_2m", HOUR).state
    np.testing.assert_allclose(again.weight, whole.weight, rtol=1e-4)


def test_amounts_are_learnt_once_whatever_was_killed_and_in_any_number_of_sittings(deployment: Deployment) -> None:
    fill(deployment)
    learn.run(deployment, HOUR, "precipitation")
    key = learn._amounts_key("precipitation", HOUR)
    whole = store_arrays.read(deployment.store, key)
    assert whole["observed_count"].sum() > 0
    fitted = learn.read_correction(deployment, HOUR, "precipitation")
    assert fitted is not None
    for step in (-30, -24, -18, -18, 0):  # the same knowledge in several sittings, one of them twice
        learn.run(deployment, HOUR + step, "precipitation")
    again = store_arrays.read(deployment.store, key)
    for name in ("forecast_count", "observed_count"):
        np.testing.assert_allclose(again[name], whole[name], rtol=1e-4, atol=1e-6)
    deployment.store.delete(paths.skill_head("precipitation", HOUR))
    learn.run(deployment, HOUR, "precipitation")  # killed before it was complete, it begins once more
    xr.testing.assert_equal(store_arrays.read(deployment.store, key), again)


def test_learning_knows_nothing_before_its_truth_has_arrived(deployment: Deployment) -> None:
    fill(deployment)
    row, sources = parameter("temperature_2m"), ("gfs", "ifs")
    delay = truth_delay_hours(deployment)
    states = []
    for hour in (HOUR - 24 + delay, HOUR - 24 + delay + 1):
        start = learn._start(deployment, None, row, sources, learn.places(deployment)).state
        found = learn.absorb(deployment, [row], [start], None, hour)
        states.append(found.states[0].weight.sum(axis=(0, 2)))
    assert (states[1] > states[0]).any(), "the analysis of that midnight counts from the hour after it came"


@pytest.mark.parametrize("name", ["temperature_2m", "precipitation", "eastward_wind_10m"])
def test_a_truth_that_comes_late_is_learnt_from_once(tmp_path: Path, name: str) -> None:
    late, punctual = tiny_deployment(tmp_path / "late"), tiny_deployment(tmp_path / "punctual")
    valid, pair = HOUR - 24, ((HOUR - 48), 24)
    due = valid + truth_delay_hours(late) + 1
    known, awaited = [], []
    for deployment in (punctual, late):
        fill(deployment)
        key = paths.input_record("gdas", valid - TRUTH_HOURS if name == "precipitation" else valid)
        record = deployment.store.read(key)
        for hour in (due, due + 1, due + 2):
            if deployment is late and hour == due:
                deployment.store.delete(key)
            learn.run(deployment, hour, name)
            deployment.store.write(key, record)
            found = skill_store.read(deployment, name, hour)
            known.append(found.state)
            awaited.append(found.awaited)
    assert awaited == [(), (), (), (pair,), (), ()]
    assert known[3].weight[:, 1].sum() < known[0].weight[:, 1].sum() - 0.5 * known[0].weight[:, 1].size
    for punctually, lately in zip(known[1:3], known[4:], strict=True):
        np.testing.assert_allclose(lately.weight, punctually.weight, rtol=1e-3)
        np.testing.assert_allclose(lately.bias, punctually.bias, atol=0.02)


def test_a_truth_that_never_comes_is_awaited_no_longer_than_others_can_be_late(deployment: Deployment) -> None:
    fill(deployment)
    row, start = parameter("temperature_2m"), HOUR - 48
    assert [has_truth(deployment, row, HOUR + step) for step in range(-6, 7, 3)] == [True, False, True, False, True]
    last = start + 24 + truth_delay_hours(deployment) + LATE_HOURS
    missed = [(start, 24), (start, 25)]
    assert learn_pairs.awaited(deployment, row, missed, last) == ((start, 24),), "nobody analyses at 01 UTC"
    assert learn_pairs.awaited(deployment, row, missed, last + 1) == ()


def test_the_blend_removes_the_bias_and_dry_cells_stay_dry(deployment: Deployment) -> None:
    fill(deployment)
    for name in ("temperature_2m", "precipitation", "eastward_wind_10m"):
        learn.run(deployment, HOUR, name)
    everywhere = slice(0, deployment.grid.places[0].size)
    leads = np.arange(25)
    blended = blending.blend_parameter(deployment, HOUR, parameter("temperature_2m"), leads, everywhere)
    assert abs(float((blended[6] - truth_at(deployment, HOUR + 6)).mean())) < 0.3
    rain = blending.blend_parameter(deployment, HOUR, parameter("precipitation"), leads, everywhere)
    np.testing.assert_allclose(rain[6], 0.5, atol=0.03)
    np.testing.assert_allclose(
        blended[:, :12], blending.blend_parameter(deployment, HOUR, parameter("temperature_2m"), leads, slice(0, 12))
    )


def test_sources_that_come_and_go_while_an_hour_is_made_count_from_the_next_one(deployment: Deployment) -> None:
    fill(deployment)
    name, everywhere = "temperature_2m", slice(0, deployment.grid.places[0].size)
    learn.run(deployment, HOUR, name)
    leads, fields = [6, 12, 30], {name: np.full((3, everywhere.stop), 300, np.float32)}
    store_run(deployment, "icon", HOUR - 6, leads, fields)
    both = blending.blend_parameter(deployment, HOUR, parameter(name), np.arange(25), everywhere)
    for names in (("icon", "gfs", "ifs", "gdas"), ("icon", "ifs", "gdas")):
        settings: dict[str, dict[str, str]] = {source: {} for source in names}
        later = Deployment(deployment.config.model_copy(update={"sources": settings}), deployment.store)
        found = blending.blend_parameter(later, HOUR, parameter(name), np.arange(25), everywhere)
        np.testing.assert_allclose(found, both, atol=2)
        collate.run(later, HOUR, "hour")
        key = paths.forecast(HOUR, "weights.zarr")
        weighed = layout.read_tile(deployment.store, key, f"{name}_weight", slice(None))
        assert len(weighed) == len(names) - 2, "neither a source that is new nor the analysis"


def test_a_cell_without_any_source_is_an_error() -> None:
    values = np.full((4, 3), np.nan, np.float32)
    values[1:3, :2] = 5
    with pytest.raises(ValueError, match="no source has a value at any lead in 1 cells"):
        blending.bridge(parameter("temperature_2m"), values)
    filled = blending.bridge(parameter("temperature_2m"), values[:, :2])
    assert (filled == 5).all()


def test_what_only_persistence_has_is_not_learnt(deployment: Deployment) -> None:
    settings: dict[str, dict[str, str]] = {name: {} for name in ("icon", "persistence", "gdas")}
    later = Deployment(deployment.config.model_copy(update={"sources": settings}), deployment.store)
    shards = learn.shards(later, HOUR)
    assert "temperature_2m" in shards
    assert sources_of(later, parameter("visibility")) == ("persistence",)
    assert "visibility" not in shards, "no hour would come of it: there is no model to weigh"
