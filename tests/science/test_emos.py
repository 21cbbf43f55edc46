"""The reference regression finds what was planted, and CRPS from quantiles is that of the whole distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.science.emos import fit_emos, predict_emos
from pipeline.science.scores import gaussian_crps, quantile_crps

LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])


def test_planted_coefficients_are_found_in_each_regime() -> None:
    generator = np.random.default_rng(0)
    regime = np.repeat([0, 1], 20_000)
    forecasts = generator.normal(1e5, 300, (2, 40_000))
    spread = generator.uniform(0.5, 2, 40_000)
    share, bias = np.array([0.7, 0.2])[regime], np.array([5.0, -5.0])[regime]
    deviation = np.sqrt(0.4 + 0.5 * spread)
    truth = share * forecasts[0] + (1 - share) * forecasts[1] + bias + generator.normal(0, deviation)
    emos = fit_emos(forecasts, spread, truth, regime)
    assert emos.mean[:, 1] == pytest.approx([0.7, 0.2], abs=0.01)
    assert emos.variance == pytest.approx(np.array([[0.4, 0.5]] * 2), abs=0.1)
    mean, sigma = predict_emos(emos, forecasts, spread, regime)
    z = (truth - mean) / sigma
    assert z.mean() == pytest.approx(0, abs=0.02)
    assert z.std() == pytest.approx(1, abs=0.02)


def test_a_small_regime_takes_the_regression_of_all() -> None:
    generator = np.random.default_rng(1)
    regime = np.where(np.arange(2000) < 20, 1, 0)
    forecasts = generator.normal(size=(1, 2000))
    truth = forecasts[0] + np.where(regime == 1, 100, 0) + generator.normal(size=2000)
    emos = fit_emos(forecasts, np.zeros(2000), truth, regime)
    assert abs(emos.mean[1, 0]) < 5
    assert (emos.variance[:, 1] == 0).all()


def test_no_pairs_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected pairs"):
        fit_emos(np.full((1, 3), np.nan), np.zeros(3), np.zeros(3), np.zeros(3, int))


def test_crps_of_normal_quantiles_is_that_of_the_normal_distribution() -> None:
    observed = np.linspace(-6, 6, 25)
    deviation = np.linspace(0.5, 3, 25)
    quantiles = deviation * stats.norm.ppf(LEVELS)[:, None]
    np.testing.assert_allclose(
        quantile_crps(quantiles, LEVELS, observed), gaussian_crps(observed, deviation), rtol=0.03, atol=0.003
    )


def test_crps_of_a_certain_forecast_is_its_absolute_error() -> None:
    observed = np.array([-1.0, 0.0, 2.5])
    assert quantile_crps(np.ones((7, 3)), LEVELS, observed) == pytest.approx([2, 1, 1.5])
    bounded = quantile_crps(-np.ones((7, 3)), LEVELS, observed, minimum=0)
    assert bounded == pytest.approx([1, 0, 2.5])
