"""What is asked for again stays, within a number of bytes."""

from __future__ import annotations

import numpy as np

from pipeline.kept import Kept


def test_the_one_that_was_not_asked_for_the_longest_goes_first() -> None:
    kept: Kept[np.ndarray] = Kept(30)
    first, second, third = (np.full(10, value, np.uint8) for value in (1, 2, 3))
    for key, array in (("first", first), ("second", second), ("third", third)):
        kept.put(key, array)
    assert kept.get("first") is first, "which makes the second the oldest"
    kept.put("fourth", np.zeros(5, np.uint8))
    assert kept.get("second") is None
    assert kept.get("first") is first
    assert kept.get("third") is third


def test_one_that_is_larger_than_the_room_is_kept_alone() -> None:
    kept: Kept[np.ndarray] = Kept(30)
    large = np.zeros(100, np.uint8)
    kept.put("small", np.zeros(10, np.uint8))
    kept.put("large", large)
    assert kept.get("small") is None
    assert kept.get("large") is large
    kept.put("small", small := np.zeros(10, np.uint8))
    assert kept.get("large") is None
    assert kept.get("small") is small
