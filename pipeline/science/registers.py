"""Wide instructions that numba has no words for: sort and search the rows of many cells side by side in registers.

numba turns plain loops into wide instructions, but every step of a sorting network written as a loop goes through
memory. Here the whole network is one straight line of minima and maxima, three times as fast up to 32 rows and no
slower beyond. How many rows there are must be known when it is compiled: it is STEP times the length of the tuple
`ranks`, so that not every size of an ensemble is compiled anew and hundreds of members are a short tuple.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

WIDTH = 16
"""Cells in a vector, the widest that processors have; the compiler splits it for narrower ones."""
STEP = 8
"""Rows come in multiples of this; those that are too many, at least one, are infinite."""
AHEAD = 128
"""Cells fetched ahead, for a processor that follows fewer rows at once, or none from one page to the next."""
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
_INT32, _INT64, _BYTES = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()


def _full_width(_: Any) -> Any:
    """Let the loops of the function that calls this be of the widest vectors there are, up to twice as fast.

    For a processor that has them the compiler holds back to half, because older ones slowed down.
    """

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        set.add(builder.function.attributes, f'"prefer-vector-width"="{32 * WIDTH}"')  # llvmlite lists no such names
        return target.get_dummy_value()

    return types.none(), code


# numba hands the first argument over itself, which a type checker cannot know.
full_width: Any = intrinsic(_full_width)


def sorting_network(count: int) -> list[tuple[int, int]]:
    """Pairs (low, high) that sort `count` rows when put in order one by one: Batcher's odd-even merge sort (1968)."""
    pairs = []
    width = 1 << max(count - 1, 0).bit_length()
    p = 1
    while p < width:
        k = p
        while k >= 1:
            for j in range(k % p, width - k, 2 * k):
                for i in range(min(k, width - j - k)):
                    if (i + j) // (2 * p) == (i + j + k) // (2 * p) and i + j + k < count:
                        pairs.append((i + j, i + j + k))
            k //= 2
        p *= 2
    return pairs


@intrinsic
def sort_columns(_: Any, source: Any, start: Any, count: Any, rows: Any, first: Any, ranks: Any, total: Any) -> Any:
    """Sort WIDTH columns of `source` (row, place), from `start` on, into those of `rows` (row, lane) from `first` on.

    `source` has `count` rows, 1 to STEP fewer than there are ranks; the rest of `rows` becomes infinite. `total`
    (lane,) gets the columns' sums. All are float32 and contiguous in the last axis. A column with NaN comes out in any
    order.
    """

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, terms, places = _load(target, builder, signature.args, arguments, ranks.count * STEP)
        total_place = _row_pointers(target, builder, signature.args[6], arguments[6], arguments[4], 1)[0]
        builder.store(_sum(builder, terms), total_place, align=4)
        return _sort(target, builder, values, places)

    return types.none(source, types.int64, types.int64, rows, types.int64, ranks, total), code


@intrinsic
def sort_known_columns(
    _: Any, source: Any, start: Any, count: Any, rows: Any, first: Any, ranks: Any, total: Any, known: Any
) -> Any:
    """As `sort_columns`, with NaN as infinite and nothing in the sums; `known` (lane,) gets how many are no NaN."""

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, terms, places = _load(target, builder, signature.args, arguments, ranks.count * STEP)
        there = [builder.fcmp_ordered("ord", term, term) for term in terms]
        values = [
            builder.select(present, value, _all(float("inf"))) for present, value in zip(there, values, strict=True)
        ]
        terms = [builder.select(present, term, _all(0.0)) for present, term in zip(there, terms, strict=True)]
        held = [builder.icmp_signed("<", _INT64(row), arguments[2]) for row in range(len(terms))]
        ones = [
            builder.select(present, builder.select(row, _all(1.0), _all(0.0)), _all(0.0))
            for present, row in zip(there, held, strict=True)
        ]
        for index, parts in ((6, terms), (7, ones)):
            place = _row_pointers(target, builder, signature.args[index], arguments[index], arguments[4], 1)[0]
            builder.store(_sum(builder, parts), place, align=4)
        return _sort(target, builder, values, places)

    return types.none(source, types.int64, types.int64, rows, types.int64, ranks, total, known), code


