"""The compiled inner part of `skill`: running means kept as the upper halves of float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, prange
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipeline.science.registers import full_width

Array = NDArray[np.float32]
Half = NDArray[np.uint16]

SHARED = 8
"""Rows of squares that are one task: few enough that every core has many, enough to prepare something for them."""
NOTHING = np.uint16(0x7FC0)
"""The upper half of float32's NaN: no value was ever seen."""

_WORD, _HALF = ir.IntType(32), ir.IntType(16)


def pack(values: Array) -> Half:
    """Values as the upper halves of float32, to nearest: 8 significant bits, 0.2 % off at most."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return np.where(np.isnan(values), NOTHING, ((bits + np.uint32(0x8000)) >> np.uint32(16)).astype(np.uint16))


def unpack(half: Half) -> Array:
    """What `pack` kept; NaN where nothing was ever seen."""
    return (half.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _widen(_: Any, half: Any) -> Any:
    """The float32 whose upper half is the uint16 `half`: numba has no word for the same bits as another type."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.shl(builder.zext(arguments[0], _WORD), _WORD(16)), ir.FloatType())

    return types.float32(types.uint16), code


def _narrow(_: Any, value: Any) -> Any:
    """The upper half of a float32 as uint16, to nearest."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rounded = builder.add(builder.bitcast(arguments[0], _WORD), _WORD(0x8000))
        return builder.trunc(builder.lshr(rounded, _WORD(16)), _HALF)

    return types.uint16(types.float32), code


# numba hands the first argument over itself, which a type checker cannot know.
widened: Any = intrinsic(_widen)
narrowed: Any = intrinsic(_narrow)


@njit(parallel=True, cache=True, error_model="numpy")
def update_means(
    errors: Array, mean: Half, square: Half, lead_bin: int, parts: Array, pool: NDArray[np.int32],
    uniform: NDArray[np.bool_], overall: Array, typical: Array, narrow: Any, wide: Any, columns: int, together: int,
) -> None:  # fmt: skip
    """Move `mean` (source, lead_bin, place) and `square` (source, lead_bin, square) of one lead bin, in place.

    errors: (source, place), places in rows of `columns`, of which `together` share the squares of their middle one.
    parts: (3, source, pool) how far to move, how much of the gate's centre is not the place's own and how much of its
    square is;
    `uniform` (source,) where they are the same in all pools. overall, typical: (source,) the other part of centre and
    square; narrow, wide: how many deviations off an error may be for the mean and for the square. Without gate these
    are the mean and the variance about it of all errors seen, each weighed alike (Welford 1962).
    """
    count, rows = len(errors), errors.shape[1] // columns
    shared = (rows + together - 1) // together
    for task in prange((shared + SHARED - 1) // SHARED):
        here, reach = np.empty((3, columns), np.float32), np.empty(columns, np.float32)
        begin = task * SHARED * together
        zones = np.zeros(SHARED * together, np.int64)
        if not uniform.all():
            _zones(pool[begin * columns : min(begin + SHARED * together, rows) * columns], columns, zones)
        for source in range(count):
            part, other, held = parts[:, source], overall[source], -1
            if uniform[source]:
                for kind in range(3):
                    here[kind] = part[kind, 0]
            for number in range(task * SHARED, min((task + 1) * SHARED, shared)):
                squares = square[source, lead_bin, number * columns : (number + 1) * columns]
                first, stop = number * together, min((number + 1) * together, rows)
                middle = min(first + together // 2, rows - 1)
                if not uniform[source] and zones[middle - begin] != held:
                    held = zones[middle - begin]
                    _gather(here, part, pool[middle * columns : (middle + 1) * columns])
                _bounds(squares, reach, here[2], typical[source], narrow)
                for row in range(first, stop):
                    place = slice(row * columns, (row + 1) * columns)
                    error, means = errors[source, place], mean[source, lead_bin, place]
                    if not uniform[source] and zones[row - begin] != held:
                        held = zones[row - begin]
                        _gather(here, part, pool[place])
                    if row == middle:
                        _move_squares(error, means, squares, reach, here, other, wide / narrow)
                    _move_means(error, means, reach, here, other)


@njit(cache=True)
def _zones(pool: NDArray[np.int32], columns: int, zones: NDArray[np.int64]) -> None:
    """Fill `zones` (row,) with a number that rows next to each other share if their pools are the same."""
    for row in range(1, len(pool) // columns):
        differ = False
        for k in range(row * columns, (row + 1) * columns):
            differ |= pool[k] != pool[k - columns]
        zones[row] = zones[row - 1] + differ


# Neither inlined nor with branches: only so do these become wide instructions.
@njit(cache=True, inline="never")
def _gather(here: Array, part: Array, pool: NDArray[np.int32]) -> None:
    """(3, column) the parts of places in several pools."""
    for k in range(len(pool)):
        here[0, k], here[1, k], here[2, k] = part[0, pool[k]], part[1, pool[k]], part[2, pool[k]]


@njit(cache=True, error_model="numpy", inline="never", fastmath={"contract", "nsz"})
def _bounds(squares: Half, reach: Array, own: Array, typical: Any, limit: Any) -> None:
    """(column,) `limit` times the gate's deviation; that of all places where no square was seen."""
    full_width()
    for k in range(len(reach)):
        spread = widened(squares[k])
        reach[k] = limit * np.sqrt(typical + (own[k] * (spread - typical) if spread == spread else np.float32(0)))


