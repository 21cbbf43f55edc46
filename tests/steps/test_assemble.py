"""Totals between the leads wanted are joined to the lead that follows."""

from __future__ import annotations

import numpy as np

from pipeline.steps.assemble import _joined


def test_windows_between_the_leads_are_joined_up_to_a_bucket() -> None:
    ends, lengths = np.array([15.0, 18, 33, 36]), np.full(4, 3.0)
    values = np.array([[1.0], [3], [5], [9]], np.float32)
    found = _joined(ends, lengths, values, [18, 36], "accumulation")
    np.testing.assert_array_equal(found[0], [18, 36])
    np.testing.assert_array_equal(found[1], [6, 6])
    np.testing.assert_array_equal(found[2], [[2], [7]])
    np.testing.assert_array_equal(_joined(ends, lengths, values, [18, 36], "maximum")[2], [[3], [9]])


def test_hourly_leads_stay_as_they_are_and_long_intervals_are_kept() -> None:
    ends, lengths = np.array([1.0, 2, 3]), np.ones(3)
    values = np.arange(3, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(_joined(ends, lengths, values, [1, 2, 3], "accumulation")[2], values)
    found = _joined(np.array([12.0]), np.array([12.0]), values[:1], [12], "accumulation")
    np.testing.assert_array_equal(found[1], [12])
