"""Gross fields are found, weather is not taken for one, and doubt accuses nobody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.science.plausibility import ABSURD, changed, frozen, implausible

USUAL = np.array([[1.0], [1.5], [2.0], [1.2]])
PLACES = 400


def _fields(seed: int = 0, sources: int = 4) -> np.ndarray:
    """(source, 1, place) a plausible temperature seen by sources that err as usual."""
    generator = np.random.default_rng(seed)
    truth = 280 + 15 * generator.standard_normal(PLACES)
    errors = USUAL[:sources] * generator.standard_normal((sources, PLACES))
    return (truth + errors).astype(np.float32)[:, None]


@given(st.integers(0, 1000), st.integers(0, 3), st.sampled_from([-273.15, -50.0, 50.0]))
def test_a_source_that_is_far_off_everywhere_is_found_and_no_other(seed: int, wrong: int, shift: float) -> None:
    fields = _fields(seed)
    fields[wrong] += np.float32(shift)
    assert implausible(fields, USUAL)[:, 0].tolist() == [source == wrong for source in range(4)]


def test_one_wrong_file_is_one_wrong_lead() -> None:
    fields = np.repeat(_fields(), 5, axis=1)
    fields[2, 3] -= 273.15
    expected = np.zeros((4, 5), bool)
    expected[2, 3] = True
    np.testing.assert_array_equal(implausible(fields, np.repeat(USUAL, 5, axis=1)), expected)


def test_a_storm_in_another_place_is_weather() -> None:
    fields = _fields()
    fields[2, 0, : PLACES // 10] += 100
    assert not implausible(fields, USUAL).any()


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_unit_of_rain_is_found_though_most_places_are_dry(seed: int) -> None:
    generator = np.random.default_rng(seed)
    wet = generator.random(PLACES) < 0.35
    rain = np.where(wet, generator.gamma(0.7, 1.0, PLACES), 0) * generator.lognormal(0, 0.4, (4, PLACES))
    fields = rain.astype(np.float32)[:, None]
    assert not implausible(fields, np.full((4, 1), 0.5)).any()
    fields[1] *= 1000
    assert implausible(fields, np.full((4, 1), 0.5))[:, 0].tolist() == [False, True, False, False]


def test_two_sources_or_two_against_two_accuse_nobody() -> None:
    fields = _fields()
    fields[:2] += 50
    assert not implausible(fields[1:3], USUAL[1:3]).any()
    assert not implausible(fields, USUAL).any()


def test_a_new_source_is_held_to_the_typical_error_and_a_good_one_too() -> None:
    fields, usual = _fields(), USUAL.copy()
    usual[3], usual[0] = np.nan, 0.01
    fields[3] += 0.8 * ABSURD
    assert not implausible(fields, usual).any()
    fields[3] += ABSURD
    assert implausible(fields, usual)[:, 0].tolist() == [False, False, False, True]
    assert not implausible(fields, np.full_like(usual, np.nan)).any(), "without any history nobody can judge"


def test_absent_and_regional_sources_are_judged_where_they_are() -> None:
    fields = _fields()
    fields[0] = np.nan
    fields[1, 0, 50:] = np.nan
    fields[1] += 60
    assert implausible(fields, USUAL)[:, 0].tolist() == [False, True, False, False]


def test_a_source_that_changed_is_told_from_a_corrupt_truth() -> None:
    errors, present = np.zeros((4, PLACES), np.float32), np.full(4, PLACES)
    errors[:, :20] = 9  # a corrupt report: all sources alike
    assert not changed((np.abs(errors) > 2).sum(axis=1), present).any()
    errors[1, : PLACES // 3] = -4
    assert changed((np.abs(errors) > 2).sum(axis=1), present).tolist() == [False, True, False, False]
    errors[:] = 9  # a corrupt analysis
    assert not changed((np.abs(errors) > 2).sum(axis=1), present).any()


def test_a_frozen_run_is_told_by_the_places_where_weather_moves() -> None:
    generator = np.random.default_rng(0)
    newest, later = generator.normal(0, 1, (2, 100)).astype(np.float32)
    assert frozen(newest, newest.copy(), later)
    assert not frozen(newest, later, later)
    assert not frozen(newest, newest, newest), "what never changes, such as sea ice, tells nothing"
    almost = newest.copy()
    almost[:10] += 1
    assert not frozen(newest, almost, later)
    gone = np.full(100, np.nan, np.float32)
    assert not frozen(gone, gone, later)


def test_what_only_an_island_says_may_be_weather() -> None:
    fields = _fields()
    fields[2] += 100
    fields[:, :, 5:] = np.nan
    assert not implausible(fields, USUAL).any()
