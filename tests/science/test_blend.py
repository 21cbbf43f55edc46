"""The blend against plain numpy, and its rules for missing sources and directions."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.science.blend import angular_error, blend, lead_position, range_taper, simple_blends
from pipeline.science.weights import Weights

BINS = (6.0, 24.0, 72.0)


def _weights(seed: int, sources: int, places: int) -> Weights:
    generator = np.random.default_rng(seed)
    weight = generator.random((sources, len(BINS), places)).astype(np.float32)
    bias = generator.normal(0, 0.2, weight.shape).astype(np.float32)
    flat = np.ones(weight.shape[1:], np.float32)
    return Weights(tuple("abcdefgh"[:sources]), BINS, bias, weight / weight.sum(axis=0), flat, flat)


def _plain(forecasts: np.ndarray, weights: Weights, leads: np.ndarray, taper: np.ndarray) -> np.ndarray:
    """The definition, one lead at a time."""
    result = []
    for index, lead in enumerate(leads):
        at = [
            np.apply_along_axis(lambda column, x=lead: np.interp(x, BINS, column), 1, part)
            for part in (weights.weight, weights.bias)
        ]
        values = forecasts[:, index] - at[1]
        share = np.where(np.isnan(values), 0, at[0] * taper[:, index, None])
        result.append(np.nansum(share * np.nan_to_num(values), axis=0) / share.sum(axis=0))
    return np.array(result)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_equals_the_definition(seed: int) -> None:
    generator = np.random.default_rng(seed)
    leads = np.array([0.0, 6, 15, 24, 50, 72, 100])
    forecasts = generator.normal(280, 10, (4, len(leads), 33)).astype(np.float32)
    forecasts[generator.random(forecasts.shape) < 0.2] = np.nan
    forecasts[0] = np.where(np.isnan(forecasts[0]), 280, forecasts[0])
    taper = generator.random(forecasts.shape[:2]).astype(np.float32) + np.float32(0.01)
    weights = _weights(seed, 4, 33)
    np.testing.assert_allclose(
        blend(forecasts, weights, leads, taper), _plain(forecasts, weights, leads, taper), rtol=2e-5
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_same_bits_however_the_places_are_cut(seed: int) -> None:
    generator = np.random.default_rng(seed)
    places, leads = 9001, np.array([0.0, 10, 20, 72])  # two whole blocks and a rest
    forecasts = generator.normal(280, 10, (6, len(leads), places)).astype(np.float32)
    forecasts[5, 2] = np.nan  # a source that ends
    forecasts[4, :, 2000:6000] = np.nan  # and a regional one
    forecasts[3, 1, generator.integers(0, places, 20)] = np.nan
    weights = _weights(seed, 6, places)
    weights.weight[4, :, 2000:6000] = 0
    whole = blend(forecasts, weights, leads)
    assert np.isfinite(whole).all()
    edges = [0, *sorted(generator.integers(1, places, 4).tolist()), places]
    for start, stop in pairwise(edges):
        cut = slice(start, stop)
        part = replace(weights, bias=weights.bias[..., cut].copy(), weight=weights.weight[..., cut].copy())
        np.testing.assert_array_equal(blend(forecasts[..., cut], part, leads), whole[:, cut])


def test_missing_source_renormalises_weights() -> None:
    weights = _weights(0, 2, 5)
    forecasts = np.full((2, 1, 5), 7, np.float32)
    forecasts[1] = np.nan
    alone = blend(forecasts, weights, np.array([6.0]))
    np.testing.assert_allclose(alone[0], 7 - weights.bias[0, 0], rtol=1e-6)


def test_no_source_at_all_is_missing_never_zero() -> None:
    assert np.isnan(blend(np.full((2, 1, 3), np.nan, np.float32), _weights(0, 2, 3), np.array([6.0]))).all()


def test_leads_beyond_the_bins_take_the_nearest() -> None:
    lower, fraction = lead_position(BINS, np.array([0.0, 6, 15, 72, 200]))
    assert lower.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_allclose(fraction, [0, 0, 0.5, 1, 1])
    lower, fraction = lead_position((24.0,), np.array([3.0, 90]))
    assert lower.tolist() == [0, 0]
    assert not fraction.any()


def test_directions_average_across_north() -> None:
    weights = _weights(0, 2, 1)
    weights.bias[:] = 0
    weights.weight[:] = 0.5
    values = np.array([350, 20], np.float32).reshape(2, 1, 1)
    np.testing.assert_allclose(blend(values, weights, np.array([6.0]), circular=True), 5, atol=1e-4)
    np.testing.assert_allclose(angular_error(np.float32([350, 10]), np.float32([10, 350])), [-20, 20])


def test_a_source_fades_before_its_last_lead() -> None:
    taper = range_taper(48, np.arange(60.0))
    assert taper[42] == 1
    assert (np.diff(taper[42:49]) < 0).all()
    assert taper[47] > taper[48] > 0


def test_the_simple_blends_are_what_they_say() -> None:
    values = np.array([[1.0, np.nan], [4.0, 4.0]])
    found = simple_blends(values, np.array([1.0, 2.0]), circular=False)
    np.testing.assert_allclose(found, [[2.5, 4], [1, 4], [2, 4]], err_msg="equal; best, or the next; 2:1")
    np.testing.assert_allclose(
        simple_blends(np.array([[350.0], [10]]), np.ones(2), circular=True)[0] % 360, 0, atol=1e-9
    )


def test_waves_of_more_energy_turn_the_direction_more() -> None:
    weights = _weights(0, 2, 2)
    weights.bias[:] = 0
    weights.weight[:] = 0.5
    directions = np.array([[[0, 350]], [[90, 10]]], np.float32)
    energy = np.array([[[3, np.nan]], [[1, np.nan]]], np.float32)
    found = blend(directions, weights, np.array([6.0]), circular=True, energy=energy)[0]
    assert abs(found[0] - np.rad2deg(np.arctan2(1, 3))) < 1e-3
    assert abs((found[1] + 180) % 360 - 180) < 1e-3, "of unknown energy all count alike"
