"""Hourly values keep what the source said about its intervals, and never say more than it knew."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.parameters import TimeMethod
from pipeline.science.align import to_hours
from pipeline.science.solar import Sun, sun

RNG = np.random.default_rng(5)
Array = NDArray[np.float32]


def field(*rows: float) -> Array:
    return np.array(rows, np.float32)[:, None]


@st.composite
def series(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64], Array]:
    """Ends, lengths and values of adjoining intervals of 1, 3 or 6 hours that begin at -5 or later."""
    lengths = np.array(draw(st.lists(st.sampled_from([1, 3, 6]), min_size=1, max_size=8)), np.float64)
    ends = draw(st.integers(-5, 3)) + np.cumsum(lengths)
    seed = draw(st.integers(0, 2**31))
    values = np.random.default_rng(seed).gamma(0.4, 5, (len(ends), 7)).astype(np.float32)
    return ends, lengths, values * (np.random.default_rng(seed + 1).random(values.shape) > 0.3)


def interval_hours_of(ends: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.arange(ends[0] - lengths[0] + 1, ends[-1] + 1)


def test_linear_meets_its_leads_and_ends_with_them() -> None:
    found = to_hours(field(0, 3, 9), [-2, 1, 4], np.arange(-3, 6), "linear")[:, 0]
    np.testing.assert_allclose(found, [np.nan, 0, 1, 2, 3, 5, 7, 9, np.nan], atol=1e-6)


def test_a_missing_lead_is_bridged_only_from_both_sides() -> None:
    values = np.stack([np.full(3, x, np.float32) for x in (np.nan, 1, np.nan, 3, np.nan)])
    values[1, 2] = np.nan
    found = to_hours(values, range(5), range(5), "linear")
    np.testing.assert_allclose(found[:, 0], [np.nan, 1, 2, 3, np.nan])
    np.testing.assert_allclose(found[:, 2], [np.nan, np.nan, np.nan, 3, np.nan])
    assert np.isnan(to_hours(np.full((2, 4), np.nan, np.float32), [0, 6], [3], "linear")).all()


@settings(deadline=None)
@given(st.floats(0, 360), st.floats(-179, 179), st.integers(0, 6))
def test_circular_turns_along_the_shorter_arc(start: float, turn: float, hour: int) -> None:
    values = field(start % 360, (start + turn) % 360)
    found = float(to_hours(values, [0, 6], [hour], "circular")[0, 0])
    expected = start + turn * hour / 6
    assert 0 <= found < 360
    assert abs((found - expected + 180) % 360 - 180) < 1e-3


def test_nearest_takes_categories_as_they_are() -> None:
    found = to_hours(field(1, 4), [0, 6], range(7), "nearest")[:, 0]
    assert set(found) == {1, 4}
    np.testing.assert_array_equal(found[[0, 2, 4, 6]], [1, 1, 4, 4])


@settings(deadline=None)
@given(series())
def test_accumulation_keeps_every_interval(case: tuple[NDArray[np.float64], NDArray[np.float64], Array]) -> None:
    ends, lengths, values = case
    hours = interval_hours_of(ends, lengths)
    found = to_hours(values, ends, hours, "accumulation", interval_hours=lengths)
    assert (found >= 0).all()
    for end, length, value in zip(ends, lengths, values, strict=True):
        inside = (hours > end - length) & (hours <= end)
        np.testing.assert_allclose(found[inside].mean(axis=0), value, rtol=3e-6, atol=1e-6)
    assert found.max() <= values.max()


def test_accumulation_rises_towards_its_wetter_neighbour() -> None:
    found = to_hours(field(0, 2, 4), [3, 6, 9], np.arange(1, 11), "accumulation", interval_hours=[3, 3, 3])[:, 0]
    np.testing.assert_allclose(found, [0, 0, 0, 4 / 3, 2, 8 / 3, 4, 4, 4, np.nan], rtol=1e-6)


def test_a_gap_between_intervals_is_bridged_and_beyond_is_nothing() -> None:
    found = to_hours(field(1, np.nan, 3), [3, 6, 9], np.arange(0, 11), "accumulation", interval_hours=[3, 3, 3])[:, 0]
    assert np.isnan(found[[0, 10]]).all()
    np.testing.assert_allclose(found[1:4], 1)
    np.testing.assert_allclose(found[4:7], [5 / 3, 2, 7 / 3], rtol=1e-6)


@settings(deadline=None)
@given(series(), st.booleans(), st.booleans())
def test_extremes_are_attained_and_never_passed(
    case: tuple[NDArray[np.float64], NDArray[np.float64], Array], maximum: bool, with_reference: bool
) -> None:
    ends, lengths, values = case
    hours = interval_hours_of(ends, lengths)
    reference = RNG.normal(3, 5, (len(hours), 7)).astype(np.float32) if with_reference else None
    found = to_hours(
        values, ends, hours, "maximum" if maximum else "minimum", interval_hours=lengths, reference=reference
    )
    for end, length, value in zip(ends, lengths, values, strict=True):
        inside = found[(hours > end - length) & (hours <= end)]
        np.testing.assert_array_equal(inside.max(axis=0) if maximum else inside.min(axis=0), value)


def test_the_reference_chooses_the_hour_of_the_maximum() -> None:
    reference = field(280, 284, 289, 288, 285, 282)
    found = to_hours(field(290), [6], range(1, 7), "maximum", interval_hours=[6], reference=reference)[:, 0]
    np.testing.assert_array_equal(found, [281, 285, 290, 289, 286, 283])
    capped = to_hours(field(286), [6], range(1, 7), "maximum", interval_hours=[6], reference=reference)[:, 0]
    np.testing.assert_array_equal(capped, [280, 284, 286, 286, 285, 282])


def test_extremes_of_a_source_with_instants_only_are_linear() -> None:
    np.testing.assert_allclose(to_hours(field(0, 6), [0, 6], [0, 3], "maximum", interval_hours=[0, 0])[:, 0], [0, 3])


def daylight() -> tuple[Sun, NDArray[np.float64], NDArray[np.float64]]:
    latitude, longitude = np.array([0.0, 50, 78, -78, 45, -33]), np.array([0.0, 10, 20, 30, 200, 151])
    return sun(latitude, longitude, datetime(2026, 6, 20, 6), -11, 49), latitude, longitude


@pytest.mark.parametrize("step", [1, 3, 6])
def test_radiation_keeps_interval_means_and_is_dark_at_night(step: int) -> None:
    day, _, _ = daylight()
    hours = np.arange(1, 49)
    truth = day.hours(1, 48) * 1000 * (0.6 + 0.3 * np.sin(hours / 9))[:, None]
    means = truth.reshape(48 // step, step, 6).mean(axis=1).astype(np.float32)
    ends = np.arange(step, 49, step)
    lengths = [step] * len(ends)
    found = to_hours(means, ends, hours, "solar", interval_hours=lengths, cos_zenith=day)
    np.testing.assert_allclose(found.reshape(-1, step, 6).mean(axis=1), means, rtol=1e-5, atol=1e-3)
    assert (found[day.hours(1, 48) == 0] == 0).all()
    assert np.abs(found - truth).max() < (1e-3 if step == 1 else 60)
    part = to_hours(means, ends, [5, 20], "solar", interval_hours=lengths, cos_zenith=day)
    np.testing.assert_array_equal(part, found[[4, 19]])


def test_radiation_beats_the_straight_line() -> None:
    day, _, _ = daylight()
    hours = np.arange(1, 49)
    truth = day.hours(1, 48) * np.float32(800)
    means = truth.reshape(8, 6, 6).mean(axis=1)
    ends = np.arange(6, 49, 6)
    ours = to_hours(means, ends, hours, "solar", interval_hours=[6] * 8, cos_zenith=day)
    flat = to_hours(means, ends, hours, "accumulation", interval_hours=[6] * 8)
    assert np.abs(ours - truth).mean() < 0.1 * np.abs(flat - truth).mean()


def test_radiation_from_instants_and_with_missing_values() -> None:
    day, _, _ = daylight()
    instant = (day.hours(1, 46) + day.hours(2, 47)) / 2 * np.float32(900)
    found = to_hours(instant, range(1, 47), range(1, 47), "solar", interval_hours=[0] * 46, cos_zenith=day)
    np.testing.assert_allclose(found, day.hours(1, 46) * 900, atol=1.0)
    means = np.full((4, 6), 200, np.float32)
    means[1, 0] = np.nan
    found = to_hours(means, [6, 12, 18, 24], range(1, 25), "solar", interval_hours=[6] * 4, cos_zenith=day)
    assert np.isnan(found[6:12, 0]).all()
    assert np.isfinite(found[:, 1]).all()


@pytest.mark.parametrize("method", ["linear", "circular", "accumulation", "maximum"])
def test_axes_between_lead_and_place_are_carried_along(method: TimeMethod) -> None:
    values = RNG.uniform(0, 360, (4, 3, 2000)).astype(np.float32)
    found = to_hours(values, [3, 6, 9, 12], range(14), method, interval_hours=[3, 3, 3, 3])
    assert found.shape == (14, 3, 2000)
    for number in range(3):
        alone = to_hours(values[:, number], [3, 6, 9, 12], range(14), method, interval_hours=[3, 3, 3, 3])
        np.testing.assert_array_equal(found[:, number], alone)


def test_bad_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="ascending"):
        to_hours(field(0, 1), [3, 0], [1], "linear")
    with pytest.raises(ValueError, match="overlap"):
        to_hours(field(0, 1), [3, 6], [1], "accumulation", interval_hours=[3, 6])
    with pytest.raises(ValueError, match="whole hours"):
        to_hours(field(0, 1), [3, 6], [1], "accumulation", interval_hours=[2.5, 3])
    with pytest.raises(ValueError, match="cos_zenith"):
        to_hours(field(0, 1), [3, 6], [1], "solar", interval_hours=[3, 3])
    with pytest.raises(ValueError, match="within -11 to 49"):
        to_hours(np.zeros((2, 6), np.float32), [48, 54], [50], "solar", interval_hours=[6, 6], cos_zenith=daylight()[0])
