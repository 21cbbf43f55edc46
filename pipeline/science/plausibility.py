"""Whether an input can be believed: a field far from what the sources agree on, by the usual size of its errors."""

from __future__ import annotations

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
    result = np.zeros(forecasts.shape[:2], bool)
    for lead in range(forecasts.shape[1]):
        sources = np.flatnonzero(np.isfinite(forecasts[:, lead]).any(axis=1))
        known = usual[sources, lead][np.isfinite(usual[sources, lead])]
        if len(sources) < FEWEST or not len(known):
            continue
        limit = ABSURD * np.fmax(usual[sources, lead], np.median(known))
        absurd = _far_share(forecasts[sources, lead], limit) >= SHARE
        if 2 * absurd.sum() < len(sources):
            result[sources, lead] = absurd
    return result


def _far_share(fields: Array, limit: NDArray[np.floating]) -> NDArray[np.float64]:
    """(source,) share of a source's places that are further than its limit from the median of all sources there.

    Only places with FEWEST sources count: of these a single wrong one never is the median.
    """
    enough = np.isfinite(fields).sum(axis=0) >= FEWEST
    if not enough.any():
        return np.zeros(len(fields))
    departure = np.abs(fields[:, enough] - np.nanmedian(fields[:, enough], axis=0))
    judged = np.isfinite(departure).sum(axis=1)
    return np.asarray((departure > limit[:, None]).sum(axis=1) / np.maximum(judged, 1))
