"""No regret: where the trailing month says that the scheme loses to a simple blend, it moves towards that.

The candidates are the scheme, equal weights and the source that was best, both as the sources come. Their errors on
pairs that the scheme had not seen are kept in the skill, and the mixture of least variance is used, in which the simple
blends carry a handicap that fades with the number of pairs: a scheme that is better keeps everything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.science.covariance import pool_membership
from pipeline.science.least_variance import least_variance
from pipeline.science.skill import CANDIDATES, Skill

Float = NDArray[np.float64]

CANDIDATE_NAMES = ("scheme", "equal_weights", "best_source")
HANDICAP = 0.25
"""What a simple blend must gain on the scheme to count, in the scheme's error variance, over the root of the number of
pairs: about the standard error of that gain, so that the scheme is not left for luck."""

LEAST_SCHEME = 0.01
"""Share of the scheme that is always kept: where only the best source had any weight, none would be left without it."""


def shares(skill: Skill, lead_bin: int, membership: NDArray[np.float32]) -> Float:
    """(cluster, candidate) how much of each candidate to take, adding up to one; all of the scheme where nothing is
    known."""
    pools = pool_membership(membership, skill.pools)
    weight = skill.contest_weight[:, lead_bin].astype(np.float64)
    total = weight @ pools.T
    product = (weight * skill.contest[:, lead_bin]) @ pools.T / np.maximum(total, 1e-9)
    # A pool's pairs are alike and so are its neighbours': what counts is how often the cluster was seen.
    times = total[0] / np.maximum(pools.sum(axis=1), 1e-9)
    scheme = np.eye(CANDIDATES)[0]
    result = np.tile(scheme, (len(times), 1))
    rows, columns = np.triu_indices(CANDIDATES)
    for cluster in np.flatnonzero((times > 0) & (product[0] > 0)):
        covariance = np.empty((CANDIDATES, CANDIDATES))
        covariance[rows, columns] = covariance[columns, rows] = product[:, cluster]
        handicap = HANDICAP * covariance[0, 0] / np.sqrt(1 + times[cluster])
        covariance[0, 1:] += handicap
        covariance[1:, 0] += handicap
        covariance[1:, 1:] += 2 * handicap
        covariance[0, 0] *= 1 + 1e-9
        result[cluster] = least_variance(covariance, np.ones(CANDIDATES, np.bool_))
    return LEAST_SCHEME * scheme + (1 - LEAST_SCHEME) * result