@njit(cache=True, error_model="numpy", inline="never", fastmath={"contract", "nsz"})
def _move_squares(
    errors: Array, means: Half, squares: Half, reach: Array, here: Array, overall: Any, wider: Any
) -> None:  # fmt: skip
    """A place's first pair makes its mean, and departs from that by nothing."""
    full_width()
    shares, others = here[0], here[1]
    for k in range(len(errors)):
        before, spread = widened(means[k]), widened(squares[k])
        departure, limit = errors[k] - before, wider * reach[k]
        near = gated(departure, others[k] * (overall - before), limit)
        after = (np.float32(1) - shares[k]) * (spread + shares[k] * near * near)
        first = np.float32(0) if errors[k] == errors[k] and before != before else spread
        squares[k] = narrowed(after if departure == departure else first)


@njit(cache=True, error_model="numpy", inline="never", fastmath={"contract", "nsz"})
def _move_means(errors: Array, means: Half, reach: Array, here: Array, overall: Any) -> None:
    full_width()
    shares, others = here[0], here[1]
    for k in range(len(errors)):
        error, before = errors[k], widened(means[k])
        departure = error - before
        after = before + shares[k] * gated(departure, others[k] * (overall - before), reach[k])
        first = before if before == before else error
        means[k] = narrowed(after if departure == departure else first)


@njit(cache=True, inline="always")
def gated(value: float, centre: float, limit: float) -> float:
    """`value` within `limit` of `centre`; written so that it becomes wide instructions, as min and max do not."""
    low, high = centre - limit, centre + limit
    value = value if value > low else low
    return value if value < high else high


@njit(cache=True, inline="always")
def within(value: float, limit: float) -> float:
    """`value` between -limit and limit; written so that it becomes wide instructions, as min and max do not."""
    low = value if value < limit else limit
    return low if low > -limit else -limit


@njit(parallel=True, cache=True)
def pool_products(values: Array, starts: NDArray[np.int64]) -> tuple[Array, Array]:
    """(pair, pool) mean product of two rows of `values` (row, sample) and the share of a pool's places it is of.

    starts: (pool + 1,) where each pool's places begin; NaN is left out; pairs run over i <= j, row by row.
    """
    rows, pools = values.shape[0], len(starts) - 1
    mean = np.zeros((rows * (rows + 1) // 2, pools), np.float32)
    share = np.zeros_like(mean)
    for pool in prange(pools):
        size = starts[pool + 1] - starts[pool]
        pair = 0
        for i in range(rows):
            for j in range(i, rows):
                total, count = np.float32(0), 0
                for k in range(starts[pool], starts[pool + 1]):
                    product = values[i, k] * values[j, k]
                    if product == product:
                        total += product
                        count += 1
                if count:
                    mean[pair, pool], share[pair, pool] = total / np.float32(count), np.float32(count / size)
                pair += 1
    return mean, share


@njit(parallel=True, cache=True)
def seen(
    mean: Half, square: Half, weight: Array, lead_bin: int, pool: NDArray[np.int32], square_of: NDArray[np.intp]
) -> tuple[Array, Array, Array]:
    """What a lead bin has seen, each (source, place), 0 where it never did; see `Skill.seen`.

    mean: (source, lead_bin, place), square: (source, lead_bin, square), weight: (source, lead_bin, pool).
    """
    count, places = mean.shape[0], mean.shape[2]
    present = np.zeros((count, places), np.float32)
    centre, spread = np.zeros_like(present), np.zeros_like(present)
    for source in prange(count):
        total, known = 0.0, 0
        for value in square[source, lead_bin]:
            wide = widened(value)
            if wide == wide:
                total, known = total + wide, known + 1
        usual = np.float32(total / max(known, 1))
        for place in range(places):
            if mean[source, lead_bin, place] != NOTHING:
                wide = widened(square[source, lead_bin, square_of[place]])
                present[source, place] = weight[source, lead_bin, pool[place]]
                centre[source, place] = widened(mean[source, lead_bin, place])
                spread[source, place] = wide if wide == wide else usual
    return present, centre, spread
