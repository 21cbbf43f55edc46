"""Members of several ensembles brought about one mean before they are pooled."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]

BLOCK = 2048
"""Places whose sums fit the first cache of a core."""


def about_the_first(pool: Array, sizes: Sequence[int]) -> None:
    """Shift each group of members, in place, so that its mean is that of the first.

    pool: (member, lead, place), the groups one after the other, NaN for a member that has no value there; sizes:
    members of each group. Where the first or a group has no member at all, its values become NaN.
    """
    ends = list(accumulate(sizes))
    _about_the_first(pool, np.array([0, *ends[:-1]]), np.array(ends))


@njit(parallel=True, cache=True)
def _about_the_first(pool: Array, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:  # pragma: no cover
    _, leads, places = pool.shape
    blocks = (places + BLOCK - 1) // BLOCK
    for task in prange(leads * blocks):
        lead, begin = task // blocks, (task % blocks) * BLOCK
        stop = min(places, begin + BLOCK)
        middle, mean = np.empty(stop - begin, np.float32), np.empty(stop - begin, np.float32)
        _mean(pool, starts[0], ends[0], lead, begin, stop, middle)
        for group in range(1, len(starts)):
            _mean(pool, starts[group], ends[group], lead, begin, stop, mean)
            for k in range(len(mean)):
                mean[k] = middle[k] - mean[k]
            for member in range(starts[group], ends[group]):
                values = pool[member, lead, begin:stop]
                for k in range(len(mean)):
                    values[k] += mean[k]


@njit(cache=True, error_model="numpy")
def _mean(pool: Array, start: int, end: int, lead: int, begin: int, stop: int, mean: Array) -> None:  # pragma: no cover
    """Mean over the members that have a value."""
    count = np.zeros(stop - begin, np.float32)
    mean[:] = 0
    for member in range(start, end):
        values = pool[member, lead, begin:stop]
        for k in range(len(mean)):
            known = values[k] == values[k]
            mean[k] += values[k] if known else np.float32(0)
            count[k] += np.float32(1) if known else np.float32(0)
    for k in range(len(mean)):
        mean[k] = mean[k] / count[k]
