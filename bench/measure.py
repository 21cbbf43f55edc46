"""Timing: medians of several runs, and the memory bandwidth of this machine."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

MOST_RUNS = 7
ENOUGH_SECONDS = 2.0


def median_seconds(call: Callable[[], object]) -> tuple[float, int]:
    """Median duration of `call` and how many runs it is of; a first run, which may compile, is left out."""
    call()
    runs: list[float] = []
    while len(runs) < 3 or (len(runs) < MOST_RUNS and sum(runs) < ENOUGH_SECONDS):
        if len(runs) == 1 and runs[0] > ENOUGH_SECONDS:
            break  # a slow peer: one run tells enough
        start = perf_counter()
        call()
        runs.append(perf_counter() - start)
    return median(runs), len(runs)


@njit(parallel=True, fastmath=True)
def _read(values: NDArray[np.float32]) -> float:
    total = 0.0
    for row in prange(values.shape[0]):
        part = np.float32(0)
        for column in range(values.shape[1]):
            part += values[row, column]
        total += part
    return total


@njit(parallel=True)
def _change(values: NDArray[np.float32]) -> None:
    for row in prange(values.shape[0]):
        for column in range(values.shape[1]):
            values[row, column] *= np.float32(0.999)


def bandwidth() -> dict[str, float]:
    """Bytes a second that all cores together read, and read and write back, from an array beyond every cache."""
    values = np.ones((4096, 1 << 16), np.float32)
    read, _ = median_seconds(lambda: _read(values))
    change, _ = median_seconds(lambda: _change(values))
    return {"read": values.nbytes / read, "change": 2 * values.nbytes / change}
