"""Weights of least variance against LAPACK and against every subset of the sources."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.science.least_variance import expected_square, least_variance, weigh_places

COUNT = 5
EVERYONE = np.ones(COUNT, np.bool_)


def _covariance(seed: int, common: float) -> NDArray[np.float64]:
    """Of sources that share an error of the size `common` and have one each of their own."""
    own = np.random.default_rng(seed).uniform(0.5, 2.0, COUNT)
    parts = np.random.default_rng(seed + 1).normal(size=(COUNT, 20)) * own[:, None] + common
    return parts @ parts.T / 20


def _of_subset(covariance: NDArray[np.float64], chosen: tuple[int, ...]) -> NDArray[np.float64]:
    weights = np.zeros(len(covariance))
    weights[list(chosen)] = np.linalg.solve(covariance[np.ix_(chosen, chosen)], np.ones(len(chosen)))
    return weights / weights.sum()


@pytest.mark.parametrize("seed", range(20))
def test_they_are_lapacks_where_none_is_negative(seed: int) -> None:
    covariance = _covariance(seed, 0.0)
    exact = _of_subset(covariance, tuple(range(COUNT)))
    if (exact > 0).all():
        np.testing.assert_allclose(least_variance(covariance, EVERYONE), exact, atol=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_no_subset_of_the_sources_has_less_variance(seed: int) -> None:
    covariance = _covariance(seed, 1.0)
    found = least_variance(covariance, EVERYONE)
    subsets = [chosen for size in range(1, COUNT + 1) for chosen in combinations(range(COUNT), size)]
    allowed = [weights for chosen in subsets if (weights := _of_subset(covariance, chosen)).min() >= 0]
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    assert found @ covariance @ found <= min(weights @ covariance @ weights for weights in allowed) * 1.01


def test_an_unknown_source_keeps_its_share_of_equal_weights() -> None:
    known = np.array([True, True, False, True, True])
    found = least_variance(np.diag([1.0, 1.0, 9.0, 1.0, 1.0]), known)
    np.testing.assert_allclose(found, 1 / COUNT)


def test_the_expected_square_is_the_quadratic_form_of_the_mixed_correlations() -> None:
    random = np.random.default_rng(0)
    correlation = np.stack([np.eye(COUNT), 0.5 * np.eye(COUNT) + 0.5])
    deviation = random.uniform(0.5, 2, (COUNT, 300)).astype(np.float32)
    shares = random.dirichlet([1, 1], 300)
    weights = weigh_places(deviation, correlation, shares, EVERYONE)
    mixed = np.einsum("pk,kij->pij", shares, correlation)
    scaled = (weights * deviation).T
    found = expected_square(deviation, correlation, shares, weights)
    np.testing.assert_allclose(found, np.einsum("pi,pij,pj->p", scaled, mixed, scaled), rtol=1e-5)
