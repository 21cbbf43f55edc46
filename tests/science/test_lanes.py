"""Lanes: arithmetic as that of numpy on 1 to WIDTH columns, and nothing beside them is touched."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from pipeline.science.lanes import choose, every, fetch, load, load_half, root, store_half
from pipeline.science.registers import WIDTH
from pipeline.science.skill_kernel import pack, unpack


@njit
def _calculate(a: np.ndarray, half: np.ndarray, out: np.ndarray, first: int, count: int) -> None:
    fetch(a, first + 1000)
    x, y = load(a, first, count), load_half(half, first, count)
    known = y == y
    positive = known & (x > every(np.float32(0)))
    kept = choose(positive, root(x) * y - every(np.float32(1)), choose(known, x + y, x))
    store_half(kept, out, first, count)


@given(st.integers(1, WIDTH), st.integers(0, 5), st.integers(0, 999))
def test_columns_are_calculated_as_by_numpy_and_their_neighbours_left(count: int, first: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(first + count).astype(np.float32)
    half = pack(np.where(rng.random(first + count) < 0.3, np.nan, rng.standard_normal(first + count)))
    out = np.full(first + WIDTH + 3, 7, np.uint16)
    _calculate(a, half, out, first, count)
    x, y = a[first:], unpack(half)[first:]
    with np.errstate(invalid="ignore"):
        expected = np.where(np.isnan(y), x, np.where(x > 0, np.sqrt(x) * y - np.float32(1), x + y))
    np.testing.assert_array_equal(out[first : first + count], pack(expected))
    assert (np.delete(out, range(first, first + count)) == 7).all()
