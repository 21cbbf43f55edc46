"""Wide instructions of the blend: the sums of all sources stay in registers, so that memory is read once.

numba turns a loop into wide instructions only while few arrays are in it; four sources at a time, whose sums go through
memory, take half as long again as reading the forecasts does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from pipeline.science.registers import AHEAD, WIDTH, broadcast, prefetch

_BYTES, _INT64 = ir.IntType(8).as_pointer(), ir.IntType(64)


def _columns(width: int) -> Any:
    """The weighted mean of `width` places: the same operations in the same order, however many they are."""

    @intrinsic
    def columns(
        _: Any, values: Any, start: Any, chosen: Any, count: Any, table: Any, part: Any, first: Any, result: Any
    ) -> Any:
        """Fill the places of `result` (place,) from `first` on; whether any of them is missing.

        values: (source, place), of which `start` is the table's first and the first `count` of `chosen` matter.
        table: (degree, row, place) coefficients of `part`: of the chosen sources' weights, one a row, and in the last
        two rows of what biases come to and of the weights' sum. All are contiguous in the last axis.
        """
        kinds = values, types.int64, chosen, types.int64, table, types.float32, types.int64, result
        return types.boolean(*kinds), partial(_instructions, width)

    return columns


def _instructions(width: int, target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """What numba calls to write `columns` of a width down."""
    vector = ir.VectorType(ir.FloatType(), width)
    arrays = {
        name: target.make_array(signature.args[index])(target, builder, arguments[index])
        for index, name in ((0, "values"), (2, "chosen"), (4, "table"), (7, "result"))
    }
    (_, begin, _, number, _, share, at, _), size = arguments, _INT64(4)
    kind = ir.FunctionType(vector, [vector] * 3)
    multiply_add = builder.module.declare_intrinsic(f"llvm.fma.v{width}f32", (), kind)
    zero = builder.fcmp_ordered("==", share, ir.FloatType()(0))
    scale = broadcast(builder, share, vector)

    def where(name: str, *steps: Any) -> Any:
        return builder.gep(builder.bitcast(arrays[name].data, _BYTES), [_sum(builder, steps)])

    def load(name: str, *steps: Any) -> Any:
        return builder.load(builder.bitcast(where(name, *steps), vector.as_pointer()), align=4)

    def step(name: str, axis: int, index: Any) -> Any:
        return builder.mul(builder.extract_value(arrays[name].strides, axis), index)

    def polynomial(row: Any, degree: int) -> Any:
        """At `part`; at 0, where higher terms are nothing, the lowest stands for them, to read no more."""
        here = step("table", 1, row), builder.mul(at, size)
        terms = [
            load("table", *here, builder.select(zero, _INT64(0), step("table", 0, _INT64(power))))
            for power in range(degree + 1)
        ]
        value = terms.pop()
        while terms:
            value = builder.call(multiply_add, [value, scale, terms.pop()])
        return value

    total = cgutils.alloca_once_value(builder, vector([0.0] * width))
    with cgutils.for_range(builder, number) as loop:
        source = builder.load(builder.gep(arrays["chosen"].data, [loop.index]))
        here = step("values", 0, source), builder.mul(builder.add(begin, at), size)
        prefetch(builder, where("values", *here, _INT64(4 * AHEAD)))
        value = load("values", *here)
        weighted = builder.call(multiply_add, [value, polynomial(loop.index, 1), builder.load(total)])
        builder.store(weighted, total)
    rows = builder.extract_value(arrays["table"].shape, 1)
    biases = polynomial(builder.sub(rows, _INT64(2)), 2)
    weights = polynomial(builder.sub(rows, _INT64(1)), 1)
    mean = builder.fdiv(builder.fsub(builder.load(total), biases), weights)
    place = builder.gep(arrays["result"].data, [at])
    builder.store(mean, builder.bitcast(place, vector.as_pointer()), align=4)
    missing = builder.bitcast(builder.fcmp_unordered("uno", mean, mean), ir.IntType(width))
    return builder.icmp_unsigned("!=", missing, ir.IntType(width)(0))


def _sum(builder: Any, terms: Any) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = builder.add(total, term)
    return total


blend_columns, blend_place = _columns(WIDTH), _columns(1)
