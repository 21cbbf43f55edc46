"""Non-negative weights of least variance, the core of every combination here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def least_variance(covariance: Float) -> Float:
    """(source,) weights w >= 0 with sum 1 for which w' covariance w is least (Bates and Granger 1969).

    covariance: (source, source), positive definite. Active sets as in Lawson and Hanson (1974, chapter 23): sources
    join while the mean of those in use gains from them and leave where their weight would be negative, so that the
    minimum is the true one, not that of the first sources to be dropped.
    """
    count = len(covariance)
    used = np.zeros(count, bool)
    used[np.argmin(np.diag(covariance))] = True
    weight = used.astype(np.float64)
    for _ in range(3 * count):
        gradient = covariance @ weight
        gain = (weight @ gradient) - gradient
        gain[used] = 0
        best = int(np.argmax(gain))
        if gain[best] <= 1e-10 * gradient.max():
            break
        used[best] = True
        weight = _without_negative(covariance, used, weight)
    return weight


def _without_negative(covariance: Float, used: NDArray[np.bool_], weight: Float) -> Float:
    """The best weights of the sources in use, which those leave, `used` in place, that would be negative."""
    while True:
        index = np.flatnonzero(used)
        solution = np.linalg.solve(covariance[np.ix_(index, index)], np.ones(len(index)))
        wanted = np.zeros(len(weight))
        wanted[index] = solution / solution.sum()
        if (wanted[index] > 0).all():
            return wanted
        falling = index[wanted[index] <= 0]
        step = min(weight[falling] / np.maximum(weight[falling] - wanted[falling], 1e-300))
        weight = weight + step * (wanted - weight)
        used[falling[weight[falling] <= 1e-12]] = False
        weight = np.where(used, weight, 0)
