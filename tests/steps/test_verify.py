"""Verification: known errors give known scores, of the published hour and of the hours before it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scores.continuous import additive_bias, mae, rmse

from pipeline import paths
from pipeline.parameters import parameter
from pipeline.products import layout
from pipeline.steps import Deployment, learn, verify
from pipeline.steps.inputs import truth_delay_hours, verified
from pipeline.steps.verify_pairs import Pairs, pair, score_pairs, score_vectors
from tests.steps.stored_inputs import BIAS, HOUR, fill, store_run, tiny_deployment, truth_at

NAME = "temperature_2m"
LEAD = 24


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A learnt hour whose published temperature is the truth plus 0.5 K, and the truth of its last lead."""
    deployment = tiny_deployment(tmp_path_factory.mktemp("verify"))
    fill(deployment, last_hours=LEAD)
    learn.run(deployment, HOUR, NAME)
    grid, leads = deployment.grid, range(LEAD + 1)
    best = layout.best(HOUR, grid, leads, [parameter(NAME)], tile_rows=grid.shape[0], synthetic=True)
    likely = layout.probability(HOUR, grid, leads, [], (0.5,), tile_rows=grid.shape[0], synthetic=True)
    layout.create(deployment.store, paths.forecast(HOUR, "best.zarr"), best)
    layout.create(deployment.store, paths.forecast(HOUR, "probability.zarr"), likely)
    fields = np.stack([truth_at(deployment, HOUR + lead) + np.float32(0.5) for lead in leads])
    tile = {NAME: fields.reshape(len(leads), *grid.shape)}
    layout.write_tile(deployment.store, paths.forecast(HOUR, "best.zarr"), tile, slice(0, grid.shape[0]))
    deployment.store.write(paths.forecast(HOUR, "manifest.json"), b"{}")
    return deployment


def _records(deployment: Deployment) -> dict[tuple[float, str], dict[str, float]]:
    records = json.loads(deployment.store.read(paths.scores(HOUR, "scores.json")))
    return {(record["lead_time_hours"], record["system"]): record for record in records}


def test_known_errors_give_known_scores(deployment: Deployment) -> None:
    verify.run(deployment, HOUR + LEAD + truth_delay_hours(deployment), str(HOUR))
    found = _records(deployment)
    for lead in (6, 24):
        ours = found[lead, "hourcast"]
        for name in ("bias", "mae", "rmse"):
            assert ours[name] == pytest.approx(0.5, abs=0.01)
        for source, bias in BIAS.items():
            assert found[lead, source]["bias"] == pytest.approx(bias, abs=0.4)
        assert found[lead, "best_source"] == found[lead, "ifs"] | {"system": "best_source"}, "the less biased one"
        assert found[lead, "equal_weights"]["bias"] == pytest.approx(sum(BIAS.values()) / 2, abs=0.3)


def test_scores_equal_those_of_the_scores_library(deployment: Deployment) -> None:
    skill = np.array([np.nan, np.nan])
    pairs = pair(deployment, parameter(NAME), HOUR, LEAD, skill, lambda fields, _: fields["gfs"])
    assert pairs is not None
    record = score_pairs(deployment, NAME, LEAD, [pairs])[0]
    area = np.repeat(deployment.grid.cell_area, deployment.grid.shape[1])[pairs.cells]
    weights = xr.DataArray(area / area.mean(), dims="cell")
    seen = xr.DataArray(pairs.truth, dims="cell")
    said = seen + xr.DataArray(pairs.errors[0], dims="cell")
    assert record["rmse"] == pytest.approx(float(rmse(said, seen, weights=weights)), rel=1e-9)
    assert record["mae"] == pytest.approx(float(mae(said, seen, weights=weights)), rel=1e-9)
    assert record["bias"] == pytest.approx(float(additive_bias(said, seen, weights=weights)), rel=1e-9)


@pytest.mark.parametrize(("before", "lead", "is_scored"), [(24, 6, True), (21, 3, False)])
def test_amounts_of_hours_before_the_scored_one_are_no_part_of_it(
    deployment: Deployment, before: int, lead: int, is_scored: bool
) -> None:
    row, scored = parameter("precipitation"), HOUR - before
    assert verified(deployment, "gfs", row, scored, lead, 6) is not None
    pairs = pair(deployment, row, scored, lead, np.array([np.nan, np.nan]), lambda fields, _: fields["gfs"])
    assert (pairs is not None) == is_scored


def test_earlier_hours_are_scored_with_what_was_known_then(deployment: Deployment) -> None:
    now = HOUR + LEAD + truth_delay_hours(deployment)
    alone, *_ = verify.score_parameter(deployment, NAME, HOUR, now)
    earlier = [HOUR - 72, HOUR - 48]
    for hour in earlier:
        learn.run(deployment, hour, NAME)
    more, *_ = verify.score_parameter(deployment, NAME, HOUR, now, earlier)
    by = {(record["lead_time_hours"], record["system"]): record for record in more}
    for record in alone:
        assert by[record["lead_time_hours"], record["system"]]["n"] == 3 * record["n"]
    assert by[24.0, "hourcast"]["rmse"] < by[24.0, "equal_weights"]["rmse"]


