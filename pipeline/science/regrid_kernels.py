"""The loops of regridding between rows and columns."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray


@njit(cache=True, fastmath={"contract"})
def _along(
    line: NDArray[np.float32],
    index: NDArray[np.uint32],
    weight: NDArray[np.float32],
    first: NDArray[np.uint32],
    next_weight: NDArray[np.float32],
    runs: NDArray[np.int64],
    target: NDArray[np.float32],
) -> None:  # pragma: no cover
    """One target row from the source's row; `line` has its first value once more at its end."""
    for r in range(len(runs)):
        start, end, shift = runs[r]
        a, b = line[start + shift : end + shift], line[start + shift + 1 : end + shift + 1]
        u, t = next_weight[start:end], target[start:end]
        for i in range(len(t)):
            t[i] = a[i] + u[i] * (b[i] - a[i])
    if len(runs):
        return
    if len(first):
        for i in range(len(target)):
            q = first[i]
            target[i] = line[q] + next_weight[i] * (line[q + np.uint32(1)] - line[q])
        return
    for i in range(len(target)):
        target[i] = weight[0, i] * line[index[0, i]]
    for m in range(1, index.shape[0]):
        for i in range(len(target)):
            target[i] += weight[m, i] * line[index[m, i]]


@njit(parallel=True, cache=True, fastmath={"contract"})
def blend_rows(
    fields: NDArray[np.float32],
    poles: NDArray[np.float32],
    rows: tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.float32]],
    columns: tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.float32]],
    pairs: tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.int64]],
    complete: bool,
    out: NDArray[np.float32],
) -> None:  # pragma: no cover
    """Fill `out` (field, row, column): rows blended down into one, that one blended along; see `regrid.apply`."""
    row_index, row_weight, row_share = rows
    index, weight, share = columns
    first, next_weight, runs = pairs
    count, height, width = fields.shape
    tall, wide = out.shape[1], out.shape[2]
    for job in prange(count * tall):
        k, j = job // tall, job % tall
        target = out[k, j]
        line = np.empty(width + 1, np.float32)
        last = row_index.shape[0] - 1
        factor, row = row_weight[0, j], row_index[0, j]
        end, final = row_weight[last, j] if last else np.float32(0), row_index[last, j]
        source = fields[k, row] if row < height else poles[k, row - height]
        other = fields[k, final] if final < height else poles[k, final - height]
        for i in range(width):
            line[i] = factor * source[i] + end * other[i]
        for m in range(1, last):
            factor, row = row_weight[m, j], row_index[m, j]
            if factor > 0:
                source = fields[k, row] if row < height else poles[k, row - height]
                for i in range(width):
                    line[i] += factor * source[i]
        line[width] = line[0]
        _along(line, index, weight, first, next_weight, runs, target)
        missing = not complete
        for i in range(wide):
            missing |= target[i] != target[i]
        if missing:
            # Once more with missing values as nothing, and the weight that is present beside it.
            present, total = np.zeros(width + 1, np.float32), np.empty(wide, np.float32)
            line[:] = 0
            for m in range(row_index.shape[0]):
                factor, row = row_weight[m, j], row_index[m, j]
                source = fields[k, row] if row < height else poles[k, row - height]
                for i in range(width):
                    known = source[i] == source[i]
                    line[i] += factor * source[i] if known else np.float32(0)
                    present[i] += factor if known else np.float32(0)
            line[width], present[width] = line[0], present[0]
            _along(line, index, weight, first, next_weight, runs, target)
            _along(present, index, weight, first, next_weight, runs, total)
            for i in range(wide):
                enough = total[i] * row_share[j] * share[i] >= np.float32(0.49999)
                target[i] = target[i] / total[i] if enough else np.float32(np.nan)
