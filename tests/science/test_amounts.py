"""Amounts are corrected by the intervals they are known for: totals come right, dry stays dry, tiles do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.science import amounts
from pipeline.science.amounts import Correction, Past
from pipeline.science.blend import WET_AMOUNT
from pipeline.science.pools import Pools, single

Array = NDArray[np.float32]
BINS, PLACES = (6.0, 240.0), 400
ENDS = np.array([0, 6, 6, 6, 6, 6, 6, 12, 12])


def _rain(seed: int, shape: tuple[int, ...] = (PLACES,), wet: float = 0.3) -> Array:
    generator = np.random.default_rng(seed)
    return np.where(generator.random(shape) < wet, generator.gamma(0.6, 3, shape), 0).astype(np.float32)


def _past(pools: Pools, days: int = 30, factor: float = 2.0) -> Past:
    """Of "a", which says `factor` times what comes, and "b", which is right; their blend has half of that error."""
    past = amounts.zero(("a", "b"), BINS, pools)
    for day in range(days):
        truth = _rain(day, pools.index.shape)
        for lead_bin in range(len(BINS)):
            blend = (0.5 + 0.5 * factor) * truth if day > 5 else None
            amounts.update(past, lead_bin, np.stack([factor * truth, truth]), truth, blend)
    return past


def _correction(factor: float = 2.0) -> Correction:
    return amounts.fit(_past(single(PLACES), factor=factor), np.ones((1, PLACES), np.float32))


def test_intervals_are_those_of_the_analyses_whenever_the_hour_starts() -> None:
    leads = np.arange(9)
    assert amounts.interval_ends(0, leads, 6).tolist() == ENDS.tolist()
    assert amounts.interval_ends(4, leads, 6).tolist() == [2, 2, 2, 8, 8, 8, 8, 8, 8]
    for start in range(24):
        ends = start + amounts.interval_ends(start, leads, 6)
        assert (ends % 6 == 0).all()
        assert np.isin(ends - start - leads, np.arange(6)).all()


def test_an_interval_is_mapped_by_its_mean_and_keeps_its_shape() -> None:
    """Six hours of which one has it all are mapped as six hours of a sixth each: that is what the analysis tells of."""
    correction = _correction()
    hours = np.zeros((2, len(ENDS), PLACES), np.float32)
    hours[:, 3] = 6.0
    mapped = amounts.mapped(hours, correction, ENDS)
    even = amounts.mapped(np.ones((2, 1, PLACES), np.float32), correction, np.array([6]))
    np.testing.assert_allclose(mapped[:, 1:7].mean(axis=1), even[:, 0], rtol=1e-5)
    np.testing.assert_allclose(even[:, 0].mean(axis=1), [0.5, 1], rtol=0.1)
    assert not np.delete(mapped, 3, axis=1).any(), "hours that were dry are"


def test_what_is_absent_stays_absent_and_the_rest_is_mapped() -> None:
    hours = np.full((2, len(ENDS), PLACES), 2.0, np.float32)
    hours[0, 4:] = np.nan
    mapped = amounts.mapped(hours, _correction(), ENDS)
    np.testing.assert_array_equal(np.isnan(mapped), np.isnan(hours))
    np.testing.assert_allclose(mapped[0, 1:4], mapped[0, [1] * 3], rtol=1e-6)
    assert mapped[0, 1].mean() == pytest.approx(1, rel=0.1)


def test_no_false_wet_areas() -> None:
    """Where every source is dry the forecast is, and what is wet is wet as often as was observed."""
    correction = _correction(factor=0.5)  # too little, so that everything is to become heavier
    hours = np.stack([0.5 * _rain(999, (len(ENDS), PLACES)), _rain(999, (len(ENDS), PLACES))])
    hours[:, :, :50] = 0
    mapped = amounts.mapped(hours, correction, ENDS)
    assert not mapped[hours == 0].any()
    blend = mapped.mean(axis=0)
    for dry in (True, False):
        assert not amounts.expected(blend, correction, ENDS, dry=dry)[blend == 0].any()


def test_the_expected_amount_of_an_interval_is_what_came_on_average() -> None:
    correction = _correction()
    blend = np.zeros((len(ENDS), PLACES), np.float32)
    blend[2] = 9.0
    expected = amounts.expected(blend, correction, ENDS)
    np.testing.assert_allclose(
        expected[1:7].mean(axis=0), 1.0, rtol=0.1, err_msg="the blend has said 1.5 times as much"
    )
    drizzle = np.full((len(ENDS), PLACES), 0.3 * WET_AMOUNT, np.float32)
    assert not amounts.expected(drizzle, correction, ENDS).any()
    assert (amounts.expected(drizzle, correction, ENDS, dry=False) > 0).all(), "a chance of rain remains one"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 1.0, 3.0]))
def test_more_is_never_mapped_to_less_whatever_the_tile(seed: int, factor: float) -> None:
    correction, generator = _correction(factor=factor), np.random.default_rng(seed)
    membership = np.ones((1, PLACES), np.float32)
    hours = generator.gamma(0.5, 2, (2, len(ENDS), 1)).astype(np.float32) * np.linspace(0, 1, PLACES, dtype=np.float32)
    mapped = amounts.mapped(hours, correction, ENDS)
    expected = amounts.expected(mapped.mean(axis=0), correction, ENDS)
    for values in (mapped, expected):
        assert (np.diff(values, axis=-1) >= -1e-5 * values[..., 1:]).all()
        assert (values[..., 0] == 0).all()
    cut = int(generator.integers(1, PLACES))
    for part in (slice(0, cut), slice(cut, PLACES)):
        own = Correction(correction.mapping, correction.curve, membership[:, part])
        there = amounts.mapped(hours[..., part], own, ENDS)
        np.testing.assert_array_equal(there, mapped[..., part])
        np.testing.assert_array_equal(amounts.expected(there.mean(axis=0), own, ENDS), expected[..., part])


def test_a_finer_grid_does_not_make_the_same_rain_count_for_more() -> None:
    coarse, fine = (Pools(np.repeat(np.arange(100), size).astype(np.int32), 100, 100 * size) for size in (1, 9))
    counts = []
    for pools in (coarse, fine):
        past, truth = amounts.zero(("a",), BINS, pools), _rain(0, (100,))[pools.index]
        amounts.update(past, 0, truth[None], truth, truth)
        counts.append((past.counts.forecast, past.response.observed))
    for one, other in zip(*counts, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-6)


def test_the_past_fades_is_aligned_and_comes_back_from_storage() -> None:
    past = _past(single(PLACES), days=8)
    faded = amounts.decay(past, 24 * 60)
    np.testing.assert_allclose(faded.counts.observed, past.counts.observed / np.e, rtol=1e-6)
    np.testing.assert_allclose(faded.response.pairs, past.response.pairs / np.e)
    moved = amounts.align_sources(past, ("new", "b"))
    np.testing.assert_array_equal(moved.counts.forecast[1], past.counts.forecast[1])
    assert not moved.counts.forecast[0].any()
    again = amounts.from_dataset(amounts.to_dataset(past), past.pools)
    np.testing.assert_array_equal(again.counts.forecast, past.counts.forecast)
    np.testing.assert_array_equal(again.response.blended, past.response.blended)


def test_sources_are_chosen_by_name() -> None:
    correction = _correction()
    chosen = amounts.for_sources(correction, ["b"])
    hours = np.full((2, 1, PLACES), 2, np.float32)
    both = amounts.mapped(hours, correction, np.array([6]))
    np.testing.assert_array_equal(amounts.mapped(hours[:1], chosen, np.array([6]))[0], both[1])
