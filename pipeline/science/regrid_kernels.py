"""The loops of regridding between rows and columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.science.lanes import every, load, store
from pipeline.science.registers import WIDTH
from pipeline.science.streaming import settle, stream_line, to_line

Array = NDArray[np.float32]
Rows = tuple[NDArray[np.uint32], Array, Array]
Columns = tuple[NDArray[np.uint32], Array, Array]
PairsOf = tuple[NDArray[np.uint32], Array, NDArray[np.int64]]

BAND = 64
"""Target rows in a task: enough to use a widened source row twice, few enough to share out."""


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
    fields: Array, poles: Array, rows: Rows, columns: Columns, pairs: PairsOf, complete: bool, out: Array
) -> None:  # pragma: no cover
    """Fill `out` (field, row, column): rows blended down into one, that one blended along; see `regrid.apply`."""
    row_index, row_weight, _ = rows
    index, weight, _ = columns
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
            _with_gaps(fields[k], poles[k], rows, columns, pairs, j, target)


@njit(parallel=True, cache=True)
def refine_rows(
    fields: Array, poles: Array, rows: Rows, columns: Columns, pairs: PairsOf, times: int, complete: bool, out: Array
) -> None:  # pragma: no cover
    """As `blend_rows`, to columns `times` as close as the source's: a source row is widened once for all its targets.

    Neighbours in memory are then made together, where gathering them one by one takes most of the time. For WIDTH
    target columns or more.
    """
    row_index, row_weight, _ = rows
    first, next_weight, _ = pairs
    count, height, width = fields.shape
    tall, wide = out.shape[1], out.shape[2]
    bands = (tall + BAND - 1) // BAND
    for job in prange(count * bands):
        k, begin = job // bands, (job % bands) * BAND
        line, made = np.empty(width + 1, np.float32), np.empty((3, wide), np.float32)
        field, rest, end = out[k].reshape(-1), np.empty(2 * WIDTH, np.float32), min(begin + BAND, tall)
        held, slot, gaps = np.full(2, -1, np.int64), np.zeros(2, np.int64), np.zeros(2, np.bool_)
        before = -to_line(field) % WIDTH
        for j in range(begin, end):
            for m in range(2):
                row, other = np.int64(row_index[m, j]), np.int64(row_index[1 - m, j])
                if row != held[0] and row != held[1]:
                    spare = 1 if held[0] == other else 0
                    held[spare] = row
                    if row < height:
                        _turn(fields, k, row, np.int64(first[0]), line)
                    else:
                        _turn(poles, k, row - height, np.int64(first[0]), line)
                    gaps[spare] = _widen(line, next_weight, times, made, spare)
                slot[m] = 0 if row == held[0] else 1
            a, b, factor, other_factor = slot[0], slot[1], row_weight[0, j], row_weight[1, j]
            if gaps[a] or gaps[b] or not complete:
                _with_gaps(fields[k], poles[k], rows, columns, pairs, j, made[2])
                a, b, factor, other_factor = 2, 2, np.float32(1), np.float32(0)
            _stream_between(made, a, b, factor, other_factor, field, j * wide, before, rest, j == begin)
        left = (before + end * wide) % WIDTH
        field[end * wide - left : end * wide] = rest[:left]
        settle()


# Arrays as they are and indices, no parts of arrays: to count references would wait for all that is being streamed.
@njit(cache=True, inline="never")
def _turn(fields: Array, k: int, row: Any, start: Any, line: Array) -> None:  # pragma: no cover
    """A row of a field from column `start` on, round the world, and its first value once more."""
    width = fields.shape[2]
    for q in range(width - start):
        line[q] = fields[k, row, start + q]
    for q in range(start + 1):
        line[width - start + q] = fields[k, row, q]


@njit(cache=True, fastmath={"contract"}, inline="never")
def _widen(line: Array, weight: Array, times: int, made: Array, row: Any) -> bool:  # pragma: no cover
    """`times` targets of a row of `made` from each value of the line on, at the same fractions of the way to the next.

    Whether any value of the line is missing or infinite, so that a target may be.
    """
    gaps = False
    for q in range(len(line)):
        gaps |= line[q] - line[q] != np.float32(0)
    if times == 2:
        for q in range(len(line) - 1):
            rise = line[q + 1] - line[q]
            made[row, 2 * q] = line[q] + weight[0] * rise
            made[row, 2 * q + 1] = line[q] + weight[1] * rise
        return gaps
    for m in range(times):
        for q in range(len(line) - 1):
            made[row, times * q + m] = line[q] + weight[m] * (line[q + 1] - line[q])
    return gaps


@njit(cache=True, fastmath={"contract"}, inline="never")
def _stream_between(
    made: Array, a: Any, b: Any, factor: Any, other: Any, field: Array, begin: int, before: int, rest: Array,
    alone: bool,
) -> None:  # pragma: no cover  # fmt: skip
    """Write `factor` times row `a` of `made` plus `other` times row `b` to `field` from `begin` on, in whole lines.

    before: values in the field's first line of memory that are not its own. rest: (2 * WIDTH,) begins with what the row
    before has left of its last line, and ends so for the next; a row `alone` with its first line writes there at once.
    """
    u, v, wide = every(factor), every(other), made.shape[1]
    shared = (before + begin) % WIDTH
    head = -shared % WIDTH
    if shared:
        store(u * load(made, a * wide, WIDTH) + v * load(made, b * wide, WIDTH), rest, shared, WIDTH)
        if alone:
            for k in range(head):
                field[begin + k] = rest[shared + k]
        else:
            stream_line(load(rest, 0, WIDTH), field, begin - shared)
    whole = wide - (wide - head) % WIDTH
    for k in range(head, whole, WIDTH):
        stream_line(u * load(made, a * wide + k, WIDTH) + v * load(made, b * wide + k, WIDTH), field, begin + k)
    left = wide - whole
    store(u * load(made, a * wide + whole, left) + v * load(made, b * wide + whole, left), rest, 0, left)


@njit(cache=True, fastmath={"contract"})
def _with_gaps(
    field: Array, poles: Array, rows: Rows, columns: Columns, pairs: PairsOf, j: int, target: Array
) -> None:  # pragma: no cover
    """Target row `j` with missing values as nothing, and the weight that is present beside it."""
    row_index, row_weight, row_share = rows
    index, weight, share = columns
    first, next_weight, runs = pairs
    height, width = field.shape
    line, present = np.zeros(width + 1, np.float32), np.zeros(width + 1, np.float32)
    total = np.empty(len(target), np.float32)
    for m in range(row_index.shape[0]):
        factor, row = row_weight[m, j], row_index[m, j]
        source = field[row] if row < height else poles[row - height]
        for i in range(width):
            known = source[i] == source[i]
            line[i] += factor * source[i] if known else np.float32(0)
            present[i] += factor if known else np.float32(0)
    line[width], present[width] = line[0], present[0]
    _along(line, index, weight, first, next_weight, runs, target)
    _along(present, index, weight, first, next_weight, runs, total)
    for i in range(len(target)):
        enough = total[i] * row_share[j] * share[i] >= np.float32(0.49999)
        target[i] = target[i] / total[i] if enough else np.float32(np.nan)
