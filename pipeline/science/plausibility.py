"""Whether an input can be believed: a field far from what the sources agree on, by the usual size of its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

ABSURD = 10.0
"""Usual errors from the other sources that no weather explains at many places at once."""
SHARE = 0.25
"""Of a field's places that must be absurd: storms are on fewer, a wrong unit or date shows on more."""
FEWEST = 3
"""Sources needed to tell which of them is wrong."""


def implausible(forecasts: Array, usual: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(source, lead) whether a source's field is absurd and should be left out before it is blended.

    forecasts: (source, lead, place), NaN where a source has no value. usual: (source, lead) root mean square error as
    known beforehand, NaN without history. A field is absurd if on SHARE of its places it lies more than ABSURD usual
    errors from the median of all; a usual error below the typical source's counts as that, so that neither a
    good source nor a new one is held to more than the others. Nothing is absurd where fewer than FEWEST sources are
    present or none has a history, nor if half of them or more would be: nobody could say who is right.
    """
    departure = np.abs(forecasts - _median(forecasts, FEWEST))  # of which a single wrong one never is the median
    judged = np.isfinite(departure).sum(axis=2)
    known = np.isfinite(usual).any(axis=0)
    typical = np.where(known, _median(usual, 1), np.inf)
    limit = ABSURD * np.fmax(usual, typical)
    share = (departure > limit[..., None]).sum(axis=2) / np.maximum(judged, 1)
    absurd = (share >= SHARE) & (judged > 0)
    return np.asarray(absurd & (2 * absurd.sum(axis=0) < (judged > 0).sum(axis=0)))


def _median(values: NDArray[Any], fewest: int) -> NDArray[Any]:
    """(...,) median of `values` (source, ...) that are there, NaN of fewer than `fewest`; numpy's takes much longer."""
    count = np.isfinite(values).sum(axis=0)
    ordered = np.sort(values, axis=0)  # NaN last
    lower, upper = np.maximum(count - 1, 0) // 2, count // 2
    middle = (_row(ordered, lower) + _row(ordered, np.minimum(upper, len(values) - 1))) / 2
    return np.where(count >= fewest, middle, values.dtype.type(np.nan))


def _row(ordered: NDArray[Any], which: NDArray[np.intp]) -> NDArray[Any]:
    return np.take_along_axis(ordered, which[None], axis=0)[0]


def changed(beyond: NDArray[np.integer], present: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(source,) whether a source has changed for the worse, so that its gross errors are its own and to be learnt.

    beyond, present: (source,) number of errors beyond their bounds, and of those there are. A corrupt report or
    analysis is beyond for all sources alike. One source beyond its bounds at SHARE of its places, while fewer than half
    of the sources are, has itself changed, and the sooner its weight knows it the better.
    """
    result = beyond >= SHARE * np.maximum(present, 1)
    return np.asarray(result & (2 * result.sum() < (present > 0).sum()))
