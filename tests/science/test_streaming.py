"""Streaming: every value arrives, wherever lines of memory begin, and nothing beside them is touched."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from pipeline.science.registers import WIDTH
from pipeline.science.streaming import settle, stream


@njit
def _copy(source: np.ndarray, target: np.ndarray, whole: bool) -> int:
    count = stream(source, target, whole)
    settle()
    return count


@given(st.integers(0, 100), st.integers(0, WIDTH - 1), st.booleans())
def test_what_is_streamed_is_a_copy_up_to_a_line(size: int, offset: int, whole: bool) -> None:
    memory = np.full(160, -1, np.float32)
    source, target = np.arange(size, dtype=np.float32), memory[offset : offset + size + 20]
    count = _copy(source, target, whole)
    np.testing.assert_array_equal(target[:count], source[:count])
    assert (target[count:] == -1).all()
    assert (memory[:offset] == -1).all()
    if whole:
        assert count == size
    else:
        assert size - count < WIDTH
        assert count == size or (target.ctypes.data + 4 * count) % (4 * WIDTH) == 0
