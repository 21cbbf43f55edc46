"""The width of distributions: planted optimism and planted ensembles are found again."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.science.spread import fit_spread, realised_error

PLACES, BINS = 400, 2
ONE = np.ones((1, PLACES), np.float32)
HALVES = np.repeat(np.eye(2, dtype=np.float32), PLACES // 2, axis=1)
UNKNOWN = np.full((BINS, PLACES), np.nan, np.float32)
NOTHING = np.zeros((BINS, PLACES), np.float32)


def full(value: float, places: int = PLACES) -> np.ndarray:
    return np.full((BINS, places), value, np.float32)


def test_without_history_the_expectation_stands() -> None:
    np.testing.assert_array_equal(realised_error(full(2), full(np.nan), NOTHING, ONE), full(2))


def test_optimism_seen_for_a_month_is_corrected() -> None:
    corrected = realised_error(full(2), full(3), full(30), ONE)
    assert corrected == pytest.approx(3, rel=0.1)
    assert (corrected <= 3).all()


def test_regimes_are_corrected_by_what_they_showed() -> None:
    seen = np.where(np.arange(PLACES) < PLACES // 2, 2, 4) * np.ones((BINS, 1))
    corrected = realised_error(full(2), seen.astype(np.float32), full(60), HALVES)
    assert corrected[:, 0] == pytest.approx(2, rel=0.1)
    assert corrected[:, -1] == pytest.approx(4, rel=0.1)


def test_a_places_own_pattern_is_kept() -> None:
    expected = np.linspace(1, 3, PLACES, dtype=np.float32) * np.ones((BINS, 1), np.float32)
    corrected = realised_error(expected, 2 * expected, full(1000), ONE)
    np.testing.assert_allclose(corrected / expected, 2, rtol=0.02)


def test_pools_say_the_same_as_places() -> None:
    pool = np.arange(PLACES) // 20
    by_pool = realised_error(full(2), full(3, 20), full(30, 20), HALVES, pool)
    np.testing.assert_allclose(by_pool, realised_error(full(2), full(3), full(30), HALVES), rtol=1e-6)
    factor = fit_spread(full(4), full(1, 20), full(30, 20), full(1), HALVES, pool)
    np.testing.assert_allclose(factor, 2, rtol=1e-6)


def test_a_broken_verification_is_not_believed_without_limit() -> None:
    assert realised_error(full(2), full(1e9), full(1e6), ONE) == pytest.approx(8)


def test_factor_maps_the_ensembles_variance_to_the_error() -> None:
    assert fit_spread(full(1), full(4), full(30), UNKNOWN, ONE) == pytest.approx(0.5)


def test_an_ensemble_without_a_past_is_judged_by_today() -> None:
    assert fit_spread(full(1), full(np.nan), NOTHING, full(0.25), ONE) == pytest.approx(2)


def test_today_counts_as_one_day() -> None:
    assert fit_spread(full(1), full(1), full(3), full(13), ONE) == pytest.approx(0.5)


def test_nothing_known_changes_nothing() -> None:
    np.testing.assert_array_equal(fit_spread(full(1), full(np.nan), NOTHING, UNKNOWN, ONE), full(1))


def test_corrected_ensemble_is_reliable() -> None:
    generator = np.random.default_rng(0)
    deviation = generator.uniform(0.5, 2, (BINS, PLACES))
    variance = (0.6 * deviation) ** 2
    factor = fit_spread(
        (deviation**2).astype(np.float32), variance.astype(np.float32), full(30), variance.astype(np.float32), ONE
    )
    error, spread = generator.normal(0, deviation, (500, BINS, PLACES)), factor * np.sqrt(variance)
    assert (spread**2).mean() / (error**2).mean() == pytest.approx(1, abs=0.02)