def _load(target: Any, builder: Any, kinds: Any, arguments: Any, ranks: int) -> tuple[list[Any], list[Any], list[Any]]:
    """The values of each row, infinite beyond the last; what they add to the sum; where they go."""
    sources = _row_pointers(target, builder, kinds[0], arguments[0], arguments[1], ranks)
    values, terms = [], []
    for row, place in enumerate(sources[:-1]):
        held = builder.icmp_signed("<", _INT64(row), arguments[2])
        sure = row < ranks - STEP
        safe = place if sure else builder.select(held, place, sources[0])
        prefetch(builder, builder.gep(builder.bitcast(safe, _BYTES), [_INT64(4 * AHEAD)]))
        value = builder.load(safe, align=4)
        values.append(value if sure else builder.select(held, value, _all(float("inf"))))
        terms.append(value if sure else builder.select(held, value, _all(0.0)))
    return values, terms, _row_pointers(target, builder, kinds[3], arguments[3], arguments[4], ranks)


def _sort(target: Any, builder: Any, values: list[Any], places: list[Any]) -> Any:
    """Store the values in order, and infinity in the last row."""
    for low, high in sorting_network(len(values)):
        less = builder.fcmp_ordered("<", values[low], values[high])
        values[low], values[high] = (
            builder.select(less, values[low], values[high]),
            builder.select(less, values[high], values[low]),
        )
    for value, place in zip([*values, _all(float("inf"))], places, strict=True):
        builder.store(value, place, align=4)
    return target.get_dummy_value()


@intrinsic
def bracket_columns(_: Any, rows: Any, first: Any, ranks: Any, bound: Any, found: Any) -> Any:
    """Where `bound` lies in each of the WIDTH sorted columns of `rows` from `first` on, written to `found` (3, lane).

    How many values are at most `bound`, the last of these and the first above it, infinite where there is none. The
    last row is infinite, `bound` is not.
    """

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        places = _row_pointers(target, builder, kinds[0], arguments[0], arguments[1], ranks.count * STEP)
        results = _row_pointers(target, builder, kinds[4], arguments[4], arguments[1], 3)
        values = [builder.load(place, align=4) for place in places]
        window, count = [_all(float("-inf")), *values], _all(0.0)
        limit = broadcast(builder, arguments[3])
        while len(window) > 2:  # bisection: every cell keeps the half that holds its bound
            middle, last = len(window) // 2, len(window) - 1
            upper = builder.fcmp_ordered("<=", window[middle], limit)
            count = builder.select(upper, builder.fadd(count, _all(float(middle))), count)
            window = [builder.select(upper, window[min(middle + i, last)], window[i]) for i in range(middle + 1)]
        for value, place in zip([count, *window], results, strict=True):
            builder.store(value, place, align=4)
        return target.get_dummy_value()

    return types.none(rows, types.int64, ranks, types.float32, found), code


def _row_pointers(target: Any, builder: Any, kind: Any, array: Any, first: Any, count: int) -> list[Any]:
    """Pointers to WIDTH values from `first` on in each of the first `count` rows; in the only row of a vector."""
    data = target.make_array(kind)(target, builder, array)
    base = builder.bitcast(builder.gep(data.data, [first]), _BYTES)
    stride = builder.extract_value(data.strides, 0)
    steps = [builder.mul(stride, _INT64(row)) for row in range(count)]
    return [builder.bitcast(builder.gep(base, [step]), _VECTOR.as_pointer()) for step in steps]


def _sum(builder: Any, terms: list[Any]) -> Any:
    """In pairs, for the sake of rounding and of speed."""
    while len(terms) > 1:
        pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
        terms = [builder.fadd(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return terms[0]


def prefetch(builder: Any, place: Any) -> None:
    """Code that brings the line of memory at a pointer to bytes nearer, if there is one."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTES, _INT32, _INT32, _INT32])
    fetch = builder.module.declare_intrinsic("llvm.prefetch.p0", (), kind)
    builder.call(fetch, [place, _INT32(0), _INT32(3), _INT32(1)])  # to read, keep in all caches, data


def _all(value: float) -> Any:
    return _VECTOR([value] * WIDTH)


def broadcast(builder: Any, value: Any, kind: Any = _VECTOR) -> Any:
    """Code that puts a value into all lanes of a vector."""
    undefined = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(undefined, value, _INT32(0))
    return builder.shuffle_vector(one, undefined, ir.VectorType(_INT32, kind.count)([0] * kind.count))
