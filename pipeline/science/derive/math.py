"""Elementary functions that a compiler turns into wide instructions, for kernels over float32: a tenth of a call each.

Relative errors are some 2e-7, within float32's own rounding; arguments beyond float32's range are held at its ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]
f4 = np.float32

inline = numba.njit(forceinline=True, error_model="numpy", fastmath={"contract"})
kernel = numba.njit(cache=True, error_model="numpy", fastmath={"contract"}, nogil=True)
"""A loop over places, writing its last argument; lets go of the interpreter, so that blocks can run side by side.

Begin it with `registers.full_width()`, as numba has no option for it.

numba keeps what it has compiled until the loop's own file changes: after a change here touch those that use it.
"""


def elementwise(loop: Callable[..., None], *fields: Field | float) -> NDArray[np.float32]:
    """`loop` over all values of the fields, flattened, in float32 and of one shape; its last argument is the result."""
    shape = np.broadcast_shapes(*(np.shape(field) for field in fields))
    result = np.empty(shape, np.float32)
    loop(*(flat(field, shape) for field in fields), result.reshape(-1))
    return result


def flat(field: Field | float, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The field as an array (place,) of float32 that a kernel may take; copied only where it must be."""
    values = np.asarray(field, np.float32)
    values = np.ascontiguousarray(np.broadcast_to(values, shape) if values.shape != shape else values)
    return (values if values.flags.writeable else values.copy()).reshape(-1)


@inline
def exp(x: Any) -> Any:
    """e to the x (Cephes' expf)."""
    held = min(max(f4(x), f4(-87.0)), f4(88.0))
    whole = np.floor(held * f4(1.44269504) + f4(0.5))
    r = f4(f4(held - whole * f4(0.69335937)) + whole * f4(2.1219444e-4))
    p = f4(1.9875692e-4) * r + f4(1.3981999e-3)
    p = p * r + f4(8.3334519e-3)
    p = p * r + f4(4.1665796e-2)
    p = p * r + f4(1.6666666e-1)
    p = p * r + f4(5.0000001e-1)
    p = p * r * r + r + f4(1.0)
    bits = np.int32(np.int32(whole) + np.int32(127)) << np.int32(23)
    return p * np.int32(bits).view(np.float32)


@inline
def log(x: Any) -> Any:
    """Natural logarithm of x >= 1e-37 (Cephes' logf)."""
    bits = f4(max(f4(x), f4(1e-37))).view(np.int32)
    exponent = f4(np.int32(bits >> np.int32(23)) - np.int32(126))
    mantissa = np.int32((bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000)).view(np.float32)
    small = mantissa < f4(0.70710678)
    exponent = exponent - f4(1.0) if small else exponent
    z = mantissa + mantissa - f4(1.0) if small else mantissa - f4(1.0)
    p = f4(7.0376836e-2) * z - f4(1.1514610e-1)
    p = p * z + f4(1.1676999e-1)
    p = p * z - f4(1.2420141e-1)
    p = p * z + f4(1.4249323e-1)
    p = p * z - f4(1.6668058e-1)
    p = p * z + f4(2.0000715e-1)
    p = p * z - f4(2.4999994e-1)
    p = p * z + f4(3.3333331e-1)
    y = z * z
    p = p * z * y - f4(2.1219444e-4) * exponent - f4(0.5) * y
    return z + p + f4(0.69335937) * exponent


@inline
def power(x: Any, exponent: Any) -> Any:
    """x >= 0 to the exponent."""
    return exp(f4(exponent) * log(x))


@inline
def arctan2(y: Any, x: Any) -> Any:
    """Angle (radians) of the vector (x, y), 0 of none (Cephes' atanf)."""
    across, along = abs(f4(y)), abs(f4(x))
    large, little = max(across, along), min(across, along)
    ratio = little / max(large, f4(1e-30))
    reduced = ratio > f4(0.41421356)
    z = (ratio - f4(1.0)) / (ratio + f4(1.0)) if reduced else ratio
    s = z * z
    p = f4(8.0537445e-2) * s - f4(1.3877686e-1)
    p = p * s + f4(1.9977711e-1)
    p = p * s - f4(3.3332949e-1)
    angle = p * s * z + z + (f4(0.78539816) if reduced else f4(0.0))
    angle = f4(1.57079633) - angle if across > along else angle
    angle = f4(3.14159265) - angle if x < f4(0.0) else angle
    return -angle if y < f4(0.0) else angle
