"""Timing: medians of several runs, memory, and the bandwidth of this machine."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

MOST_RUNS = 9
ENOUGH_SECONDS = 2.0
_LINE = 4096


@dataclass(frozen=True)
class Timing:
    """Durations of some runs, and by how much the process grew in one of them."""

    median: float
    least: float
    runs: int
    peak_bytes: int


def timed(call: Callable[[], object]) -> Timing:
    """Time `call`; a first run, which may compile, is left out, and the memory is that of one more."""
    call()
    peak = grown_bytes(call)
    runs: list[float] = []
    while len(runs) < 3 or (len(runs) < MOST_RUNS and sum(runs) < ENOUGH_SECONDS):
        if len(runs) == 1 and runs[0] > ENOUGH_SECONDS:
            break  # a slow peer: one run tells enough
        start = perf_counter()
        call()
        runs.append(perf_counter() - start)
    return Timing(median(runs), min(runs), len(runs), peak)


def grown_bytes(call: Callable[[], object]) -> int:
    """The most resident memory during `call`, less what there was before; 0 where the system does not tell."""
    gc.collect()
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's: what was freed is kept, see KEEP_MEMORY
    if give_back is not None:
        give_back(0)
    if not reset_peak():
        return 0
    before = memory("VmRSS")
    call()
    return max(0, memory("VmHWM") - before)


def reset_peak() -> bool:
    """Forget the process's highest resident memory so far; whether that was possible (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def memory(kind: str) -> int:
    """Bytes of `VmRSS`, resident now, or `VmHWM`, the highest so far; 0 where the system does not tell."""
    try:
        found = re.search(rf"{kind}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return 0
    return 1024 * int(found.group(1)) if found else 0


@njit(parallel=True)
def _read(values: NDArray[np.float32]) -> float:
    """Sums of four rows each, in lines that stay in cache: one sum of a row would wait for itself, not for memory."""
    total = 0.0
    for four in prange(values.shape[0] // 4):
        line, rows = np.zeros(_LINE, np.float32), values[4 * four : 4 * four + 4]
        for start in range(0, values.shape[1], _LINE):
            part = slice(start, start + _LINE)
            _add(rows[0, part], rows[1, part], rows[2, part], rows[3, part], line)
        total += float(line[0])
    return total


@njit(inline="never")
def _add(
    a: NDArray[np.float32], b: NDArray[np.float32], c: NDArray[np.float32], d: NDArray[np.float32],
    line: NDArray[np.float32],
) -> None:  # fmt: skip
    for k in range(len(line)):
        line[k] += a[k] + b[k] + c[k] + d[k]


@njit(parallel=True)
def _change(values: NDArray[np.float32]) -> None:
    for row in prange(values.shape[0]):
        for column in range(values.shape[1]):
            values[row, column] *= np.float32(0.999)


def bandwidth() -> dict[str, float]:
    """Bytes a second that all cores together read, and read and write back, from an array beyond every cache."""
    values = np.ones((4096, 1 << 16), np.float32)
    read, change = (timed(partial(kernel, values)).least for kernel in (_read, _change))
    return {"read": values.nbytes / read, "change": 2 * values.nbytes / change}
