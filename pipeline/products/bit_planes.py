"""Rounding and blosc's bit shuffle in one pass: planes of one bit of all values each, most of them zeros or steady.

The same bytes as numpy's rounding and then the shuffle of numcodecs, which is built for the oldest processors, in half
of their time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipeline.science.registers import broadcast

GROUP = 64
"""Values whose bits of one plane are one machine word."""
_BITS = 32
_BYTE, _WORD = ir.IntType(8), ir.IntType(64)
_FLOATS, _WORDS, _BYTES = (ir.VectorType(kind, GROUP) for kind in (ir.FloatType(), ir.IntType(_BITS), _BYTE))


@njit(cache=True)
def rounded_planes(values: NDArray[np.float32], quantum: np.float32, planes: NDArray[np.uint8]) -> None:
    """Fill `planes` (4 n,) with the bits of values (n,), rounded to multiples of `quantum`; both are contiguous.

    n is a multiple of GROUP, `quantum` a power of two. Byte m of a plane, lowest bit first, is of the values from 8 m
    on; the plane of the lowest bit comes first (Masui et al. 2015, doi:10.1016/j.ascom.2015.07.002).
    """
    for first in range(0, len(values), GROUP):
        _cut(values, first, np.float32(1) / quantum, quantum, planes, len(values) // 8)


def _cut_group(_: Any, values: Any, first: Any, scale: Any, quantum: Any, planes: Any, length: Any) -> Any:
    """Round GROUP values from `first` on, and put their bits into the planes, each `length` bytes long."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds, (_, first, scale, quantum, _, length) = signature.args, arguments
        source, target = (context.make_array(kinds[k])(context, builder, arguments[k]).data for k in (0, 4))
        value = builder.load(builder.bitcast(builder.gep(source, [first]), _FLOATS.as_pointer()), align=4)
        nearest = builder.module.declare_intrinsic(f"llvm.rint.v{GROUP}f32", (), ir.FunctionType(_FLOATS, [_FLOATS]))
        value = builder.call(nearest, [builder.fmul(value, broadcast(builder, scale, _FLOATS))])
        value = builder.fadd(
            builder.fmul(value, broadcast(builder, quantum, _FLOATS)), _FLOATS([0.0] * GROUP)
        )  # no negative zero
        words = builder.bitcast(value, _WORDS)
        place = builder.udiv(first, _WORD(8))
        for number in range(0, _BITS, 8):
            part = builder.trunc(builder.lshr(words, _WORDS([number] * GROUP)), _BYTES)
            for bit in reversed(range(8)):
                plane = builder.add(place, builder.mul(_WORD(number + bit), length))
                ones = builder.bitcast(builder.icmp_signed("<", part, _BYTES([0] * GROUP)), _WORD)
                builder.store(ones, builder.bitcast(builder.gep(target, [plane]), _WORD.as_pointer()), align=1)
                part = builder.add(part, part)  # the next bit becomes the sign
        return context.get_dummy_value()

    return types.none(values, types.int64, types.float32, types.float32, planes, types.int64), code


# numba hands the first argument over itself, which a type checker cannot know.
_cut: Any = intrinsic(_cut_group)
