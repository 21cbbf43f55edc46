"""What the readers of native model output share: accumulations opened, overlapping cloud, levels between levels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class OpenedAccumulations:
    """Amounts since the output before, from totals since the start of a run; the first output has none before it.

    A total below the one before is a counter that began anew: all of it fell since then. After a nest has moved
    there is none before it either: the places are others.
    """

    def __init__(self) -> None:
        self._before: dict[str, tuple[datetime, NDArray[np.float64]]] = {}
        self._where: Array | None = None

    def __call__(
        self, when: datetime, where: Array | None, totals: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, tuple[Array, float]]:
        """The amount of every total, with its hours; nothing for a total not seen before at these places.

        where: any coordinate of the places, None for a mesh that cannot move.
        """
        if where is not None and self._where is not None and not np.array_equal(where, self._where):
            self._before.clear()
        self._where = where
        opened = {}
        for name, total in totals.items():
            if name in self._before:
                since, before = self._before[name]
                amount = np.where(total < before, total, total - before)
                opened[name] = (amount.astype(np.float32), (when - since).total_seconds() / 3600)
            self._before[name] = (when, total)
        return opened


def time_of(text: NDArray[np.bytes_]) -> datetime:
    """The time in a row of characters such as 2005-08-28_12:00:00; ValueError for anything else."""
    return datetime.strptime(b"".join(text.ravel()).decode().strip("\0 ")[:19], "%Y-%m-%d_%H:%M:%S")


def at_level(fields: Sequence[Array], coordinate: Array, level: float) -> list[Array]:
    """Fields where `coordinate` has the value `level`, linear in it between layers; NaN outside the layers.

    fields, coordinate: (layer, ...) with the coordinate rising or falling everywhere from the first layer on.
    """
    rising = bool(np.nanmean(coordinate[-1] - coordinate[0]) > 0)
    below = (coordinate <= level) if rising else (coordinate >= level)
    lower = np.clip(np.count_nonzero(below, axis=0) - 1, 0, len(coordinate) - 2)[None]
    c0, c1 = (np.take_along_axis(coordinate, index, 0)[0] for index in (lower, lower + 1))
    share = (level - c0) / (c1 - c0)
    share[(share < 0) | (share > 1)] = np.nan
    found = []
    for field in fields:
        f0, f1 = (np.take_along_axis(field, index, 0)[0] for index in (lower, lower + 1))
        found.append((f0 + share * (f1 - f0)).astype(np.float32, copy=False))
    return found


def total_cloud_cover(fraction: Array) -> Array:
    """Cover of a column of cloud fractions (layer, ...): maximum overlap of neighbours, random otherwise.

    Geleyn and Hollingsworth 1979, Beitr. Phys. Atmosph. 52, 1-16.
    """
    c = np.clip(fraction, 0, 1).astype(np.float64)
    clear = 1 - c[0]
    for below, above in itertools.pairwise(c):
        clear = clear * (1 - np.maximum(below, above)) / np.maximum(1 - below, 1e-9)
    return np.clip(1 - clear, 0, 1).astype(np.float32)
