"""Neighbouring places that share the statistics which need no place of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

BOX_DEGREES = 5.0
"""Size of a pool: what two models' errors have in common changes from regime to regime, not from cell to cell."""
SAMPLE = 4
"""Places of a pool that are looked at: errors of neighbours are alike, so that more would tell no more."""


@dataclass(frozen=True, eq=False)
class Pools:
    """Which pool each place belongs to, `index` (place,) from 0 to `count` - 1; every pool has a place."""

    index: NDArray[np.int32]
    count: int

    @cached_property
    def sample(self) -> NDArray[np.intp]:
        """Up to SAMPLE places of every pool, spread over it, in the order of the pools."""
        order = np.argsort(self.index, kind="stable")
        size = np.bincount(self.index, minlength=self.count)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size)
        step = np.repeat(np.maximum(-(-size // SAMPLE), 1), size)
        return order[rank % step == step // 2]

    @cached_property
    def of_sample(self) -> NDArray[np.int32]:
        """(sample,) pool of each sampled place."""
        return self.index[self.sample]

    @cached_property
    def partly(self) -> NDArray[np.bool_]:
        """(pool,) whether a pool has places that are not in the sample."""
        return np.bincount(self.index, minlength=self.count) > np.diff(self.starts)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(pool + 1,) where each pool's places begin in `sample`."""
        return np.searchsorted(self.of_sample, np.arange(self.count + 1)).astype(np.int64)


def boxes(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> Pools:
    """Boxes of about BOX_DEGREES that are as wide at every latitude; degrees north and east."""
    row = np.minimum((90 - latitude) // BOX_DEGREES, 180 / BOX_DEGREES - 1)
    middle = 90 - (row + 0.5) * BOX_DEGREES
    columns = np.maximum(np.round(360 / BOX_DEGREES * np.cos(np.deg2rad(middle))), 1)
    column = np.minimum(np.mod(longitude, 360) // (360 / columns), columns - 1)
    _, index = np.unique(row * 1000 + column, return_inverse=True)
    return Pools(index.astype(np.int32), int(index.max(initial=-1)) + 1)


def single(places: int) -> Pools:
    """Every place a pool of its own: stations, whose reports come and go one by one."""
    return Pools(np.arange(places, dtype=np.int32), places)
