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

from pipeline.science.lanes import LANES, load
from pipeline.science.registers import WIDTH

Array = NDArray[np.float32]

_LINE = 4 * WIDTH
"""Bytes of a vector, and of a line of memory: one store fills it, if it begins there."""


@njit(cache=True)
def stream(source: Array, target: Array) -> None:  # pragma: no cover
    """Copy (n,) to (n,), both contiguous; `settle` before another thread reads it."""
    start = min(to_line(target), len(source))
    stop = start + (len(source) - start) // WIDTH * WIDTH
    for k in range(start):
        target[k] = source[k]
    for first in range(start, stop, WIDTH):
        stream_line(load(source, first, WIDTH), target, first)
    for k in range(stop, len(source)):
        target[k] = source[k]


@njit(cache=True)
def to_line(target: Array) -> int:  # pragma: no cover
    """How many values of (n,) lie before the first line of memory that begins within."""
    return -target.ctypes.data % _LINE // 4


def _stream_line(_: Any, value: Any, target: Any, first: Any) -> Any:
    """Fill the line of memory that begins at number `first` of the target with all lanes."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[1])(context, builder, arguments[1]).data
        place = builder.bitcast(builder.gep(data, [arguments[2]]), arguments[0].type.as_pointer())
        stored = builder.store(arguments[0], place, align=_LINE)
        stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.none(LANES, target, types.int64), code


def _settle(_: Any) -> Any:
    """Wait until what was streamed can be read by all: such stores keep no order with others."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.none(), code


# numba hands the first argument over itself, which a type checker cannot know.
stream_line: Any = intrinsic(_stream_line)
settle: Any = intrinsic(_settle)
