"""Stores that pass the caches by: memory that is only written need not be read first, which takes half the time.

For what is larger than the caches, so that nobody would find it there anyway.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipeline.science.registers import WIDTH

Array = NDArray[np.float32]

_LINE = 4 * WIDTH
"""Bytes of a vector, and of a line of memory: one store fills it, if it begins there."""
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)


@njit(cache=True)
def stream(source: Array, target: Array, whole: bool) -> int:  # pragma: no cover
    """Copy the beginning of (n,) to (m,), to the last line of the target that it fills, all of it if `whole`.

    Returns how many values were copied: what is left goes with those that follow, for half a line is slow to write.
    `settle` before another thread reads them. Both are contiguous, and the target has room for all.
    """
    start = min((-target.ctypes.data % _LINE) // 4, len(source))
    stop = start + (len(source) - start) // WIDTH * WIDTH
    for k in range(start):
        target[k] = source[k]
    for first in range(start, stop, WIDTH):
        _stream_vector(source, target, first)  # type: ignore[call-arg]
    if not whole:
        return stop
    for k in range(stop, len(source)):
        target[k] = source[k]
    return len(source)


@intrinsic
def _stream_vector(_: Any, source: Any, target: Any, first: Any) -> Any:
    """Copy WIDTH values from `first` on, where a line of the target begins."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        places = []
        for kind, array in zip(signature.args[:2], arguments[:2], strict=True):
            data = context.make_array(kind)(context, builder, array).data
            places.append(builder.bitcast(builder.gep(data, [arguments[2]]), _VECTOR.as_pointer()))
        stored = builder.store(builder.load(places[0], align=4), places[1], align=_LINE)
        stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.none(source, target, types.int64), code


def _settle(_: Any) -> Any:
    """Wait until what was streamed can be read by all: such stores keep no order with others."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.none(), code


# numba hands the first argument over itself, which a type checker cannot know.
settle: Any = intrinsic(_settle)
