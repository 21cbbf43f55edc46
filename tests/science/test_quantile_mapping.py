"""Quantile mapping keeps what is dry, order and totals of evidence, and removes distortions that were planted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.science import expected_amount, quantile_mapping
from pipeline.science.blend import WET_AMOUNT
from pipeline.science.quantile_mapping import THRESHOLDS, Counts, Mapping

BINS = (6.0, 240.0)
ONE = np.ones((1, 1), np.float32)
amounts = st.lists(st.floats(0, 300, width=32), min_size=2, max_size=40)


def _rain(places: int, seed: int, wet: float = 0.2) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    return np.where(generator.random(places) < wet, generator.gamma(0.6, 3, places), 0).astype(np.float32)


def _learnt(distort: object, days: int = 30, places: int = 400) -> Counts:
    """One source that says `distort(truth)` elsewhere: right in distribution or wrong as planted, never in place."""
    state = quantile_mapping.zero(("source",), BINS, 1)
    for day in range(days):
        truth = _rain(places, day)
        said = np.asarray(distort(np.random.default_rng(day).permutation(truth)), np.float32)  # type: ignore[operator]
        for lead_bin in range(len(BINS)):
            quantile_mapping.update(state, lead_bin, said[None], truth, np.zeros(places, np.int64), np.ones(places))
    return state


def _map(mapping: Mapping, values: NDArray[np.float32], lead: float = 6.0) -> NDArray[np.float32]:
    member = np.ones((1, len(values)), np.float32)
    return quantile_mapping.apply(values[None, None], mapping, member, np.array([lead]))[0, 0]


def test_without_history_nothing_changes() -> None:
    mapping = quantile_mapping.fit(quantile_mapping.zero(("source",), BINS, 1), ONE)
    values = np.array([0, 0.01, 0.7, 300, np.nan], np.float32)
    np.testing.assert_allclose(_map(mapping, values), values, rtol=1e-6)


@pytest.mark.parametrize(
    "distort", [lambda x: 0.5 * x, lambda x: 2 * x, lambda x: x**1.3, lambda x: np.where(x > 0, x, 0.12)]
)
def test_planted_distortions_are_removed(distort: object) -> None:
    """As often wet, as often heavy, as much in all: on days that were not learnt from."""
    mapping = quantile_mapping.fit(_learnt(distort), ONE)
    truth = _rain(60_000, 999)
    said = np.asarray(distort(truth), np.float32)  # type: ignore[operator]
    mapped = _map(mapping, said)
    assert mapped.mean() == pytest.approx(truth.mean(), rel=0.1)
    for threshold in (0.2, 1, 5):
        assert (mapped >= threshold).mean() == pytest.approx((truth >= threshold).mean(), rel=0.08)
    wet = min((said >= WET_AMOUNT).mean(), (truth >= WET_AMOUNT).mean())
    assert (mapped >= WET_AMOUNT).mean() == pytest.approx(wet, rel=0.1)


def test_a_source_that_is_too_rarely_wet_makes_no_rain_out_of_nothing() -> None:
    """improver#2423: the observed wet frequency must not be reached by wetting dry places."""
    mapping = quantile_mapping.fit(_learnt(lambda x: np.where(x > 3, x, 0)), ONE)
    dry = np.array([0, 0.001, 0.0499], np.float32)
    assert (_map(mapping, dry) <= dry).all()
    assert _map(mapping, dry)[0] == 0


@settings(max_examples=60)
@given(said=amounts, truth=amounts, lead=st.floats(0, 400), values=amounts)
def test_any_history_maps_monotonically_zero_to_zero_and_within_bounds(
    said: list[float], truth: list[float], lead: float, values: list[float]
) -> None:
    count = min(len(said), len(truth))
    state = quantile_mapping.zero(("source",), BINS, 1)
    for lead_bin in range(len(BINS)):
        quantile_mapping.update(
            state, lead_bin, np.array([said[:count]], np.float32), np.array(truth[:count], np.float32),
            np.zeros(count, np.int64), np.ones(count),
        )  # fmt: skip
    ordered = np.sort(np.array([0.0, *values], np.float32))
    mapped = _map(quantile_mapping.fit(state, ONE), ordered, lead)
    assert mapped[0] == 0
    assert (np.diff(mapped) >= -1e-5 * mapped[1:]).all()
    assert (mapped <= 1.001 * quantile_mapping.LARGEST_INCREASE * ordered).all()
    assert not ((mapped >= WET_AMOUNT * 1.0001) & (ordered < WET_AMOUNT)).any()


