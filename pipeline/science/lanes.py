"""WIDTH numbers side by side as one value of a kernel, where numba makes no loop wide or keeps nothing in registers.

A kernel calculates, compares and chooses with them as with scalars; which columns they are is its own business. At the
end of a row fewer than WIDTH may be left: what loads and stores take as `count`, best a constant, so that it costs
nothing.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.typing import signature
from numba.core.typing.templates import ConcreteTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

from pipeline.science.registers import WIDTH, broadcast, prefetch

_INT32 = ir.IntType(32)
_FLOATS, _WORDS, _HALVES, _BITS = (
    ir.VectorType(kind, WIDTH) for kind in (ir.FloatType(), _INT32, ir.IntType(16), ir.IntType(1))
)
_NAMES, _SIZES = {_FLOATS: f"v{WIDTH}f32", _HALVES: f"v{WIDTH}i16"}, {_FLOATS: 4, _HALVES: 2}


class Lanes(types.Type):
    """WIDTH float32."""


class Mask(types.Type):
    """WIDTH answers to a question."""


LANES, MASK = Lanes("lanes"), Mask("mask")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BITS)


def _operator(sign: Any, result: Any, operand: Any, instruction: str, *first: str) -> None:
    """Let `sign` between two vectors be an instruction of the compiler."""

    class Template(ConcreteTemplate):
        cases = (signature(result, operand, operand),)

    infer_global(sign)(Template)

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*first, *arguments)

    lower_builtin(sign, operand, operand)(code)


for _sign, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _operator(_sign, LANES, LANES, _instruction)
for _sign, _symbol in ((operator.lt, "<"), (operator.gt, ">"), (operator.eq, "==")):
    _operator(_sign, MASK, LANES, "fcmp_ordered", _symbol)
_operator(operator.and_, MASK, MASK, "and_")


def _every(_: Any, value: Any) -> Any:
    """The float32 `value` in all lanes."""

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        return broadcast(builder, arguments[0], _FLOATS)

    return LANES(types.float32), code


def _choose(_: Any, mask: Any, yes: Any, no: Any) -> Any:
    """`yes` where the mask holds, `no` elsewhere."""

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return LANES(MASK, LANES, LANES), code


def _root(_: Any, value: Any) -> Any:
    """Square roots."""

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        form = ir.FunctionType(_FLOATS, [_FLOATS])
        return builder.call(builder.module.declare_intrinsic(f"llvm.sqrt.v{WIDTH}f32", (), form), arguments)

    return LANES(LANES), code


def _load(_: Any, array: Any, first: Any, count: Any) -> Any:
    """`count` numbers of a contiguous float32 array from number `first` on, row by row; 0 in the other lanes."""

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        return _masked_load(builder, _FLOATS, *_where(context, builder, kind.args[0], arguments, _FLOATS))

    return LANES(array, types.int64, types.int64), code


def _load_half(_: Any, array: Any, first: Any, count: Any) -> Any:
    """The same of float32 whose upper halves an array of uint16 keeps."""

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        halves = _masked_load(builder, _HALVES, *_where(context, builder, kind.args[0], arguments, _HALVES))
        words = builder.shl(builder.zext(halves, _WORDS), _WORDS([16] * WIDTH))
        return builder.bitcast(words, _FLOATS)

    return LANES(array, types.int64, types.int64), code


def _store(_: Any, value: Any, array: Any, first: Any, count: Any) -> Any:
    """Keep `count` lanes in a contiguous float32 array from number `first` on."""

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        place, there = _where(context, builder, kind.args[1], arguments[1:], _FLOATS)
        _masked_store(builder, arguments[0], place, there)
        return context.get_dummy_value()

    return types.none(LANES, array, types.int64, types.int64), code


def _store_half(_: Any, value: Any, array: Any, first: Any, count: Any) -> Any:
    """Keep the upper halves of `count` lanes, to nearest, in an array of uint16 from number `first` on."""

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        rounded = builder.add(builder.bitcast(arguments[0], _WORDS), _WORDS([0x8000] * WIDTH))
        halves = builder.trunc(builder.lshr(rounded, _WORDS([16] * WIDTH)), _HALVES)
        place, there = _where(context, builder, kind.args[1], arguments[1:], _HALVES)
        _masked_store(builder, halves, place, there)
        return context.get_dummy_value()

    return types.none(LANES, array, types.int64, types.int64), code


def _fetch(_: Any, array: Any, first: Any) -> Any:
    """Bring the line of memory that holds number `first` of a contiguous array nearer, if there is one."""

    def code(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        data = context.make_array(kind.args[0])(context, builder, arguments[0]).data
        prefetch(builder, builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer()))
        return context.get_dummy_value()

    return types.none(array, types.int64), code


# numba hands the first argument over itself, which a type checker cannot know.
every: Any = intrinsic(_every)
choose: Any = intrinsic(_choose)
root: Any = intrinsic(_root)
load: Any = intrinsic(_load)
load_half: Any = intrinsic(_load_half)
store: Any = intrinsic(_store)
store_half: Any = intrinsic(_store_half)
fetch: Any = intrinsic(_fetch)


def _where(context: Any, builder: Any, kind: Any, arguments: Any, vector: Any) -> tuple[Any, Any]:
    """The place in memory of an array's elements from `first` on, and which of the WIDTH are among `count`."""
    array, first, count = arguments
    data = context.make_array(kind)(context, builder, array).data
    place = builder.bitcast(builder.gep(data, [first]), vector.as_pointer())
    limit = broadcast(builder, builder.trunc(count, _INT32), _WORDS)
    return place, builder.icmp_signed("<", _WORDS(list(range(WIDTH))), limit)


def _masked_load(builder: Any, vector: Any, place: Any, there: Any) -> Any:
    form = ir.FunctionType(vector, [place.type, _INT32, _BITS, vector])
    masked = builder.module.declare_intrinsic(f"llvm.masked.load.{_NAMES[vector]}.p0", (), form)
    return builder.call(masked, [place, _INT32(_SIZES[vector]), there, ir.Constant(vector, None)])


def _masked_store(builder: Any, value: Any, place: Any, there: Any) -> None:
    form = ir.FunctionType(ir.VoidType(), [value.type, place.type, _INT32, _BITS])
    masked = builder.module.declare_intrinsic(f"llvm.masked.store.{_NAMES[value.type]}.p0", (), form)
    builder.call(masked, [value, place, _INT32(_SIZES[value.type]), there])
