"""Skill states: mergeable sums from which bias and covariance come back exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.science import skill as skills

SOURCES, BINS, PLACES = ("alpha", "beta", "gamma"), (6.0, 24.0), 7


def _errors(seed: int, count: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    errors = generator.normal(1, 2, (count, len(SOURCES), PLACES)).astype(np.float32)
    errors[generator.random(errors.shape) < 0.2] = np.nan
    return errors


def _learnt(errors: np.ndarray) -> skills.Skill:
    state = skills.zero(SOURCES, BINS, PLACES)
    for row in errors:
        skills.update(state, 1, row, np.ones(PLACES, np.float32))
    return state


def _same(first: skills.Skill, second: skills.Skill) -> None:
    for name in skills.SUMS:
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=2e-5, atol=2e-5)


def test_sums_equal_numpy() -> None:
    errors = _errors(0, 20)
    state = _learnt(errors)
    np.testing.assert_allclose(state.error[:, 1], np.nansum(errors, axis=0), rtol=1e-5)
    np.testing.assert_array_equal(state.presence[:, 1], np.isfinite(errors).sum(axis=0))
    both = np.isfinite(errors[:, 0]) & np.isfinite(errors[:, 2])
    np.testing.assert_array_equal(state.weight[2, 1], both.sum(axis=0))
    np.testing.assert_allclose(
        state.product[2, 1], np.nansum(errors[:, 0] * errors[:, 2], axis=0), rtol=1e-4, atol=1e-4
    )
    assert not state.weight[:, 0].any(), "the other lead bin must stay empty"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 12), st.floats(0.1, 1))
def test_merge_and_decay_commute_with_update(seed: int, split: int, factor: float) -> None:
    errors = _errors(seed, 12)
    whole = _learnt(errors)
    parts = skills.merge(_learnt(errors[split:]), _learnt(errors[:split]))
    _same(whole, parts)
    _same(
        skills.decay(whole, factor),
        skills.merge(*(skills.decay(_learnt(e), factor) for e in (errors[:split], errors[split:]))),
    )
    _same(whole, skills.merge(whole, skills.zero(SOURCES, BINS, PLACES)))


def test_sources_that_come_and_go_keep_what_is_known() -> None:
    state = _learnt(_errors(3, 9))
    changed = skills.align_sources(state, ("gamma", "new", "alpha"))
    np.testing.assert_array_equal(changed.error[2], state.error[0])
    np.testing.assert_array_equal(changed.product[2], state.product[2], "the pair alpha-gamma, whatever its order")
    assert not changed.presence[1].any()
    _same(skills.align_sources(skills.align_sources(state, ("gamma", "beta", "alpha")), SOURCES), state)


def test_a_gross_error_is_bounded_by_the_limits() -> None:
    generator = np.random.default_rng(1)
    places = 200
    state = skills.zero(("only",), (24.0,), places)
    for _ in range(20):
        skills.update(state, 0, generator.normal(2, 1, (1, places)).astype(np.float32), np.zeros(places, np.float32))
    limits = skills.limits(state, 0, width=2)
    assert limits is not None
    np.testing.assert_allclose((limits[0] + limits[1]) / 2, 2, atol=1)
    before = state.error[0, 0, 0]
    skills.update(state, 0, np.full((1, places), 500, np.float32), np.zeros(places, np.float32), limits=limits)
    assert state.error[0, 0, 0] - before < 2 + 2 * 1.5 + 1, "not 500"


def test_limits_wait_for_a_sample() -> None:
    assert skills.limits(skills.zero(SOURCES, BINS, PLACES), 0) is None


def test_decay_remembers_longer_at_longer_leads() -> None:
    factors = skills.decay_factors((6.0, 120.0), 24)
    assert 0 < factors[0] < factors[1] < 1
    np.testing.assert_allclose(skills.decay_factors((6.0,), 48), skills.decay_factors((6.0,), 24) ** 2)


def test_round_trip_through_a_dataset() -> None:
    state = _learnt(_errors(5, 4))
    again = skills.from_dataset(skills.to_dataset(state))
    assert (again.sources, again.lead_bins) == (SOURCES, BINS)
    _same(again, state)


def test_wrong_shape_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match="expected errors of shape"):
        skills.update(skills.zero(SOURCES, BINS, 3), 0, np.zeros((2, 3), np.float32), np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="same sources"):
        skills.merge(skills.zero(SOURCES, BINS, 3), skills.zero(("other",), BINS, 3))
