"""Statistics of members are numpy's, of arrays of numpy and of torch alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.science.member_statistics import statistics

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.9, 0.99)
THRESHOLDS = (-50.0, 0.0, 12.5)
MEMBERS = arrays(np.float32, st.tuples(st.integers(2, 40), st.just(3)), elements=st.floats(-100, 100, width=32))


@settings(max_examples=50, deadline=None)
@given(members=MEMBERS)
def test_they_are_numpys(members: np.ndarray) -> None:
    found = statistics(np.sort(members, 0), LEVELS, THRESHOLDS)
    double = members.astype(np.float64)
    near = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(found["mean"], [double.mean(0)], **near)
    np.testing.assert_allclose(found["spread"], [double.std(0, ddof=1)], **near)
    np.testing.assert_allclose(found["quantile"], np.quantile(double, LEVELS, axis=0, method="hazen"), **near)
    np.testing.assert_allclose(found["exceedance"], [(members > value).mean(0) for value in THRESHOLDS])


def test_torch_makes_the_same_of_the_same_members() -> None:
    torch = pytest.importorskip("torch")
    members = np.random.default_rng(0).standard_normal((31, 4, 5), np.float32)
    ours = statistics(np.sort(members, 0), LEVELS, (0.0, 1.0))
    theirs: dict[str, list[Any]] = statistics(torch.as_tensor(members).sort(0).values, LEVELS, (0.0, 1.0))
    for kind, maps in ours.items():
        for one, other in zip(maps, theirs[kind], strict=True):
            np.testing.assert_allclose(np.float32(one), other.numpy(), rtol=4e-7)  # sums in another order
