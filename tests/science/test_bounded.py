"""A fraction's bias is removed between the bounds and leaves them alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.science.bounded import multiply_odds, odds_factor


@given(
    values=st.lists(st.floats(0, 1), min_size=2, max_size=30), bias=st.floats(-1, 1), truth=st.floats(0, 1),
    scale=st.sampled_from([1.0, 100.0]),
)  # fmt: skip
def test_order_and_bounds_are_kept(values: list[float], bias: float, truth: float, scale: float) -> None:
    factor = odds_factor(np.array([scale * bias]), np.array([scale * truth]), 0, scale)
    ordered = scale * np.sort(np.array([0.0, *values, 1.0]))
    result = multiply_odds(ordered, factor, 0, scale)
    assert result[0] == 0
    assert result[-1] == pytest.approx(scale)
    assert (np.diff(result) >= -1e-12 * scale).all()
    assert np.isnan(multiply_odds(np.array([np.nan]), factor, 0, scale)).all()


def test_the_typical_value_becomes_the_typical_truth() -> None:
    factor = odds_factor(np.array([0.1, -0.2]), np.array([0.5, 0.6]), 0, 1)
    np.testing.assert_allclose(multiply_odds(np.array([0.6, 0.4]), factor, 0, 1), [0.5, 0.6])


def test_without_a_bias_nothing_changes() -> None:
    values = np.linspace(0, 1, 11)
    np.testing.assert_allclose(multiply_odds(values, odds_factor(np.zeros(11), values, 0, 1), 0, 1), values)


def test_a_planted_bias_is_removed_without_shifting_clear_and_overcast_skies() -> None:
    """Skies that are clear, overcast or between, seen by a source whose odds are doubled."""
    generator = np.random.default_rng(0)
    truth = np.clip(generator.normal(0.5, 0.6, 20_000), 0, 1)
    said = multiply_odds(truth, np.array(2.0), 0, 1)
    bias = (said - truth)[:10_000].mean()
    after = multiply_odds(said[10_000:], odds_factor(bias, truth[:10_000].mean(), 0, 1), 0, 1)
    subtracted = np.clip(said[10_000:] - bias, 0, 1)
    assert abs((after - truth[10_000:]).mean()) < 0.65 * bias, "cautious: what stands at a bound tells no odds"
    assert ((after - truth[10_000:]) ** 2).mean() < ((subtracted - truth[10_000:]) ** 2).mean()
    for bound in (0, 1):
        assert (after == bound).mean() == pytest.approx((truth[10_000:] == bound).mean(), abs=1e-3)


@pytest.mark.parametrize(("values", "factor", "message"), [([1.2], 1.0, "clip"), ([0.5], 0.0, "positive")])
def test_values_beyond_the_bounds_and_factors_of_zero_are_refused(
    values: list[float], factor: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        multiply_odds(np.array(values), np.array(factor), 0, 1)
