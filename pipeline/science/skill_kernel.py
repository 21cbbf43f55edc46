"""The compiled inner part of `skill`: running means kept as the upper halves of float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, prange
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

Array = NDArray[np.float32]
Half = NDArray[np.uint16]

BLOCK = 4096
"""Places whose numbers fit the nearest cache of a core."""
NOTHING = np.uint16(0x7FC0)
"""The upper half of float32's NaN: no value was ever seen."""

_WORD, _HALF = ir.IntType(32), ir.IntType(16)


def pack(values: Array) -> Half:
    """Values as the upper halves of float32, to nearest: 8 significant bits, 0.2 % off at most."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounding = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return np.where(np.isnan(values), NOTHING, ((bits + rounding) >> np.uint32(16)).astype(np.uint16))


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
        bits = builder.bitcast(arguments[0], _WORD)
        odd = builder.and_(builder.lshr(bits, _WORD(16)), _WORD(1))
        rounded = builder.add(bits, builder.add(odd, _WORD(0x7FFF)))
        return builder.trunc(builder.lshr(rounded, _WORD(16)), _HALF)

    return types.uint16(types.float32), code


# numba hands the first argument over itself, which a type checker cannot know.
_widened: Any = intrinsic(_widen)
_narrowed: Any = intrinsic(_narrow)


@njit(parallel=True, cache=True, error_model="numpy")
def update_means(
    errors: Array, mean: Half, square: Half, lead_bin: int, parts: Array, pool: NDArray[np.int32],
    uniform: NDArray[np.bool_], overall: Array, typical: Array, narrow: float, wide: float,
) -> None:  # fmt: skip
    """Move `mean` and `square` (source, lead_bin, place) of one lead bin towards `errors` (source, place), in place.

    parts: (3, source, pool) how far to move, how much of the gate's centre and of its square is the place's own;
    `uniform` (source,) where they are the same in all pools. overall, typical: (source,) the other part of centre and
    square; narrow, wide: how many deviations off an error may be for the mean and for the square. Without gate these
    are the mean and the variance about it of all errors seen, each weighed alike (Welford 1962).
    """
    count, places = errors.shape
    for task in prange((places + BLOCK - 1) // BLOCK):
        start, stop = task * BLOCK, min((task + 1) * BLOCK, places)
        for source in range(count):
            error = errors[source, start:stop]
            means, squares = mean[source, lead_bin, start:stop], square[source, lead_bin, start:stop]
            a, b, c, d = overall[source], typical[source], np.float32(narrow), np.float32(wide)
            if uniform[source] and _complete(error, means, squares):
                _move_all(error, means, squares, parts[:, source, 0], a, b, c, d)
            else:
                _move_known(error, means, squares, parts[:, source], pool[start:stop], a, b, c, d)


@njit(cache=True, inline="never", fastmath={"reassoc", "contract"})
def _complete(errors: Array, mean: Half, square: Half) -> bool:
    """Whether no error is missing and no place is new: nothing times anything is NaN."""
    total, zero = np.float32(0), np.float32(0)
    for k in range(len(errors)):
        total += zero * errors[k] + zero * (_widened(mean[k]) + _widened(square[k]))
    return total == zero


@njit(cache=True, error_model="numpy", inline="never", fastmath={"contract", "nsz"})
def _move_all(
    errors: Array, mean: Half, square: Half, parts: Array, overall: Any, typical: Any, narrow: Any, wide: Any
) -> None:
    share, own_centre, own_square = parts[0], parts[1], parts[2]
    for k in range(len(errors)):
        before, spread = _widened(mean[k]), _widened(square[k])
        centre = overall + own_centre * (before - overall)
        half = np.sqrt(typical + own_square * (spread - typical))
        near = centre - before + _within(errors[k] - centre, narrow * half)
        far = centre - before + _within(errors[k] - centre, wide * half)
        mean[k] = _narrowed(before + share * near)
        square[k] = _narrowed((np.float32(1) - share) * (spread + share * far * far))


@njit(cache=True, error_model="numpy", inline="never")
def _move_known(
    errors: Array, mean: Half, square: Half, parts: Array, pool: NDArray[np.int32],
    overall: Any, typical: Any, narrow: Any, wide: Any,
) -> None:  # fmt: skip
    """The same where an error may be missing or a place be new."""
    for k in range(len(errors)):
        if errors[k] != errors[k]:
            continue
        if mean[k] == NOTHING:
            mean[k], square[k] = _narrowed(errors[k]), np.uint16(0)
            continue
        share, before, spread = parts[0, pool[k]], _widened(mean[k]), _widened(square[k])
        centre = overall + parts[1, pool[k]] * (before - overall)
        half = np.sqrt(typical + parts[2, pool[k]] * (spread - typical))
        near = centre - before + _within(errors[k] - centre, narrow * half)
        far = centre - before + _within(errors[k] - centre, wide * half)
        mean[k] = _narrowed(before + share * near)
        square[k] = _narrowed((np.float32(1) - share) * (spread + share * far * far))


@njit(cache=True, inline="always")
def _within(value: float, limit: float) -> float:
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
