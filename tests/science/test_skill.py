"""Skill states: mergeable means from which bias and covariance come back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.science import skill as skills
from pipeline.science import weights
from pipeline.science.pools import Pools, boxes, single
from pipeline.science.skill_exchange import align_sources, from_dataset, merge, to_dataset
from pipeline.science.skill_kernel import NOTHING, pack, unpack

SOURCES, BINS, PLACES = ("alpha", "beta", "gamma"), (6.0, 24.0), 7


def _errors(seed: int, count: int, places: int = PLACES) -> np.ndarray:
    """Errors of all sources at once, now and then of none."""
    generator = np.random.default_rng(seed)
    errors = generator.normal(1, 2, (count, len(SOURCES), places)).astype(np.float32)
    errors[np.broadcast_to(generator.random((count, 1, places)) < 0.2, errors.shape)] = np.nan
    return errors


def _learnt(errors: np.ndarray, pools: Pools | None = None, *, bounded: bool = False) -> skills.Skill:
    places = errors.shape[-1]
    state = skills.zero(SOURCES, BINS, pools or single(places))
    for row in errors:
        skills.update(state, 1, row, bounded=bounded)
    return state


def _values(state: skills.Skill, name: str) -> np.ndarray:
    values = getattr(state, name)
    return unpack(values) if values.dtype == np.uint16 else values


def _same(first: skills.Skill, second: skills.Skill, names: tuple[str, ...] = skills.STATISTICS) -> None:
    """Alike within what 8 bits keep: a mean of deviation 2 moves by less than 0.03."""
    for name in names:
        np.testing.assert_allclose(_values(first, name), _values(second, name), rtol=0.02, atol=0.03, err_msg=name)


def test_the_upper_half_of_a_number_keeps_eight_bits() -> None:
    values = np.array([0, 1, -2.5, 1e-6, 3.3e5, np.nan], np.float32)
    np.testing.assert_allclose(unpack(pack(values)), values, rtol=1 / 256)
    assert pack(values)[-1] == NOTHING


def test_means_variances_and_covariances_equal_numpy() -> None:
    errors = _errors(0, 20)
    state = _learnt(errors)
    seen = np.isfinite(errors)
    np.testing.assert_allclose(state.bias[:, 1], np.nanmean(errors, axis=0), rtol=0.01, atol=0.02)
    np.testing.assert_allclose(state.spread[:, 1], np.nanvar(errors, axis=0), rtol=0.03)
    np.testing.assert_array_equal(state.presence(1), seen.sum(axis=0))
    departure = errors - np.nanmean(errors, axis=0)
    np.testing.assert_allclose(
        state.product[2, 1], np.nanmean(departure[:, 0] * departure[:, 2], axis=0), rtol=0.02, atol=0.05
    )
    assert not state.presence(0).any(), "the other lead bin must stay empty"


def test_whatever_the_bits_of_a_nan_it_is_no_error() -> None:
    errors = np.ones((len(SOURCES), PLACES), np.float32)
    errors[1, 2] = np.uint32(0xFFC00000).view(np.float32)  # what x86 makes of 0 / 0
    state = _learnt(np.stack([errors, errors]))
    assert np.isnan(state.bias[1, 1, 2])
    assert np.isnan(state.spread[1, 1, 2])
    present, mean, _ = state.seen(1)
    assert np.isfinite(mean).all()
    assert present[1, 2] == 0
    assert np.isfinite(weights.fit_bias(state, 1, np.ones((1, PLACES), np.float32))).all()


MERGED = tuple(name for name in skills.STATISTICS if name not in ("last", "echo"))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 12), st.floats(0.1, 1))
def test_merge_and_decay_commute_with_update(seed: int, split: int, factor: float) -> None:
    errors = _errors(seed, 12)
    whole = _learnt(errors)
    _same(whole, merge(_learnt(errors[:split]), _learnt(errors[split:])), MERGED)
    parts = (skills.decay(_learnt(part), factor) for part in (errors[:split], errors[split:]))
    _same(skills.decay(whole, factor), merge(*parts), MERGED)
    _same(whole, merge(skills.zero(SOURCES, BINS, single(PLACES)), whole))


def test_pools_are_as_wide_everywhere_and_none_is_without_a_place() -> None:
    latitude, longitude = (
        part.ravel() for part in np.meshgrid(np.arange(90, -91, -1.0), np.arange(0, 360.0), indexing="ij")
    )
    pools = boxes(latitude, longitude)
    size = np.bincount(pools.index, np.cos(np.deg2rad(latitude)), pools.count)
    assert size.min() > 0
    assert np.percentile(size, 95) < 2 * np.percentile(size, 5)
    np.testing.assert_array_equal(np.unique(pools.of_sample), np.arange(pools.count))
    assert np.bincount(pools.of_sample).max() <= 5


def test_a_sample_of_a_pool_tells_what_all_places_would() -> None:
    generator = np.random.default_rng(4)
    index = np.repeat(np.arange(3, dtype=np.int32), 100)
    common = generator.normal(size=(40, 3, 3)).astype(np.float32)[:, :, index]
    state = _learnt(common, Pools(index, 3, 300))
    np.testing.assert_allclose(state.weight[:, 1], 40)
    np.testing.assert_allclose(state.product[0, 1], common[:, 0, ::100].var(axis=0), rtol=0.02)


@pytest.mark.parametrize("columns", [6, 40])  # fewer than a vector, and two and a half
def test_rows_that_lie_close_share_the_squares_of_their_middle_one(columns: int) -> None:
    rows, pool = 11, np.repeat(np.arange(2, dtype=np.int32), [5 * columns, 6 * columns])
    pools = Pools(pool, 2, columns, 4)
    errors = np.random.default_rng(7).normal(1, 2, (30, len(SOURCES), rows * columns)).astype(np.float32)
    errors[:, 0, :8] = np.nan  # a region: not all places of a pool
    seen = np.isfinite(errors).any(axis=0)
    state = _learnt(errors, pools)
    np.testing.assert_allclose(state.bias[:, 1][seen], errors.mean(axis=0)[seen], rtol=0.02, atol=0.03)
    middle = np.repeat([2, 6, 10], [4, 4, 3])  # the last rows are three
    np.testing.assert_array_equal(pools.kept.reshape(-1, columns)[:, 0] // columns, [2, 6, 10])
    spread = errors.var(axis=0).reshape(3, rows, columns)[:, middle].reshape(3, -1)
    np.testing.assert_allclose(state.spread[:, 1][seen], spread[seen], rtol=0.04)
    assert np.isnan(state.spread[:, 1][~seen]).all()
    again = from_dataset(to_dataset(state))
    np.testing.assert_array_equal(again.spread, state.spread)
    halves = merge(_learnt(errors[:15], pools), _learnt(errors[15:], pools))
    np.testing.assert_allclose(halves.spread[:, 1][seen], spread[seen], rtol=0.04)


def test_squares_are_shared_within_a_degree() -> None:
    for step, together in ((0.25, 4), (0.5, 2), (3.0, 1)):
        latitude, longitude = np.meshgrid(np.arange(90, 80, -step), np.arange(0, 360, 45.0), indexing="ij")
        pools = boxes(latitude.ravel(), longitude.ravel())
        assert (pools.columns, pools.together) == (8, together)
        assert np.abs(latitude.ravel()[pools.kept][pools.square_of] - latitude.ravel()).max() <= 0.5
    assert boxes(np.array([50.0, 51, 52]), np.zeros(3)).together == 1, "stations are in no rows"


def test_sources_that_come_and_go_keep_what_is_known() -> None:
    state = _learnt(_errors(3, 9))
    changed = align_sources(state, ("gamma", "new", "alpha"))
    np.testing.assert_array_equal(changed.mean[2], state.mean[0])
    np.testing.assert_array_equal(changed.product[2], state.product[2], "the pair alpha-gamma, whatever its order")
    assert not changed.presence(1)[1].any()
    _same(align_sources(align_sources(state, ("gamma", "beta", "alpha")), SOURCES), state)


def test_a_gross_error_is_bounded() -> None:
    generator = np.random.default_rng(1)
    places = 200
    state = skills.zero(("only",), (24.0,), single(places))
    for _ in range(20):
        skills.update(state, 0, generator.normal(2, 1, (1, places)).astype(np.float32))
    bias, spread = state.bias[0, 0].copy(), state.spread[0, 0].copy()
    skills.update(state, 0, np.full((1, places), 500, np.float32))
    assert (state.bias[0, 0] - bias).max() < 3 / 21, "not 500 / 21"
    assert (state.spread[0, 0] - spread).max() < 25 / 21


def test_the_first_errors_are_taken_as_they_are() -> None:
    state = skills.zero(("only",), (24.0,), single(2))
    skills.update(state, 0, np.array([[100, -100]], np.float32))
    np.testing.assert_allclose(state.bias[0, 0], [100, -100], rtol=0.005)


def test_errors_that_repeat_themselves_say_little() -> None:
    generator = np.random.default_rng(2)
    alike = [np.zeros((1, 300), np.float32)]
    for _ in range(60):
        alike.append((0.8 * alike[-1] + 0.6 * generator.normal(size=(1, 300))).astype(np.float32))
    for errors, low, high in ((alike, 4, 12), ([generator.normal(size=(1, 300)) for _ in range(60)], 1, 1.2)):
        state = skills.zero(("only",), (24.0,), single(300))
        for row in errors:
            skills.update(state, 0, np.asarray(row, np.float32))
        assert low <= skills.repetition(state, 0)[0] <= high  # (1 + 0.8) / (1 - 0.8) = 9 and 1


@pytest.mark.parametrize(("kind", "kept"), [("normal", 1.0), ("normal", 0.9), ("wild", 1.0), ("alike", 1.0)])
def test_how_uncertain_a_mean_is_can_be_seen_in_what_follows(kind: str, kept: float) -> None:
    """Of normal errors, of means that fade, with tails, and alike from pair to pair; true biases are known here."""
    generator = np.random.default_rng(3)
    draw = {"wild": lambda: generator.standard_t(2.5, (1, 2000))}.get(kind, lambda: generator.normal(size=(1, 2000)))
    state, bias, error = skills.zero(("only",), (24.0,), single(2000)), generator.normal(0, 0.3, 2000), draw()
    for _ in range(80):
        error = draw() if kind != "alike" else 0.5 * error + np.sqrt(0.75) * draw()
        state = skills.decay(state, kept)
        skills.update(state, 0, (bias + error).astype(np.float32))
    off = np.square(state.bias[0, 0] - bias).mean()
    expected = off * state.weight[0, 0].mean() / state.spread[0, 0].mean()
    assert skills.uncertainty(state, 0)[0] == pytest.approx(expected, rel=0.2)


def test_decay_remembers_longer_at_longer_leads() -> None:
    factors = skills.decay_factors((6.0, 120.0), 24)
    assert 0 < factors[0] < factors[1] < 1
    np.testing.assert_allclose(skills.decay_factors((6.0,), 48), skills.decay_factors((6.0,), 24) ** 2)


def test_round_trip_through_a_dataset() -> None:
    state = _learnt(_errors(5, 4))
    again = from_dataset(to_dataset(state))
    assert (again.sources, again.lead_bins) == (SOURCES, BINS)
    for name in skills.STATISTICS:
        np.testing.assert_array_equal(getattr(again, name), getattr(state, name))


def test_wrong_shape_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match="expected errors of shape"):
        skills.update(skills.zero(SOURCES, BINS, single(3)), 0, np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="same sources"):
        merge(skills.zero(SOURCES, BINS, single(3)), skills.zero(("other",), BINS, single(3)))
