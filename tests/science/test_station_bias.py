"""A station that errs the same way for days is corrected; chance is not, nor a station that stands alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.science.station_bias import MEMORY_HOURS, decay, estimate, merge, update, zero

NAMES = np.array([f"S{i:03d}" for i in range(100)])


def past(biases: np.ndarray, hours: int = 240, noise: float = 1.0, share: float = 1.0) -> pd.DataFrame:
    random = np.random.default_rng(0)
    record = zero()
    for _ in range(hours):
        record = update(decay(record, 1), NAMES, biases + noise * random.normal(size=100), np.full(100, share))
    return record


def test_a_biased_station_is_corrected_and_trusted_less() -> None:
    biases = np.zeros(100)
    biases[7] = 3.0
    bias = estimate(past(biases), NAMES)
    assert bias.value[7] == pytest.approx(3, abs=0.4)
    assert bias.error[7] == bias.value[7]
    assert np.abs(np.delete(bias.value, 7)).max() < 0.35


def test_many_small_biases_are_believed_as_far_as_they_are_there() -> None:
    biases = np.random.default_rng(3).normal(0, 1.0, 100)
    found = estimate(past(biases), NAMES).value
    assert np.corrcoef(found, biases)[0, 1] > 0.95
    assert np.sqrt(np.mean((found - biases) ** 2)) < 0.4


def test_chance_is_no_bias() -> None:
    assert np.abs(estimate(past(np.zeros(100)), NAMES).value).max() < 0.35
    one_hour = update(zero(), NAMES, np.random.default_rng(0).normal(size=100), np.ones(100))
    assert np.abs(estimate(one_hour, NAMES).value).max() < 0.5


def test_a_lonely_station_is_not_told_from_the_blend() -> None:
    biases = np.zeros(100)
    biases[7] = 3.0
    assert np.abs(estimate(past(biases, share=0.0), NAMES).value).max() == 0
    assert estimate(past(biases), np.array(["unheard of"])).value.tolist() == [0]
    assert estimate(zero(), NAMES).value.tolist() == [0] * 100


def test_records_merge_in_any_order_and_forget() -> None:
    one, two = past(np.full(100, 0.5), 5), past(np.full(100, 1.5), 7)[20:]
    pd.testing.assert_frame_equal(merge(one, two), merge(two, one))
    pd.testing.assert_frame_equal(decay(merge(one, two), 9), merge(decay(one, 9), decay(two, 9)))
    assert decay(one, 10 * MEMORY_HOURS).empty


def test_what_is_missing_does_not_count() -> None:
    record = update(zero(), NAMES[:2], np.array([np.nan, 1.0]), np.array([1.0, 1.0]))
    assert record.index.tolist() == ["S001"]
