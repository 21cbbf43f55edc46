"""Stations that err the same way for days: found out against their neighbours, corrected, and trusted less.

A departure from the blend may be the blend's error; what the neighbours' departures do not foretell of it is the
station's own, or its place's, which a cell does not share. Its running mean over past days is the station's bias. An
hour counts by as much as the neighbours could tell, so a lonely station has none: it cannot be told from the blend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Float = NDArray[np.float64]

MEMORY_HOURS = 5 * 24.0
"""Long against the weather, short against a station that is mended."""
REPETITION_HOURS = 12.0
"""Hours that say as much as one: what a blend and a station err together stays for about as long."""
FEWEST_HOURS = 24.0
"""Less is no record: a day has one weather, and an hour's spread within it is not the spread of days."""
SURE = 4.0
"""Variances of its mean beyond which a station's own bias is believed, however good the others are."""
COLUMNS = ("count", "residual", "square")


@dataclass(frozen=True)
class Bias:
    """(station,) what to take off a station's values, and the standard deviation that this leaves."""

    value: Float
    error: Float


def zero() -> pd.DataFrame:
    """The record that knows nothing: decayed sums by station of counts, residuals and their squares."""
    return pd.DataFrame({name: np.zeros(0) for name in COLUMNS}, index=pd.Index([], dtype=str, name="station"))


def update(record: pd.DataFrame, station: NDArray[np.str_], residual: Floats, share: Floats) -> pd.DataFrame:
    """The record with one hour: `residual` of each station against its neighbours, `share` 0 to 1 of an hour that it
    counts for; all (station,), what is not finite does not count."""
    good = np.isfinite(residual) & (share > 0)
    weight, value = share[good], residual[good]
    rows = {"count": weight, "residual": weight * value, "square": weight * value**2}
    return merge(record, pd.DataFrame(rows, index=pd.Index(np.asarray(station)[good], dtype=str, name="station")))


def merge(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The sums of both, stations in order."""
    return cast(pd.DataFrame, pd.concat([one, other]).groupby(level="station", sort=True).sum())


def decay(record: pd.DataFrame, hours: float) -> pd.DataFrame:
    """The record after some hours, without stations not heard of for weeks."""
    aged = record * np.exp(-hours / MEMORY_HOURS)
    return cast(pd.DataFrame, aged[aged["count"] > 0.01])


def estimate(record: pd.DataFrame, station: NDArray[np.str_]) -> Bias:
    """Bias of the named stations: their mean residual, shrunk to none by what chance and the other stations say.

    Empirical Bayes: the variance of true biases is what the stations' means have beyond that of their samples; a
    single station far outside of it counts by its own evidence. 0 for a station with less than a day's record.
    """
    own = record.reindex(np.asarray(station, dtype=str))
    known = record[record["count"] >= FEWEST_HOURS]
    if known.empty:
        return Bias(np.zeros(len(own)), np.zeros(len(own)))
    sampling, between = _variances(known)
    count = np.maximum(np.nan_to_num(own["count"].to_numpy(float)), 1e-6)
    mean = np.nan_to_num(own["residual"].to_numpy(float)) / count
    noise = sampling * REPETITION_HOURS / count
    signal = np.maximum(between, mean**2 - SURE * noise)
    value = np.where(count >= FEWEST_HOURS, mean * signal / (signal + noise), 0.0)
    # One that has a bias will not keep it to the day: as uncertain as it is large.
    return Bias(value, np.abs(value))


def _variances(known: pd.DataFrame) -> tuple[float, float]:
    """Variance of an hour's residual about its station's mean, and of true biases; robust medians over stations."""
    count = known["count"].to_numpy(float)
    mean = known["residual"].to_numpy(float) / count
    within = float(np.median(known["square"].to_numpy(float) / count - mean**2)) + 1e-12
    between = (1.4826 * np.median(np.abs(mean))) ** 2 - within * REPETITION_HOURS * float(np.median(1 / count))
    return within, max(float(between), 0.0)
