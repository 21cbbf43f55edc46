"""Skill of clusters: known answers, and agreement with errors taken one by one."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from pipeline.science.cluster_skill import cluster_means, cluster_skill


def test_hard_clusters_have_the_error_of_their_own_places() -> None:
    rng = np.random.default_rng(1)
    errors = rng.normal(1.0, 2.0, (30, 1, 1, 8))  # pair, source, lead_bin, place
    bias = errors.mean(axis=0)
    membership = np.repeat(np.eye(2, dtype=np.float32), 4, axis=1)
    rmse, sample = cluster_skill(np.full((1, 1, 8), 30.0), bias, (errors**2).mean(axis=0), bias, membership)
    left = (errors - bias)[:, 0, 0]
    assert_allclose(rmse[0, 0], [np.sqrt((left[:, :4] ** 2).mean()), np.sqrt((left[:, 4:] ** 2).mean())])
    assert_allclose(sample, 30)


def test_a_source_without_history_has_no_error_and_no_sample() -> None:
    nothing = np.zeros((1, 1, 3), np.float32)
    rmse, sample = cluster_skill(nothing, nothing, nothing, nothing, np.full((2, 3), 0.5, np.float32))
    assert np.isnan(rmse).all()
    assert (sample == 0).all()


def test_means_are_weighted_by_membership() -> None:
    membership = np.array([[1, 0.5, 0], [0, 0.5, 1]], np.float32)
    assert_allclose(cluster_means(np.float32([2, 4, 9]), membership), [8 / 3, 22 / 3])
