"""Tied distributions do not cross, and go on telling the same in quantiles and in probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.parameters import QUANTILES, blended
from pipeline.science.probability_ties import NEVER_ABOVE, NEVER_BELOW, Distribution, give_way

LEVELS = np.array(QUANTILES, np.float32)
THRESHOLDS, OTHERS = (2.0, 5.0, 9.0), (2.0, 5.0, 7.0)


def of_sample(values: NDArray[np.floating], thresholds: tuple[float, ...]) -> Distribution:
    """The distribution of (value, place), by definition: quantiles are values, of which so many lie at or below."""
    quantiles = np.quantile(values, LEVELS, axis=0, method="inverted_cdf").astype(np.float32)
    exceedance = np.stack([(values > threshold).mean(axis=0) for threshold in thresholds]).astype(np.float32)
    return Distribution(quantiles, exceedance, thresholds)


@given(seed=st.integers(0, 10_000), above=st.booleans(), apart=st.floats(-4, 4))
def test_nothing_crosses_and_quantiles_and_probabilities_agree(seed: int, above: bool, apart: float) -> None:
    generator = np.random.default_rng(seed)
    one = of_sample(generator.gamma(2, 2, (40, 30)), THRESHOLDS)
    trusted = of_sample(apart + generator.gamma(3, 1.5, (40, 30)), OTHERS)
    kept = trusted.quantiles.copy(), trusted.exceedance.copy()
    was = one.quantiles.copy()
    changed = give_way(one, trusted, QUANTILES, above=above)
    assert changed == (one.quantiles != was).sum()
    np.testing.assert_array_equal(trusted.quantiles, kept[0])
    np.testing.assert_array_equal(trusted.exceedance, kept[1])
    sign = 1 if above else -1
    assert (sign * (one.quantiles - trusted.quantiles) >= 0).all()
    for mine, chance in zip(THRESHOLDS, one.exceedance, strict=True):
        for theirs, other in zip(OTHERS, trusted.exceedance, strict=True):
            assert sign * (theirs - mine) < 0 or (sign * (chance - other) >= 0).all()
    assert (np.diff(one.quantiles, axis=0) >= 0).all()
    assert (np.diff(one.exceedance, axis=0) <= 0).all()
    for threshold, chance in zip(THRESHOLDS, one.exceedance, strict=True):
        for level, quantile in zip(QUANTILES, one.quantiles, strict=True):
            assert (chance[quantile > threshold] >= 1 - level - 1e-6).all()
            assert (chance[quantile <= threshold] <= 1 - level + 1e-6).all()
    assert give_way(one, trusted, QUANTILES, above=above) == 0, "what is in order is not touched"


def test_a_gust_curve_below_the_wind_s_becomes_the_wind_s() -> None:
    calm, windy = np.linspace(0, 4, 50)[:, None], np.linspace(3, 8, 50)[:, None]
    gust, wind = of_sample(calm, THRESHOLDS), of_sample(windy, THRESHOLDS)
    assert give_way(gust, wind, QUANTILES, above=True) == len(QUANTILES)
    np.testing.assert_array_equal(gust.quantiles, wind.quantiles)
    np.testing.assert_array_equal(gust.exceedance, wind.exceedance)


def test_what_is_missing_stays_so_and_changes_nothing() -> None:
    one, trusted = of_sample(np.ones((9, 2)), THRESHOLDS), of_sample(np.zeros((9, 2)), THRESHOLDS)
    one.quantiles[:, 0] = one.exceedance[:, 0] = np.nan
    trusted.quantiles[:, 1] = trusted.exceedance[:, 1] = np.nan
    assert give_way(one, trusted, QUANTILES, above=False) == 0
    assert np.isnan(one.quantiles[:, 0]).all()
    assert (one.quantiles[:, 1] == 1).all()


@pytest.mark.parametrize(("one", "other"), (NEVER_ABOVE | NEVER_BELOW).items())
def test_the_trusted_one_is_in_the_same_unit_as_precise_and_made_before(one: str, other: str) -> None:
    names = list(blended())
    assert names.index(other) < names.index(one)
    assert blended()[one].units == blended()[other].units
    assert blended()[one].precision == blended()[other].precision
    assert blended()[one].probabilistic
    assert blended()[other].probabilistic