def _drawn(hour: int, size: float) -> Pairs:
    """Errors of a source and of ours, which errs by half of that."""
    generator = np.random.default_rng(hour)
    source = size * generator.standard_normal(84)
    errors = np.stack([source, source / 2])
    return Pairs(HOUR + 24 * hour, ("gfs", "hourcast"), errors, np.zeros(84), np.arange(84))


def test_a_difference_and_its_interval_are_ours_less_the_others(deployment: Deployment) -> None:
    theirs, ours = score_pairs(deployment, NAME, LEAD, [_drawn(hour, 1 + hour) for hour in range(4)])
    assert theirs["difference"] == pytest.approx(ours["rmse"] - theirs["rmse"])
    assert theirs["difference_low"] < theirs["difference"] < theirs["difference_high"] < 0
    assert (ours["hours"], ours["n"]) == (4, 4 * 84)
    assert "difference" not in ours
    # Paired: half of a source's error is surely less, though the intervals of the two overlap.
    assert ours["rmse_high"] > theirs["rmse_low"]


def test_a_vector_errs_by_the_length_of_its_components_errors(deployment: Deployment) -> None:
    east, north = [_drawn(hour, 1.0) for hour in (0, 1)], [_drawn(hour, 2.0) for hour in (1, 2)]
    records = score_vectors(deployment, "wind_vector_10m", LEAD, east, north)
    components = [score_pairs(deployment, NAME, LEAD, [part]) for part in (east[1], north[0])]
    assert [record["hours"] for record in records] == [1, 1], "only one hour has both"
    for vector, first, second in zip(records, *components, strict=True):
        assert vector["rmse"] == pytest.approx(np.hypot(first["rmse"], second["rmse"]))
        assert vector["bias"] == pytest.approx(np.hypot(first["bias"], second["bias"]))
    assert score_vectors(deployment, "wind_vector_10m", LEAD, east[:1], north) == []


@pytest.mark.parametrize("every", [1, 5, 6])
def test_an_hour_is_scored_when_truth_of_it_comes_and_once_more_for_late_truth(tmp_path: Path, every: int) -> None:
    """Truth of the leads 6 and 24 of an hour among others that are published every so many hours."""
    deployment = tiny_deployment(tmp_path)
    delay = truth_delay_hours(deployment)
    hours = [HOUR + every * number for number in range(-80, 80)]
    for hour in hours:
        deployment.store.write(paths.forecast(hour, "manifest.json"), b"{}")
    scored = {hour: verify.shards(deployment, hour) for hour in hours}
    assert [hour for hour in hours if str(HOUR) in scored[hour]] == [
        next(hour for hour in hours if hour >= HOUR + (delay + age)) for age in (6, 24, 54, 72)
    ]
    assert max(map(len, scored.values())) == 4


def _as_configured_later(deployment: Deployment, **settings: object) -> Deployment:
    changed = deployment.config.model_dump() | settings
    return Deployment(type(deployment.config).model_validate(changed), deployment.store)


def test_an_hour_is_scored_as_before_once_sources_were_added_and_their_order_changed(deployment: Deployment) -> None:
    now = HOUR + LEAD + truth_delay_hours(deployment)
    before, *_ = verify.score_parameter(deployment, NAME, HOUR, now)
    sources: dict[str, dict[str, str]] = {name: {} for name in ("icon", "ifs", "gfs", "gdas")}
    after, *_ = verify.score_parameter(_as_configured_later(deployment, sources=sources), NAME, HOUR, now)
    by = {(record["lead_time_hours"], record["system"]): record["rmse"] for record in after}
    assert len(before) == len(after)
    for record in before:
        assert by[record["lead_time_hours"], record["system"]] == pytest.approx(record["rmse"])


def test_an_hour_is_scored_as_far_as_it_went_once_the_forecast_goes_further(deployment: Deployment) -> None:
    further = {"days": 12, "every_hours": 24, "lead_hours": [3, 6, 24, 48]}
    later = _as_configured_later(deployment, last_lead_hours=48, learning=further)
    now, fields = HOUR + 48 + truth_delay_hours(deployment), truth_at(deployment, HOUR + 48)[None]
    store_run(later, "gdas", HOUR + 48, [0], {NAME: fields})
    verify.run(later, now, str(HOUR))
    assert {lead for lead, _ in _records(later)} == {6.0, 24.0}, "a lead of three hours has no truth"
    deployment.store.delete(paths.input_record("gdas", HOUR + 48))
