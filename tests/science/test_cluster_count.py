"""The number of clusters follows the number of regimes there are, and labels stay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pipeline.science import cluster_count, clusters
from pipeline.science import skill as skills
from pipeline.science.pools import single

PLACES, SOURCES = 1_000, ("alpha", "beta", "gamma")
RNG = np.random.default_rng(0)
LATITUDE, LONGITUDE = np.sort(RNG.uniform(-60, 60, PLACES)), RNG.uniform(0, 360, PLACES)
GEOGRAPHY = (LATITUDE, LONGITUDE, np.zeros(PLACES), np.ones(PLACES))


def _regimes(count: int) -> np.ndarray:
    """(place,) which of some belts each place belongs to."""
    return np.minimum((LATITUDE + 60) // (120 / count), count - 1).astype(int)


def _days(regimes: int, days: int) -> Iterator[skills.Skill]:
    """The skill after each day; errors are of deviation 2 about biases of each belt and source."""
    generator = np.random.default_rng(1)
    bias = generator.normal(0, 4, (len(SOURCES), regimes))[:, _regimes(regimes)] if regimes > 1 else 0
    state = skills.zero(SOURCES, (24.0,), single(PLACES))
    for _ in range(days):
        errors = bias + generator.normal(0, 2, (len(SOURCES), PLACES))
        skills.update(state, 0, errors.astype(np.float32))
        state = skills.decay(state, np.exp(-1 / 12))
        yield state


def _counts(regimes: int, first: int) -> list[int]:
    """The number of clusters from day to day, beginning with `first`."""
    counts, centres = [first], None
    for state in _days(regimes, 20):
        features = clusters.signature(state, *GEOGRAPHY)
        centres = clusters.fit_centres(features, first) if centres is None else centres
        counts.append(cluster_count.choose(state, GEOGRAPHY, centres, about_zero=False))
        centres = clusters.fit_centres(features, counts[-1], centres)
    return counts


def test_planted_regimes_ask_for_clusters_and_their_absence_for_few() -> None:
    assert _counts(1, 12)[-1] < 12
    assert _counts(1, 1)[-1] <= 2
    assert _counts(3, 1)[-1] >= 3


@pytest.mark.parametrize("regimes", [1, 3])
def test_the_number_moves_by_one_step_and_comes_to_rest(regimes: int) -> None:
    steps = np.diff([cluster_count.LADDER.index(count) for count in _counts(regimes, 8)])
    assert np.abs(steps).max() == 1
    assert np.abs(steps[-8:]).sum() <= 1


def test_without_a_pair_nothing_speaks_against_the_usual_number() -> None:
    nothing = skills.zero(SOURCES, (24.0,), single(PLACES))
    assert cluster_count.choose(nothing, GEOGRAPHY, None, about_zero=False) == 3
    few = tuple(part[:3] for part in GEOGRAPHY)
    assert cluster_count.choose(skills.zero(SOURCES, (24.0,), single(3)), few, None, about_zero=False) == 1


def test_the_pair_that_judges_is_not_known_beforehand() -> None:
    *_, state = _days(1, 12)
    errors = RNG.normal(0, 2, (len(SOURCES), PLACES)).astype(np.float32)
    bias, spread, weight = state.bias.copy(), state.spread.copy(), state.weight.copy()
    skills.update(state, 0, errors)
    before, newest = cluster_count.without_newest(state, np.arange(PLACES))
    usual = (np.abs(errors) < 4)[:, None]  # beyond it errors are bounded
    np.testing.assert_allclose(before.bias[usual], bias[usual], atol=0.1, rtol=0.02)
    np.testing.assert_allclose(before.spread[usual], spread[usual], rtol=0.1, atol=0.2)
    np.testing.assert_allclose(newest[usual], errors[:, None][usual], atol=0.1)
    np.testing.assert_allclose(before.weight, weight, rtol=1e-5)


def test_more_or_fewer_clusters_keep_their_labels() -> None:
    features = np.random.default_rng(2).normal(size=(6, 1, 3)) * 20 + np.random.default_rng(3).normal(size=(6, 200, 3))
    features = features.reshape(-1, 3)
    centres = clusters.fit_centres(features, 6)
    near = clusters.fit_centres(features, 8, centres)
    assert near.shape == (8, 3)
    distance = np.linalg.norm(near[:6] - centres, axis=1)
    assert (distance < 3).all(), "the largest are halved, where they are"
    fewer = clusters.fit_centres(features, 5, centres)
    kept = [np.linalg.norm(centres - centre, axis=1).argmin() for centre in fewer]
    assert kept == sorted(kept)
