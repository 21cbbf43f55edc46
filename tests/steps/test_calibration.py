"""Calibration records of distributions whose worth is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scores.probability import brier_score

from pipeline import paths
from pipeline.parameters import parameter
from pipeline.products import layout
from pipeline.steps import Deployment
from pipeline.steps.calibration import calibrate, quantile_histogram, reliability
from pipeline.steps.verify_pairs import Pairs
from tests.steps.stored_inputs import HOUR, fill, tiny_deployment, truth_at

NAME, LEAD = "temperature_2m", 24
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
MEMBERS = 20


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A published distribution about a centre that errs as much as it says, and members twice as wide and 1 K off."""
    deployment = tiny_deployment(tmp_path_factory.mktemp("calibration"))
    fill(deployment, last_hours=LEAD)
    grid, row, leads = deployment.grid, parameter(NAME), range(LEAD + 1)
    centre = truth_at(deployment, HOUR + LEAD) + _error(deployment)
    likely = layout.probability(HOUR, grid, leads, [row], LEVELS, tile_rows=grid.shape[0], synthetic=True)
    layout.create(deployment.store, paths.forecast(HOUR, "probability.zarr"), likely)
    quantiles = np.repeat((centre + stats.norm.ppf(LEVELS)[:, None])[:, None], len(leads), axis=1)
    chances = np.repeat(stats.norm.sf(np.array(row.thresholds)[:, None] - centre)[:, None], len(leads), axis=1)
    tile = {
        f"{NAME}_{what}": values.reshape(len(values), len(leads), *grid.shape).astype(np.float32)
        for what, values in (("quantile", quantiles), ("exceedance", chances))
    }
    layout.write_tile(deployment.store, paths.forecast(HOUR, "probability.zarr"), tile, slice(0, grid.shape[0]))
    return deployment


def _error(deployment: Deployment) -> np.ndarray:
    return np.random.default_rng(11).normal(size=deployment.grid.places[0].size).astype(np.float32)


def _pairs(deployment: Deployment) -> Pairs:
    truth, cells = truth_at(deployment, HOUR + LEAD), np.arange(deployment.grid.places[0].size)
    return Pairs(HOUR, ("hourcast",), _error(deployment)[None].astype(float), truth.astype(float), cells)


def _record(deployment: Deployment) -> dict:
    records = calibrate(deployment, parameter(NAME), HOUR, {LEAD: _pairs(deployment)})
    assert len(records) == 1
    return dict(records[0])


def test_a_reliable_distribution_is_found_reliable(deployment: Deployment) -> None:
    record = _record(deployment)
    assert record["n"] == deployment.grid.places[0].size
    assert record["spread"] == pytest.approx(1, abs=0.02)
    assert record["skill"] == pytest.approx(1, abs=0.2)
    assert record["coverage_90"] == pytest.approx(0.9, abs=0.08)
    assert sum(record["quantile_histogram"]) == pytest.approx(1, abs=1e-3)
    assert record["crps"] == pytest.approx(record["skill"] / np.sqrt(np.pi), rel=0.15)


def test_brier_scores_are_those_of_the_scores_library(deployment: Deployment) -> None:
    record, thresholds = _record(deployment), parameter(NAME).thresholds
    truth, centre = _pairs(deployment).truth, truth_at(deployment, HOUR + LEAD) + _error(deployment)
    area = np.repeat(deployment.grid.cell_area, deployment.grid.shape[1])
    for brier, threshold in zip(record["brier"], thresholds, strict=True):
        chance = xr.DataArray(stats.norm.sf(threshold - centre), dims="cell")
        happened = xr.DataArray((truth > threshold).astype(float), dims="cell")
        weights = xr.DataArray(area / area.mean(), dims="cell")
        assert brier == pytest.approx(float(brier_score(chance, happened, weights=weights)), abs=2e-3)


def test_emos_is_fitted_to_the_month_before(deployment: Deployment) -> None:
    record = _record(deployment)  # both sources err by 1 K once their biases are off: their mean by 0.71 K
    assert record["crps_emos"] == pytest.approx(0.71 / np.sqrt(np.pi), rel=0.25)


def test_raw_members_are_scored_as_they_came(deployment: Deployment) -> None:
    assert "crps_raw" not in _record(deployment)
    grid, truth = deployment.grid, truth_at(deployment, HOUR + LEAD)
    generator = np.random.default_rng(3)
    values = truth + 1 + generator.normal(0, 2, (MEMBERS, truth.size))
    data = xr.Dataset(
        {NAME: (("number", "lead_time", "latitude", "longitude"), values.reshape(MEMBERS, 1, *grid.shape))},
        {"lead_time": [LEAD], "number": np.arange(MEMBERS)},
    )
    key = deployment.store.zarr(paths.ensemble(HOUR, "gefs"))
    data.astype(np.float32).to_zarr(key, consolidated=False, zarr_format=3)
    deployment.store.write(paths.input_record("gefs", HOUR), b"{}")
    with_gefs = Deployment.open(
        deployment.config.model_copy(update={"sources": deployment.config.sources | {"gefs": {}}})
    )
    record = _record(with_gefs)
    assert record["members"] == MEMBERS
    assert record["skill_raw"] == pytest.approx(1.1, abs=0.15)
    assert record["spread_raw"] == pytest.approx(2, abs=0.1)
    assert len(record["rank_histogram"]) == MEMBERS + 1
    assert record["crps_raw"] > 0.5


def test_ties_at_a_bound_are_shared() -> None:
    quantiles = np.zeros((3, 2))
    quantiles[2] = 1
    histogram = quantile_histogram(quantiles, np.array([0.0, 0.5]), np.ones(2))
    assert histogram == pytest.approx([1 / 6, 1 / 6, 1 / 6 + 1 / 2, 0])


def test_reliability_of_a_perfect_forecast_is_the_diagonal() -> None:
    chance = np.random.default_rng(4).uniform(size=100_000)
    happened = np.random.default_rng(5).uniform(size=100_000) < chance
    table = reliability(chance, happened, np.ones(100_000))
    assert table["frequency"] == pytest.approx(table["probability"], abs=0.02)
    assert sum(table["share"]) == pytest.approx(1, abs=1e-3)
