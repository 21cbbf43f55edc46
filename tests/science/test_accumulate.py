"""Any mixture of totals, buckets and single hours gives back the hourly values they were made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.science.accumulate import consecutive

RATES = np.random.default_rng(1).gamma(0.5, 2.0, (12, 5)).astype(np.float32)


def total(start: int, end: int) -> np.ndarray:
    return RATES[start:end].sum(axis=0)


def test_totals_from_the_start_become_hours() -> None:
    intervals = [(0, end) for end in range(1, 13)]
    ends, hours, values = consecutive(intervals, np.stack([total(*i) for i in intervals]), "sum")
    np.testing.assert_array_equal(ends, np.arange(1, 13))
    np.testing.assert_array_equal(hours, 1)
    np.testing.assert_allclose(values, RATES, atol=1e-4)
    assert values.dtype == np.float32


def test_growing_buckets_of_means_become_hours() -> None:
    intervals = [(6 * bucket, 6 * bucket + k) for bucket in range(2) for k in range(1, 7)]
    means = np.stack([total(*i) / (i[1] - i[0]) for i in intervals])
    ends, _, values = consecutive(intervals, means, "mean")
    np.testing.assert_array_equal(ends, np.arange(1, 13))
    np.testing.assert_allclose(values, RATES, atol=1e-4)


def test_a_missing_message_widens_its_neighbour() -> None:
    intervals = [(0, 3), (0, 9), (0, 12)]
    ends, hours, values = consecutive(intervals, np.stack([total(*i) for i in intervals]), "sum")
    assert list(ends) == [3, 9, 12]
    assert list(hours) == [3, 6, 3]
    np.testing.assert_allclose(values[1] * 6, total(3, 9), rtol=1e-5)


def test_a_direct_message_goes_before_a_difference() -> None:
    values = np.array([[100.0], [101.0], [2.0]], np.float32)
    _, _, rates = consecutive([(0, 6), (0, 7), (6, 7)], values, "sum")
    assert rates[-1, 0] == 2.0


def test_packing_noise_is_clipped_and_a_reset_is_no_value() -> None:
    values = np.array([[10.0, 10.0, np.nan], [9.99, 4.0, 11.0]], np.float32)
    _, _, rates = consecutive([(0, 1), (0, 2)], values, "sum")
    np.testing.assert_array_equal(rates[1], [0.0, np.nan, np.nan])


def test_extremes_of_nested_intervals_are_not_split() -> None:
    intervals = [(0, 1), (0, 3), (0, 6), (6, 7), (7, 8), (6, 8)]
    ends, hours, values = consecutive(intervals, np.arange(6, dtype=np.float32)[:, None], "maximum")
    assert list(zip(ends, hours, strict=True)) == [(6, 6), (7, 1), (8, 1)]
    np.testing.assert_array_equal(values[:, 0], [2, 3, 4])


@settings(deadline=None)
@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda i: i[0] < i[1]), min_size=1))
def test_any_set_of_totals_gives_consistent_intervals(found: set[tuple[int, int]]) -> None:
    intervals = sorted(found)
    ends, hours, values = consecutive(intervals, np.stack([total(*i) for i in intervals]), "sum")
    starts = ends - hours
    assert np.all(starts[1:] >= ends[:-1])
    for start, end, value in zip(starts.astype(int), ends.astype(int), values, strict=True):
        np.testing.assert_allclose(value * (end - start), total(start, end), atol=1e-3)


def test_bad_intervals_are_refused() -> None:
    with pytest.raises(ValueError, match="end after its start"):
        consecutive([(3, 3)], np.zeros((1, 2), np.float32), "sum")
    with pytest.raises(ValueError, match="one interval a message"):
        consecutive([(0, 3)], np.zeros((2, 2), np.float32), "sum")
    ends, hours, values = consecutive([], np.zeros((0, 4), np.float32), "sum")
    assert len(ends) == len(hours) == 0
    assert values.shape == (0, 4)
