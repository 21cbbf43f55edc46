"""Agreement with an independent code, kept with its worst difference: `docs/referees.py` makes a table of it."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Verdict:
    """How far a parameter is from what a referee says, at worst, where that is from `low` to `high`, in its units."""

    parameter: str
    referee: str
    worst: float
    low: float
    high: float


VERDICTS: list[Verdict] = []


def agrees(
    parameter: str, found: ArrayLike, expected: ArrayLike, *, by: str, rtol: float = 0.0, atol: float = 0.0
) -> None:
    """AssertionError unless `found` is within the tolerances of what the referee `by` expects."""
    ours, theirs = np.broadcast_arrays(np.asarray(found, np.float64), np.asarray(expected, np.float64))
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=parameter)
    VERDICTS.append(
        Verdict(parameter, by, float(np.abs(ours - theirs).max()), float(theirs.min()), float(theirs.max()))
    )


def xclim(module: str) -> ModuleType:
    """A module of xclim; skips without it. It puts its own units in the place of everybody's, also of MetPy's."""
    pint = pytest.importorskip("pint")
    before = pint.get_application_registry().get()
    found: ModuleType = pytest.importorskip(module)
    pint.set_application_registry(before)
    return found
