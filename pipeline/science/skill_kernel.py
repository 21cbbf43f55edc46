"""The compiled inner part of `skill`: running means kept as the upper halves of float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, prange
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipeline.science.lanes import choose, every, fetch, load, load_half, root, store_half
from pipeline.science.registers import AHEAD, WIDTH

Array = NDArray[np.float32]
Half = NDArray[np.uint16]

SHARED = 8
"""Rows of squares that are one task: few enough that every core has many, enough to prepare something for them."""
NOTHING = np.uint16(0x7FC0)
"""The upper half of float32's NaN: no value was ever seen."""

_WORD = ir.IntType(32)


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


# numba hands the first argument over itself, which a type checker cannot know.
widened: Any = intrinsic(_widen)


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
        here, held = np.empty((together, 3, columns), np.float32), np.empty(together, np.int64)
        begin = task * SHARED * together
        zones = np.zeros(SHARED * together, np.int64)
        if not uniform.all():
            _zones(pool[begin * columns : min(begin + SHARED * together, rows) * columns], columns, zones)
        for source in range(count):
            held[:] = -1
            if uniform[source]:
                for kind in range(3):
                    here[0, kind] = parts[kind, source, 0]
            for number in range(task * SHARED, min((task + 1) * SHARED, shared)):
                first, stop = number * together, min((number + 1) * together, rows)
                slots = zones[first - begin : stop - begin] - zones[first - begin]
                if uniform[source]:
                    slots[:] = 0
                else:
                    for row in range(first, stop):
                        slot = slots[row - first]
                        if held[slot] != zones[row - begin]:
                            held[slot] = zones[row - begin]
                            _gather(here[slot], parts[:, source], pool[row * columns : (row + 1) * columns])
                place = slice(first * columns, stop * columns)
                _move_rows(
                    errors[source, place], mean[source, lead_bin, place],
                    square[source, lead_bin, number * columns : (number + 1) * columns],
                    min(together // 2, rows - 1 - first), here, slots,
                    overall[source], typical[source], narrow, wide / narrow,
                )  # fmt: skip


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


@njit(cache=True, inline="never", fastmath={"contract", "nsz"})
def _move_rows(
    errors: Array, means: Half, squares: Half, middle: int, here: Array, slots: NDArray[np.int64],
    overall: Any, typical: Any, narrow: Any, wider: Any,
) -> None:  # fmt: skip
    """As `update_means`, of the rows that share `squares` (column,), those of their row `middle`.

    errors, means: row by row. here: (slot, 3, column) parts; slots: (row,) which of them.
    """
    columns = len(squares)
    whole = columns - columns % WIDTH
    for column in range(0, whole, WIDTH):
        _move_columns(errors, means, squares, middle, here, slots, overall, typical, narrow, wider, column, WIDTH)
    if whole < columns:
        _move_columns(
            errors, means, squares, middle, here, slots, overall, typical, narrow, wider, whole, columns - whole
        )


@njit(cache=True, inline="always")
def _move_columns(
    errors: Array, means: Half, squares: Half, middle: int, here: Array, slots: NDArray[np.int64],
    overall: Any, typical: Any, narrow: Any, wider: Any, column: int, count: int,
) -> None:  # fmt: skip
    """A place's first pair makes its mean, and departs from that by nothing."""
    zero, one, usual, centre_of_all = every(np.float32(0)), every(np.float32(1)), every(typical), every(overall)
    spread = load_half(squares, column, count)
    own = load(here[slots[middle], 2], column, count)
    reach = every(narrow) * root(usual + choose(spread == spread, own * (spread - usual), zero))
    for row in range(len(slots)):
        place = row * len(squares) + column
        share, other = load(here[slots[row], 0], column, count), load(here[slots[row], 1], column, count)
        error, before = load(errors, place, count), load_half(means, place, count)
        fetch(errors, place + AHEAD)
        fetch(means, place + AHEAD)
        departure, centre = error - before, other * (centre_of_all - before)
        known, seen = departure == departure, before == before
        if row == middle:
            near = gated(departure, centre, every(wider) * reach)
            after = (one - share) * (spread + share * near * near)
            first = choose(seen, spread, choose(error == error, zero, spread))
            store_half(choose(known, after, first), squares, column, count)
        after = before + share * gated(departure, centre, reach)
        store_half(choose(known, after, choose(seen, before, error)), means, place, count)


@njit(cache=True, inline="always")
def gated(value: Any, centre: Any, limit: Any) -> Any:
    """`value` within `limit` of `centre`."""
    low, high = centre - limit, centre + limit
    value = choose(value > low, value, low)
    return choose(value < high, value, high)


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
            own = widened(mean[source, lead_bin, place])
            if own == own:  # not by its bits: a NaN that a processor makes of 0 / 0 has others than NOTHING
                wide = widened(square[source, lead_bin, square_of[place]])
                present[source, place] = weight[source, lead_bin, pool[place]]
                centre[source, place] = own
                spread[source, place] = wide if wide == wide else usual
    return present, centre, spread