def test_increases_fade_with_the_lead_and_decreases_do_not() -> None:
    heavier, lighter = (quantile_mapping.fit(_learnt(f), ONE) for f in (lambda x: 0.5 * x, lambda x: 2 * x))
    value = np.array([2], np.float32)
    assert 2 < _map(heavier, value, 240)[0] < _map(heavier, value, 6)[0]
    assert _map(lighter, value, 240)[0] == pytest.approx(_map(lighter, value, 6)[0])


def test_clusters_differ_as_far_as_their_counts_tell() -> None:
    state = quantile_mapping.zero(("source",), BINS, 2)
    truth = _rain(20_000, 0)
    pool = np.arange(len(truth)) % 2
    quantile_mapping.update(
        state, 0, np.where(pool == 0, 0.5 * truth, 2 * truth)[None], truth, pool, np.ones(len(truth))
    )
    mapping = quantile_mapping.fit(state, np.eye(2))
    member = np.array([[1, 0, 0.5], [0, 1, 0.5]], np.float32)
    mapped = quantile_mapping.apply(np.ones((1, 1, 3), np.float32), mapping, member, np.array([6.0]))[0, 0]
    assert mapped[0] > 1.5
    assert mapped[1] < 0.7
    assert mapped[2] == pytest.approx(np.sqrt(mapped[0] * mapped[1]), rel=1e-4)


def test_states_merge_decay_align_and_come_back_from_storage() -> None:
    whole, first, second = (quantile_mapping.zero(("a", "b"), BINS, 1) for _ in range(3))
    for day in range(6):
        truth, said = _rain(50, day), np.stack([_rain(50, day + 10), _rain(50, day + 20)])
        said[1, :5] = np.nan
        for state in (whole, first if day % 2 else second):
            quantile_mapping.update(state, 1, said, truth, np.zeros(50, np.int64), np.ones(50))
    merged = quantile_mapping.merge(quantile_mapping.decay(first, 24), quantile_mapping.decay(second, 24))
    np.testing.assert_allclose(merged.forecast, quantile_mapping.decay(whole, 24).forecast, rtol=1e-6)
    swapped = quantile_mapping.align_sources(whole, ("b", "new", "a"))
    np.testing.assert_array_equal(swapped.observed[2], whole.observed[0])
    assert not swapped.observed[1].any()
    again = quantile_mapping.from_dataset(quantile_mapping.to_dataset(whole))
    np.testing.assert_array_equal(again.forecast, whole.forecast)
    with pytest.raises(ValueError, match="same sources"):
        quantile_mapping.merge(whole, swapped)


def test_the_expected_amount_has_least_square_error_and_the_observed_wet_frequency() -> None:
    generator = np.random.default_rng(0)
    blend = np.where(generator.random(20_000) < 0.5, generator.gamma(0.6, 2, 20_000), 0).astype(np.float32)
    truth = np.where(generator.random(20_000) < 0.6, blend * generator.gamma(2, 0.4, 20_000), 0).astype(np.float32)
    state = expected_amount.zero(BINS)
    expected_amount.update(state, 0, blend[:10_000], truth[:10_000], np.ones(10_000))
    after = expected_amount.apply(blend[None, 10_000:], expected_amount.fit(state), np.array([6.0]))[0]
    error, before = after - truth[10_000:], blend[10_000:] - truth[10_000:]
    assert (error**2).mean() < 0.8 * (before**2).mean()
    assert (after > 0).mean() == pytest.approx((truth >= WET_AMOUNT).mean(), rel=0.08)


@given(said=amounts, truth=amounts, values=amounts)
def test_any_response_is_monotone_and_through_zero(said: list[float], truth: list[float], values: list[float]) -> None:
    count = min(len(said), len(truth))
    state = expected_amount.zero(BINS)
    pair = (np.array(part[:count], np.float32) for part in (said, truth))
    expected_amount.update(state, 0, *pair, np.ones(count))
    ordered = np.sort(np.array([0.0, *values], np.float32))
    result = expected_amount.apply(ordered[None], expected_amount.fit(state), np.array([6.0]))[0]
    assert result[0] == 0
    assert (np.diff(result) >= -1e-4 * (1 + result[1:])).all()
    assert (result <= 1.001 * expected_amount.CURVE_LIMITS[1] * ordered).all()


def test_the_blend_stays_as_it_is_without_history() -> None:
    blend = np.array([[0, 0.5, 7, 400]], np.float32)
    curve = expected_amount.fit(expected_amount.zero(BINS))
    np.testing.assert_allclose(expected_amount.apply(blend, curve, np.array([6.0])), blend, rtol=1e-5)


def test_thresholds_reach_from_wet_to_the_largest_amount() -> None:
    assert THRESHOLDS[0] == pytest.approx(WET_AMOUNT)
    assert THRESHOLDS[-1] == pytest.approx(200)
