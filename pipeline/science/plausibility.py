"""Whether an input can be believed: a field far from what the sources agree on, or the same as in the run before."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float32]

ABSURD = 10.0
"""Usual errors from the other sources that no weather explains at many places at once."""
SHARE = 0.25
"""Of a field's places that must be absurd: storms are on fewer, a wrong unit or date shows on more."""
FEWEST_PLACES = 10
"""Places that must speak: on fewer, as where a sea has an island, it may be weather."""
THE_SAME = 0.99
"""Share of the places that change from lead to lead on which a frozen run repeats the other."""
FEWEST = 3
"""Sources needed to tell which of them is wrong."""


def implausible(forecasts: Array, usual: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(source, lead) whether a source's field is absurd and should be left out before it is blended.

    forecasts: (source, lead, place), NaN where a source has no value. usual: (source, lead) root mean square error as
    known beforehand, NaN without history. A field is absurd if on SHARE of its places it lies more than ABSURD usual
    errors from the median of all; a usual error below the typical source's counts as that, so that neither a
    good source nor a new one is held to more than the others. Nothing is absurd where fewer than FEWEST sources are
    present, on fewer than FEWEST_PLACES or without history, nor if half of the sources or more would be: nobody could
    say who is right.
    """
    known = np.isfinite(usual).any(axis=0)
    typical = np.where(known, _median(usual), np.inf)
    limit = ABSURD * np.fmax(usual, typical)
    judged, beyond = far_from_median(np.ascontiguousarray(forecasts, np.float32), limit, FEWEST)
    share = beyond / np.maximum(judged, 1)
    absurd = (share >= SHARE) & (judged >= FEWEST_PLACES)
    return np.asarray(absurd & (2 * absurd.sum(axis=0) < (judged > 0).sum(axis=0)))


def _median(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """(lead,) median of `values` (source, lead) that are there, NaN of none; numpy's takes much longer."""
    count = np.isfinite(values).sum(axis=0)
    ordered, lead = np.sort(values, axis=0), np.arange(values.shape[1])  # NaN last
    lower, upper = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(values) - 1)
    return np.asarray((ordered[lower, lead] + ordered[upper, lead]) / 2)


@njit(cache=True)
def far_from_median(
    forecasts: Array, limit: NDArray[np.float64], fewest: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many values of each field (source, lead, place) are there beside `fewest` or more of all sources, and how
    many of them lie further than `limit` from their median; both (source, lead)."""
    sources, leads, places = forecasts.shape
    there, beyond = np.zeros((sources, leads), np.int64), np.zeros((sources, leads), np.int64)
    ordered = np.empty(sources, np.float32)
    for lead in range(leads):
        for place in range(places):
            count = 0
            for source in range(sources):
                value = forecasts[source, lead, place]
                if not np.isfinite(value):
                    continue
                position = count
                while position > 0 and ordered[position - 1] > value:
                    ordered[position] = ordered[position - 1]
                    position -= 1
                ordered[position] = value
                count += 1
            if count < fewest:
                continue
            median = (ordered[(count - 1) // 2] + ordered[count // 2]) / np.float32(2)
            for source in range(sources):
                value = forecasts[source, lead, place]
                if np.isfinite(value):
                    there[source, lead] += 1
                    beyond[source, lead] += abs(value - median) > limit[source, lead]
    return there, beyond


def frozen(newest: Array, before: Array, later: Array) -> bool:
    """Whether a run says again what the run before it said, so that it is a stale file under a new name.

    newest, before: (..., place) both runs so many hours after their starts; later: the newest at another lead. Judged
    by the places where the newest changes from lead to lead: there, two runs are never the same by chance.
    """
    moving = np.isfinite(newest + before + later) & (newest != later)
    known = np.isfinite(newest).sum()
    if moving.sum() < max(FEWEST_PLACES, SHARE * known):
        return False
    return bool((newest == before)[moving].mean() >= THE_SAME)


@njit(cache=True)
def changed(beyond: NDArray[np.floating], present: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(source,) whether a source has changed for the worse, so that its gross errors are its own and to be learnt.

    beyond, present: (source,) number of errors beyond their bounds, and of those there are. A corrupt report or
    analysis is beyond for all sources alike. One source beyond its bounds at SHARE of its places, while fewer than half
    of the sources are, has itself changed, and the sooner its weight knows it the better.
    """
    result = beyond >= SHARE * np.maximum(present, 1)
    return result & (2 * result.sum() < (present > 0).sum())
