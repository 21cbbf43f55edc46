"""Bit planes: numpy's bits of numpy's rounding, and with zstd the bytes that blosc itself makes."""

from __future__ import annotations

import numcodecs.blosc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from pipeline.products.bit_planes import GROUP, rounded_planes
from pipeline.products.shard import encode_chunks, round_to_precision

any_float = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(arrays.arrays(np.float32, st.integers(1, 4).map(lambda n: n * GROUP), elements=any_float), st.integers(-12, 8))
def test_planes_hold_the_bits_of_the_rounded_values(values: NDArray[np.float32], power: int) -> None:
    quantum = np.float32(2.0**power)
    planes = np.empty(values.nbytes, np.uint8)
    rounded_planes(values, quantum, planes)
    with np.errstate(over="ignore"):
        rounded = round_to_precision(values, float(quantum) / 2)
    bits = np.unpackbits(rounded.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")
    np.testing.assert_array_equal(planes, np.packbits(bits.T, axis=1, bitorder="little").ravel())


@pytest.mark.parametrize("shape", [(1, 24, 48, 20), (24, 1, 64), (25, 3, 7), (3, 1, 1), (80, 48, 20)])
@pytest.mark.parametrize("precision", [0.01, 1e-7, 0.0])
def test_a_chunk_is_what_blosc_makes_of_it(shape: tuple[int, ...], precision: float) -> None:
    """Steady values and noise, which at the finest precision does not compress; one block and several."""
    noise = np.random.default_rng(0).standard_normal((2, *shape), np.float32)
    noise[0].cumsum(-1, out=noise[0])
    noise[1, ..., -1] = np.nan
    for values in noise:
        rounded = np.ascontiguousarray(round_to_precision(values, precision))
        expected = numcodecs.blosc.compress(rounded, b"zstd", 1, numcodecs.blosc.BITSHUFFLE, 2**18)
        assert encode_chunks(values, shape, precision) == {(0,) * len(shape): expected}
