"""Weights and biases recover a known error structure, and behave at the edges of knowledge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.parameters import parameter
from pipeline.science import blend, clusters, covariance, weights
from pipeline.science import skill as skills
from pipeline.science.learn import Places, learn
from pipeline.science.pools import single
from pipeline.science.skill_exchange import align_sources

SOURCES = ("one", "two", "three")
PLACES = 400


def _places(count: int = PLACES) -> Places:
    index = np.arange(count)
    golden = np.pi * (3 - np.sqrt(5))
    latitude = np.rad2deg(np.arcsin(1 - 2 * (index + 0.5) / count))
    return Places(latitude, np.rad2deg(index * golden) % 360, np.zeros(count), np.ones(count), single(count))


def _state(
    bias: np.ndarray, deviation: np.ndarray, correlation: np.ndarray, days: int = 60, seed: int = 0
) -> skills.Skill:
    """A state that has seen errors of the given bias (source, place), deviation (source, place) and correlation."""
    generator = np.random.default_rng(seed)
    state = skills.zero(SOURCES, (24.0,), single(bias.shape[1]))
    root = np.linalg.cholesky(correlation)
    for _ in range(days):
        noise = np.einsum("ij,jp->ip", root, generator.normal(size=bias.shape))
        skills.update(state, 0, (bias + deviation * noise).astype(np.float32))
    return state


def _alike(count: int = PLACES) -> np.ndarray:
    return np.ones((1, count), np.float32)


def test_planted_biases_are_recovered_within_their_sampling_error() -> None:
    latitude = _places().latitude
    bias = np.stack([np.full(PLACES, 1.5), np.where(latitude > 0, 2.0, -2.0), np.zeros(PLACES)])
    deviation = np.full(bias.shape, 1.0)
    found = weights.fit_bias(_state(bias, deviation, np.eye(3)), 0, _alike())
    assert np.abs((found - bias).mean(axis=1)).max() < 4 / np.sqrt(60 * PLACES)
    assert np.sqrt(((found - bias) ** 2).mean()) < 1.05 / np.sqrt(60), "no worse than each place's own mean"


def test_a_small_sample_is_shrunk_towards_its_cluster() -> None:
    bias = np.full((3, PLACES), 1.0)
    found = weights.fit_bias(_state(bias, np.full(bias.shape, 3.0), np.eye(3), days=5), 0, _alike())
    assert np.sqrt(((found - 1) ** 2).mean()) < 0.3 * 3 / np.sqrt(5)


def test_weights_equal_those_of_the_known_covariance() -> None:
    correlation = np.array([[1, 0.3, 0], [0.3, 1, 0.2], [0, 0.2, 1]])
    deviation = np.array([1.0, 1.5, 2.0])
    state = _state(np.zeros((3, PLACES)), np.repeat(deviation[:, None], PLACES, 1), correlation, days=100)
    found = learn(parameter("temperature_2m"), [state], _places()).weights[0]
    shrunk = (1 - covariance.CORRELATION_SHRINKAGE) * correlation + covariance.CORRELATION_SHRINKAGE * np.eye(3)
    exact = np.linalg.solve(shrunk * np.outer(deviation, deviation), np.ones(3))
    wanted = (1 - weights.EQUAL_SHARE) * exact / exact.sum() + weights.EQUAL_SHARE / 3
    np.testing.assert_allclose(found.weight[:, 0].mean(axis=1), wanted, atol=0.02)
    np.testing.assert_allclose(found.error_variance.mean(), 1 / exact.sum(), rtol=0.1)


def test_a_near_copy_shares_the_weight_of_its_twin() -> None:
    correlation = np.array([[1, 0.98, 0], [0.98, 1, 0], [0, 0, 1]])
    state = _state(np.zeros((3, PLACES)), np.ones((3, PLACES)), correlation)
    weight = learn(parameter("temperature_2m"), [state], _places()).weights[0].weight[:, 0].mean(axis=1)
    assert abs(weight[2] - 0.5) < 0.06
    assert abs(weight[0] + weight[1] - 0.5) < 0.06


def test_the_planted_best_region_gets_the_larger_weight() -> None:
    places = _places()
    north = places.latitude > 0
    deviation = np.stack([np.where(north, 1.0, 2.0), np.where(north, 2.0, 1.0), np.full(PLACES, 2.0)])
    weight = (
        learn(parameter("temperature_2m"), [_state(np.zeros((3, PLACES)), deviation, np.eye(3))], places)
        .weights[0]
        .weight
    )
    far = np.abs(places.latitude) > 15
    assert (weight[0, 0, north & far] > weight[1, 0, north & far]).mean() > 0.98
    assert (weight[1, 0, ~north & far] > weight[0, 0, ~north & far]).mean() > 0.98


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12))
def test_weights_are_non_negative_and_sum_to_one(seed: int, days: int) -> None:
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(3, 3))
    covariance = root @ root.T + 0.01 * np.eye(3)
    scale = np.sqrt(np.diag(covariance))
    state = _state(
        generator.normal(size=(3, 40)),
        scale[:, None] * np.ones((3, 40)),
        covariance / np.outer(scale, scale),
        days,
        seed,
    )
    weight = learn(parameter("temperature_2m"), [state], _places(40)).weights[0].weight
    assert (weight >= 0).all()
    np.testing.assert_allclose(weight.sum(axis=0), 1, atol=1e-5)


def test_without_history_all_sources_are_equal_and_unbiased() -> None:
    found = learn(parameter("temperature_2m"), [skills.zero(SOURCES, (24.0,), single(PLACES))], _places()).weights[0]
    np.testing.assert_allclose(found.weight, 1 / 3, atol=1e-6)
    assert not found.bias.any()
    assert (found.spread_factor == 1).all()


def test_a_new_source_starts_from_the_prior() -> None:
    state = _state(np.zeros((3, PLACES)), np.ones((3, PLACES)), np.eye(3))
    newcomer = align_sources(state, ("one", "two", "new"))
    weight = learn(parameter("temperature_2m"), [newcomer], _places()).weights[0].weight[2]
    np.testing.assert_allclose(weight, 1 / 3, atol=0.02)


def test_nothing_is_taken_off_amounts_even_if_sources_are_wet() -> None:
    generator = np.random.default_rng(0)
    state = skills.zero(("wet", "right"), (24.0,), single(PLACES))
    for _ in range(30):
        truth = generator.gamma(0.3, 4, PLACES).astype(np.float32)
        noise = generator.normal(0, 0.1, (2, PLACES)).astype(np.float32)
        skills.update(state, 0, np.stack([truth + noise[0], noise[1]]), bounded=False)
    found = learn(parameter("precipitation"), [state], _places()).weights[0]
    assert not found.bias.any()
    assert found.weight[1].mean() > 0.7, "its errors count as they are"


def test_nothing_is_taken_off_persistence_and_its_errors_count_whole() -> None:
    generator, sources = np.random.default_rng(0), ("gfs", "persistence")
    state = skills.zero(sources, (24.0,), single(PLACES))
    for day in range(40):
        error = 2 + generator.normal(0, 1, (2, PLACES))
        skills.update(state, 0, error.astype(np.float32), hour=6.0 * day)
    found = learn(parameter("temperature_2m"), [state], _places()).weights[0]
    assert abs(found.bias[0].mean() - 2) < 0.05
    assert not found.bias[1].any()
    assert found.course is None or not found.course[:, 1].any()
    variance = covariance.fit_variance(state, 0, _alike(), about_zero=False)[0].mean(axis=1)
    np.testing.assert_allclose(variance, (1, 1 + 2**2), rtol=0.1)


def test_a_storm_says_how_large_errors_of_amounts_are_but_not_whose() -> None:
    generator = np.random.default_rng(0)
    error = generator.normal(0, 1, (2, PLACES))
    error[:, 0] = 30, 3  # one place's storm, where the first source happened to be far off
    state = skills.zero(("one", "two"), (24.0,), single(PLACES))
    skills.update(state, 0, error.astype(np.float32), bounded=False)
    amounts, others = (covariance.fit_variance(state, 0, _alike(), about_zero=kind)[0] for kind in (True, False))
    ratio = amounts[0] / amounts[1]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    assert (amounts[:, 0] > 2 * amounts[:, 1:].max(axis=1)).all()
    assert others[0, 0] / others[1, 0] > 2 * (others[0, 1:] / others[1, 1:]).max()


def test_spread_is_widened_to_the_error_of_the_blend() -> None:
    state = _state(np.zeros((3, PLACES)), np.full((3, PLACES), 2.0), np.eye(3))
    absent = np.full((3, PLACES), np.nan, np.float32)
    for _ in range(10):
        skills.update(state, 0, absent, variance=np.full(PLACES, 0.25, np.float32))
    found = learn(parameter("temperature_2m"), [state], _places()).weights[0]
    np.testing.assert_allclose(found.spread_factor, np.sqrt(4 / 3 / 0.25), rtol=0.08)


def test_components_of_a_vector_share_their_weights() -> None:
    deviation = np.array([[1.0], [2.0], [3.0]]) * np.ones((3, PLACES))
    states = [_state(np.zeros((3, PLACES)), deviation, np.eye(3), seed=seed) for seed in (1, 2)]
    east, north = learn(parameter("eastward_wind_10m"), states, _places()).weights
    np.testing.assert_array_equal(east.weight, north.weight)
    assert not np.array_equal(east.bias, north.bias)


def test_labels_stay_when_the_sample_changes_a_little() -> None:
    places = _places()
    deviation = np.stack([np.where(places.latitude > 0, 1.0, 3.0)] * 3)
    features = []
    for seed in (1, 2):
        state = _state(np.zeros((3, PLACES)), deviation, np.eye(3), seed=seed)
        features.append(clusters.signature(state, places.latitude, places.longitude, places.altitude, places.land))
    centres = clusters.fit_centres(features[0], 4)
    later = clusters.fit_centres(features[1], 4, centres)
    labels = [
        clusters.membership(feature, centre).argmax(axis=0)
        for feature, centre in zip(features, (centres, later), strict=True)
    ]
    assert (labels[0] == labels[1]).mean() > 0.9


def test_where_only_the_best_source_counts_the_scheme_stands_in_for_it() -> None:
    """A source that beats all by far today and is missing tomorrow, or covers but a part of the places."""
    bias = np.array([[1.0], [2.0], [3.0]]) * np.ones(PLACES)
    state = _state(bias, np.ones((3, PLACES)) * np.array([[1.0], [2.0], [3.0]]), np.eye(3))
    (scheme,) = weights.fit([state], _alike(), amounts=False, guarded=False)
    state.contest[:, 0] = np.array([4.0, 4.0, 1.0, 4.0, 1.0, 1.0])[:, None]  # the best is apart
    state.contest_weight[:] = 1e4
    (found,) = weights.fit([state], _alike(), amounts=False)
    assert found.weight[0].min() > 0.985
    forecasts = (280 + bias)[:, None].astype(np.float32)
    forecasts[0] = np.nan
    alone = blend.blend(forecasts, found, np.array([24]))
    np.testing.assert_allclose(alone, blend.blend(forecasts, scheme, np.array([24])), rtol=1e-6)
    assert np.abs(alone - 280).max() < 1.5, "and without its biases"


def test_no_source_is_an_error() -> None:
    nothing = covariance.Errors(np.empty((0, 3)), np.empty((1, 0, 0)), np.empty(0, bool))
    with pytest.raises(ValueError, match="at least one source"):
        weights.fit_weights(nothing, _alike(3), 0.1, np.empty(0, bool))


def test_persistence_has_no_weight_but_what_it_earns() -> None:
    names = ("one", "two", "persistence")
    fresh = weights.fit([skills.zero(names, (24.0,), single(PLACES))], _alike(), amounts=False)[0]
    np.testing.assert_allclose(fresh.weight[:, 0, 0], [0.5, 0.5, 0], err_msg="equal weights are of the models")
    generator = np.random.default_rng(5)
    state = skills.zero(names, (24.0,), single(PLACES))
    for _ in range(40):
        common, own = generator.normal(size=PLACES), generator.normal(size=(3, PLACES))
        errors = np.stack([common + 0.3 * own[0], common + 0.3 * own[1], 1.5 * own[2]])
        skills.update(state, 0, errors.astype(np.float32))
    learnt = weights.fit([state], _alike(), amounts=False)[0].weight[:, 0].mean(axis=1)
    assert learnt[2] > 0.15, "poor, but what the models have in common is not in it"
    assert learnt.sum() == pytest.approx(1, abs=1e-5)


def _errors(deviation: np.ndarray, correlation: np.ndarray) -> covariance.Errors:
    """Errors of two models and of what is no model, at four places of one cluster."""
    variance = np.repeat(deviation[:, None] ** 2, 4, axis=1).astype(np.float32)
    return covariance.Errors(variance, correlation[None], np.ones(3, np.bool_))


def test_persistence_is_weighed_against_models_that_err_alike_by_the_errors_as_seen() -> None:
    correlation = np.array([[1, 0.8, 0.2], [0.8, 1, 0.2], [0.2, 0.2, 1]])
    model = np.array([True, True, False])
    found = weights.fit_weights(_errors(np.ones(3), correlation), _alike(4), weights.EQUAL_SHARE, model)
    share = (1 - weights.EQUAL_SHARE) * (0.9 - 0.2) / (0.9 + 1 - 2 * 0.2)  # 0.9 is the variance of the models' mean
    np.testing.assert_allclose(found, np.repeat([[(1 - share) / 2], [(1 - share) / 2], [share]], 4, axis=1), atol=1e-6)
    only_equal = weights.fit_weights(_errors(np.ones(3), correlation), _alike(4), 1.0, model)
    np.testing.assert_allclose(only_equal[:, 0], [0.5, 0.5, 0], atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_no_model_never_makes_the_blend_worse_as_seen(seed: int) -> None:
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(3, 3))
    seen = root @ root.T + 0.01 * np.eye(3)
    deviation = np.sqrt(np.diag(seen))
    errors = _errors(deviation, seen / np.outer(deviation, deviation))
    weight = weights.fit_weights(errors, _alike(4), weights.EQUAL_SHARE, np.array([True, True, False]))[:, 0]
    assert (weight >= 0).all()
    assert weight.sum() == pytest.approx(1, abs=1e-5)
    models = np.append(weight[:2] / weight[:2].sum(), 0)
    assert weight @ seen @ weight <= models @ seen @ models * (1 + 1e-4)


def test_a_source_that_is_no_model_cannot_be_weighed_alone() -> None:
    with pytest.raises(ValueError, match="at least one source"):
        weights.fit([skills.zero(("persistence",), (24.0,), single(9))], _alike(9), amounts=False)


def test_a_single_pair_already_tells_good_sources_from_poor_ones() -> None:
    deviation = np.array([1.0, 1.0, 6.0])[:, None] * np.ones((3, PLACES))
    found = weights.fit([_state(np.zeros((3, PLACES)), deviation, np.eye(3), days=1)], _alike(), amounts=False)[0]
    assert found.weight[2].max() < 0.15, "not a third each, as if a first departure of nothing meant no error"
