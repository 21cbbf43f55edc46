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


SQUARE_DEGREES = 1.0
"""Rows of a grid within so many degrees share their mean squares: how large errors are changes slowly in space."""


@dataclass(frozen=True, eq=False)
class Pools:
    """Which pool each place belongs to, `index` (place,) from 0 to `count` - 1; every pool has a place.

    The places lie in rows of `columns` each, of which `together` share the mean squares of their middle one.
    """

    index: NDArray[np.int32]
    count: int
    columns: int
    together: int = 1

    @cached_property
    def kept(self) -> NDArray[np.intp]:
        """(square,) the places whose squares are kept."""
        rows = len(self.index) // self.columns
        middle = np.minimum(np.arange(0, rows, self.together) + self.together // 2, rows - 1)
        return (middle[:, None] * self.columns + np.arange(self.columns)).ravel()

    @cached_property
    def square_of(self) -> NDArray[np.intp]:
        """(place,) which of the squares is that of each place."""
        row, column = np.divmod(np.arange(len(self.index)), self.columns)
        return row // self.together * self.columns + column

    @cached_property
    def square_of_sample(self) -> NDArray[np.intp]:
        """(sample,) which of the squares is that of each sampled place."""
        return self.square_of[self.sample]

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
    """Boxes of about BOX_DEGREES that are as wide at every latitude; degrees north and east, of a grid row by row."""
    row = np.minimum((90 - latitude) // BOX_DEGREES, 180 / BOX_DEGREES - 1)
    middle = 90 - (row + 0.5) * BOX_DEGREES
    columns = np.maximum(np.round(360 / BOX_DEGREES * np.cos(np.deg2rad(middle))), 1)
    column = np.minimum(np.mod(longitude, 360) // (360 / columns), columns - 1)
    _, index = np.unique(row * 1000 + column, return_inverse=True)
    width = int(np.argmax(latitude != latitude[0]))
    if width < 2:  # no grid
        return Pools(index.astype(np.int32), int(index.max(initial=-1)) + 1, len(latitude))
    together = max(int(SQUARE_DEGREES / abs(latitude[width] - latitude[0])), 1)
    return Pools(index.astype(np.int32), int(index.max(initial=-1)) + 1, width, together)


def single(places: int) -> Pools:
    """Every place a pool of its own: stations, whose reports come and go one by one."""
    return Pools(np.arange(places, dtype=np.int32), places, max(places, 1))
