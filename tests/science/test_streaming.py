"""Streaming: every value arrives, wherever lines of memory begin, and nothing beside them is touched."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from pipeline.science.registers import WIDTH
from pipeline.science.streaming import settle, stream


@njit
def _copy(source: np.ndarray, target: np.ndarray) -> None:
    stream(source, target)
    settle()


@given(st.integers(0, 100), st.integers(0, WIDTH - 1))
def test_what_is_streamed_is_a_copy(size: int, offset: int) -> None:
    memory = np.full(160, -1, np.float32)
    source, target = np.arange(size, dtype=np.float32), memory[offset : offset + size]
    _copy(source, target)
    np.testing.assert_array_equal(target, source)
    assert (np.delete(memory, range(offset, offset + size)) == -1).all()
